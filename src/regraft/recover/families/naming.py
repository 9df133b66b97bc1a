"""A published blueprint under the names of the file."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.recover.families.sequence import Unit
from regraft.recover.part import Grouping, Part


def file_names(blueprint: Blueprint, weighted: Mapping[str, Unit], grouping: Grouping) -> tuple[dict[str, str], int]:
    """
    What each layer is called in the file, and how often its layers without variables are not the published ones.

    Between two layers with variables the file's other layers are taken for the published ones if they are as many and
    their types do not contradict.

    Args:
        blueprint: The published architecture.
        weighted: The file's layer for each layer with variables.
        grouping: The file.

    Returns:
        New names by published names, and the number of stretches between layers with variables that differ; 0 as well
        where the file lists no layers without variables.
    """
    names = {name: unit.name for name, unit in weighted.items()}
    if not (grouping.complete and grouping.ordered):
        return names, 0
    by_name = {part.name: i for i, part in enumerate(grouping.parts)}
    marks = sorted(by_name[unit.name] for unit in weighted.values() if unit.name in by_name)
    if len(marks) != len(weighted):
        return names, 0
    gaps = between(grouping.parts, marks)
    different = 0
    for i, specs in enumerate(stretches(blueprint.layers, weighted)):
        parts = gaps[i]
        last = i == len(marks)
        parts = parts[-len(specs) :] if i == 0 and specs else parts[: len(specs)] if last else parts
        if len(parts) == len(specs) and all(agree(p, s) for p, s in zip(parts, specs, strict=True)):
            names |= {s.name: p.name for p, s in zip(parts, specs, strict=True)}
        else:
            different += 1
    return names, different


def between(parts: Sequence[Part], marks: Sequence[int]) -> list[list[Part]]:
    """The parts without variables in front of, between and behind the marked ones."""
    stops = [-1, *marks, len(parts)]
    return [
        [p for p in parts[a + 1 : b] if not any(True for _ in p.group.walk())] for a, b in itertools.pairwise(stops)
    ]


def stretches(layers: Sequence[LayerSpec], weighted: Mapping[str, Unit]) -> list[list[LayerSpec]]:
    """The layers without variables in front of, between and behind those with variables."""
    found: list[list[LayerSpec]] = [[]]
    for spec in layers:
        if spec.name in weighted:
            found.append([])
        else:
            found[-1].append(spec)
    return found


def agree(part: Part, spec: LayerSpec) -> bool:
    """Whether a layer of the file may be a published one: a type that is a guess is as good as the right one."""
    return part.type in ("", spec.type) or part.name == spec.name or part.label in ("assumed", "open")


def renamed(blueprint: Blueprint, names: Mapping[str, str], taken: frozenset[str] = frozenset()) -> Blueprint:
    """The blueprint under other names; a published name that the file uses for something else gets a number."""
    used = {*taken, *names.values()}
    final = dict(names)
    for spec in blueprint.layers:
        if spec.name not in final:
            name, count = spec.name, 0
            while name in used:
                count += 1
                name = f"{spec.name}_{count}"
            used.add(name)
            final[spec.name] = name
    return replace(
        blueprint,
        layers=tuple(replace(spec, name=final[spec.name]) for spec in blueprint.layers),
        calls=tuple(moved_call(call, final) for call in blueprint.calls),
        inputs=tuple(moved(ref, final) for ref in blueprint.inputs),
        outputs=tuple(moved(ref, final) for ref in blueprint.outputs),
    )


def moved_call(call: Call, names: Mapping[str, str]) -> Call:
    """A call under other names."""
    return replace(
        call, layer=names[call.layer], inputs=moved(call.inputs, names), arguments=moved(call.arguments, names)
    )


def moved(value: Any, names: Mapping[str, str]) -> Any:
    """Tensors under other names, wherever they stand."""
    if isinstance(value, TensorRef):
        return replace(value, layer=names[value.layer])
    if isinstance(value, tuple):
        return tuple(moved(item, names) for item in value)
    if isinstance(value, Mapping):
        return {key: moved(item, names) for key, item in value.items()}
    return value
