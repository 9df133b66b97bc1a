"""Lists without order: widths, forms, the shape of the input and the values put the layers in one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from regraft.recover.draft import Hints
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.sequence import in_sequence

Held = dict[str, np.ndarray]


def conv(name: str, cin: int, cout: int) -> Fact:
    return Fact(name, "Conv2D", cin=cin, cout=cout, rank_in=4, weighted=True)


def dense(name: str, rows: int, units: int) -> Fact:
    return Fact(name, "Dense", cin=rows, cout=units, weighted=True)


def lstm(name: str, cin: int, units: int) -> Fact:
    return Fact(name, "LSTM", cin=cin, cout=units, rank_in=3, weighted=True, states=2)


def embedding(name: str, width: int) -> Fact:
    return Fact(name, "Embedding", cout=width, integers=True, weighted=True)


def norm(name: str, channels: int) -> Fact:
    return Fact(name, "BatchNormalization", cin=channels, cout=channels, keeps=True, weighted=True)


#: Layers in no order, the shape of the input if it is known, their order.
CASES: dict[str, tuple[list[Fact], tuple[int, ...] | None, str]] = {
    "widths": ([dense("c", 7, 2), dense("a", 9, 5), dense("b", 5, 7)], None, "a b c"),
    "a convolution before a Dense": ([dense("d", 8 * 25, 5), conv("b", 4, 8), conv("a", 3, 4)], None, "a b d"),
    "an embedding comes first": ([dense("c", 6, 4), lstm("b", 4, 6), embedding("a", 4)], None, "a b c"),
    "a loop of widths that the input opens": ([dense("b", 6, 10), lstm("a", 10, 6)], (12, 10), "a b"),
    "the same, opened elsewhere": ([dense("a", 10, 6), dense("b", 6, 10)], (6,), "b a"),
    "norms stay behind what they normalise": (
        [conv("b", 4, 8), norm("n", 8), conv("a", 3, 4), norm("m", 4)],
        None,
        "a m b n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_order(name: str) -> None:
    facts, shape, expected = CASES[name]
    hints = Hints((shape,)) if shape else Hints()
    found = in_sequence(facts, hints, {}, lambda _: {})
    assert " ".join(fact.name for fact in found) == expected


def test_norms_of_weights_order_equal_layers() -> None:
    rng = np.random.default_rng(3)
    channels = [np.exp(rng.normal(size=20)) for _ in range(4)]
    held: Mapping[str, Held] = {
        "in": {"kernel": rng.normal(size=(5, 20)) * channels[0]},
        "out": {"kernel": rng.normal(size=(20, 3)) * channels[3][:, None]},
        **{
            name: {"kernel": rng.normal(size=(20, 20)) * channels[i][:, None] * channels[i + 1]}
            for i, name in enumerate(("first", "second", "third"))
        },
    }
    facts = [
        dense("third", 20, 20),
        dense("out", 20, 3),
        dense("first", 20, 20),
        dense("in", 5, 20),
        dense("second", 20, 20),
    ]
    found = in_sequence(facts, Hints(), {}, lambda name: held[name])
    assert [fact.name for fact in found] == ["in", "first", "second", "third", "out"]


def test_means_of_norms_order_equal_layers() -> None:
    rng = np.random.default_rng(5)
    names = ["a", "b", "c", "d"]
    held: dict[str, Held] = {}
    x = rng.normal(size=(4000, 3))
    for name in names:
        kernel = rng.normal(size=(x.shape[1], 16)) / 4.0
        y = x @ kernel
        gamma, beta = rng.uniform(0.5, 1.5, 16), rng.normal(size=16)
        held[name] = {"kernel": kernel}
        held[f"{name}_norm"] = {"gamma": gamma, "beta": beta, "moving_mean": y.mean(0), "moving_variance": y.var(0)}
        x = np.maximum(gamma * (y - y.mean(0)) / y.std(0) + beta, 0.0)
    facts = [
        fact
        for name in ("c", "a", "d", "b")
        for fact in (conv(name, 3 if name == "a" else 16, 16), norm(f"{name}_norm", 16))
    ]
    found = in_sequence(facts, Hints(), held, lambda name: held[name])
    assert [fact.name for fact in found if not fact.keeps] == names


def test_a_long_list_is_quick() -> None:
    import time

    facts = [dense(f"d{i}", 16, 16) for i in range(300)]
    started = time.process_time()
    assert len(in_sequence(facts, Hints(), {}, lambda _: {})) == 300
    assert time.process_time() - started < 5.0
