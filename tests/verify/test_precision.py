"""How wide the float64 limit of each layer is."""

from __future__ import annotations

from typing import Any

import pytest
from tests.verify.subjects import chain, graph, layer

from regraft.verify.precision import EXACT, ROUNDED_CONSTANTS, SINGLE_PRECISION, limit, limits


@pytest.mark.parametrize(
    ("type", "config", "expected"),
    [
        ("Dense", {"activation": "relu"}, EXACT),
        ("Dense", {"activation": "gelu"}, ROUNDED_CONSTANTS),
        ("LeakyReLU", {"negative_slope": 0.3}, ROUNDED_CONSTANTS),
        ("ReLU", {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}, EXACT),
        ("ReLU", {"max_value": 6.0, "negative_slope": 0.0}, EXACT),
        ("ReLU", {"max_value": 0.7}, ROUNDED_CONSTANTS),
        ("Rescaling", {"scale": 1 / 255}, ROUNDED_CONSTANTS),
        ("UpSampling2D", {"interpolation": "nearest"}, EXACT),
        ("UpSampling2D", {"interpolation": "bilinear"}, SINGLE_PRECISION),
        ("GeluOperation", {"approximate": True}, ROUNDED_CONSTANTS),
        ("ResizeOperation", {"interpolation": "nearest"}, EXACT),
        ("ResizeOperation", {"interpolation": "bilinear"}, SINGLE_PRECISION),
        ("TimeDistributed", {"layer": layer("inner", "Dense", activation="leaky_relu")}, ROUNDED_CONSTANTS),
    ],
)
def test_a_layer_has_the_limit_that_tensorflow_allows(type: str, config: dict[str, Any], expected: float) -> None:
    assert limit(layer("it", type, **config)) == expected


def test_what_comes_behind_a_rounded_layer_has_its_limit_and_what_stands_beside_it_not() -> None:
    fork = graph(
        [
            layer("x", "InputLayer"),
            layer("stem"),
            layer("leaky", "LeakyReLU", negative_slope=0.3),
            layer("side"),
            layer("sum", "Add"),
        ],
        [("stem", "x"), ("leaky", "stem"), ("side", "stem"), ("sum", "leaky", "side")],
    )
    found = {path[0]: value for path, value in limits(fork).items()}
    assert found == {"stem": EXACT, "leaky": ROUNDED_CONSTANTS, "side": EXACT, "sum": ROUNDED_CONSTANTS}


def test_a_rounded_layer_inside_a_nested_model_reaches_what_follows_the_model() -> None:
    inner = chain(layer("gelu", activation="gelu"))
    found = limits(chain(layer("stem"), layer("block", "Functional", blueprint=inner), layer("head")))
    assert found["stem",] == EXACT
    assert found["block", "gelu"] == found["block",] == found["head",] == ROUNDED_CONSTANTS
