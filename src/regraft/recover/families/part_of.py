"""A part of a blueprint: what one tensor needs."""

from __future__ import annotations

from dataclasses import replace

from regraft.blueprint import Blueprint, Call, TensorRef, all_refs


def upto(blueprint: Blueprint, end: TensorRef) -> Blueprint:
    """The layers and calls that a tensor needs, in their order; it becomes the only output."""
    calls: dict[str, list[Call]] = {}
    for call in blueprint.calls:
        calls.setdefault(call.layer, []).append(call)
    needed: set[str] = set()
    todo = [end.layer]
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo += [ref.layer for call in calls.get(name, ()) for ref in all_refs(call)]
    return replace(
        blueprint,
        layers=tuple(spec for spec in blueprint.layers if spec.name in needed),
        calls=tuple(call for call in blueprint.calls if call.layer in needed),
        inputs=tuple(ref for ref in blueprint.inputs if ref.layer in needed),
        outputs=(end,),
    )
