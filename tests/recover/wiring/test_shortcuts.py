"""Identities around blocks: which hypotheses a list allows, and which of them its BatchNorms confirm."""

from __future__ import annotations

import numpy as np
import pytest

from regraft.recover.wiring.evidence import weighed
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.forward import forward
from regraft.recover.wiring.shortcuts import hypotheses


def layers(text: str) -> list[Fact]:
    """Facts from words: ``c3-8`` a convolution, ``p8-4`` one of size 1, ``d8`` depthwise, ``n`` a norm, ``f8-2`` a Dense."""
    found: list[Fact] = []
    width = 0
    for i, word in enumerate(text.split()):
        name = f"{word[0]}{i}"
        if word == "n":
            found.append(Fact(name, "BatchNormalization", cin=width, cout=width, keeps=True, weighted=True))
            continue
        cin, _, cout = word[1:].partition("-")
        width = int(cout or cin)
        kind = {"d": "DepthwiseConv2D", "f": "Dense"}.get(word[0], "Conv2D")
        rank = 0 if word[0] == "f" else 4
        found.append(Fact(name, kind, cin=int(cin), cout=width, rank_in=rank, weighted=True, pointwise=word[0] == "p"))
    return found


#: Layers; block length, whether behind norms, shape; the sums by the places of their tensors in the list.
CASES: dict[str, tuple[str, tuple[int, bool, str], list[tuple[str, str]]]] = {
    "blocks of two": (
        "c3-8 n c8-8 n c8-8 n c8-8 n c8-8 n f8-2",
        (2, True, "plain"),
        [("n5", "n1"), ("n9", "shortcut")],
    ),
    "in front of norms": (
        "c3-8 n c8-8 n c8-8 n c8-8 n c8-8 n f8-2",
        (2, False, "plain"),
        [("c4", "c0"), ("c8", "shortcut")],
    ),
    "bottlenecks": (
        "c3-8 n p8-4 n c4-4 n p4-8 n f8-2",
        (3, True, "bottleneck"),
        [("n7", "n1")],
    ),
    "inverted residuals, of which one gets wider": (
        "c3-8 n p8-32 n d32 n p32-8 n p8-32 n d32 n p32-12 n p12-48 n d48 n p48-12 n f12-2",
        (3, True, "inverted"),
        [("n7", "n1"), ("n19", "n13")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_hypotheses(name: str) -> None:
    text, (length, normed, shape), sums = CASES[name]
    facts = layers(text)
    found = hypotheses(forward(facts), facts)
    assert not found[0].length
    (one,) = [each for each in found if (each.length, each.normed) == (length, normed)]
    assert one.shape == shape
    assert [node.inputs for node in one.graph.nodes if node.type == "Add"] == sums


def test_blocks_as_long_as_those_with_projections_are_usual() -> None:
    facts = layers("c3-8 n c8-8 n c8-8 n c8-12 n c12-12 p8-12 n n c12-12 n c12-12 n f12-2")
    found = hypotheses(forward(facts), facts)
    assert {each.length for each in found if each.usual} == {2}


def test_a_network_without_equal_widths_has_one_hypothesis() -> None:
    facts = layers("c3-8 n c8-16 n c16-32 n f32-2")
    assert len(hypotheses(forward(facts), facts)) == 1


def trained(facts: list[Fact], *, shortcuts: str, seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """Variables whose BatchNorms store what really reaches them, on random vectors, with identities or without."""
    rng = np.random.default_rng(seed)
    held: dict[str, dict[str, np.ndarray]] = {}
    x = rng.normal(size=(4000, 3))
    stream = x
    for i in range(0, len(facts), 2):
        cin, cout = facts[i].cin or 0, facts[i].cout or 0
        kernel = rng.normal(size=(cin, cout)) / np.sqrt(cin)
        y = x @ kernel
        ends = i >= 4 and i % 4 == 0
        if ends and shortcuts == "before":
            y = stream = y + stream
        gamma, beta = rng.uniform(0.5, 1.5, cout), rng.normal(size=cout)
        mean, variance = y.mean(0), y.var(0)
        held[facts[i].name] = {"kernel": kernel}
        held[facts[i + 1].name] = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": variance}
        z = gamma * (y - mean) / np.sqrt(variance + 1e-3) + beta
        if ends and shortcuts == "after":
            z = z + stream
        x = np.maximum(z, 0.0)
        if i % 4 == 0:
            stream = y if shortcuts == "before" else x
    return held


@pytest.mark.parametrize("shortcuts", ["", "after", "before"])
def test_statistics_tell_which(shortcuts: str) -> None:
    facts = layers("c3-24 n " + "c24-24 n " * 8)
    found = hypotheses(forward(facts), facts)
    costs = weighed(found, trained(facts, shortcuts=shortcuts))
    best = found[int(np.argmin(costs))]
    wanted = {"": (0, True), "after": (2, True), "before": (2, False)}[shortcuts]
    assert (best.length, best.normed) == wanted
    assert np.sort(costs)[1] > 1.0


def test_untrained_norms_say_nothing() -> None:
    facts = layers("c3-8 n c8-8 n c8-8 n")
    held = {f.name: {"moving_mean": np.zeros(8), "moving_variance": np.ones(8)} for f in facts if f.keeps}
    assert not weighed(hypotheses(forward(facts), facts), held).any()
