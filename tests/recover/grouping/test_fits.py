from __future__ import annotations

import pytest

from regraft.layers import KerasVersion
from regraft.recover.grouping.fits import fits, fits_as, has_arrays
from regraft.recover.grouping.held import Held

KERAS_2 = KerasVersion(2, 3, 1)
KERAS_1 = KerasVersion(1)
LSTM_ONE = ((6, 12), (3, 12), (12,))
GRU_ONE = ((6, 9), (3, 9), (9,))


def held(*shapes: tuple[int, ...], roles: str = "", version: KerasVersion = KERAS_2, first: bool = False) -> Held:
    named = tuple(roles.split()) or ("",) * len(shapes)
    return Held(shapes, named, version, first)


@pytest.mark.parametrize(
    ("shapes", "type_name", "settings"),
    [
        (((7, 5), (5,)), "Dense", {"units": 5, "use_bias": True}),
        (((3, 4, 8), (8,)), "Conv1D", {"filters": 8, "kernel_size": (3,), "use_bias": True}),
        (((3, 5, 4, 8), (8,)), "Conv2D", {"filters": 8, "kernel_size": (3, 5), "use_bias": True}),
        (((2, 3, 5, 4, 8), (8,)), "Conv3D", {"filters": 8, "kernel_size": (2, 3, 5), "use_bias": True}),
        (((3, 5, 4, 8),), "Conv2D", {"filters": 8, "kernel_size": (3, 5), "use_bias": False}),
        (((3, 5, 4, 8), (4,)), "Conv2DTranspose", {"filters": 4, "kernel_size": (3, 5), "use_bias": True}),
        (((3, 3, 8, 1), (8,)), "DepthwiseConv2D", {"depth_multiplier": 1, "kernel_size": (3, 3), "use_bias": True}),
        (((3, 3, 8, 2), (16,)), "DepthwiseConv2D", {"depth_multiplier": 2, "kernel_size": (3, 3), "use_bias": True}),
        (((3, 3, 8, 1),), "DepthwiseConv2D", {"depth_multiplier": 1, "kernel_size": (3, 3), "use_bias": False}),
        (((3, 3, 4, 2), (1, 1, 8, 5)), "SeparableConv2D",
         {"filters": 5, "depth_multiplier": 2, "kernel_size": (3, 3), "use_bias": False}),
        (((3, 4, 2), (1, 8, 5), (5,)), "SeparableConv1D",
         {"filters": 5, "depth_multiplier": 2, "kernel_size": (3,), "use_bias": True}),
        (((900, 8),), "Embedding", {"input_dim": 900, "output_dim": 8}),
        (LSTM_ONE, "LSTM", {"units": 3, "use_bias": True}),
        (LSTM_ONE[:2], "LSTM", {"units": 3, "use_bias": False}),
        (GRU_ONE, "GRU", {"units": 3, "use_bias": True, "reset_after": False}),
        ((*GRU_ONE[:2], (2, 9)), "GRU", {"units": 3, "use_bias": True, "reset_after": True}),
        (GRU_ONE[:2], "GRU", {"units": 3, "use_bias": False}),
        (((6, 3), (3, 3), (3,)), "SimpleRNN", {"units": 3, "use_bias": True}),
        ((*LSTM_ONE[:2], (24,)), "CuDNNLSTM", {"units": 3}),
        ((*GRU_ONE[:2], (18,)), "CuDNNGRU", {"units": 3}),
        (((4,),) * 4, "BatchNormalization", {"scale": True, "center": True}),
        (((4,),) * 7, "BatchNormalization", {"scale": True, "center": True, "renorm": True}),
        (((4,),) * 2, "LayerNormalization", {"axis": (-1,), "scale": True, "center": True}),
        (((5, 4),) * 2, "LayerNormalization", {"axis": (-2, -1), "scale": True, "center": True}),
        (((1, 1, 6),), "PReLU", {"shared_axes": (1, 2)}),
        (((4,), (4,), ()), "Normalization", {"axis": (-1,)}),
        (((), (), ()), "Normalization", {"axis": ()}),
        (((3, 3, 4, 20), (3, 3, 5, 20), (20,)), "ConvLSTM2D",
         {"filters": 5, "kernel_size": (3, 3), "use_bias": True}),
        (((14, 12, 8), (14, 8)), "LocallyConnected1D", {"filters": 8, "use_bias": True}),
        (((14, 12, 8), (2, 7, 8)), "LocallyConnected2D", {"filters": 8, "use_bias": True}),
        (((9, 2, 4), (2, 4)), "EinsumDense", {}),
    ],
)  # fmt: skip
def test_shapes_alone(shapes: tuple[tuple[int, ...], ...], type_name: str, settings: dict[str, object]) -> None:
    best = fits(held(*shapes, first=True))[0]
    assert (best.type, dict(best.settings)) == (type_name, settings)


