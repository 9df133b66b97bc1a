"""The layers of a recognised network that are the user's own, as a small draft that later stages can work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from regraft.blueprint import Call, LayerSpec, Shape, TensorRef, all_refs
from regraft.layers.matching import match_groups
from regraft.layers.walk import model_shapes
from regraft.recover.draft import Draft, Hints
from regraft.recover.families.kept import kept, layer_of
from regraft.recover.families.naming import renamed


@dataclass(frozen=True)
class OwnPart:
    """
    What no publication says of a draft.

    Attributes:
        whole: The recognised draft.
        draft: Its own layers alone; each tensor that a published layer hands to them enters as an input.
        hints: For that draft: the shapes of those inputs.
        entries: For each input of the draft the tensor of the whole that it stands for.
    """

    whole: Draft
    draft: Draft
    hints: Hints
    entries: tuple[TensorRef, ...]

    def fits(self, worked_on: Draft) -> bool:
        """Whether a draft of the own part keeps the channels where the published part hands them over."""
        old = self.draft.blueprint.by_name
        return all(
            spec.config.get("data_format") == old[spec.name].config.get("data_format")
            for spec in worked_on.blueprint.layers
            if spec.name in old
        )

    def joined(self, worked_on: Draft, cost: float) -> Draft:
        """The whole draft with what a later stage made of its own part."""
        old = self.whole.blueprint
        worked_on = renamed_apart(worked_on, {spec.name for spec in self.draft.blueprint.layers}, set(old.by_name))
        part = kept(worked_on, replace(self.draft, known=frozenset(ref.layer for ref in self.draft.blueprint.inputs)))
        new = part.blueprint
        stands_for = dict(zip(self.draft.blueprint.inputs, self.entries, strict=True))
        left = dict(zip(self.draft.blueprint.outputs, new.outputs, strict=True))
        own = {spec.name for spec in self.draft.blueprint.layers}
        calls = [redirected(call, left) for call in old.calls if call.layer not in own]
        calls += [redirected(call, stands_for) for call in new.calls]
        entries = {ref.layer for ref in new.inputs}
        layers = spliced(old.layers, [spec for spec in new.layers if spec.name not in entries])
        blueprint = replace(
            old,
            layers=layers,
            calls=tuple(calls),
            outputs=tuple(redirect(left.get(ref, ref), stands_for) for ref in old.outputs),
        )
        # The published part decides on the data format.
        choices = (*self.whole.choices, *(c for c in part.choices if c.subject != "data_format"))
        return replace(self.whole, blueprint=blueprint, cost=cost, choices=choices, questions=part.questions)


def own_part(draft: Draft) -> OwnPart | None:
    """
    The part of a draft whose settings are not published; None if there is none.

    Args:
        draft: As ``match`` gives it.
    """
    blueprint = draft.blueprint
    calls = [call for call in blueprint.calls if call.layer not in draft.known]
    if not calls:
        return None
    own = {call.layer for call in calls}
    entries = list(dict.fromkeys(ref for call in calls for ref in all_refs(call) if ref.layer not in own))
    shapes = model_shapes(blueprint)
    stand_ins = {ref: stand_in(i, own) for i, ref in enumerate(entries)}
    leaving = {ref for call in blueprint.calls if call.layer not in own for ref in all_refs(call) if ref.layer in own}
    outputs = list(dict.fromkeys(ref for ref in (*blueprint.outputs, *leaving) if ref.layer in own))
    layers = tuple(entry(stand_ins[ref].layer, shapes.get(ref)) for ref in entries)
    layers += tuple(spec for spec in blueprint.layers if spec.name in own)
    part = replace(
        blueprint,
        layers=layers,
        calls=tuple(redirected(call, stand_ins) for call in calls),
        inputs=tuple(stand_ins[ref] for ref in entries),
        outputs=tuple(outputs),
        sequential=False,
        notes=(),
    )
    groups, _ = match_groups(blueprint, draft.grouping.tree)
    held = {id(groups[name]) for name in own if name in groups}
    tree = replace(draft.grouping.tree, layers=tuple(g for g in draft.grouping.tree.layers if id(g) in held), own=())
    seen = replace(draft.grouping, tree=tree, parts=tuple(p for p in draft.grouping.parts if p.name in own), cost=0.0)
    given = tuple(shape[1:] if shape is not None else () for shape in map(shapes.get, entries))
    return OwnPart(draft, Draft(seen, part), Hints(given if all(given) else ()), tuple(entries))


def renamed_apart(draft: Draft, own: set[str], taken: set[str]) -> Draft:
    """A draft whose new layers bear no name that a layer elsewhere has."""
    names: dict[str, str] = {}
    used = {*taken, *draft.blueprint.by_name}
    for spec in draft.blueprint.layers:
        if spec.name in taken and spec.name not in own:
            count = 1
            while f"{spec.name}_{count}" in used:
                count += 1
            names[spec.name] = f"{spec.name}_{count}"
            used.add(names[spec.name])
    if not names:
        return draft
    blueprint = renamed(
        draft.blueprint, {spec.name: names.get(spec.name, spec.name) for spec in draft.blueprint.layers}
    )
    questions = tuple(
        replace(question, options=tuple(
            replace(o, edits={(names.get(layer, layer), key): value for (layer, key), value in o.edits.items()})
            for o in question.options
        ))
        for question in draft.questions
    )  # fmt: skip
    choices = tuple(
        replace(choice, subject=f"{names[layer]}{choice.subject.removeprefix(layer)}")
        if (layer := layer_of(choice.subject, frozenset(names)))
        else choice
        for choice in draft.choices
    )
    return replace(draft, blueprint=blueprint, questions=questions, choices=choices)


def stand_in(number: int, taken: set[str]) -> TensorRef:
    """An input under a name that no layer has."""
    name = f"published_{number + 1}"
    while name in taken:
        name += "_"
    return TensorRef(name)


def entry(name: str, shape: Shape) -> LayerSpec:
    """An input layer."""
    return LayerSpec(name, "InputLayer", {"batch_shape": shape, "dtype": "float32"})


def redirect(ref: TensorRef, to: Mapping[TensorRef, TensorRef]) -> TensorRef:
    """The tensor in place of another."""
    return to.get(ref, ref)


def redirected(call: Call, to: Mapping[TensorRef, TensorRef]) -> Call:
    """A call that receives other tensors."""
    if not any(ref in to for ref in all_refs(call)):
        return call
    return replace(call, inputs=swapped(call.inputs, to), arguments=swapped(call.arguments, to))


def swapped(value: Any, to: Mapping[TensorRef, TensorRef]) -> Any:
    """A value in which tensors are replaced, wherever they stand."""
    if isinstance(value, TensorRef):
        return redirect(value, to)
    if isinstance(value, tuple):
        return tuple(swapped(item, to) for item in value)
    if isinstance(value, Mapping):
        return {key: swapped(item, to) for key, item in value.items()}
    return value


def spliced(old: Sequence[LayerSpec], new: Sequence[LayerSpec]) -> tuple[LayerSpec, ...]:
    """Layers with new ones in place of those of the same name; what is quite new stands in front of its successor."""
    known = {spec.name for spec in old}
    by_name = {spec.name: spec for spec in new}
    before: dict[str, list[LayerSpec]] = {}
    waiting: list[LayerSpec] = []
    for spec in new:
        if spec.name in known:
            before[spec.name], waiting = waiting, []
        else:
            waiting.append(spec)
    found: list[LayerSpec] = []
    for spec in old:
        found += [*before.get(spec.name, ()), by_name.get(spec.name, spec)]
    return (*found, *waiting)
