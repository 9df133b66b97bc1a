"""Lists of the layers with variables: sums and joins appear where channels ask for them."""

from __future__ import annotations

import pytest

from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.forward import forward


def conv(name: str, cin: int, cout: int) -> Fact:
    return Fact(name, "Conv2D", cin=cin, cout=cout, rank_in=4, weighted=True)


def point(name: str, cin: int, cout: int) -> Fact:
    return Fact(name, "Conv2D", cin=cin, cout=cout, rank_in=4, weighted=True, pointwise=True)


def norm(name: str, channels: int) -> Fact:
    return Fact(name, "BatchNormalization", cin=channels, cout=channels, keeps=True, weighted=True)


def dense(name: str, rows: int, units: int) -> Fact:
    return Fact(name, "Dense", cin=rows, cout=units, weighted=True)


#: Layers, and what each takes; layers that were put in are named with their type.
CASES: dict[str, tuple[list[Fact], dict[str, tuple[str, ...]]]] = {
    "a chain": (
        [conv("a", 3, 8), norm("n", 8), conv("b", 8, 5), dense("d", 5, 2)],
        {"n": ("a",), "b": ("n",), "d": ("b",)},
    ),
    "a vector that becomes a map, normalised before it is convolved": (
        [dense("d", 100, 49 * 10), norm("n", 10), conv("a", 10, 5)],
        {"n": ("d",), "a": ("n",)},
    ),
    "a vector that becomes a map": ([dense("d", 100, 49 * 10), conv("a", 10, 5)], {"a": ("d",)}),
    "a flattened map": ([conv("a", 3, 8), dense("d", 8 * 49, 10)], {"d": ("a",)}),
    "a projected shortcut": (
        [conv("stem", 3, 8), conv("a", 8, 4), conv("b", 4, 16), conv("shortcut", 8, 16), conv("next", 16, 4)],
        {"b": ("a",), "shortcut": ("stem",), "add": ("shortcut", "b"), "next": ("add",)},
    ),
    "branches side by side, as a file lists them": (
        [
            conv("stem", 3, 8),
            conv("a", 8, 16),
            conv("shortcut", 8, 16),
            norm("a_norm", 16),
            norm("shortcut_norm", 16),
            conv("next", 16, 4),
        ],
        {"a_norm": ("a",), "shortcut_norm": ("shortcut",), "add": ("shortcut_norm", "a_norm"), "next": ("add",)},
    ),
    "a skip of a U-Net": (
        [conv("down", 3, 8), conv("deep", 8, 16), conv("up", 16, 8), conv("joined", 16, 5)],
        {"up": ("deep",), "concatenate": ("up", "down"), "joined": ("concatenate",)},
    ),
    "a join of two widths": (
        [conv("down", 3, 9), conv("deep", 9, 16), conv("up", 16, 7), conv("joined", 16 + 7, 5)],
        {"up": ("deep",), "concatenate": ("up", "deep"), "joined": ("concatenate",)},
    ),
    "skips of a U-Net with normalisation, each joined once, none from the middle of a block": (
        [
            *(
                conv("a", 3, 8),
                norm("a_norm", 8),
                conv("b", 8, 8),
                norm("b_norm", 8),
                conv("c", 8, 8),
                norm("c_norm", 8),
            ),
            *(conv("up", 16, 8), norm("up_norm", 8), conv("top", 16, 5)),
        ],
        {"concatenate": ("c_norm", "b_norm"), "concatenate_1": ("up_norm", "a_norm"), "up": ("concatenate",)},
    ),
    "a dense block normalises what it has joined": (
        [
            *(conv("stem", 3, 12), norm("n", 12), conv("a", 12, 24), norm("a_norm", 24), conv("b", 24, 6)),
            *(norm("m", 18), conv("c", 18, 24), norm("c_norm", 24), conv("d", 24, 6), norm("o", 24)),
        ],
        {"concatenate": ("b", "stem"), "m": ("concatenate",), "concatenate_1": ("d", "concatenate")},
    ),
    "a sum that is normalised afterwards": (
        [
            *(
                conv("stem", 3, 12),
                norm("n", 12),
                point("a", 12, 6),
                norm("a_norm", 6),
                conv("b", 6, 6),
                norm("b_norm", 6),
            ),
            *(point("shortcut", 12, 24), point("c", 6, 24), norm("m", 24)),
        ],
        {"shortcut": ("n",), "c": ("b_norm",), "add": ("shortcut", "c"), "m": ("add",)},
    ),
    "channels that are squeezed, expanded and multiplied with themselves": (
        [conv("a", 3, 16), norm("n", 16), dense("squeeze", 16, 4), dense("expand", 4, 16), conv("b", 16, 24)],
        {"squeeze": ("n",), "multiply": ("n", "expand"), "b": ("multiply",)},
    ),
    "the same with convolutions of size 1": (
        [conv("a", 3, 16), norm("n", 16), point("squeeze", 16, 4), point("expand", 4, 16), point("b", 16, 24)],
        {"squeeze": ("n",), "multiply": ("n", "expand"), "b": ("multiply",)},
    ),
    "an autoencoder squeezes too, and multiplies nothing": (
        [dense("a", 30, 16), dense("squeeze", 16, 4), dense("expand", 4, 16), dense("b", 16, 30)],
        {"squeeze": ("a",), "expand": ("squeeze",), "b": ("expand",)},
    ),
    "three branches": (
        [conv("stem", 3, 8), conv("a", 8, 5), conv("b", 8, 6), conv("c", 8, 7), conv("next", 18, 4)],
        {"a": ("stem",), "b": ("stem",), "c": ("stem",), "concatenate": ("a", "b", "c"), "next": ("concatenate",)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_each_layer_takes(name: str) -> None:
    facts, expected = CASES[name]
    graph = forward(facts)
    taken = {node.name: node.inputs for node in graph.nodes}
    assert {layer: taken.get(layer) for layer in expected} == expected
    assert not graph.broken


def test_what_fits_nothing_is_said() -> None:
    graph = forward([conv("a", 3, 8), conv("b", 11, 4)])
    assert graph.broken == {"b"}
    assert graph.by_name["b"].inputs == ("a",)


def test_two_heads_are_two_outputs() -> None:
    graph = forward([dense("body", 12, 8), dense("first", 8, 3), dense("second", 8, 5)])
    assert graph.by_name["second"].inputs == ("body",)
    assert graph.outputs == ("first", "second")


def test_heads_behind_a_flatten_take_the_vector_of_their_length() -> None:
    # A Dense of 16 rows might follow a flattened map of 2 channels, but not a vector of 2.
    graph = forward([conv("a", 3, 8), dense("body", 72, 16), dense("one", 16, 2), dense("two", 16, 4)])
    assert graph.by_name["two"].inputs == ("body",)
    assert not graph.broken


def test_a_vector_is_not_joined_with_maps() -> None:
    facts = [conv("a", 3, 14), conv("b", 14, 24), dense("body", 96, 48), dense("one", 48, 10), dense("two", 48, 4)]
    assert 10 + 14 + 24 == 48
    graph = forward(facts)
    assert graph.by_name["two"].inputs == ("body",)
    assert graph.outputs == ("one", "two")


def test_a_dense_for_every_place_is_no_vector() -> None:
    facts = [conv("a", 3, 8), dense("place", 8, 6), dense("flat", 6 * 5, 4)]
    assert forward(facts).by_name["flat"].inputs == ("place",)
