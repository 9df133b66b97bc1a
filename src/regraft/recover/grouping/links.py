"""How well a layer continues what came before it, and how usual its own sizes are. All costs in nats, rounded."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import NamedTuple

from regraft.recover.grouping.fitting import Sizes, value
from regraft.recover.grouping.forms import Form

#: A length that nothing before explains: about one of fifty usual ones. One that occurred before is more usual.
FREE, AGAIN = 4.0, 2.0
#: Axes of a convolution kernel: 3 and 1 are usual, 4 is not; nobody slides a kernel of 64 x 64.
KERNEL = {1: 1.0, 2: 2.0, 3: 0.5, 4: 2.0, 5: 1.0, 7: 1.5}
LARGE_KERNEL, ENORMOUS_KERNEL = 3.0, 7.0
#: Branches whose kernels stand side by side before their norms do.
BRANCHES = 4
#: A norm of what a norm gives, slopes behind slopes: hardly anybody does that.
AGAIN_NORMED = 4.0
SCALES = frozenset({"PReLU", "LayerScale"})
#: Norms that may stand before every kernel: they standardise the input.
FIRST = {"BatchNormalization": 3.0, "Normalization": 3.0, "LayerNormalization": 6.0, "GroupNormalization": 8.0}
KERNEL_AXES = frozenset({"kw", "kh", "kd"})


class State(NamedTuple):
    """
    What leaves the layer before.

    Attributes:
        channels: Its channels, 0 before the first layer and behind integers alone.
        rank: Spatial axes: 0 for a vector, None where it may be either.
        bare: Layers before that may still get a norm, branches side by side counted; at most ``BRANCHES``.
        scaled: Whether slopes or scales stand right before.
    """

    channels: int = 0
    rank: int | None = None
    bare: int = 1
    scaled: bool = False


START = State()


class Widths:
    """Which channel counts occur before an array: those of other branches."""

    def __init__(self, shapes: Sequence[tuple[int, ...]]) -> None:
        self.first: dict[int, int] = {}
        self.end = len(shapes)
        self.outputs = frozenset(shape[-1] for shape in shapes if len(shape) >= 2)
        for place, shape in enumerate(shapes):
            if len(shape) >= 2:
                last = shape[-1]
                # Gates make units of the last axis, two directions twice as many, transposed kernels swap; and what
                # one layer took another may take too.
                for width in (last, last // 4, last // 2, last // 3, shape[-2]):
                    self.first.setdefault(width, place)

    def before(self, width: int, place: int) -> bool:
        """Whether a layer before this array can have so many channels."""
        return self.first.get(width, place) < place


def shape_cost(form: Form, sizes: Sizes, widths: Widths, place: int) -> float:
    """How unusual the lengths are that a layer is free to choose."""
    cost = 0.0
    for axis, length in sizes.items():
        if axis in KERNEL_AXES:
            long = LARGE_KERNEL if length <= 15 else ENORMOUS_KERNEL
            cost += KERNEL.get(length, long) / max(1, form.rank or 1)
        elif axis == "mult":
            cost += 0.2 if length == 1 else 3.0
        elif axis == "heads":
            cost += 1.5 if length <= 64 else FREE
        elif axis not in ("cin", "c"):
            cost += AGAIN if widths.before(length, place) else FREE
    if form.type.endswith("Transpose"):
        # Transposed kernels enlarge maps, which one of 1 x 1 cannot; 2 and 4 are as usual as 3.
        steps = [{1: 3.0, 2: -1.5, 4: -1.5}.get(sizes[a], 0.0) for a in KERNEL_AXES & set(sizes)]
        cost += sum(steps) / max(1, len(steps))
    if form.type.startswith("Depthwise") and sizes["cin"] == 1:
        cost += 3.0  # the same as a plain convolution
    square = form.rank in (2, 3) and len({sizes[a] for a in KERNEL_AXES & set(sizes)}) > 1
    return cost + (1.5 if square else 0.0)


def link_cost(form: Form, sizes: Sizes, state: State, widths: Widths, place: int) -> float:
    """How well the layer takes what the one before gives, or what another branch gives."""
    if form.link == "starts":
        return _table_cost(sizes, state)
    if form.link == "keeps":
        scale = form.type in SCALES
        twice = AGAIN_NORMED if (state.scaled if scale else not state.bare) else 0.0
        return twice + _keep_cost(form, sizes["c"], state, widths, place)
    wanted = sizes["cin"] if "cin" in sizes else value("heads*k", sizes)
    return _mix_cost(form, wanted, state, widths, place)


def _mix_cost(form: Form, wanted: int, state: State, widths: Widths, place: int) -> float:
    has, rank = state.channels, state.rank
    maps = form.rank or 0
    if not has:
        return FREE - 1.0
    turn = _turn_cost(maps, rank)
    if wanted == has:
        return 0.2 + turn
    if not maps and rank != 0 and wanted % has == 0:
        # A flattened map; square maps are usual.
        area = wanted // has
        return 1.5 if rank != 2 else 0.8 if isqrt(area) ** 2 == area else 1.8
    if maps and rank == 0 and has % wanted == 0:
        return 2.0  # a vector made a map again
    if widths.before(wanted, place):
        return 2.0 + min(turn, 1.0)
    if wanted > has and widths.before(wanted - has, place):
        return 2.5 + min(turn, 1.0)
    if maps and wanted in (1, 3):
        return 3.5
    return FREE + 0.5


def _turn_cost(maps: int, rank: int | None) -> float:
    """Sequences, maps and volumes do not follow each other without a reason."""
    if not maps or rank is None or maps == rank:
        return 0.0
    return 2.5 if rank == 0 else 3.5


def _keep_cost(form: Form, c: int, state: State, widths: Widths, place: int) -> float:
    has = state.channels
    if not has:
        return FIRST.get(form.type, 10.0)
    turn = 0.0 if form.rank is None or state.rank is None or form.rank == state.rank else 2.5
    if c == has:
        return 0.1 + turn
    if widths.before(c, place):
        return 2.5 + turn
    if c > has and (widths.before(c - has, place) or (state.rank != 0 and c % has == 0)):
        return 3.0 + turn
    return 5.5 + turn


def _table_cost(sizes: Sizes, state: State) -> float:
    """An embedding stands at the start; it has many more words than channels, hardly ever fewer."""
    if "vocabulary" not in sizes:
        return 1.0 if not state.channels else 4.0
    rows, columns = sizes["vocabulary"], sizes["embed"]
    cost = 0.0 if rows >= 4 * columns else 1.5 if rows >= columns else 2.5
    if state.channels:
        cost += 3.0 + (3.0 if rows == state.channels else 0.0)
    return cost - FREE  # what rows it has is free, as the channels of an input are


def outputs(form: Form, sizes: Sizes) -> tuple[tuple[int, float], ...]:
    """The channels that can leave a layer, each with a cost; they do not depend on what is before it."""
    return tuple((value(text, sizes), cost) for text, cost in form.out)


def states_after(
    form: Form, sizes: Sizes, leaving: Sequence[tuple[int, float]], state: State
) -> list[tuple[State, float]]:
    """
    What can leave the layer, each with a cost.

    Args:
        form: Its form.
        sizes: Lengths of the form's axes.
        leaving: As ``outputs`` gives it.
        state: What leaves the layer before.
    """
    if not leaving:
        return [(state, 0.0)]
    if form.link == "keeps":
        rank, scale = state.rank if form.rank is None else form.rank, form.type in SCALES
        return [(State(sizes["c"], rank, max(state.bare - (not scale), 0), scale), 0.0)]
    rank = form.rank if form.rank is not None else _rank_after(form, sizes, state)
    bare = min(state.bare + 1, BRANCHES) if state.channels else 1
    return [(State(channels, rank, bare), cost) for channels, cost in leaving]


def _rank_after(form: Form, sizes: Sizes, state: State) -> int | None:
    """A Dense keeps the axes of a map whose channels it mixes, if that was not pooled away; a flattened map has none."""
    if form.link == "starts":
        return 1
    return None if state.rank != 0 and sizes.get("cin") == state.channels else 0
