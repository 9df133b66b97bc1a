"""A graph walked call by call makes the tensors that the model makes as a whole, and holds few of them."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from tests.twin import randomise
from tests.verify import keras_models as models

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore::UserWarning")]
RNG = np.random.default_rng(4)


def masked_inside(k: Any) -> Any:
    """A model that makes a mask inside, in a model that takes one."""
    words = k.Input((None,), dtype="int32", name="words")
    embedded = k.layers.Embedding(11, 5, mask_zero=True, name="embedding")(words)
    steps = k.Input((None, 5), name="steps")
    inner = k.Model(steps, k.layers.LSTM(4, return_sequences=True, name="lstm")(steps), name="inner")
    front = k.Model(words, embedded, name="front")
    again = k.Input((None,), dtype="int32", name="again")
    return k.Model(again, k.layers.GRU(3, name="gru")(inner(front(again))), name="masked_inside")


def several(k: Any) -> Any:
    """Two inputs, a layer called twice, arguments by name, an output that is used again."""
    a, b = k.Input((6, 5), name="a"), k.Input((4, 5), name="b")
    shared = k.layers.Dense(5, activation="tanh", name="shared")
    attended = k.layers.MultiHeadAttention(2, 3, name="attention")(shared(a), value=shared(b), key=b)
    return k.Model([a, b], [k.layers.Flatten(name="flat")(attended), attended], name="several")


CASES = [
    (models.nested, [RNG.standard_normal((2, 9, 13, 3)).astype("float32")]),
    (models.recurrent, [np.array([[3, 4, 5, 0, 0], [1, 0, 2, 7, 0]], "int32")]),
    (masked_inside, [np.array([[3, 4, 5, 0, 0], [1, 2, 0, 7, 0]], "int32")]),
    (several, [RNG.standard_normal((3, 6, 5)).astype("float32"), RNG.standard_normal((3, 4, 5)).astype("float32")]),
]


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
@pytest.mark.parametrize(("make", "inputs"), CASES, ids=lambda x: getattr(x, "__name__", ""))
def test_it_makes_the_same_tensors(make: Any, inputs: list[np.ndarray], library: str) -> None:
    k = pytest.importorskip(library)
    import tensorflow as tf

    from regraft.verify.oracle_graph import Capture
    from regraft.verify.oracle_steps import walk

    k.backend.clear_session()
    model = make(k)
    randomise(model, 6)
    capture = Capture(k, model)
    tensors = [tf.constant(array) for array in inputs]
    whole = capture(tensors)
    numbers: list[int] = []
    for number, tensor in walk(capture, tensors):
        numbers.append(number)
        np.testing.assert_allclose(tensor.numpy(), whole[number].numpy(), rtol=1e-5, atol=1e-6, err_msg=str(number))
    assert sorted(numbers) == list(range(len(capture.spots)))


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_it_holds_what_is_needed_and_no_more(library: str) -> None:
    """A chain with one skip: at most the skip, what is made and what it is made of are alive."""
    k = pytest.importorskip(library)
    import tensorflow as tf

    from regraft.verify.oracle_graph import Capture
    from regraft.verify.oracle_steps import walk

    x = first = k.Input((7,))
    for number in range(12):
        x = k.layers.Dense(5 + number, activation="tanh")(x)
    inner = k.Model(first, x, name="inner")
    entry = k.Input((7,))
    y = k.layers.Dense(7)(entry)
    z = y
    for number in range(12):
        z = k.layers.Dense(5 + number)(z)
    model = k.Model(entry, k.layers.Concatenate()([inner(y), z]))
    capture = Capture(k, model)
    alive: list[weakref.ref[Any]] = []
    most = 0
    gc.collect()
    gc.freeze()  # what was there before need not be looked through for each tensor
    for _, tensor in walk(capture, [tf.constant(RNG.standard_normal((2, 7)).astype("float32"))]):
        alive.append(weakref.ref(tensor))
        del tensor
        gc.collect()
        most = max(most, sum(r() is not None for r in alive))
    gc.unfreeze()
    assert len(alive) == len(capture.spots) == 12 + 1 + 12 + 1 + 1
    assert most <= 5
