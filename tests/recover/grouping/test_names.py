from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.keras_classes import CLASSES
from regraft.layers import CATALOGUE
from regraft.layers.naming import snake_case
from regraft.recover.grouping.names import default_name, function_in, hints, is_operation, type_of
from regraft.recover.grouping.words import ROWS


@pytest.mark.parametrize(
    ("name", "keras_1", "found"),
    [
        ("conv2d", False, ("Conv2D", 0)),
        ("conv2d_12", False, ("Conv2D", 12)),
        ("input_3", False, ("InputLayer", 3)),
        ("input_layer_1", False, ("InputLayer", 1)),
        ("p_re_lu_2", False, ("PReLU", 2)),
        ("convolution2d_2", True, ("Conv2D", 2)),
        ("timedistributeddense_1", True, ("Dense", 1)),
        ("batchnormalization_7", True, ("BatchNormalization", 7)),
        ("merge_1", True, ("Merge", 1)),
        ("highway_1", True, ("Highway", 1)),
        ("batchnormalization_7", False, None),  # Keras 2 would have written batch_normalization_7
        ("Conv2D_1", False, None),
        ("conv1", False, None),
        ("squeeze_layer_1", False, None),
    ],
)
def test_default_names(name: str, keras_1: bool, found: tuple[str, int] | None) -> None:
    default = default_name(name, keras_1=keras_1)
    assert (None if default is None else (default.type, default.counter)) == found


@pytest.mark.parametrize("class_name", sorted(CLASSES - {"BatchNormalizationV1", "BatchNormalizationV2"}))
def test_every_class_is_told_by_its_default_name(class_name: str) -> None:
    default = default_name(f"{snake_case(class_name)}_4")
    assert default is not None
    assert default.type == type_of(class_name)


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("block1_conv1", ["Conv2D"]),
        ("bn2a_branch2a", ["Conv2D", "BatchNormalization"]),
        ("conv1_relu", ["Activation", "Conv2D"]),
        ("Conv2d_1a_3x3_BN", ["BatchNormalization", "Conv2D"]),
        ("block_3_depthwise", ["DepthwiseConv2D"]),
        ("fc1000", ["Dense"]),
        ("encoder_max_pooling2d_2", ["MaxPooling2D"]),
        ("maxPool", ["MaxPooling2D"]),
        ("PReLU1", ["PReLU"]),
        ("pool1_pad", ["ZeroPadding2D", "MaxPooling2D"]),
        ("skip_add", ["Add", "Add"]),
        ("up6", ["UpSampling2D"]),
        ("merge6", ["Concatenate"]),
        ("gap", ["GlobalAveragePooling2D"]),
        ("main_input", ["InputLayer"]),
        ("biLSTM", ["Bidirectional"]),
        ("my_instant_layer_normalization", ["LayerNormalization"]),
        ("tf.nn.relu", ["Activation"]),
        ("tf_op_layer_AddV2", ["Add"]),
        ("x7", []),
        ("", []),
    ],
)
def test_words(name: str, types: list[str]) -> None:
    assert [hint.types(2)[0] for hint in hints(name)] == types


def test_the_rank_of_a_word_follows_the_maps() -> None:
    (hint,) = hints("pool1")
    assert hint.types(1) == ("MaxPooling1D", "AveragePooling1D")


@pytest.mark.parametrize(
    ("name", "function"),
    [("conv1_relu", "relu"), ("softmax_out", "softmax"), ("z_tanh", "tanh"), ("dense_1", ""), ("leaky_relu_2", "")],
)
def test_function(name: str, function: str) -> None:
    assert function_in(name) == function


def test_operations() -> None:
    assert is_operation("tf.math.multiply_3")
    assert not is_operation("tf_model")


def test_every_word_means_layers_of_keras() -> None:
    types = {t.replace("#", "2") for _, types, _ in ROWS for t in types.split()}
    assert types - set(CATALOGUE) <= CLASSES | {"Lambda"}
    assert len(types & set(CATALOGUE)) > 30


def test_no_word_stands_in_two_rows() -> None:
    words = [word for words, _, _ in ROWS for word in words.split()]
    assert sorted(words) == sorted(set(words))


@given(st.text(max_size=60) | st.text("ab_1A/", max_size=2000))
def test_no_name_is_too_strange(name: str) -> None:
    assert len(hints(name)) <= 24
    default_name(name)
    function_in(name)
