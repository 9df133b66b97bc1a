"""The layers of a blueprint in the order in which they run, nested models opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from regraft.blueprint import Blueprint, LayerSpec, TensorRef, all_refs

Path = tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """
    One call of a layer.

    Attributes:
        path: Layer names from the outside in.
        calls: Which call of each of them, counted from 0.
        spec: The layer.
        parents: Paths of the layers whose tensors it receives; empty for what takes only the model's inputs.
        outputs: Number of tensors it makes, as far as the graph shows.
    """

    path: Path
    calls: tuple[int, ...]
    spec: LayerSpec
    parents: frozenset[Path]
    outputs: int = 1


def inner_model(spec: LayerSpec) -> Blueprint | None:
    """The blueprint of a model used as a layer."""
    inner = spec.config.get("blueprint")
    return inner if isinstance(inner, Blueprint) else None


def steps(
    blueprint: Blueprint,
    prefix: Path = (),
    outer: tuple[int, ...] = (),
    entering: Mapping[TensorRef, frozenset[Path]] | None = None,
) -> Iterator[Step]:
    """Every call in running order; a nested model's layers come before the model itself."""
    made: dict[TensorRef, frozenset[Path]] = dict(entering or dict.fromkeys(blueprint.inputs, frozenset[Path]()))
    used = {*blueprint.consumers, *blueprint.outputs}
    for call in blueprint.ordered_calls:
        spec = blueprint.by_name[call.layer]
        path, calls = (*prefix, call.layer), (*outer, call.call)
        arriving = [made.get(ref, frozenset[Path]()) for ref in all_refs(call)]
        parents = frozenset(p for found in arriving for p in found)
        inner = None if spec.unknown else inner_model(spec)
        count = 1 + max((r.index for r in used if (r.layer, r.call) == (call.layer, call.call)), default=0)
        if inner is not None:
            yield from steps(inner, path, calls, dict(zip(inner.inputs, arriving, strict=False)))
            parents |= {(*path, ref.layer) for ref in inner.outputs if ref not in inner.inputs}
            count = len(inner.outputs)
        for index in range(count):
            made[TensorRef(call.layer, call.call, index)] = frozenset({path})
        yield Step(path, calls, spec, parents, count)


def split_path(blueprint: Blueprint, joined: str) -> Path:
    """
    Layer names from the outside in, from names joined by ``/``; Keras 2 allows ``/`` inside a name, so the graph decides.

    >>> from regraft.blueprint import Blueprint, LayerSpec
    >>> split_path(Blueprint("m", (LayerSpec("conv1/bn", "BatchNormalization"),), (), (), ()), "conv1/bn")
    ('conv1/bn',)
    """
    if joined in blueprint.by_name:
        return (joined,)
    for spec in blueprint.layers:
        inner = inner_model(spec)
        if inner is not None and joined.startswith(f"{spec.name}/"):
            rest = split_path(inner, joined[len(spec.name) + 1 :])
            if rest:
                return (spec.name, *rest)
    return ()
