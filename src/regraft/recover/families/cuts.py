"""
A published architecture cut off in its middle, as people take features from it.

It is cut where a single tensor leads on, so the layers in front of the cut are the first ones in every order of layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from regraft.blueprint import TensorRef, all_refs
from regraft.recover.families.align import Alignment
from regraft.recover.families.library import Index, Member, Shapes, published
from regraft.recover.families.listed import layers_of, split
from regraft.recover.families.sequence import Unit, alike, has_layers, units
from regraft.recover.part import Grouping

#: So much of a published architecture must be there: VGG16 up to its third block is the shortest extractor in use.
LEAST_LAYERS, LEAST_ARRAYS = 7, 14
#: Tensors behind the same layers with variables that are tried as the end: a sum and its activation, or a pool.
MOST_ENDS = 3
#: Nobody ends a network with these.
NO_END = frozenset({"ZeroPadding2D", "Dropout", "SpatialDropout2D"})


def cuts(grouping: Grouping, index: Index) -> list[Alignment]:
    """The published architectures whose first layers the file holds, the longest stretch only."""
    if not grouping.ordered:
        return []
    aligned = by_layers if has_layers(grouping) else by_list
    found = [a for member in index.members for a in aligned(member, grouping, index)]
    most = max((array_count(a) for a in found), default=0)
    # A shorter network is likelier than the beginning of a longer one.
    return sorted((a for a in found if array_count(a) == most), key=lambda a: len(a.member.keys))


def array_count(alignment: Alignment) -> int:
    """How many arrays are published ones."""
    return sum(len(unit.arrays) for unit in alignment.matched)


def by_layers(member: Member, grouping: Grouping, index: Index) -> Iterator[Alignment]:
    """A member at the beginning of a file that lists layers."""
    found = units(grouping)
    count = agreeing(member, [unit.shapes for unit in found], index)
    for end, length in ends(member, count, index):
        yield Alignment(member, found[:length], (), found[length:], "order", end)


def by_list(member: Member, grouping: Grouping, index: Index) -> Iterator[Alignment]:
    """A member at the beginning of a list of arrays."""
    arrays = [v for v in grouping.tree.variables() if "seed_generator" not in v.path]
    sizes = [len(index.keys[key]) for key in member.keys]
    layers = [layer for layer in split(arrays, sizes) if layer]
    count = agreeing(member, [tuple(v.shape for v in layer) for layer in layers], index)
    for end, length in ends(member, count, index):
        after = layers_of(arrays[sum(sizes[:length]) :], grouping, "head")
        if after is not None:
            named = zip(member.names, layers[:length], strict=False)
            yield Alignment(member, tuple(Unit(n, tuple(layer)) for n, layer in named), (), after, "order", end)


def agreeing(member: Member, found: Sequence[Shapes], index: Index) -> int:
    """How many layers at the beginning have the published shapes."""
    for i, shapes in enumerate(found[: len(member.keys)]):
        wanted = index.keys[member.keys[i]]
        if shapes != wanted and not (i in member.free and alike(shapes, wanted)):
            return i
    return min(len(found), len(member.keys))


def ends(member: Member, count: int, index: Index) -> Iterator[tuple[TensorRef, int]]:
    """The tensors at which a member may be cut that has so many of its layers, and the layers in front of each."""
    if count < LEAST_LAYERS or count >= member.body:
        return
    places = [(ref, length) for ref, length in bottlenecks(member) if length <= count]
    length = max((length for _, length in places), default=0)
    if length < LEAST_LAYERS or sum(len(index.keys[key]) for key in member.keys[:length]) < LEAST_ARRAYS:
        return
    yield from [place for place in places if place[1] == length][: -MOST_ENDS - 1 : -1]


@cache
def bottlenecks(member: Member) -> tuple[tuple[TensorRef, int], ...]:
    """The tensors that alone lead on to the output, in order, and how many layers with variables stand in front."""
    blueprint = published(member).blueprint
    weighted = set(member.names)
    waiting = {ref: len(blueprint.consumers.get(ref, ())) for ref in blueprint.inputs}
    found: list[tuple[TensorRef, int]] = []
    count = 0
    for call in blueprint.ordered_calls:
        for ref in all_refs(call):
            waiting[ref] -= 1
        count += call.layer in weighted
        made = TensorRef(call.layer, call.call)
        waiting[made] = len(blueprint.consumers.get(made, ()))
        alone = [ref for ref, uses in waiting.items() if uses > 0] == [made]
        if alone and blueprint.by_name[call.layer].type not in NO_END:
            found.append((made, count))
        waiting = {ref: uses for ref, uses in waiting.items() if uses > 0}
    return tuple(found)