@pytest.mark.parametrize(
    ("shapes", "type_name", "settings"),
    [
        (((8, 4, 3, 5), (8,)), "Conv2D", {"filters": 8, "kernel_size": (3, 5), "data_format": "channels_first"}),
        (((3, 5, 4, 8), (8,)), "Conv2D", {"filters": 8, "kernel_size": (3, 5), "data_format": "channels_last"}),
        (((32, 1, 3, 3),), "Conv2D", {"filters": 32, "kernel_size": (3, 3), "data_format": "channels_first"}),
        (((3, 3, 1, 32),), "Conv2D", {"filters": 32, "kernel_size": (3, 3), "data_format": "channels_last"}),
        (((3, 1, 5, 6), (6,)), "Conv1D", {"filters": 6, "kernel_size": (3,)}),
        (((6, 5, 3, 1), (6,)), "Conv1D", {"filters": 6, "kernel_size": (3,)}),
        (((2, 4, 3, 3), (6, 8, 1, 1), (6,)), "SeparableConv2D",
         {"filters": 6, "depth_multiplier": 2, "kernel_size": (3, 3), "data_format": "channels_first"}),
        (((6, 3), (3, 3), (3,)) * 4, "LSTM", {"units": 3}),
        (((6, 3), (3, 3), (3,)) * 3, "GRU", {"units": 3, "reset_after": False}),
        (((6, 3), (3, 3), (3,)), "SimpleRNN", {"units": 3}),
    ],
)  # fmt: skip
def test_shapes_of_keras_1(shapes: tuple[tuple[int, ...], ...], type_name: str, settings: dict[str, object]) -> None:
    best = fits(held(*shapes, version=KERAS_1))[0]
    assert best.type == type_name
    assert {k: best.settings[k] for k in settings} == settings


def test_keras_0_knew_channels_first_only() -> None:
    (best, *_) = fits(held((3, 4, 3, 3), (3,), version=KerasVersion(0, 3)))
    assert best.settings["data_format"] == "channels_first"
    assert {f.settings.get("data_format") for f in fits(held((3, 4, 3, 3), (3,), version=KERAS_1))} == {
        "channels_first",
        "channels_last",
    }


@pytest.mark.parametrize(("one", "inner"), [(LSTM_ONE, "LSTM"), (GRU_ONE, "GRU"), (LSTM_ONE[:2], "LSTM")])
def test_bidirectional(one: tuple[tuple[int, ...], ...], inner: str) -> None:
    best = fits(held(*one, *one))[0]
    layer = best.settings["layer"]
    assert best.type == "Bidirectional"
    assert (layer.type, layer.config["units"], layer.config["use_bias"]) == (inner, 3, len(one) == 3)  # type: ignore[union-attr]
    assert layer.config["recurrent_activation"] == "sigmoid"  # type: ignore[union-attr]
    older = fits(held(*one, *one, version=KerasVersion(2, 2)))[0].settings["layer"]
    assert older.config["recurrent_activation"] != "sigmoid"  # type: ignore[union-attr]


def test_bidirectional_of_keras_1() -> None:
    best = fits(held(*((6, 3), (3, 3), (3,)) * 8, version=KERAS_1))[0]
    assert (best.type, best.settings["layer"].type) == ("Bidirectional", "LSTM")  # type: ignore[union-attr]


