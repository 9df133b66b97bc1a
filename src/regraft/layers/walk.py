"""Walks through a blueprint: shapes and axis orders of every tensor."""

from __future__ import annotations

from dataclasses import replace

from regraft.blueprint import Blueprint, Call, Shape, TensorRef, all_refs
from regraft.errors import RegraftError, UnknownLayerError, quote
from regraft.layers.base import Layer, build
from regraft.layers.form import Arranged, Arrival
from regraft.layers.order import AxisOrder


def built(blueprint: Blueprint) -> dict[str, Layer | None]:
    """The layer objects of a blueprint by name; None for a layer that cannot be converted."""
    return {spec.name: None if spec.unknown else build(spec) for spec in blueprint.layers}


def input_shapes(blueprint: Blueprint) -> tuple[Shape, ...]:
    """The declared shapes of the model's inputs, batch first."""
    shapes: list[Shape] = []
    for ref in blueprint.inputs:
        declared = blueprint.by_name[ref.layer].config.get("batch_shape")
        shapes.append((None, *declared[1:]) if isinstance(declared, tuple) and declared else None)  # type: ignore[misc]
    return tuple(shapes)


def model_shapes(blueprint: Blueprint, inputs: tuple[Shape, ...] | None = None) -> dict[TensorRef, Shape]:
    """
    The shape of every tensor, in Keras order, batch first; None where a placeholder or a missing input hides it.

    ``inputs`` replaces the declared input shapes where the model is used as a layer.
    """
    declared = input_shapes(blueprint)
    given = (
        declared if inputs is None else tuple(g if g is not None else d for g, d in zip(inputs, declared, strict=False))
    )
    shapes: dict[TensorRef, Shape] = dict(zip(blueprint.inputs, given, strict=True))
    layers = built(blueprint)
    for call in blueprint.ordered_calls:
        layer = layers[call.layer]
        arriving = tuple(shapes.get(ref) for ref in all_refs(call))
        made = outputs_of(blueprint, call, layer)
        shapes.update(
            zip(made, (None,) * len(made) if layer is None else output_shapes(call, layer, arriving), strict=True)
        )
    return shapes


