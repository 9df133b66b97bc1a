"""The way back of parameters that were trained: exact where nothing changed, added up or refused where Keras has no place."""

from __future__ import annotations

import numpy as np
import pytest

from regraft.errors import ShapeMismatchError
from regraft.graft.mapping import Entry, Made, TensorMap
from regraft.layout import Fill

STORED = {"/bias": np.arange(12, dtype="float32"), "/mean": np.random.default_rng(0).random(5, "float32"),
          "/taken": np.full(5, 7.3, "float32")}  # fmt: skip


def plain(path: str, key: str, **more: tuple[str, ...]) -> Entry:
    return Entry("layer", (Made((path,)),), (), (key,), {}, more)


def constant(key: str, size: int, value: float = 0.0) -> Entry:
    return Entry("layer", (), (Fill((size,), value),), (key,), {}, {})


def way_back(gates: int, second: float) -> dict[str, np.ndarray]:
    plan = TensorMap((plain("/bias", "rnn.bias_ih_l0"), constant("rnn.bias_hh_l0", 12)))
    state = plan.parameters(STORED.__getitem__)
    state |= {
        "rnn.weight_hh_l0": np.zeros((12, 12 // gates), "float32"),
        "rnn.bias_hh_l0": np.full(12, second, "float32"),
    }
    return plan.variables(state, STORED.__getitem__)


def test_two_biases_that_are_added_become_one() -> None:
    np.testing.assert_array_equal(way_back(4, 0.5)["/bias"], STORED["/bias"] + 0.5)
    assert way_back(4, 0.0)["/bias"].tobytes() == STORED["/bias"].tobytes()


def test_two_biases_with_a_gate_between_them_are_refused() -> None:
    with pytest.raises(ShapeMismatchError, match=r"rnn.bias_hh_l0 has other numbers than 0 everywhere"):
        way_back(3, 0.5)


def test_a_scale_that_keras_has_not_is_refused_once_it_was_trained() -> None:
    plan = TensorMap((constant("norm.weight", 5, 1.0),))
    assert plan.variables({"norm.weight": np.ones(5, "float32")}, STORED.__getitem__) == {}
    with pytest.raises(ShapeMismatchError, match="of the layer layer"):
        plan.variables({"norm.weight": np.full(5, 2.0, "float32")}, STORED.__getitem__)


def test_a_mean_that_a_bias_was_taken_off_comes_back_bit_for_bit() -> None:
    plan = TensorMap((Entry("layer", (Made(("/mean",)),), (), ("norm.mean",), {}, {"norm.mean": ("/taken",)}),))
    state = plan.parameters(STORED.__getitem__)
    rounded = state["norm.mean"] + STORED["/taken"]
    assert rounded.tobytes() != STORED["/mean"].tobytes(), "else the case shows nothing"
    assert plan.variables(state, STORED.__getitem__)["/mean"].tobytes() == STORED["/mean"].tobytes()


def test_what_a_single_cannot_hold_is_kept() -> None:
    stored = {"/wide": np.array([1 / 3, 2 / 3])}
    plan = TensorMap((plain("/wide", "a.weight"),))
    state = {"a.weight": stored["/wide"].astype("float32")}
    assert plan.variables(state, stored.__getitem__)["/wide"].tobytes() == stored["/wide"].tobytes()
