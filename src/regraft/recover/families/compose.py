"""An alignment becomes a draft: the published graph under the file's names, with the file's widths and own layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from regraft.blueprint import Blueprint, Call, Choice, LayerSpec, Shape, TensorRef
from regraft.layers import KerasVersion
from regraft.recover.draft import Hints
from regraft.recover.families.align import Alignment
from regraft.recover.families.chain import Chain, Link, NotAChainError, area_needed
from regraft.recover.families.entry import channels_in, entered
from regraft.recover.families.library import Index, Published, Shapes, published
from regraft.recover.families.naming import agree, between, file_names, renamed, stretches
from regraft.recover.families.part_of import upto
from regraft.recover.families.refit import misfits, resettled
from regraft.recover.families.sequence import Unit
from regraft.recover.grouping import part_spec
from regraft.recover.part import Grouping, Part


@dataclass(frozen=True)
class Composed:
    """
    A draft in the making.

    Attributes:
        blueprint: Under the file's names.
        known: Layers whose settings the publication gives.
        different: Places between layers with variables where the file lists other layers than the published ones.
        choices: What was chosen on the way.
        made: Layers that neither the file nor the publication names.
    """

    blueprint: Blueprint
    known: frozenset[str]
    different: int
    choices: tuple[Choice, ...]
    made: tuple[str, ...] = ()


def composed(
    alignment: Alignment,
    grouping: Grouping,
    index: Index,
    hints: Hints,
    version: KerasVersion,
    *,
    area: int | None = None,
) -> Composed | None:
    """The draft of an alignment; None if the file's other layers cannot be a chain around it."""
    source = published(alignment.member)
    old = source.blueprint
    if not alignment.with_top:
        cut = alignment.end or source.cut
        if cut is None:
            return None
        old = upto(old, cut)
    alone = alignment.with_top and not alignment.before and not alignment.after
    if len(old.inputs) != 1 or (len(old.outputs) != 1 and not alone):
        return None
    units = dict(zip(alignment.member.names, alignment.matched, strict=False))
    stored = {name: unit.shapes for name, unit in units.items()}
    new = rewidened(old, alignment, index)
    if new is None:
        return None
    front, back = own_links(alignment, grouping, old, units, version)
    end = old.outputs[0]
    area = needed_area(old, stored, back, end, alignment) or area
    channels = channels_in(new, stored)
    inputs = hints if not front else Hints(())
    at_entry = entered(old, new, source.pads, channels, inputs, flattened(old, end), area)
    if at_entry is None or misfits(at_entry.blueprint, at_entry.shapes, stored):
        return None
    names, different = file_names(at_entry.blueprint, units, grouping)
    own = frozenset(link.spec.name for link in (*front, *back))
    blueprint = renamed(at_entry.blueprint, names, own)
    at = {spec.name: new_spec.name for spec, new_spec in zip(old.layers, blueprint.layers, strict=True)}
    known = frozenset(at.values())
    try:
        blueprint, made = with_chains(blueprint, at_entry.shapes.get(end), front, back, grouping, hints)
    except NotAChainError:
        return None
    choice = at_entry.choice
    choices = () if choice is None else (replace(choice, subject=f"{blueprint.inputs[0].layer}.batch_shape"),)
    return Composed(blueprint, known - loose_top(alignment, source, index, at), different, choices, made)


def rewidened(old: Blueprint, alignment: Alignment, index: Index) -> Blueprint | None:
    """The published graph with layers that have the shapes in the file."""
    changed: dict[str, LayerSpec] = {}
    for i in alignment.different(index.keys):
        spec = resettled(old.by_name[alignment.member.names[i]], alignment.matched[i].shapes)
        if spec is None:
            return None
        changed[spec.name] = spec
    return replace(old, layers=tuple(changed.get(spec.name, spec) for spec in old.layers)) if changed else old


def flattened(blueprint: Blueprint, end: TensorRef) -> TensorRef:
    """What enters the Flatten of the top, or the end where there is none."""
    for call in blueprint.calls:
        if blueprint.by_name[call.layer].type == "Flatten":
            return call.inputs[0]
    return end


def needed_area(
    old: Blueprint, stored: dict[str, Shapes], back: Sequence[Link], end: TensorRef, alignment: Alignment
) -> int | None:
    """Positions that the map must have for the first matrix that sees it flattened."""
    ref = flattened(old, end)
    if ref != end:
        dense = next((s.name for s in old.layers if s.type == "Dense" and s.name in stored), None)
        widths = [stored[n][0][-1] for n in stored if old.by_name[n].type != "Dense"]
        return stored[dense][0][0] // widths[-1] if dense and widths else None
    body = alignment.matched[: alignment.member.body]
    channels = next((u.shapes[0][-1] for u in reversed(body) if u.shapes and u.shapes[0]), 0)
    return area_needed(back, channels) if channels else None


