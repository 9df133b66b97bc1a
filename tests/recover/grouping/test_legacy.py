from __future__ import annotations

import dataclasses

import pytest
from tests.recover.grouping import trees

from regraft.blueprint import Label
from regraft.recover.grouping import group
from regraft.recover.part import Grouping
from regraft.weights import Group, WeightTree

KERAS_1_CNN: dict[str, trees.Arrays] = {
    "convolution2d_1": {"convolution2d_1_W": (32, 1, 3, 5), "convolution2d_1_b": (32,)},
    "activation_1": {},
    "maxpooling2d_1": {},
    "convolution2d_2": {"convolution2d_2_W": (3, 32, 3, 3), "convolution2d_2_b": (3,)},
    "zeropadding2d_1": {},
    "flatten_1": {},
    "dense_1": {"dense_1_W": (40, 7), "dense_1_b": (7,)},
}
UNET: dict[str, trees.Arrays] = {
    "img": {},
    "conv1": {"conv1/kernel:0": (3, 3, 1, 8), "conv1/bias:0": (8,)},
    "conv1_relu": {},
    "pool1": {},
    "up6": {},
    "merge6": {},
    "skip_add": {},
    "act_b": {},
    "qq": {},
    "gap": {},
    "softmax_out": {},
}


def types(found: Grouping) -> list[str]:
    return [part.type for part in found.parts]


def test_a_file_of_keras_1_in_theano_order() -> None:
    (found,) = group(trees.legacy(KERAS_1_CNN, "", "keras-1"))
    assert types(found) == ["Conv2D", "Activation", "MaxPooling2D", "Conv2D", "ZeroPadding2D", "Flatten", "Dense"]
    assert {part.label for part in found.parts} == {"proved"}
    assert [part.counter for part in found.parts] == [1, 1, 1, 2, 1, 1, 1]
    assert [part.settings.get("data_format") for part in found.parts[:5]] == [
        "channels_first", None, "channels_first", "channels_first", "channels_first"
    ]  # fmt: skip
    assert found.parts[0].settings["kernel_size"] == (3, 5)
    assert (found.ordered, found.complete) == (True, True)


def test_words_in_names() -> None:
    (found,) = group(trees.legacy(UNET))
    assert types(found) == [
        "InputLayer", "Conv2D", "Activation", "MaxPooling2D", "UpSampling2D", "Concatenate", "Add", "Activation", "",
        "GlobalAveragePooling2D", "Activation",
    ]  # fmt: skip
    by_name = {part.name: part for part in found.parts}
    assert by_name["conv1_relu"].settings == {"activation": "relu"}
    assert by_name["softmax_out"].settings == {"activation": "softmax"}
    assert "ReLU" in by_name["conv1_relu"].others
    assert by_name["qq"].label == "open"
    assert "MaxPooling2D" in by_name["qq"].others


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["qq", "rr", "dense_1"], ["InputLayer", "InputLayer", "Dense"]),  # inputs come first
        (["dense_1", "qq"], ["Dense", ""]),  # a Sequential lists none
        (["input_1", "dense_1", "inputs"], ["InputLayer", "Dense", "InputLayer"]),
        (["masking_1", "image", "dense_1"], ["Masking", "", "Dense"]),
        (["pad1", "dense_1"], ["ZeroPadding2D", "Dense"]),
        (["lstm_input", "dense_1", "aux_image_input"], ["InputLayer", "Dense", "InputLayer"]),
        (["x_input", "dense_1", "lstm_input"], ["InputLayer", "Dense", ""]),  # what goes into the LSTM
    ],
)
def test_inputs(names: list[str], found: list[str]) -> None:
    arrays = {"dense_1/kernel:0": (4, 6), "dense_1/bias:0": (6,)}
    tree = trees.legacy({name: arrays if name == "dense_1" else {} for name in names})
    assert types(group(tree)[0]) == found


@pytest.mark.parametrize(("kernel", "pool"), [((3, 4, 8), "MaxPooling1D"), ((3, 3, 3, 4, 8), "MaxPooling3D")])
def test_the_rank_of_a_pool_is_that_of_the_convolution_before(kernel: tuple[int, ...], pool: str) -> None:
    tree = trees.legacy({"c": {"c/kernel:0": kernel, "c/bias:0": (8,)}, "maxpool": {}})
    assert types(group(tree)[0])[1] == pool


def test_operations_of_tensorflow() -> None:
    tree = trees.legacy(
        {"input_1": {}, "tf.__operators__.add_1": {}, "tf.math.log": {}, "tf_op_layer_Relu": {}}, "2.4.0"
    )
    found = group(tree)[0]
    assert types(found) == ["InputLayer", "Add", "", "Activation"]
    assert {part.label for part in found.parts[1:]} == {"assumed", "open"}