def test_attention_states_its_heads() -> None:
    projections = ((10, 2, 3), (2, 3)) * 2 + ((10, 2, 4), (2, 4))
    best = fits(held(*projections, (2, 4, 10), (10,)))[0]
    assert best.type == "MultiHeadAttention"
    assert dict(best.settings) == {"num_heads": 2, "key_dim": 3, "value_dim": 4, "use_bias": True}


def test_stacked_cells() -> None:
    (best, *_) = [f for f in fits(held(*LSTM_ONE, (3, 15), (5, 15), (2, 15))) if f.type == "RNN"]
    cells = best.settings["cell"].config["cells"]  # type: ignore[union-attr]
    assert [(c.type, c.config["units"]) for c in cells] == [("LSTMCell", 3), ("GRUCell", 5)]


@pytest.mark.parametrize(
    ("shapes", "roles", "type_name"),
    [
        (((900, 8),), "kernel", "Dense"),
        (((8, 8),), "embeddings", "Embedding"),
        (((3, 3, 8, 1), (8,)), "depthwise_kernel bias", "DepthwiseConv2D"),
        (((3, 3, 8, 1), (8,)), "kernel bias", "Conv2DTranspose"),
        (((4,), (4,)), "moving_mean moving_variance", "BatchNormalization"),
        (((4,), (4,)), "gamma beta", "LayerNormalization"),
        (((4,),), "alpha", "PReLU"),
        (((4,),), "scale", "RMSNormalization"),
    ],
)
def test_roles_decide(shapes: tuple[tuple[int, ...], ...], roles: str, type_name: str) -> None:
    assert fits(held(*shapes, roles=roles))[0].type == type_name


@pytest.mark.parametrize(
    ("roles", "settings"),
    [
        ("beta moving_mean moving_variance", {"scale": False, "center": True}),
        ("gamma moving_mean moving_variance", {"scale": True, "center": False}),
    ],
)
def test_three_vectors_with_names(roles: str, settings: dict[str, bool]) -> None:
    (only,) = fits_as("BatchNormalization", held((4,), (4,), (4,), roles=roles))
    assert {k: only.settings[k] for k in settings} == settings


def test_three_vectors_without_names_are_two_readings() -> None:
    assert len(fits_as("BatchNormalization", held((4,), (4,), (4,)))) == 2


def test_wrappers_and_twins_by_name() -> None:
    distributed = fits_as("TimeDistributed", held((3, 3, 4, 8), (8,)))[0].settings["layer"]
    assert (distributed.type, distributed.config["filters"], distributed.unknown) == ("Conv2D", 8, "")  # type: ignore[union-attr]
    assert fits_as("SyncBatchNormalization", held(*((4,),) * 4))[0].type == "SyncBatchNormalization"
    assert fits_as("Conv2D", held((4, 8), (8,))) == ()


@pytest.mark.parametrize(
    ("shapes", "why"),
    [
        ((), "no arrays"),
        (((0, 4), (4,)), "an axis without length"),
        (((7, 5), (6,)), "a bias of another length"),
        (((3,), (4,), (5,), (6,)), "nothing has these"),
        (((2,) * 9, (2,)), "an array of nine axes and a vector"),
    ],
)
def test_contradictory_shapes_fit_no_layer_that_can_be_built(shapes: tuple[tuple[int, ...], ...], why: str) -> None:
    assert {f.type for f in fits(held(*shapes))} <= {"EinsumDense"}, why


def test_types_of_their_time() -> None:
    assert "LayerNormalization" not in {f.type for f in fits(held((4,), (4,), version=KERAS_1))}
    assert "CuDNNLSTM" not in {f.type for f in fits(held(*LSTM_ONE[:2], (24,), version=KerasVersion(3)))}


def test_types_with_arrays() -> None:
    assert has_arrays("Conv2D")
    assert has_arrays("TimeDistributed")
    assert not has_arrays("Flatten")
    assert not has_arrays("Highway")