def own_links(
    alignment: Alignment, grouping: Grouping, old: Blueprint, units: dict[str, Unit], version: KerasVersion
) -> tuple[list[Link], list[Link]]:
    """The file's own layers in front and behind, with those without variables where the file lists them."""
    outside = [*alignment.before, *alignment.after]
    if not (grouping.complete and grouping.ordered) or any(unit.part is None for unit in outside):
        return [link_of(u, version) for u in alignment.before], [link_of(u, version) for u in alignment.after]
    place = {part.name: i for i, part in enumerate(grouping.parts)}
    marks = sorted(place[unit.name] for unit in units.values())
    silent = stretches(old.layers, units)
    gaps = between(grouping.parts, marks)
    lead = [p for p in gaps[0] if p.type != "InputLayer"]
    extra = max(0, len(lead) - sum(spec.type != "InputLayer" for spec in silent[0]))
    first, last = marks[0], marks[-1]
    outer = {unit.name for unit in outside}
    front = [p for p in grouping.parts[:first] if p.name in outer or p in lead[:extra]]
    behind = grouping.parts[last + 1 :]
    skipped = tail(behind, silent[-1])
    back = [p for i, p in enumerate(behind) if p.name in outer or i not in skipped]
    return [link_of_part(p, version) for p in front], [link_of_part(p, version) for p in back]


def tail(parts: Sequence[Part], specs: Sequence[LayerSpec]) -> set[int]:
    """Which of the parts behind the last published layer with variables are published ones without."""
    found: set[int] = set()
    at = 0
    for spec in specs:
        if at < len(parts) and not any(True for _ in parts[at].group.walk()) and agree(parts[at], spec):
            found.add(at)
            at += 1
    return found


def link_of(unit: Unit, version: KerasVersion) -> Link:
    """A layer with variables as a link."""
    if unit.part is None:
        raise NotAChainError(unit.name)
    return Link(part_spec(unit.part, version), unit.shapes)


def link_of_part(part: Part, version: KerasVersion) -> Link:
    """A layer of the file as a link; one without variables whose name says nothing, or only "pool", has no type."""
    shapes = tuple(v.shape for v in part.group.walk())
    guessed = part.label in ("assumed", "open") and part.type in ("MaxPooling2D", "AveragePooling2D", "InputLayer")
    if not part.type or (guessed and not shapes):
        return Link(LayerSpec(part.name, ""), shapes)
    return Link(part_spec(part, version), shapes)


def with_chains(
    blueprint: Blueprint,
    end_shape: Shape,
    front: Sequence[Link],
    back: Sequence[Link],
    grouping: Grouping,
    hints: Hints,
) -> tuple[Blueprint, tuple[str, ...]]:
    """The blueprint with the file's own layers in front and behind."""
    taken = {spec.name for spec in blueprint.layers}
    made: list[str] = []
    complete = grouping.complete
    layers, calls = list(blueprint.layers), list(blueprint.calls)
    if front:
        blueprint, layers, calls = fronted(blueprint, front, taken, made, complete, hints)
    chain = Chain(blueprint.outputs[0], end_shape, taken)
    chain.extend(back, complete=complete)
    made += chain.made
    outputs = (chain.end,) if chain.specs else blueprint.outputs
    blueprint = replace(blueprint, layers=(*layers, *chain.specs), calls=(*calls, *chain.calls), outputs=outputs)
    return blueprint, tuple(made)


def fronted(
    blueprint: Blueprint, front: Sequence[Link], taken: set[str], made: list[str], complete: bool, hints: Hints
) -> tuple[Blueprint, list[LayerSpec], list[Call]]:
    """Own layers between the input and the published graph; the input gets the channels that the first of them takes."""
    from regraft.recover.families.refit import entering, with_input

    entry = blueprint.inputs[0]
    wanted = blueprint.by_name[entry.layer].config["batch_shape"]
    if not isinstance(wanted, tuple):
        raise NotAChainError("the input has no shape")
    first = next((k for k in front if k.shapes), None)
    depth = wanted[-1] if first is None else entering(first.spec, first.shapes)
    shape = (*wanted[1:-1], depth)
    if hints.input_shapes:
        shape = tuple(hints.input_shapes[0])
    blueprint = with_input(blueprint, shape)  # pyright: ignore[reportArgumentType]
    chain = Chain(entry, (None, *shape), taken)  # pyright: ignore[reportArgumentType]
    chain.extend(front, complete=complete)
    if chain.shape is None or chain.shape[-1] != wanted[-1]:
        raise NotAChainError(f"{chain.shape} does not enter the published part")
    made += chain.made
    calls = [replace(c, inputs=tuple(chain.end if ref == entry else ref for ref in c.inputs)) for c in blueprint.calls]
    at = [spec.name for spec in blueprint.layers].index(entry.layer) + 1
    layers = [*blueprint.layers[:at], *chain.specs, *blueprint.layers[at:]]
    return blueprint, layers, [*chain.calls, *calls]


def loose_top(alignment: Alignment, source: Published, index: Index, names: dict[str, str]) -> frozenset[str]:
    """The layers of a top that gives other classes under another name: what comes after them is not published."""
    last = len(alignment.member.keys) - 1
    if not alignment.with_top or alignment.member.body > last:
        return frozenset()
    if alignment.matched[last].shapes == index.keys[alignment.member.keys[last]]:
        return frozenset()
    name = alignment.member.names[last]
    if alignment.by != "width" and alignment.matched[last].name == name and alignment.matched[last].part is not None:
        return frozenset()
    if source.blueprint.by_name[name].type != "Dense":
        return frozenset()  # nobody builds a top of 1 x 1 convolutions but by the argument of the published function
    whole = [spec.name for spec in source.blueprint.layers]
    return frozenset(names[n] for n in whole[whole.index(name) :])
