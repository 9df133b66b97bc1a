"""Attention and AdditiveAttention beside real Keras: both scores, masks, causal, with and without the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree, relative_error, run

RNG = np.random.default_rng(7)
QUERY, VALUE, KEY = (RNG.standard_normal((3, *shape)) for shape in ((6, 8), (5, 7), (5, 8)))
IDS = np.array([[3, 1, 4, 0, 0], [2, 0, 0, 0, 0], [1, 2, 3, 4, 5]])
OTHER_IDS = np.array([[3, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7]])

CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Attention", {}),
    ("Attention", {"use_scale": True, "dropout": 0.3}),
    ("Attention", {"score_mode": "concat"}),
    ("Attention", {"score_mode": "concat", "use_scale": True}),
    ("AdditiveAttention", {}),
    ("AdditiveAttention", {"use_scale": False, "dropout": 0.2}),
)


def case_model(library: Any) -> Any:
    """Every case on query, value and key, on two of them, causal, and with its weights."""
    layers = library.layers
    value = VALUE if library.__name__ == "keras" else KEY  # tf_keras takes the size of a scale from the value
    query, value, key = (library.Input(x.shape[1:], name=n) for x, n in ((QUERY, "q"), (value, "v"), (KEY, "k")))
    found: list[Any] = []
    for name, settings in CASES:
        found.append(getattr(layers, name)(**settings)([query, value, key]))
        found.append(getattr(layers, name)(**settings)([query, query], use_causal_mask=True))
        found += getattr(layers, name)(**settings)([query, key], return_attention_scores=True)
    return library.Model([query, value, key], found)


@pytest.mark.oracle
@pytest.mark.parametrize(("library", "suffix"), [("keras", ".keras"), ("keras", ".h5"), ("tf_keras", ".h5")])
def test_every_case_agrees_with_keras(library: str, suffix: str, tmp_path: Path) -> None:
    inputs = [QUERY, VALUE if library == "keras" else KEY[::-1].copy(), KEY]
    module = agree(case_model(pytest.importorskip(library)), inputs, tmp_path, suffix=suffix)
    plain = " = F.scaled_dot_product_attention(q, k, v, scale=1.0)"
    assert plain in module.source
    # What PyTorch does by default is not what Keras does.
    good, bad = (run(m, inputs) for m in (module, without_scale(module)))
    assert relative_error(bad[0], good[0]) > 0.1


def without_scale(module: Any) -> Any:
    return type(module)(**{**vars(module), "source": module.source.replace(", scale=1.0)", ")")})


@pytest.mark.oracle
@pytest.mark.parametrize(("library", "suffix"), [("keras", ".keras"), ("tf_keras", ".h5")])
def test_masks(library: str, suffix: str, tmp_path: Path) -> None:
    """Padded steps on one side, the other and both; one sample has no step at all."""
    library = pytest.importorskip(library)
    layers = library.layers
    ids, others = library.Input((5,), name="ids"), library.Input((7,), name="others")
    x, y = (layers.Embedding(9, 6, mask_zero=True)(i) for i in (ids, others))
    bare = layers.Embedding(9, 6)(others)
    found: list[Any] = []
    for name, settings in CASES:
        make = getattr(layers, name)
        found.append(make(**settings)([x, y]))
        found.append(make(**settings)([x, bare]))
        found.append(make(**settings)([bare, x], use_causal_mask=True))
        found.append(layers.GlobalAveragePooling1D()(make(**settings)([x, bare, y])))
        found += make(**settings)([x, y], return_attention_scores=True, use_causal_mask=True)
    inputs = [IDS.astype("float32"), OTHER_IDS.astype("float32")]
    agree(library.Model([ids, others], found), inputs, tmp_path, suffix=suffix)


@pytest.mark.oracle
def test_more_axes_in_front(tmp_path: Path) -> None:
    import keras
    from keras import layers

    left, right = keras.Input((2, 4, 5), name="left"), keras.Input((2, 3, 5), name="right")
    found = [layers.Attention()([left, right]), layers.AdditiveAttention()([left, right])]
    data = [RNG.standard_normal((3, *shape)) for shape in ((2, 4, 5), (2, 3, 5))]
    agree(keras.Model([left, right], found), data, tmp_path)


def test_causal_was_a_setting_once() -> None:
    assert layer("Attention", {"use_scale": False, "causal": True}, "2.9.0").config["causal"]
