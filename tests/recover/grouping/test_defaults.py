from __future__ import annotations

import pytest

from regraft.blueprint import LayerSpec
from regraft.layers import CATALOGUE, KerasVersion, build
from regraft.recover.grouping.defaults import NOT_RECOVERED, built_settings, completed

#: They need another layer, or tensors that no file states.
NEEDS_MORE = {
    "Bidirectional",
    "TimeDistributed",
    "RNN",
    "Functional",
    "StackedRNNCells",
    "LSTMCell",
    "GRUCell",
    "SimpleRNNCell",
}
NEEDS_MORE |= NOT_RECOVERED | {"ConvertToTensor"}
NEEDS_MORE |= {n for n in CATALOGUE if n.endswith("Operation")} | {"Any", "NotEqual", "LogicalAnd", "LogicalOr"}


@pytest.mark.parametrize("type_name", sorted({n for n, c in CATALOGUE.items() if not c.weights} - NEEDS_MORE))
def test_every_layer_without_variables_can_be_built(type_name: str) -> None:
    build(LayerSpec("x", type_name, built_settings(type_name, {}, KerasVersion(2, 3))))


@pytest.mark.parametrize(
    ("type_name", "settings", "version", "key", "value"),
    [
        ("LSTM", {"units": 2}, KerasVersion(2, 2, 4), "recurrent_activation", "hard_sigmoid_keras2"),
        ("LSTM", {"units": 2}, KerasVersion(2, 3, 1), "recurrent_activation", "sigmoid"),
        ("GRU", {"units": 2}, KerasVersion(2, 3, 1), "reset_after", False),
        ("GRU", {"units": 2}, KerasVersion(3), "reset_after", True),
        ("BatchNormalization", {}, KerasVersion(1, 1, 0), "epsilon", 1e-5),
        ("BatchNormalization", {}, KerasVersion(2), "epsilon", 1e-3),
        ("MaxPooling2D", {}, KerasVersion(1), "data_format", "channels_first"),
        ("MaxPooling2D", {"data_format": "channels_last"}, KerasVersion(1), "data_format", "channels_last"),
        ("UpSampling2D", {}, KerasVersion(1), "data_format", "channels_last"),
        ("Conv2D", {"filters": 3, "kernel_size": (2, 3)}, KerasVersion(3), "strides", (1, 1)),
    ],
)
def test_defaults_of_the_version(
    type_name: str, settings: dict[str, object], version: KerasVersion, key: str, value: object
) -> None:
    spec = completed("x", type_name, settings, version)  # type: ignore[arg-type]
    assert not spec.unknown
    assert spec.config[key] == value
    whole = built_settings(type_name, settings, version)  # type: ignore[arg-type]
    assert build(LayerSpec("x", type_name, whole)) == build(spec)


def test_only_what_differs_is_added() -> None:
    assert built_settings("Conv2D", {"filters": 3, "kernel_size": (2, 2)}, KerasVersion(2, 3)) == {
        "filters": 3,
        "kernel_size": (2, 2),
    }


@pytest.mark.parametrize(
    ("type_name", "settings"),
    [
        ("Dense", {}),
        ("Nothing", {}),
        ("", {}),
        ("Dense", {"units": -1}),
        ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}),
    ],
)
def test_what_cannot_be_built_is_a_placeholder(type_name: str, settings: dict[str, int]) -> None:
    assert completed("x", type_name, settings, KerasVersion(2)).unknown
