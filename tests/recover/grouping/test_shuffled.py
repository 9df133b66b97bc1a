"""Lists in no order: layers by shapes, numbers, signs and the traces that training leaves."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tests.recover.grouping.listed import layer, norm, numbered, seen, trained, tree_of

from regraft.recover.grouping.arrays import group_arrays
from regraft.recover.part import Grouping

Layers = list[tuple[str, list[np.ndarray]]]


def connected(widths: list[int], seed: int = 0, taps: int = 3, bias: bool = False) -> Layers:
    """
    A chain of convolutions, each with a norm or a bias, as training leaves them.

    The moving mean is the kernel applied to the mean of what arrives, the variance grows with the kernel's columns, the
    gammas with the variance; kernel and bias moved together.
    """
    random = np.random.default_rng(seed)
    found: Layers = []
    for cin, cout in zip([3, *widths], widths, strict=False):
        arrives = np.abs(random.normal(size=cin)) + 0.2
        strength = np.exp(0.4 * random.normal(size=cout))
        kernel = random.normal(size=(taps, taps, cin, cout)) / np.sqrt(taps * taps * cin) * strength
        if bias:
            steps = 0.2 * random.normal(size=cout)
            kernel += 0.5 * np.outer(arrives, steps)
            found.append(("Conv2D", [kernel, steps + 0.01 * random.normal(size=cout)]))
            continue
        mean = arrives @ kernel.sum(axis=(0, 1))
        variance = (kernel**2).sum(axis=(0, 1, 2)) * np.exp(0.1 * random.normal(size=cout))
        gamma = 0.8 + 0.3 * np.sqrt(variance) + 0.05 * random.normal(size=cout)
        beta = -0.3 * gamma + 0.1 * random.normal(size=cout)
        found += [("Conv2D", [kernel]), ("BatchNormalization", [gamma, beta, mean, variance])]
    return [(kind, [a.astype("f4") for a in arrays]) for kind, arrays in found]


def mixed(layers: Layers, seed: int = 1) -> tuple[list[Grouping], Counter[tuple[str, tuple[int, ...]]]]:
    """Groupings of the arrays in disorder, and what they must find."""
    arrays = [a for _, own in layers for a in own]
    order = np.random.default_rng(seed).permutation(len(arrays))
    place = {int(old): new for new, old in enumerate(order)}
    wanted = numbered([(kind, [("", a.shape) for a in own]) for kind, own in layers])
    expected = Counter((kind, tuple(place[i] for i in places)) for kind, places in wanted)
    return group_arrays(tree_of([arrays[i] for i in order])), expected


def by_hand(*lines: str) -> Layers:
    layers = [layer(line) for line in lines]
    return [(kind, arrays) for (kind, _), arrays in zip(layers, trained(layers), strict=True)]


def right(grouping: Grouping, expected: Counter[tuple[str, tuple[int, ...]]]) -> float:
    """The share of layers that hold exactly their arrays."""
    return sum((Counter(seen(grouping)) & expected).values()) / expected.total()


FORCED = {
    "mlp": by_hand("Dense kernel 20 64, bias 64", "Dense kernel 64 32, bias 32", "Dense kernel 32 3, bias 3"),
    "conv": by_hand("Conv2D kernel 5 5 1 6, bias 6", "Conv2D kernel 5 5 6 16, bias 16", "Dense kernel 400 10, bias 10"),
    "norms": by_hand(
        "Conv2D kernel 3 3 3 16", norm(16), "Conv2D kernel 3 3 16 24", norm(24), "Dense kernel 24 5, bias 5"
    ),
    "mobile": by_hand(
        "Conv2D kernel 3 3 3 8", norm(8), "DepthwiseConv2D kernel 3 3 8 1", norm(8), "Conv2D kernel 1 1 8 20", norm(20)
    ),
    "separable": by_hand(
        "SeparableConv2D depthwise 3 3 3 1, pointwise 1 1 3 16, bias 16",
        "SeparableConv2D depthwise 3 3 16 1, pointwise 1 1 16 24, bias 24",
    ),
    "generator": by_hand(
        "Dense kernel 100 2048, bias 2048",
        "Conv2DTranspose kernel 4 4 64 128, bias 64",
        "Conv2DTranspose kernel 4 4 3 64, bias 3",
    ),
    "lstm": by_hand(
        "Embedding table 1000 16",
        "LSTM kernel 16 80, recurrent_kernel 20 80, gate 80",
        "LSTM kernel 20 48, recurrent_kernel 12 48, gate 48",
        "Dense kernel 12 2, bias 2",
    ),
    "gru": by_hand("GRU kernel 7 24, recurrent_kernel 8 24, gate 2 24", "Dense kernel 8 3, bias 3"),
    "simple_rnn": by_hand("SimpleRNN kernel 7 9, recurrent_kernel 9 9, gate 9", "Dense kernel 9 3, bias 3"),
    "slopes": by_hand("Conv2D kernel 3 3 3 28, bias 28", "PReLU alpha 1 1 28", "Conv2D kernel 1 1 28 2, bias 2"),
    "attention": by_hand(
        "Dense kernel 10 24, bias 24",
        "MultiHeadAttention " + ", ".join("kernel 24 3 8, bias 3 8" for _ in range(3)) + ", kernel 3 8 24, bias 24",
        "Dense kernel 24 7, bias 7",
    ),
    "standardised": by_hand("Normalization mean 5, variance 5, count", "Dense kernel 5 30, bias 30"),
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", FORCED)
def test_shapes_alone_settle_the_layers(name: str, seed: int) -> None:
    found, expected = mixed(FORCED[name], seed)
    assert Counter(kind for kind, _ in seen(found[0])) == Counter(kind for kind, _ in expected.elements())
    kernels = {places[0] for kind, places in expected if kind.startswith(("Conv", "Dense", "LSTM"))}
    assert kernels <= {places[0] for _, places in seen(found[0])}


def test_no_order_is_claimed() -> None:
    found, _ = mixed(FORCED["norms"])
    assert not found[0].ordered
    assert not found[0].complete
    assert "order" in found[0].notes[0]
    assert all(part.label != "proved" for part in found[0].parts)


def test_layers_follow_their_channels() -> None:
    found, _ = mixed(FORCED["norms"])
    shapes = [part.group.variables[0].shape for part in found[0].parts]
    assert shapes == [(3, 3, 3, 16), (16,), (3, 3, 16, 24), (24,), (24, 5)]


@pytest.mark.parametrize("seed", range(4))
def test_statistics_find_their_kernels(seed: int) -> None:
    layers = connected([32, 32, 32], seed)
    found, expected = mixed(layers, seed)
    assert right(found[0], expected) == 1.0
    order = [places[0] for _, places in seen(found[0])]
    wanted = [places for _, places in expected.elements()]
    for kernel, statistics in zip(wanted[::2], wanted[1::2], strict=True):
        assert order[order.index(kernel[0]) + 1] == statistics[0]


@pytest.mark.parametrize("seed", range(4))
def test_biases_find_their_kernels(seed: int) -> None:
    found, expected = mixed(connected([48, 48, 48], seed, taps=1, bias=True), seed)
    assert right(found[0], expected) == 1.0


def test_vectors_without_traces_are_open_and_exchanged_in_other_readings() -> None:
    found, expected = mixed(by_hand("Dense kernel 8 12, bias 12", "Dense kernel 12 12, bias 12"), seed=0)
    assert {part.label for part in found[0].parts} <= {"open", "assumed"}
    assert any(Counter(seen(grouping)) == expected for grouping in found[:3])
    assert found[0].cost <= found[1].cost <= found[-1].cost


def test_directions_are_exchanged_in_another_reading() -> None:
    half = "kernel 7 40, recurrent_kernel 10 40, gate 40"
    found, expected = mixed(by_hand(f"Bidirectional {half}, {half}", "Dense kernel 20 3, bias 3"))
    first, second = (dict(seen(grouping)) for grouping in found[:2])
    assert first["Bidirectional"] == second["Bidirectional"][3:] + second["Bidirectional"][:3]
    assert {frozenset(p) for _, p in seen(found[0])} == {frozenset(p) for _, p in expected}


def test_fresh_norms_are_exchanged_for_nothing() -> None:
    random = np.random.default_rng(0)
    layers: Layers = []
    for cin, cout in ((3, 16), (16, 16)):
        kernel = random.normal(size=(3, 3, cin, cout)).astype("f4")
        zeros, ones = np.zeros(cout, "f4"), np.ones(cout, "f4")
        layers += [("Conv2D", [kernel]), ("BatchNormalization", [ones, zeros, zeros, ones])]
    found, _ = mixed(layers)
    for part in found[0].parts:
        if part.type == "BatchNormalization":
            assert [float(v.read()[0]) for v in part.group.variables] == [1.0, 0.0, 0.0, 1.0]
    assert all(grouping.cost > 5.0 for grouping in found[1:])
