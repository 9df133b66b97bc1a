"""How the parameters of one unit become those of another of the same kind and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regraft.graft.flattening import Columns
from regraft.graft.unit import LINEAR, NORMS, Parameter, Unit
from regraft.layout import Fill, Layout, Move

SPATIAL = ("kd", "kh", "kw")
#: What a parameter is where a unit leaves it out.
NEUTRAL = {"bias": 0.0, "running_mean": 0.0, "running_var": 1.0, "bias_ih": 0.0, "bias_hh": 0.0}


@dataclass(frozen=True)
class Carried:
    """
    One parameter of the target.

    Attributes:
        target: Its entry in the target's state dict.
        source: The entry of the source's state dict that fills it; empty for a constant.
        moves: From the one to the other.
        less: Entries of the source's that are taken off: biases of convolutions whose twins have none, off the mean.
    """

    target: str
    source: str
    moves: tuple[Move, ...] = ()
    less: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bridge:
    """
    A pair of units with the ways of all parameters.

    Attributes:
        carried: Every parameter of the target.
        left: Parameters of the source that the target has no place for, by role.
        problem: Why the pair cannot be, or empty.
    """

    carried: tuple[Carried, ...] = ()
    left: Mapping[str, Parameter] = field(default_factory=dict)
    problem: str = ""


def bridge(source: Unit, target: Unit, rows: Layout | None = None, columns: Columns | None = None) -> Bridge:
    """
    The ways of the parameters of a pair.

    Args:
        source: Unit of the module that was converted.
        target: Unit of the user's module.
        rows: How the rows of a Linear behind a Flatten change places, if they do.
        columns: How its features change places in front of a Reshape, if they do.
    """
    carried: list[Carried] = []
    for role, wanted in target.parameters.items():
        given = source.parameters.get(role)
        if given is None:
            value = 1.0 if role == "weight" and target.kind in NORMS else NEUTRAL.get(role.removesuffix("_reverse"))
            if value is None:
                return Bridge(problem=f"{target.name} needs {wanted.key}, and {source.name} has nothing like it")
            carried.append(Carried(wanted.key, "", (Fill(wanted.shape, value),)))
            continue
        moves = between(given, wanted, source.kind in LINEAR)
        if moves is None:
            return Bridge(problem=f"{given.key} {given.shape} cannot become {wanted.key} {wanted.shape}")
        if role == "weight" and rows is not None:
            moves = (rows, *moves)
        counting = next((axis for axis in ("cout", "channel") if axis in given.axes.split()), "")
        if columns is not None and counting:
            moves = (columns.layout(given.axes, counting), *moves)
        carried.append(Carried(wanted.key, given.key, moves))
    left = {role: p for role, p in source.parameters.items() if role not in target.parameters}
    return Bridge(tuple(carried), left)


def between(given: Parameter, wanted: Parameter, linear: bool) -> tuple[Move, ...] | None:
    """
    The move from one layout of a parameter to another; None if there is none.

    >>> given, wanted = Parameter("a", (6, 4), "cout cin"), Parameter("b", (6, 4, 1, 1), "cout cin kh kw")
    >>> [move.words for move in between(given, wanted, True)]
    ['cout cin -> cout cin 1 1']
    """
    if given.axes and given.axes == wanted.axes:
        return () if given.shape == wanted.shape else None
    if not linear or not given.axes or not wanted.axes:
        return () if given.shape == wanted.shape else stretched(given.shape, wanted.shape)
    ours, theirs = plain(given), plain(wanted)
    if sorted(a for a in ours if a != "1") != sorted(a for a in theirs if a != "1"):
        return None
    return (Layout(f"{' '.join(ours)} -> {' '.join(theirs)}").bind(given.shape),)


def stretched(given: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[Move, ...] | None:
    """
    The move between two shapes that differ in axes of length 1; None if they differ in more.

    >>> [move.words for move in stretched((6,), (6, 1, 1)) or ()]
    ['a -> a 1 1']
    """
    if [size for size in given if size != 1] != [size for size in wanted if size != 1]:
        return None
    sides: list[str] = []
    for shape in (given, wanted):
        names = iter("abcdefgh")
        sides.append(" ".join("1" if size == 1 else next(names) for size in shape))
    return (Layout(" -> ".join(sides)).bind(given),)


def plain(parameter: Parameter) -> list[str]:
    """The axes of a weight; kernel axes of length 1 as ``1``, the others numbered, for a kernel may lie along any of them."""
    found: list[str] = []
    for axis, size in zip(parameter.axes.split(), parameter.shape, strict=True):
        number = sum(name.startswith("k") for name in found)
        found.append(axis if axis not in SPATIAL else "1" if size == 1 else f"k{number}")
    return found
