"""Models that ``multi_gpu_model`` of Keras 2 wrapped: the model inside is the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from regraft.blueprint import Blueprint, Call, Choice, TensorRef
from regraft.keras_config.scope import Scope


def unwrapped(blueprint: Blueprint, config: Mapping[str, Any], scope: Scope) -> Blueprint:
    """
    A model whose batch is cut into parts, one a device, each through the same model, and joined again, without all that.

    Keras 2 made it of one Lambda a device and input with the arguments ``i`` and ``parts``, the model called on each, and a
    Concatenate along the batch for each output (``keras/utils/multi_gpu_utils.py``). The code of the Lambdas is not read:
    nothing but such a cut fits these arguments and this graph. Any other model comes back as it is.
    """
    parts = arguments_of(config)
    slices = {spec.name for spec in blueprint.layers if spec.type == "Lambda" and spec.unknown}
    models = [spec for spec in blueprint.layers if spec.type == "Functional"]
    rest = [s for s in blueprint.layers if s.name not in slices and s.type not in ("InputLayer", "Functional")]
    if not slices or slices - parts.keys() or len(models) != 1 or {s.type for s in rest} != {"Concatenate"}:
        return blueprint
    (model,) = models
    calls = {(call.layer, call.call): call for call in blueprint.calls}
    runs = [call for call in blueprint.calls if call.layer == model.name]
    entering = [cut_of(call, calls, parts, number, len(runs)) for number, call in enumerate(runs)]
    if len(runs) < 2 or any(found is None or found != entering[0] for found in entering):
        return blueprint
    outputs: list[TensorRef] = []
    for ref in blueprint.outputs:
        joined = calls.get((ref.layer, ref.call))
        if joined is None or blueprint.by_name[ref.layer].config.get("axis") != 0:
            return blueprint
        index = joined.inputs[0].index
        if joined.inputs != tuple(TensorRef(model.name, call.call, index) for call in runs):
            return blueprint
        outputs.append(TensorRef(model.name, 0, index))
    evidence = (
        f"{len(runs)} Lambda layers with the arguments i and parts, {model.name!a} called on each, joined along the batch: "
        "this is what multi_gpu_model made of it; their code was not read"
    )
    scope.findings.note(evidence)
    scope.findings.choices.append(Choice("multi_gpu_model", "unwrapped", ("unwrapped",), "supported", evidence))
    layers = tuple(spec for spec in blueprint.layers if spec.type in ("InputLayer", "Functional"))
    inputs = entering[0] or ()
    return replace(blueprint, layers=layers, calls=(Call(model.name, inputs),), outputs=tuple(outputs))


def arguments_of(config: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """For every Lambda with the arguments of a cut: which part it takes, of how many."""
    found: dict[str, tuple[int, int]] = {}
    for entry in config.get("layers") or []:
        inner: Any = entry.get("config") if isinstance(entry, Mapping) else None
        given: Any = inner.get("arguments") if isinstance(inner, Mapping) else None
        if not isinstance(given, Mapping) or set(given) != {"i", "parts"}:
            continue
        i, parts, name = given["i"], given["parts"], entry.get("name", inner.get("name"))
        if isinstance(i, int) and isinstance(parts, int) and isinstance(name, str):
            found[name] = i, parts
    return found


def cut_of(
    run: Call,
    calls: Mapping[tuple[str, int], Call],
    parts: Mapping[str, tuple[int, int]],
    number: int,
    count: int,
) -> tuple[TensorRef, ...] | None:
    """The tensors whose part ``number`` of ``count`` one call of the model takes; None if it takes anything else."""
    whole: list[TensorRef] = []
    for ref in run.inputs:
        cut = calls.get((ref.layer, ref.call))
        if cut is None or parts.get(ref.layer) != (number, count) or len(cut.inputs) != 1 or ref.index:
            return None
        whole.append(cut.inputs[0])
    return tuple(whole)
