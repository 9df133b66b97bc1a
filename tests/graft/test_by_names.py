"""Pairs by names: what decides, and what is left undecided."""

from __future__ import annotations

import pytest

from regraft.graft.by_names import pair
from regraft.graft.naming import counted, words_of
from regraft.graft.owner import Array, Owner

Sizes = dict[str, tuple[int, int]]


def layers(sizes: Sizes) -> list[Owner]:
    """Dense layers of a file by name, with what enters and what leaves."""
    return side(
        {
            name: {"weight": Array(f"{name}/kernel", size, "kernel"), "bias": Array(f"{name}/bias", size[1:], "bias")}
            for name, size in sizes.items()
        }
    )


def modules(sizes: Sizes) -> list[Owner]:
    """Linear modules by name, with what enters and what leaves."""
    return side(
        {
            name: {
                "weight": Array(f"{name}.weight", (size[1], size[0]), "", "cout cin"),
                "bias": Array(f"{name}.bias", size[1:], "", "cout"),
            }
            for name, size in sizes.items()
        }
    )


def side(arrays: dict[str, dict[str, Array]]) -> list[Owner]:
    words = counted([words_of(name.replace(".", "/").split("/")) for name in arrays])
    return [Owner(name, word, own) for (name, own), word in zip(arrays.items(), words, strict=True)]


def found(sources: Sizes, targets: Sizes) -> dict[str, str]:
    return {one.source.name: one.target.name for one in pair(layers(sources), modules(targets)).pairs}


def block(*names: str) -> Sizes:
    return dict.fromkeys(names, (4, 4))


@pytest.mark.parametrize(
    ("sources", "targets", "pairs"),
    [
        # what is called the same, in any order
        (block("a/q", "a/k", "b/q"), block("b.q", "a.k", "a.q"), {"a/q": "a.q", "a/k": "a.k", "b/q": "b.q"}),
        # from 1 and from 0
        (block("h_1/x", "h_2/x"), block("layers.1.x", "layers.0.x"), {"h_1/x": "layers.0.x", "h_2/x": "layers.1.x"}),
        # no names at all, and shapes that nothing else has
        ({"dense": (3, 5), "dense_1": (5, 7)}, {"down": (3, 5), "up": (5, 7)}, {"dense": "down", "dense_1": "up"}),
        # no names and equal shapes
        (block("dense", "dense_1"), block("down", "up"), {}),
        # Keras counts, the module counts other things
        (block("fc_0", "fc_1"), block("layers.1", "layers.3"), {}),
        # half of the names is not enough among equal shapes
        (block("pooler/dense"), {**block("predictions.transform.dense"), **block("other")}, {}),
    ],
)  # fmt: skip
def test_pairs(sources: Sizes, targets: Sizes, pairs: dict[str, str]) -> None:
    assert found(sources, targets) == pairs


def test_the_last_of_its_shape_at_its_place() -> None:
    sources = {
        f"encoder/layer_{i}/{name}": size
        for i in (0, 1)
        for name, size in {"attention/query": (4, 4), "inner/dense": (4, 9), "outer/dense": (9, 4)}.items()
    }
    targets = {
        f"h.{i}.{name}": size
        for i in (1, 0)
        for name, size in {"attn.q": (4, 4), "mlp.fc1": (4, 9), "mlp.fc2": (9, 4)}.items()
    }
    result = pair(layers(sources), modules(targets))
    pairs = {one.source.name: (one.target.name, one.how) for one in result.pairs}
    assert pairs["encoder/layer_0/attention/query"] == ("h.0.attn.q", "names")
    assert pairs["encoder/layer_1/inner/dense"][0] == "h.1.mlp.fc1"
    assert "left of its shape" in pairs["encoder/layer_1/inner/dense"][1]
    assert not result.undecided


def test_a_place_with_more_of_a_shape_decides_nothing() -> None:
    sources = {f"layer_{i}/{name}": (4, 4) for i in (0, 1) for name in ("query", "one", "two")}
    targets = {f"h.{i}.{name}": (4, 4) for i in (0, 1) for name in ("q", "first", "second")}
    result = pair(layers(sources), modules(targets))
    assert {one.source.name for one in result.pairs} == {"layer_0/query", "layer_1/query"}
    assert len(result.undecided) == 4
    assert all(len(those) == 2 for _, those in result.undecided), "each could be either, in its own layer"


def test_a_layer_without_bias_fills_a_module_with_one() -> None:
    (source,) = side({"head": {"weight": Array("head/kernel", (3, 5), "kernel")}})
    (one,) = pair([source], modules({"head": (3, 5)})).pairs
    assert set(one.ways) == {"weight"}


def test_a_bias_without_a_place_is_no_pair() -> None:
    target = side({"head": {"weight": Array("head.weight", (5, 3), "", "cout cin")}})
    result = pair(layers({"head": (3, 5)}), target)
    assert not result.pairs
    assert [owner.name for owner in result.lone_sources] == ["head"]
