"""MultiHeadAttention and GroupedQueryAttention beside real Keras: sizes, masks from every side, scores, old versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree, relative_error, run

from regraft.blueprint import TensorRef
from regraft.layers import AxisOrder, Site

RNG = np.random.default_rng(5)
QUERY, VALUE, KEY = (RNG.standard_normal((3, *shape)) for shape in ((6, 8), (5, 7), (5, 9)))
IMAGE = RNG.standard_normal((3, 4, 5, 6))
IDS = np.array([[3, 1, 4, 0, 0], [2, 0, 0, 0, 0], [1, 2, 3, 4, 5]])
OTHER_IDS = np.array([[3, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7]])

#: Widths of heads whose root is a power of two: TensorFlow rounds the others to float32 in a float64 model.
#: Settings on (batch, 6, 8), (batch, 5, 7) and (batch, 5, 9), and whether PyTorch's own module does it.
SETTINGS: tuple[tuple[dict[str, Any], bool], ...] = (
    ({"num_heads": 2, "key_dim": 4}, True),
    ({"num_heads": 8, "key_dim": 1, "use_bias": False, "dropout": 0.2}, True),
    ({"num_heads": 3, "key_dim": 4}, False),
    ({"num_heads": 2, "key_dim": 4, "value_dim": 3}, False),
    ({"num_heads": 2, "key_dim": 4, "output_shape": 11}, False),
    ({"num_heads": 2, "key_dim": 4, "output_shape": (3, 2)}, False),
    ({"num_heads": 2, "key_dim": 4, "sliding_window": 2}, False),
    ({"num_heads": 2, "key_dim": 4, "use_gate": True, "value_dim": 5}, False),
)
WIDER = {"head_dim": 4, "num_query_heads": 6, "num_key_value_heads": 2}
GROUPED: tuple[dict[str, Any], ...] = (
    WIDER,
    {**WIDER, "num_key_value_heads": 6, "use_bias": False},
    {**WIDER, "num_key_value_heads": 1, "use_gate": True, "dropout": 0.1},
    {**WIDER, "sliding_window": 3},
)


def stock_lines(source: str) -> int:
    return sum("= nn.MultiheadAttention(" in line for line in source.splitlines())


def case_model(cases: Sequence[dict[str, Any]]) -> Any:
    """Every setting on three tensors, on two and on one, with and without the weights."""
    import keras
    from keras import layers

    query, value, key = (keras.Input(x.shape[1:], name=n) for x, n in ((QUERY, "q"), (VALUE, "v"), (KEY, "k")))
    found: list[Any] = []
    for settings in cases:
        found.append(layers.MultiHeadAttention(**settings)(query, value, key))
        found.append(layers.MultiHeadAttention(**settings)(query, value))
        found.append(layers.MultiHeadAttention(**settings)(query, query, use_causal_mask=True))
        found += layers.MultiHeadAttention(**settings)(query, value, key=key, return_attention_scores=True)
    wide = layers.Dense(8)(value)  # Keras wants as many features in query and value here
    for grouped in GROUPED:
        layer = layers.GroupQueryAttention
        found.append(layer(**grouped)(query, wide, key))
        found.append(layer(**grouped)(query, query, use_causal_mask=True))
        found += layer(**grouped)(query, wide, return_attention_scores=True)
    return keras.Model([query, value, key], found)


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_every_setting_agrees_with_keras_3(suffix: str, tmp_path: Path) -> None:
    cases = SETTINGS if suffix == ".keras" else SETTINGS[1::3]
    module = agree(case_model([settings for settings, _ in cases]), [QUERY, VALUE, KEY], tmp_path, suffix=suffix)
    assert stock_lines(module.source) == 3 * sum(stock for _, stock in cases)


def masked_model(dropout: float = 0.0) -> Any:
    """Padded tokens on both sides, beside masks given to the call; the padded steps are not hidden behind anything."""
    import keras
    from keras import layers

    ids, others = keras.Input((5,), dtype="int32", name="ids"), keras.Input((7,), dtype="int32", name="others")
    allowed = keras.Input((5, 7), dtype="bool", name="allowed")

    def x() -> Any:
        return layers.Embedding(9, 8, mask_zero=True)(ids)

    def y() -> Any:
        return layers.Embedding(9, 6, mask_zero=True)(others)

    def attention(**more: Any) -> Any:
        return layers.MultiHeadAttention(2, 4, dropout=dropout, **more)

    def grouped() -> Any:
        return layers.GroupQueryAttention(4, 6, 2, dropout=dropout)

    bare = layers.Embedding(9, 6)(others)
    one, other = x(), y()
    found = [
        attention()(one, one),
        attention()(x(), y()),
        attention()(x(), bare),
        attention()(bare, x()),
        attention()(x(), other, other),
        attention()(x(), y(), y()),
        attention()(x(), x(), use_causal_mask=True),
        attention()(x(), y(), attention_mask=allowed),
        attention()(x(), bare, attention_mask=allowed, use_causal_mask=True),
        attention()(layers.Dense(8)(bare), y()),
        attention(sliding_window=2)(x(), x(), use_causal_mask=True),
        layers.LSTM(3)(attention()(x(), x())),
        *attention()(x(), y(), return_attention_scores=True),
        grouped()(x(), layers.Dense(8)(y())),
        *grouped()(x(), layers.Dense(8)(y()), attention_mask=allowed, return_attention_scores=True),
    ]
    return keras.Model([ids, others, allowed], found)


ALLOWED = RNG.random((3, 5, 7)) > 0.4
ALLOWED[0, 1] = False


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:Layer '.*' .of type EinsumDense. was passed an input with a mask:UserWarning")
@pytest.mark.parametrize(
    ("dropout", "ours", "naive"), [(0.0, '"mean" else -1e9', '"" else -1e9'), (0.25, 'blind="zero"', 'blind="all"')]
)
def test_masks_from_every_side(dropout: float, ours: str, naive: str, tmp_path: Path) -> None:
    inputs = [IDS, OTHER_IDS, ALLOWED]
    module = agree(masked_model(dropout), inputs, tmp_path)
    assert stock_lines(module.source) == 0
    good = run(module, inputs)
    # What a step gets that may look nowhere: another answer would be wrong by as much as the values are.
    bad = run(replace(module, source=module.source.replace(ours, naive)), inputs)
    assert max(relative_error(b, g) for b, g in zip(bad, good, strict=True)) > 0.05


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:Layer '.*' .of type EinsumDense. was passed an input with a mask:UserWarning")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_masks_that_attention_takes_away(suffix: str, tmp_path: Path) -> None:
    """A transformer of three blocks: Keras masks the attention of the first one alone."""
    import keras
    from keras import layers

    ids = keras.Input((5,), dtype="int32")
    x = layers.Dropout(0.1)(layers.Embedding(9, 8, mask_zero=True)(ids))
    early = layers.Dense(3)(x)
    found: list[Any] = []
    for _ in range(3):
        attended = layers.MultiHeadAttention(2, 4)(x, x)
        x = layers.LayerNormalization()(layers.Add()([x, attended]))
        found.append(x)
    found.append(layers.MultiHeadAttention(3, 4)(early, early))
    found.append(layers.GlobalAveragePooling1D()(x))
    module = agree(keras.Model(ids, found), [IDS], tmp_path, suffix=suffix)
    assert module.source.count("= nn.MultiheadAttention(") == 2


@pytest.mark.oracle
def test_attention_along_other_axes(tmp_path: Path) -> None:
    import keras
    from keras import layers

    entry = keras.Input(IMAGE.shape[1:], name="image")
    rows = keras.Input((4, 4), dtype="bool", name="rows")
    columns = keras.Input((4, 5, 5), dtype="bool", name="columns")
    whole = keras.Input((4, 5, 4, 5), dtype="bool", name="whole")
    found = [
        layers.MultiHeadAttention(3, 4, attention_axes=axes, value_dim=value, output_shape=out)(entry, entry)
        for axes, value, out in (
            (1, 4, None),
            ((2,), None, 7),
            ((1, 2), 5, None),
            (None, None, (2, 3)),
            ((-2,), 4, None),
        )
    ]
    for axes, mask in ((1, rows), (2, columns), ((1, 2), whole)):
        layer = layers.MultiHeadAttention(3, 4, attention_axes=axes)
        found.append(layer(entry, entry, attention_mask=mask))
    found += layers.MultiHeadAttention(3, 4, attention_axes=(1, 2))(entry, entry, return_attention_scores=True)
    found += layers.MultiHeadAttention(3, 4, attention_axes=2)(entry, entry, return_attention_scores=True)
    masks = [RNG.random((3, *shape)) > 0.3 for shape in ((4, 4), (4, 5, 5), (4, 5, 4, 5))]
    agree(keras.Model([entry, rows, columns, whole], found), [IMAGE, *masks], tmp_path)


@pytest.mark.oracle
def test_other_widths_differ_by_the_rounding_of_tensorflow_alone(tmp_path: Path) -> None:
    import keras
    from keras import layers

    query = keras.Input(QUERY.shape[1:])
    found = [layers.MultiHeadAttention(2, 3)(query, query), layers.GroupQueryAttention(5, 4, 2)(query, query)]
    agree(keras.Model(query, found), [QUERY], tmp_path, tolerance=1e-7)


@pytest.mark.oracle
def test_tf_keras(tmp_path: Path) -> None:
    """Masks stay on the tensors, and what may look nowhere gets the attention of ``scores - 1e9``."""
    layers = pytest.importorskip("tf_keras").layers
    import tf_keras

    ids, others = tf_keras.Input((5,), name="ids"), tf_keras.Input((7,), name="others")
    allowed = tf_keras.Input((5, 7), name="allowed")
    x, y = layers.Embedding(9, 8, mask_zero=True)(ids), layers.Embedding(9, 6, mask_zero=True)(others)
    bare = layers.Embedding(9, 6)(others)
    second = layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])
    found = [
        layers.MultiHeadAttention(2, 4, value_dim=3)(second, second),
        layers.MultiHeadAttention(2, 4, use_bias=False, dropout=0.1)(x, y, bare),
        layers.MultiHeadAttention(2, 4, output_shape=5)(x, y, use_causal_mask=True),
        layers.MultiHeadAttention(2, 4)(x, bare, attention_mask=allowed),
        *layers.MultiHeadAttention(2, 4)(x, y, attention_mask=allowed, return_attention_scores=True),
        layers.LSTM(3)(layers.MultiHeadAttention(2, 4)(x, bare)),
        layers.MultiHeadAttention(2, 4)(bare, bare),
        layers.MultiHeadAttention(3, 4, attention_axes=(1,))(query=bare, value=bare),
        layers.GlobalAveragePooling1D()(second),
    ]
    inputs = [IDS.astype("float32"), OTHER_IDS.astype("float32"), ALLOWED.astype("float32")]
    agree(tf_keras.Model([ids, others, allowed], found), inputs, tmp_path, suffix=".h5")


#: What each version of Keras does with padded steps: the snippets' word for it, and whether it sees masks of its inputs.
VERSIONS = (
    ("2.9.0", 0.0, False, ""),
    ("2.10.0", 0.0, True, "all"),
    ("3.6.0", 0.0, True, "all"),
    ("3.7.0", 0.0, True, "mean"),
    ("3.7.0", 0.1, True, "all"),
    ("3.10.0", 0.1, True, "zero"),
    ("3.15.1", 0.0, True, "mean"),
)


@pytest.mark.parametrize(("version", "dropout", "implicit", "blind"), VERSIONS)
def test_padded_steps_by_version(version: str, dropout: float, implicit: bool, blind: str) -> None:
    made = layer("MultiHeadAttention", {"num_heads": 2, "key_dim": 4, "dropout": dropout}, version)
    shape = (None, 5, 8)
    stored = {w.name: tuple({"cin": 8, "out": 8, "heads": 2, "dim": 4}[a] for a in w.axes) for w in made.variables()}
    order = AxisOrder.keras(3)
    arguments = {"value": TensorRef("x")}
    site = Site("it", (shape,) * 2, (shape,), (order,) * 2, (order,), (True, True), stored, arguments)
    form = made.called(arguments).torch(site)
    assert bool(form.before) == implicit
    assert (form.mask == "%m0") == implicit
    assert f'blind="{blind}"' in form.module or blind in ("", "mean")
