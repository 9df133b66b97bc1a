"""A file against the library of published architectures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from regraft.blueprint import Blueprint, Choice
from regraft.errors import RegraftError
from regraft.layers.binding import bind
from regraft.recover.draft import Draft, Hints
from regraft.recover.families.align import Alignment, by_names, by_order, by_width
from regraft.recover.families.chain import NotAChainError
from regraft.recover.families.compose import Composed, composed
from regraft.recover.families.cuts import cuts
from regraft.recover.families.library import Index, index, published
from regraft.recover.families.listed import listed, regrouped
from regraft.recover.families.nested import Nest, around, nests
from regraft.recover.families.ranking import cost, distinct, function_of
from regraft.recover.families.sequence import has_layers, units
from regraft.recover.families.unordered import Heap, unordered
from regraft.recover.grouping import version_of
from regraft.recover.part import Grouping

#: Drafts of one file that are worth going on with.
MOST = 6


def match(grouping: Grouping, hints: Hints) -> list[Draft]:
    """
    The published architectures that a file may be, likeliest first; none if it is none.

    Args:
        grouping: The file as layers; of a list of arrays only the arrays matter.
        hints: What the user knows beside the file.

    Returns:
        Drafts that bind to their grouping's tree: whole networks, also with other classes, input channels or widths,
        and backbones with a chain of own layers around them. ``known`` names the layers whose settings are published.
    """
    library = index()
    drafts: dict[object, tuple[float, Draft, Alignment]] = {}
    others: dict[object, list[str]] = {}
    places = [(a, drafted(a, grouping, library, hints)) for a in alignments(grouping, library) if distinct(a)]
    if not places and has_layers(grouping):
        places = [(n.alignment, drafted(n, grouping, library, hints)) for n in nests(grouping, library)]
    if not any(found for _, found in places):
        places = [(a, drafted(a, grouping, library, hints)) for a in cuts(grouping, library) if distinct(a)]
    for alignment, found in places:
        if found is None:
            continue
        same = function_of(found.blueprint)
        others.setdefault(same, []).append(alignment.title)
        if same not in drafts or found.cost < drafts[same][0]:
            drafts[same] = (found.cost, found, alignment)
    ranked = sorted(drafts.items(), key=lambda item: item[1][0])[:MOST]
    best = ranked[0][1][0] if ranked else 0.0
    titles = tuple(draft.family for _, (_, draft, _) in ranked)
    return [
        replace(described(draft, alignment, library, titles, others[same]), cost=value - best)
        for same, (value, draft, alignment) in ranked
    ]


def alignments(grouping: Grouping, library: Index) -> list[Alignment]:
    """The places of published architectures in a file; another width only if none has its own."""
    if not has_layers(grouping):
        # Other readings of the same list differ in layers, not in arrays: one of them is enough.
        ordered = listed(grouping, library) if grouping.ordered else []
        return ordered or [heap.alignment for heap in smallest(unordered(grouping, library))]
    found = units(grouping)
    named = by_names(found, library)
    taken = {a.member for a in named}
    ordered = [a for a in by_order(found, library) if a.member not in taken] if grouping.ordered else []
    return [*named, *ordered] or (by_width(found, library) if grouping.ordered else [])


def smallest(heaps: Sequence[Heap]) -> list[Heap]:
    """Those that leave the fewest arrays to a head of the file's own."""
    least = min((len(heap.alignment.after) for heap in heaps), default=0)
    return [heap for heap in heaps if len(heap.alignment.after) == least]


def drafted(place: Alignment | Nest, grouping: Grouping, library: Index, hints: Hints) -> Draft | None:
    """The draft of an alignment, if its layers take what the file holds."""
    version = version_of(grouping.tree)
    try:
        if isinstance(place, Nest):
            alignment, made = place.alignment, around(place, grouping, library, hints, version)
        else:
            alignment, made = place, composed(place, grouping, library, hints, version)
        if made is None:
            return None
        # Settings stand as Keras 3 has them; the file's version says with which Keras they can be compared.
        blueprint = replace(made.blueprint, keras_version=grouping.tree.keras_version or "3.15")
        if not has_layers(grouping):
            grouping = regrouped(grouping, alignment, {s.name: s.type for s in blueprint.layers})
        blueprint = in_file_order(blueprint, grouping)
        bind(blueprint, grouping.tree)
    except (NotAChainError, RegraftError):
        return None
    value = cost(alignment, library, made.different)
    return Draft(grouping, blueprint, value, made.choices, (), alignment.title, made.known)


def in_file_order(blueprint: Blueprint, grouping: Grouping) -> Blueprint:
    """The blueprint with its layers with variables in the order of the file: newer files are bound by class and count."""
    if not grouping.ordered:
        return blueprint
    place = {part.name: i for i, part in enumerate(grouping.parts)}
    slots = [i for i, spec in enumerate(blueprint.layers) if spec.name in place]
    ordered = sorted((blueprint.layers[i] for i in slots), key=lambda spec: place[spec.name])
    layers = list(blueprint.layers)
    for slot, spec in zip(slots, ordered, strict=True):
        layers[slot] = spec
    return replace(blueprint, layers=tuple(layers))


def described(draft: Draft, alignment: Alignment, library: Index, titles: Sequence[str], same: Sequence[str]) -> Draft:
    """The draft with what a person should know."""
    source = published(alignment.member)
    different = alignment.different(library.keys)
    arrays = sum(len(unit.arrays) for unit in alignment.matched)
    if not different:
        evidence = f"all {arrays} arrays have the published shapes"
    else:
        evidence = (
            f"{len(alignment.matched) - len(different)} of {len(alignment.matched)} layers have the published shapes, "
        )
        evidence += "the others the same kind of layer in the same place"
    if alignment.by == "names":
        evidence += ", and its layers bear the published names"
    if len(same) > 1:
        evidence += f"; the same as {', '.join(title for title in same if title != draft.family)}"
    choices = draft.choices
    if alignment.by == "shapes":
        same_shape = Counter(v.shape for unit in alignment.matched for v in unit.arrays)
        tied = sum(count for count in same_shape.values() if count > 1)
        told = f"{tied} of {arrays} arrays share their shape with another, and the file holds no order"
        choices = (*choices, Choice("assignment", "as the arrays come", (), "open" if tied else "supported", told))
    candidates = (draft.family, *(title for title in titles if title != draft.family))
    choice = Choice("architecture", draft.family, candidates, "supported", evidence)
    notes = (f"{draft.family}: input {source.inputs}; preprocessing: {source.preprocessing}",)
    blueprint = replace(draft.blueprint, notes=(*draft.blueprint.notes, *notes))
    return replace(draft, blueprint=blueprint, choices=(choice, *choices))


__all__ = ["Composed", "match"]