def output_shapes(call: Call, layer: Layer, arriving: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Output shapes of one call."""
    layer = layer.called(call.arguments)
    count = layer.output_count()
    try:
        shape = layer.shape(arriving)
    except (RegraftError, TypeError, IndexError, ValueError) as error:
        if any(s is None for s in arriving):
            return (None,) * count
        raise UnknownLayerError(
            f"layer {quote(call.layer)} does not accept inputs of shape {arriving}: {error}"
        ) from error
    if count == 1:
        return (shape,)  # type: ignore[return-value]
    return tuple(shape) if shape is not None else (None,) * count  # type: ignore[arg-type]


def outputs_of(blueprint: Blueprint, call: Call, layer: Layer | None) -> tuple[TensorRef, ...]:
    """The tensors that one call makes; of a placeholder those that somebody uses, and the first."""
    count = used_outputs(blueprint, call) if layer is None else layer.called(call.arguments).output_count()
    return tuple(TensorRef(call.layer, call.call, i) for i in range(count))


def used_outputs(blueprint: Blueprint, call: Call) -> int:
    """How many outputs of a call the rest of the model knows of."""
    return 1 + blueprint.used_outputs.get((call.layer, call.call), 0)


def wants_channels_first(blueprint: Blueprint, layers: dict[str, Layer | None], ref: TensorRef) -> bool:
    """Whether a tensor reaches, through layers that work in any order, one that needs channels first."""
    seen: set[TensorRef] = set()
    todo = [ref]
    while todo:
        ref = todo.pop()
        if ref in seen:
            continue
        seen.add(ref)
        for call in blueprint.consumers.get(ref, ()):
            layer = layers[call.layer]
            if layer is None:
                continue
            inner = getattr(layer, "blueprint", None)
            if isinstance(inner, Blueprint):
                place = call.inputs.index(ref) if ref in call.inputs else -1
                if 0 <= place < len(inner.inputs) and wants_channels_first(inner, built(inner), inner.inputs[place]):
                    return True
            elif layer.takes_channels_first:
                return True
            elif layer.passes_order:
                todo += outputs_of(blueprint, call, layer)
    return False


def input_orders(blueprint: Blueprint, shapes: tuple[Shape, ...] | None = None) -> tuple[AxisOrder, ...]:
    """The axis order in which each model input enters: channels first where a convolution or its kin takes it."""
    layers = built(blueprint)
    known = input_shapes(blueprint) if shapes is None else shapes
    orders: list[AxisOrder] = []
    for ref, shape in zip(blueprint.inputs, known, strict=True):
        rank = 0 if shape is None else len(shape)
        first = rank >= 3 and wants_channels_first(blueprint, layers, ref)
        orders.append(AxisOrder.channels_first(rank) if first else AxisOrder.keras(rank))
    return tuple(orders)


def absorbed(blueprint: Blueprint, layers: dict[str, Layer | None], ref: TensorRef) -> bool:
    """Whether every consumer of a tensor can take a flattened map in PyTorch order."""
    consumers = blueprint.consumers.get(ref, ())
    if ref in blueprint.outputs or not consumers:
        return False
    for call in consumers:
        layer = layers[call.layer]
        calls = sum(c.layer == call.layer for c in blueprint.calls)
        if layer is None or layer.flat == "no" or calls > 1:
            return False
        if layer.flat == "pass" and not all(
            absorbed(blueprint, layers, out) for out in outputs_of(blueprint, call, layer)
        ):
            return False
    return True


def arrange_call(
    blueprint: Blueprint,
    layers: dict[str, Layer | None],
    call: Call,
    shapes: dict[TensorRef, Shape],
    orders: dict[TensorRef, AxisOrder],
) -> Arranged:
    """Axis orders at one call; behind a placeholder of unknown rank everything is taken to be in Keras order."""
    layer = layers[call.layer]
    refs = all_refs(call)
    arriving = tuple(orders[ref] for ref in refs)
    if layer is None:
        unknown = (AxisOrder(()),) * len(outputs_of(blueprint, call, None))
        return Arranged(tuple(AxisOrder.keras(len(order.axes)) for order in arriving), unknown)
    takes_flat = all(absorbed(blueprint, layers, out) for out in outputs_of(blueprint, call, layer))
    arranged = layer.called(call.arguments).arrange(Arrival(tuple(shapes[ref] for ref in refs), arriving, takes_flat))
    ranks = [0 if shapes[out] is None else len(shapes[out] or ()) for out in outputs_of(blueprint, call, layer)]
    outputs = tuple(
        order if len(order.axes) in (rank, 0) or not rank else AxisOrder.keras(rank)
        for order, rank in zip(arranged.outputs, ranks, strict=True)
    )
    # A tensor in a call argument, such as a mask, stays as it lies where the layer does not name an order for it.
    return replace(arranged, inputs=(*arranged.inputs, *arriving[len(arranged.inputs) :]), outputs=outputs)


def model_orders(blueprint: Blueprint, inputs: tuple[Shape, ...] | None = None) -> dict[TensorRef, AxisOrder]:
    """The axis order of every tensor of the emitted module."""
    layers = built(blueprint)
    shapes = model_shapes(blueprint, inputs)
    known = tuple(shapes[ref] for ref in blueprint.inputs)
    orders = dict(zip(blueprint.inputs, input_orders(blueprint, known), strict=True))
    for call in blueprint.ordered_calls:
        arranged = arrange_call(blueprint, layers, call, shapes, orders)
        orders.update(zip(outputs_of(blueprint, call, layers[call.layer]), arranged.outputs, strict=True))
    return orders
