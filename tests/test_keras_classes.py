from __future__ import annotations

import pytest

from regraft.keras_classes import class_of, is_custom, stem_of
from regraft.layers import ALIASES, CATALOGUE
from regraft.layers.naming import snake_case


@pytest.mark.parametrize(
    ("class_name", "module", "custom"),
    [
        ("Conv2D", "", False),
        ("Lambda", "keras.layers", True),
        ("TFOpLambda", "", False),
        ("Functional", "keras.src.models.functional", False),
        ("Mean", "keras.src.ops.numpy", False),
        ("Mean", "", True),
        ("Attention2", "author.layers", True),
        ("Conv2D", "author.layers", False),
    ],
)
def test_what_is_code(class_name: str, module: str, custom: bool) -> None:
    assert is_custom(class_name, module) is custom


@pytest.mark.parametrize("name", ["LSTM", "PReLU", "MaxPooling2D", "ConvLSTM2D", "Conv2DTranspose", "SeparableConv1D"])
def test_default_names_are_those_that_keras_gives(name: str) -> None:
    assert class_of(snake_case(name)) == name
    assert class_of(name.lower()) == name


def test_every_layer_with_variables_in_the_catalogue_is_known() -> None:
    """Those without may be operations (``NotEqual``), which come with a module and need no entry."""
    assert [name for name, kind in ALIASES.items() if CATALOGUE[kind].weights and is_custom(name, "")] == []


@pytest.mark.oracle
def test_every_layer_of_keras_is_known() -> None:
    import keras

    every = {n for n in dir(keras.layers) if isinstance(getattr(keras.layers, n), type)}
    assert {n for n in every if is_custom(getattr(keras.layers, n).__name__, "")} == {
        "FlaxLayer", "InputSpec", "JaxLayer", "Lambda", "Layer", "TFSMLayer", "TorchModuleWrapper", "Wrapper",
    }  # fmt: skip


def test_counts_are_cut() -> None:
    assert [stem_of(key) for key in ("conv2d_12", "conv2d", "a_1_b")] == ["conv2d", "conv2d", "a_1_b"]
