"""The graph of a model as rows of the report: every call of every layer, nested models opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from regraft.blueprint import Blueprint, Choice, LayerSpec, Shape, TensorRef, all_refs
from regraft.blueprint.words import words
from regraft.layers.walk import model_shapes
from regraft.report.value import NodeRow

LABELS = ("proved", "supported", "assumed", "open")
"""From the surest to the least sure."""
DEEPEST = 16
"""Models inside models; deeper ones stay closed."""
LONGEST = 200
"""Characters of one setting."""

Made = Mapping[TensorRef, tuple[int, int]]


def graph_rows(blueprint: Blueprint, labels: Mapping[str, str]) -> tuple[NodeRow, ...]:
    """
    Every call of every layer, in running order; the layers of a nested model follow it.

    Args:
        blueprint: The model.
        labels: How sure the settings of a layer are, by its name; ``proved`` for the others.
    """
    walk = Walk(labels)
    walk.model(blueprint)
    return tuple(walk.rows)


@dataclass
class Walk:
    """Collects the rows of a model and of the models inside it."""

    labels: Mapping[str, str]
    rows: list[NodeRow] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def model(
        self,
        blueprint: Blueprint,
        prefix: str = "",
        inside: int | None = None,
        entering: Sequence[tuple[int, int]] = (),
        shapes: tuple[Shape, ...] | None = None,
    ) -> tuple[tuple[int, int], ...]:
        """Add the nodes of one model, and give back which of them make its outputs."""
        known = model_shapes(blueprint, shapes)
        made: dict[TensorRef, tuple[int, int]] = {}
        for place, ref in enumerate(blueprint.inputs):
            feeding = entering[place : place + 1]
            row = self.row(blueprint.by_name[ref.layer], prefix, 0, known.get(ref), tuple(feeding))
            made[replace(ref, index=0)] = (self.add(replace(row, inside=inside)), 0)
        for call in blueprint.ordered_calls:
            refs = all_refs(call)
            taken = tuple(at(made, ref) for ref in refs if TensorRef(ref.layer, ref.call) in made)
            spec = blueprint.by_name[call.layer]
            row = self.row(spec, prefix, call.call, known.get(TensorRef(call.layer, call.call)), taken)
            first = prefix + spec.name not in self.seen
            number = self.add(replace(row, inside=inside))
            made[TensorRef(call.layer, call.call)] = (number, 0)
            inner, path = inner_model(spec)
            if inner is None or spec.unknown or not first or prefix.count("/") >= DEEPEST:
                continue
            arriving = tuple(known.get(ref) for ref in refs) if path == spec.name else None
            outputs = self.model(inner, f"{prefix}{path}/", number, taken, arriving)
            self.rows[number] = replace(self.rows[number], outputs=outputs)
        return tuple(at(made, ref) for ref in blueprint.outputs if replace(ref, index=0) in made)

    def row(
        self, spec: LayerSpec, prefix: str, call: int, shape: Shape, inputs: tuple[tuple[int, int], ...]
    ) -> NodeRow:
        """One call of a layer."""
        name = prefix + spec.name
        settings = () if name in self.seen else tuple(settings_of(spec))
        label = self.labels.get(name, LABELS[0])
        return NodeRow(name, spec.type, call, shape, inputs, settings=settings, label=label, placeholder=spec.unknown)

    def add(self, row: NodeRow) -> int:
        """Keep a row; its place."""
        self.rows.append(row)
        self.seen.add(row.layer)
        return len(self.rows) - 1


def at(made: Made, ref: TensorRef) -> tuple[int, int]:
    """The node that makes a tensor, and which of its outputs the tensor is."""
    return (made[TensorRef(ref.layer, ref.call)][0], ref.index)


def inner_model(spec: LayerSpec) -> tuple[Blueprint | None, str]:
    """The model that a layer is, or that a wrapper holds, and the path to it."""
    path = spec.name
    for _ in range(DEEPEST):
        inner, wrapped = spec.config.get("blueprint"), spec.config.get("layer")
        if isinstance(inner, Blueprint):
            return inner, path
        if not isinstance(wrapped, LayerSpec):
            break
        spec, path = wrapped, f"{path}/{wrapped.name}"
    return None, path


def settings_of(spec: LayerSpec) -> Iterator[tuple[str, str]]:
    """The settings of a layer in words; what is not set is left out."""
    for name, value in spec.config.items():
        if value is not None and not isinstance(value, Blueprint):
            said = words(value)
            yield name, said if len(said) <= LONGEST else said[:LONGEST] + "..."


def labels_of(names: Sequence[str], choices: Sequence[Choice]) -> dict[str, str]:
    """For every layer that a choice is about, the weakest label of its choices."""
    known = set(names)
    found: dict[str, str] = {}
    for choice in choices:
        name = layer_of(choice.subject, known)
        if name and choice.label in LABELS:
            found[name] = max(found.get(name, LABELS[0]), choice.label, key=LABELS.index)
    return found


def layer_of(subject: str, names: set[str]) -> str:
    """The layer that a choice is about: ``conv2d_3.strides`` is about ``conv2d_3``; empty if it is about none."""
    name = subject
    while "." in name:
        name = name.rpartition(".")[0]
        if name in names:
            return name
    return ""
