"""A published blueprint with the widths, the input and the paddings of the file at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from regraft.blueprint import Blueprint, LayerSpec, Setting, Shape, TensorRef, all_refs
from regraft.layers import build, layer_class
from regraft.layers.walk import output_shapes, outputs_of
from regraft.recover.families.library import Shapes


def resettled(spec: LayerSpec, shapes: Shapes) -> LayerSpec | None:
    """
    A layer whose settings give variables of these shapes; None if its type cannot.

    What a shape does not say (strides, activation) stays as published.
    """
    kernel = shapes[0]
    changes: dict[str, Setting] = {}
    match spec.type:
        case "Conv1D" | "Conv2D" | "Conv3D":
            changes = {"filters": kernel[-1], "kernel_size": kernel[:-2]}
        case "Conv2DTranspose" | "Conv3DTranspose":
            changes = {"filters": kernel[-2], "kernel_size": kernel[:-2]}
        case "SeparableConv2D":
            changes = {"filters": shapes[1][-1], "kernel_size": kernel[:-2], "depth_multiplier": kernel[-1]}
        case "DepthwiseConv2D":
            changes = {"kernel_size": kernel[:-2], "depth_multiplier": kernel[-1]}
        case "Dense":
            changes = {"units": kernel[-1]}
        case "LayerScale":
            changes = {"projection_dim": kernel[-1]}
        case "BatchNormalization" | "LayerNormalization" | "GroupNormalization" | "Normalization" | "PReLU":
            pass
        case "Functional":
            inner = spec.config["blueprint"]
            made = inside(inner, shapes) if isinstance(inner, Blueprint) else None
            if made is None:
                return None
            changes = {"blueprint": made}
        case _:
            return None
    return replace(spec, config={**spec.config, **changes})


def inside(blueprint: Blueprint, shapes: Shapes) -> Blueprint | None:
    """A nested model whose variables, all of them trainable, have these shapes."""
    left = list(shapes)
    layers: list[LayerSpec] = []
    for spec in blueprint.layers:
        count = 0 if spec.unknown else len(build(spec).variables())
        own, left = tuple(left[:count]), left[count:]
        made = resettled(spec, own) if own else spec
        if made is None or len(own) != count:
            return None
        layers.append(made)
    made = replace(blueprint, layers=tuple(layers))
    first = next((s for s in shapes if len(s) > 2), None)
    (entry,) = made.inputs
    declared = made.by_name[entry.layer].config["batch_shape"]
    if first is not None and isinstance(declared, tuple) and all(size is None for size in declared[:-1]):
        made = with_input(made, (*(None for _ in declared[1:-1]), first[-2]))
    return made


def with_input(blueprint: Blueprint, shape: tuple[int | None, ...]) -> Blueprint:
    """The blueprint for another input shape, given without the batch axis; it has one input."""
    name = blueprint.inputs[0].layer
    layers = tuple(
        replace(s, config={**s.config, "batch_shape": (None, *shape)}) if s.name == name else s
        for s in blueprint.layers
    )
    return replace(blueprint, layers=layers)


def refitted(old: Blueprint, new: Blueprint, pads: frozenset[str]) -> tuple[Blueprint, dict[TensorRef, Shape]]:
    """
    The blueprint with the settings that follow shapes, and the shape of every tensor.

    Args:
        old: As published, whose settings fit its own shapes.
        new: The same graph with other widths or another input.
        pads: Zero paddings in front of a strided convolution that follow the parity of what enters them.

    Raises:
        RegraftError: If a layer cannot take what reaches it.
    """
    before, after = entry(old), entry(new)
    layers = dict(new.by_name)
    strided = {call.inputs[0].layer: new.by_name[call.layer] for call in new.calls if call.inputs}
    for call in new.ordered_calls:
        ours, theirs = layers[call.layer], old.by_name[call.layer]
        arriving = tuple(after[ref] for ref in all_refs(call))
        if theirs.unknown:
            for ref in outputs_of(old, call, None):
                before[ref] = after[ref] = None
            continue
        was = tuple(before[ref] for ref in all_refs(call))
        if was != arriving:
            if call.layer in pads:
                ours = padded(ours, strided[call.layer], arriving[0])
            elif ours.type == "Reshape":
                ours = reshaped(ours, was[0], arriving[0])
            layers[call.layer] = ours
        for shapes, spec, reached in ((before, theirs, was), (after, ours, arriving)):
            layer = build(spec)
            made = outputs_of(new, call, layer)
            shapes.update(zip(made, output_shapes(call, layer, reached), strict=True))
    return replace(new, layers=tuple(layers[spec.name] for spec in new.layers)), after


def entry(blueprint: Blueprint) -> dict[TensorRef, Shape]:
    """The declared shapes of the inputs."""
    return {ref: declared(blueprint.by_name[ref.layer].config["batch_shape"]) for ref in blueprint.inputs}


def declared(value: Any) -> Shape:
    """A declared shape with an open batch axis."""
    return None if value is None else (None, *value[1:])


def padded(spec: LayerSpec, conv: LayerSpec, shape: Shape) -> LayerSpec:
    """
    The zero padding in front of a convolution with stride 2, for what enters.

    ``correct_pad`` of ``keras/src/applications/imagenet_utils.py``: one less in front where the size is even; an open
    size counts as even.
    """
    kernel = conv.config.get("kernel_size")
    if shape is None or not isinstance(kernel, tuple):
        return spec
    pads = tuple(
        (k // 2 - 1 + (0 if size is None else size % 2), k // 2)
        for k, size in zip(kernel, shape[1:-1], strict=True)
        if isinstance(k, int)
    )
    return replace(spec, config={**spec.config, "padding": pads})


def reshaped(spec: LayerSpec, was: Shape, now: Shape) -> LayerSpec:
    """A Reshape whose target named the number of channels that entered."""
    target = spec.config.get("target_shape")
    if was is None or now is None or not isinstance(target, tuple):
        return spec
    moved = tuple(now[-1] if size == was[-1] else size for size in target)
    return replace(spec, config={**spec.config, "target_shape": moved})


def misfits(blueprint: Blueprint, shapes: Mapping[TensorRef, Shape], stored: Mapping[str, Shapes]) -> list[str]:
    """Layers whose stored kernels do not fit the channels that reach them."""
    wrong: list[str] = []
    for call in blueprint.calls:
        spec, kernels = blueprint.by_name[call.layer], stored.get(call.layer)
        arriving = shapes.get(call.inputs[0]) if call.inputs else None
        if arriving is None or spec.unknown:
            continue
        if (wrong_constants := constants(spec)) and arriving[-1] not in (wrong_constants, None):
            wrong.append(f"{spec.name} has {wrong_constants} constants, {arriving[-1]} channels reach it")
        if not kernels:
            continue
        needed = entering(spec, kernels)
        if needed is not None and arriving[-1] is not None and arriving[-1] != needed:
            wrong.append(f"{spec.name} takes {needed} channels, {arriving[-1]} reach it")
    return wrong


def constants(spec: LayerSpec) -> int:
    """How many channels the constants of a layer are for; 0 if it has none, or one for all."""
    inner = spec.config.get("blueprint")
    if isinstance(inner, Blueprint):
        entries = {call.layer for ref in inner.inputs for call in inner.consumers.get(ref, ())}
        return max((constants(inner.by_name[name]) for name in entries), default=0)
    value = spec.config.get("mean" if spec.type == "Normalization" else "scale")
    while isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], tuple):
        value = value[0]
    return len(value) if spec.type in ("Normalization", "Rescaling") and isinstance(value, tuple) else 0


def entering(spec: LayerSpec, shapes: Shapes) -> int | None:
    """The channels that a layer takes, by its stored kernel; None where that is not on the last axis."""
    if spec.config.get("data_format", "channels_last") != "channels_last":
        return None
    kernel = shapes[0]
    match spec.type:
        case "Conv1D" | "Conv2D" | "Conv3D":
            groups = spec.config.get("groups", 1)
            return kernel[-2] * (groups if isinstance(groups, int) else 1)
        case "Conv2DTranspose" | "Conv3DTranspose" | "Dense" if spec.type != "Dense":
            return kernel[-1]
        case "Dense":
            return kernel[0] if len(kernel) == 2 else None
        case "SeparableConv2D" | "DepthwiseConv2D":
            return kernel[-2]
        case "BatchNormalization" | "LayerScale":
            return kernel[-1] if spec.config.get("axis", -1) in (-1, 3) else None
        case "LayerNormalization":
            return kernel[-1] if len(kernel) == 1 else None
        case _:
            return None


def default_config(type_name: str, given: Mapping[str, Setting]) -> Mapping[str, Setting]:
    """All settings of a layer, from some."""
    return layer_class(type_name)(**given).config  # pyright: ignore[reportArgumentType]
