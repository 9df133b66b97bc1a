"""Arrays in no order: the published architecture with the same multiset of shapes, and which array may be which."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma

import numpy as np

from regraft.blueprint import Setting
from regraft.recover.families.align import Alignment, is_top
from regraft.recover.families.library import Index, Member
from regraft.recover.families.sequence import Unit, alike
from regraft.recover.part import Grouping, Part
from regraft.weights import Group, Variable

Shape = tuple[int, ...]
#: Arrays beside a published part that a head of Dense and BatchNormalization layers may have.
HEAD = 12


@dataclass(frozen=True)
class Heap:
    """
    An alignment of arrays that came in no order.

    Attributes:
        alignment: With one of the possible assignments.
        tied: Arrays that stand where others of their shape could.
        orders: Natural logarithm of the number of assignments.
    """

    alignment: Alignment
    tied: int
    orders: float


def unordered(grouping: Grouping, index: Index) -> list[Heap]:
    """Architectures whose shapes are all there, and nothing but a head beside them."""
    arrays = [v for v in grouping.tree.variables() if "seed_generator" not in v.path]
    have = Counter(v.shape for v in arrays)
    found: list[Heap] = []
    for member in index.members:
        slots = [
            (i, shape)
            for i, key in enumerate(member.keys[: member.body])
            if i not in member.free
            for shape in index.keys[key]
        ]
        if not 0 <= len(arrays) - len(slots) <= HEAD + sum(len(index.keys[member.keys[i]]) for i in member.free):
            continue
        need = Counter(shape for _, shape in slots)
        if all(have[shape] >= count for shape, count in need.items()):
            heap = sorted_out(member, arrays, have - need, index)
            if heap is not None:
                found.append(heap)
    return found


def sorted_out(member: Member, arrays: Sequence[Variable], rest: Counter[Shape], index: Index) -> Heap | None:
    """The alignment, if what the fixed layers leave is the entry and the top, or the entry and a head."""
    keys = [index.keys[k] for k in member.keys]
    left = Counter(rest)
    shapes = [list(key) for key in keys]
    for i in sorted(member.free):
        if i >= member.body:
            continue
        chosen = take(keys[i], left)
        if chosen is None:
            return None
        shapes[i] = chosen
    count = member.body
    top = keys[member.body :]
    trial = Counter(left)
    fitted = [take(key, trial) for key in top]
    if top and not +trial and None not in fitted and is_top([tuple(f or ()) for f in fitted], top, "order"):
        count = len(keys)
        shapes[member.body :] = [f or [] for f in fitted]
        left = trial
    wanted = shapes[:count]
    pools = pooled(arrays)
    roles = role_order(member, index, count)
    matched = assigned(member, wanted, pools, roles)
    if matched is None:
        return None
    after = head(left, pools, wanted[-1])
    if after is None:
        return None
    ties = Counter(shape for layer in wanted for shape in layer)
    tied = sum(n for n in ties.values() if n > 1)
    orders = sum(lgamma(n + 1) for n in ties.values())
    return Heap(Alignment(member, matched, (), after, "shapes"), tied, orders)


def take(key: Sequence[Shape], left: Counter[Shape]) -> list[Shape] | None:
    """Shapes from what is left that one layer could have: the published ones, or others of the same kind."""
    chosen: list[Shape] = []
    width: int | None = None
    for shape in key:
        options = [s for s, n in left.items() if n > 0 and alike((s,), (shape,))]
        if len(shape) == 1 and width is not None and chosen and len(chosen[0]) > 1:
            options = [s for s in options if s[-1] == width]
        options.sort(key=lambda s: (s != shape, s[-1:] != shape[-1:], s))
        if not options:
            return None
        chosen.append(options[0])
        left[options[0]] -= 1
        width = options[0][-1] if options[0] else width
    return chosen


def pooled(arrays: Sequence[Variable]) -> dict[Shape, deque[Variable]]:
    """Arrays by shape; of vectors those that may be variances come last, as they do in a layer."""
    pools: dict[Shape, list[Variable]] = {}
    for variable in arrays:
        pools.setdefault(variable.shape, []).append(variable)
    return {shape: deque(pool) for shape, pool in pools.items()}


def role_order(member: Member, index: Index, count: int) -> dict[tuple[int, int], str]:
    """The role of every vector of layers with four or three equal vectors: of statistics the last is positive."""
    roles: dict[tuple[int, int], str] = {}
    for i, key in enumerate(member.keys[:count]):
        shapes = index.keys[key]
        if len(shapes) in (3, 4) and len(set(shapes)) == 1 and len(shapes[0]) == 1:
            roles[i, len(shapes) - 1] = "variance"
            if len(shapes) == 4:
                roles[i, 0] = "gamma"
    return roles


def assigned(
    member: Member,
    wanted: Sequence[Sequence[Shape]],
    pools: dict[Shape, deque[Variable]],
    roles: dict[tuple[int, int], str],
) -> tuple[Unit, ...] | None:
    """One assignment of the arrays: positive vectors for variances first, then for gammas; the rest as they come."""
    slots = [(i, j, shape) for i, layer in enumerate(wanted) for j, shape in enumerate(layer)]
    rank = {"variance": 0, "gamma": 1}
    chosen: dict[tuple[int, int], Variable] = {}
    asked = {shape for i, j, shape in slots if (i, j) in roles}
    scores = {id(v): positive(v) for shape in asked for v in pools.get(shape, ()) if len(pools[shape]) > 1}
    for i, j, shape in sorted(slots, key=lambda slot: rank.get(roles.get(slot[:2], ""), 2)):
        pool = pools.get(shape)
        if not pool:
            return None
        if (i, j) in roles and len(pool) > 1:
            best = max(range(len(pool)), key=[scores[id(v)] for v in pool].__getitem__)
            chosen[i, j] = pool[best]
            del pool[best]
        else:
            chosen[i, j] = pool.popleft()
    return tuple(
        Unit(member.names[i], tuple(chosen[i, j] for j in range(len(layer)))) for i, layer in enumerate(wanted)
    )


def positive(variable: Variable) -> float:
    """How likely a vector holds variances: 0 if a value is negative, more if its values spread."""
    values = variable.read()
    if values.size == 0 or not np.isfinite(values).all() or values.min() < 0:
        return 0.0
    return 1.0 + float(np.std(values) / (np.mean(values) + 1e-12))


def head(left: Counter[Shape], pools: dict[Shape, deque[Variable]], last: Sequence[Shape]) -> tuple[Unit, ...] | None:
    """Dense layers, each behind the other, that use up what is left; None if they do not."""
    left = +left
    units: list[Unit] = []
    width = last[0][-1] if last and last[0] else 0
    while left:
        matrices = [s for s in left if len(s) == 2]
        following = [s for s in matrices if s[0] == width] or (
            [s for s in matrices if s[0] % width == 0] if not units else []
        )
        if len(following) != 1 or left[following[0]] != 1:
            return None
        kernel = following[0]
        width = kernel[1]
        arrays = [pools[kernel].popleft()]
        del left[kernel]
        biased = left[width,] > 0
        if biased:
            arrays.append(pools[width,].popleft())
            left[width,] -= 1
        units.append(made(len(units), "Dense", arrays, {"units": width, "use_bias": biased}))
        if left[width,] >= 4:
            units.append(made(len(units), "BatchNormalization", [pools[width,].popleft() for _ in range(4)], {}))
            left[width,] -= 4
        left = +left
    return tuple(units)


def made(number: int, kind: str, arrays: Sequence[Variable], settings: dict[str, Setting]) -> Unit:
    """A layer of a head."""
    name = f"head_{number + 1}"
    group = Group(name, name, f"/{name}", tuple(arrays))
    return Unit(name, tuple(arrays), Part(group, kind, settings, "assumed", "its shapes follow one another"))