def test_keras_0_knows_numbers_only() -> None:
    layers = (
        Group(
            "layer_0",
            "",
            "/layer_0",
            (trees.variable("/a", "param_0", (8, 1, 3, 3)), trees.variable("/b", "param_1", (8,))),
        ),
        Group("layer_1", "", "/layer_1"),
        Group(
            "layer_2", "", "/layer_2", (trees.variable("/c", "param_0", (90, 7)), trees.variable("/d", "param_1", (7,)))
        ),
        Group("layer_3", "", "/layer_3", tuple(trees.variable(f"/{i}", f"param_{i}", (7,)) for i in range(4))),
    )
    (found,) = group(WeightTree("old.h5", "keras-0", layers, "nb_layers"))
    assert types(found) == ["Conv2D", "", "Dense", "BatchNormalization"]
    assert found.parts[0].settings["data_format"] == "channels_first"
    assert [part.counter for part in found.parts] == [None] * 4


def test_a_model_inside() -> None:
    inner = {
        "conv1/kernel:0": (3, 3, 1, 8),
        "conv1/bias:0": (8,),
        "bn/gamma:0": (8,),
        "bn/beta:0": (8,),
        "bi/forward_lstm/lstm_cell/kernel:0": (6, 12),
        "bi/forward_lstm/lstm_cell/recurrent_kernel:0": (3, 12),
        "bi/backward_lstm/lstm_cell/kernel:0": (6, 12),
        "bi/backward_lstm/lstm_cell/recurrent_kernel:0": (3, 12),
        "bn/moving_mean:0": (8,),
        "bn/moving_variance:0": (8,),
    }
    tree = trees.legacy({"input_1": {}, "model_1": inner, "encoder": inner, "sequential_2": {}})
    labels: list[tuple[str, Label]] = [("proved", "InputLayer"), ("supported", "Functional"), ("assumed", "Functional")]  # type: ignore[list-item]
    found = group(tree)[0]
    assert [(part.label, part.type) for part in found.parts] == [*labels, ("supported", "Functional")]
    inside = found.parts[2].inner
    assert inside is not None
    assert types(inside) == ["Conv2D", "BatchNormalization", "Bidirectional"]
    assert [part.name for part in inside.parts] == ["conv1", "bn", "bi"]
    assert [len(part.group.variables) for part in inside.parts] == [2, 4, 4]
    assert (inside.ordered, inside.complete) == (True, False)
    empty = found.parts[3].inner
    assert empty is not None
    assert empty.parts == ()


def test_a_layer_whose_variables_all_come_late_is_out_of_order() -> None:
    inner: trees.Arrays = {
        "conv1/kernel:0": (3, 3, 1, 8),
        "bn/moving_mean:0": (8,),
        "bn/moving_variance:0": (8,),
    }
    inside = group(trees.legacy({"model_1": inner}))[0].parts[0].inner
    assert inside is not None
    assert not inside.ordered


def test_two_layers_of_one_name_inside_keep_their_paths() -> None:
    inner: trees.Arrays = {"a/conv/kernel:0": (3, 3, 1, 8), "b/conv/kernel:0": (3, 3, 8, 8)}
    inside = group(trees.legacy({"model_1": inner}))[0].parts[0].inner
    assert inside is not None
    assert [part.name for part in inside.parts] == ["a/conv", "b/conv"]


def test_states_of_random_generators_are_no_weights() -> None:
    state = trees.variable("/dropout/seed_generator/seed_generator_state", "seed_generator/seed_generator_state", (2,))
    tree = trees.legacy({"dropout": {}}, "3.3.0")
    tree = dataclasses.replace(tree, layers=(dataclasses.replace(tree.layers[0], variables=(state,)),))
    assert types(group(tree)[0]) == ["Dropout"]


def test_time_distributed_without_variables() -> None:
    conv: trees.Arrays = {"time_distributed_1/kernel:0": (3, 3, 1, 8), "time_distributed_1/bias:0": (8,)}
    tree = trees.legacy({"time_distributed_1": conv, "time_distributed_2": {}})
    inner = [part.settings["layer"].type for part in group(tree)[0].parts]  # type: ignore[union-attr]
    assert inner == ["Conv2D", "Flatten"]


def test_merge_of_keras_1_has_a_mode_that_nobody_stored() -> None:
    part = group(trees.legacy({"dense_1": {"dense_1_W": (3, 4), "dense_1_b": (4,)}, "merge_1": {}}, "", "keras-1"))[
        0
    ].parts[1]
    assert (part.type, part.label, part.others[0]) == ("", "open", "Concatenate")
