from __future__ import annotations

import pytest

from regraft.blueprint import LayerSpec, TensorRef
from regraft.recover.families.chain import Chain, Link, NotAChainError, area_needed
from regraft.recover.families.refit import default_config


def link(name: str, kind: str, *shapes: tuple[int, ...], **settings: object) -> Link:
    return Link(LayerSpec(name, kind, default_config(kind, settings) if kind else {}), shapes)


def dense(name: str, rows: int, units: int) -> Link:
    return link(name, "Dense", (rows, units), (units,), units=units)


NORM = link("norm", "BatchNormalization", (8,), (8,), (8,), (8,))
CONV = link("conv", "Conv2D", (1, 1, 8, 6), (6,), filters=6, kernel_size=(1, 1))

CHAINS = [
    ("a matrix of the channels takes a mean", [dense("d", 8, 3)], False, "GlobalAveragePooling2D Dense"),
    ("a matrix of the map takes it flat", [dense("d", 8 * 12, 3)], False, "Flatten Dense"),
    (
        "statistics come behind the mean",
        [NORM, dense("d", 8, 3)],
        False,
        "GlobalAveragePooling2D BatchNormalization Dense",
    ),
    ("statistics come in front of the flat map", [NORM, dense("d", 96, 3)], False, "BatchNormalization Flatten Dense"),
    ("a convolution takes the map", [CONV, dense("d", 6, 3)], False, "Conv2D GlobalAveragePooling2D Dense"),
    (
        "what the file lists stays",
        [link("m", "GlobalMaxPooling2D"), dense("d", 8, 3)],
        True,
        "GlobalMaxPooling2D Dense",
    ),
    ("a nameless layer is what is needed", [link("p", ""), dense("d", 8, 3)], True, "GlobalAveragePooling2D Dense"),
    (
        "a nameless layer may be nothing",
        [link("m", "Flatten"), link("p", ""), dense("d", 96, 3)],
        True,
        "Flatten Dense",
    ),
]


@pytest.mark.parametrize(("links", "complete", "types"), [c[1:] for c in CHAINS], ids=[c[0] for c in CHAINS])
def test_what_stands_between(links: list[Link], complete: bool, types: str) -> None:
    chain = Chain(TensorRef("x"), (None, 3, 4, 8), {"x"})
    chain.extend(links, complete=complete)
    assert [spec.type for spec in chain.specs] == types.split()
    assert chain.shape == (None, 3)
    assert chain.end == TensorRef("d")


IMPOSSIBLE = [
    ("rows that fit nothing", [dense("d", 13, 3)]),
    ("a second matrix that does not follow", [dense("d", 8, 3), dense("e", 4, 2)]),
    ("a sum of two", [link("a", "Add"), dense("d", 8, 3)]),
    ("a layer of the author's own", [Link(LayerSpec("mine", "Mine", {}, unknown="foreign"), ((8, 3),))]),
    ("one name twice", [dense("x", 8, 3)]),
]


@pytest.mark.parametrize("links", [c[1] for c in IMPOSSIBLE], ids=[c[0] for c in IMPOSSIBLE])
def test_what_is_no_chain(links: list[Link]) -> None:
    chain = Chain(TensorRef("x"), (None, 3, 4, 8), {"x"})
    with pytest.raises(NotAChainError):
        chain.extend(links, complete=True)


AREAS = [([dense("d", 96, 3)], 12), ([dense("d", 8, 3)], None), ([NORM, dense("d", 96, 3)], 12),
         ([link("g", "GlobalAveragePooling2D"), dense("d", 96, 3)], None), ([CONV, dense("d", 96, 3)], None),
         ([], None)]  # fmt: skip


@pytest.mark.parametrize(("links", "area"), AREAS)
def test_the_map_that_a_head_needs(links: list[Link], area: int | None) -> None:
    assert area_needed(links, 8) == area
