"""Masks that attention takes off its inputs, across the borders of nested models and in shared layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.twin import agree

from regraft.blueprint import Blueprint, Call, TensorRef
from regraft.layers import CATALOGUE, spec_of
from regraft.layers.taken_masks import execution_order, uses_without_mask

IDS = np.array([[3, 1, 4, 0, 0], [2, 0, 0, 0, 0], [1, 2, 3, 4, 5]]).astype("float32")


def block(library: Any, name: str) -> Any:
    """A block of a transformer as a model."""
    layers = library.layers
    entry = library.Input((5, 8))
    attended = layers.MultiHeadAttention(2, 4)(entry, entry)
    return library.Model(entry, layers.LayerNormalization()(layers.Add()([entry, attended])), name=name)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask:UserWarning")
@pytest.mark.parametrize(("library", "suffix"), [("keras", ".keras"), ("tf_keras", ".h5")])
def test_blocks_in_blocks(library: str, suffix: str, tmp_path: Path) -> None:
    """Blocks one behind the other, one block twice, one attention twice; Keras 3 and 2 disagree about the masks."""
    library: Any = pytest.importorskip(library)
    layers = library.layers
    ids = library.Input((5,))
    x = layers.Embedding(9, 8, mask_zero=True)(ids)
    y = block(library, "second")(block(library, "first")(x))
    shared, attention = block(library, "shared"), layers.MultiHeadAttention(2, 4)
    z = shared(shared(x))
    outputs = [y, z, attention(attention(y, y), z), layers.LSTM(3)(y)]
    agree(library.Model(ids, outputs), [IDS], tmp_path, suffix=suffix)


def test_a_mask_is_gone_for_what_runs_later() -> None:
    """Two calls take a tensor: the one farther from the output runs first and has the mask alone."""
    entry = spec_of("in", CATALOGUE["InputLayer"](batch_shape=(None, 5, 8)))
    attention = [spec_of(name, CATALOGUE["MultiHeadAttention"](num_heads=2, key_dim=4)) for name in ("early", "late")]
    dense = spec_of("dense", CATALOGUE["Dense"](units=8))
    x = TensorRef("in")
    calls = (
        Call("late", (x,), arguments={"value": x}),
        Call("early", (x,), arguments={"value": x}),
        Call("dense", (TensorRef("early"),)),
    )
    model = Blueprint("m", (entry, *attention, dense), calls, (x,), (TensorRef("late"), TensorRef("dense")))
    assert execution_order(model)[0].layer == "early"
    assert uses_without_mask(model) == {("late", 0, x)}
