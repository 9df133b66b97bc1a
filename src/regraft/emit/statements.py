"""A blueprint as a list of statements: one for each call of a layer, in the order of ``forward``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from regraft.blueprint import Blueprint, Call, Shape, TensorRef, all_refs
from regraft.errors import ShapeMismatchError, UnknownLayerError, quote
from regraft.layers import AxisOrder, Carry, Form, Layer, Site
from regraft.layers.binding import Bound
from regraft.layers.taken_masks import Use
from regraft.layers.walk import arrange_call, built, input_orders, model_kinds, model_shapes, outputs_of


@dataclass(frozen=True)
class Operand:
    """A tensor on its way into a statement: the order it has and the order it is needed in."""

    ref: TensorRef
    have: AxisOrder
    want: AxisOrder


@dataclass(frozen=True)
class Statement:
    """
    One call of a layer, ready to be written.

    Attributes:
        call: The call in the blueprint.
        form: Its PyTorch form, with tokens.
        operands: What ``%0``, ``%1`` ... stand for.
        masks: The tensor whose mask ``%m0`` ... stand for, or that is the mask; None where no mask comes.
        results: The tensors it makes, with shapes in Keras order and axis orders.
        mask: The tensor under whose name the mask that leaves is known; None for no mask. A passed mask keeps its name.
    """

    call: Call
    form: Form
    operands: tuple[Operand, ...]
    masks: tuple[TensorRef | None, ...]
    results: tuple[TensorRef, ...]
    shapes: tuple[Shape, ...]
    orders: tuple[AxisOrder, ...]
    mask: TensorRef | None


@dataclass(frozen=True)
class Body:
    """
    The body of one class: a model, or a model inside it.

    Attributes:
        blueprint: Where it comes from.
        statements: In the order of ``forward``.
        inputs: The tensors ``forward`` receives, with shapes (Keras order) and axis orders.
        mask_source: For every tensor the tensor that names its mask.
    """

    blueprint: Blueprint
    statements: tuple[Statement, ...]
    input_shapes: tuple[Shape, ...]
    input_orders: tuple[AxisOrder, ...]


def body_of(
    blueprint: Blueprint,
    bound: Mapping[str, Mapping[str, Bound]],
    placeholders: Mapping[str, Form],
    inputs: tuple[Shape, ...] | None = None,
    bare: Set[Use] = frozenset(),
) -> Body:
    """
    Settle axis orders, masks and forms for every call.

    Args:
        blueprint: The architecture.
        bound: Stored variables by layer and name.
        placeholders: Forms of the layers that cannot be converted, by layer name.
        inputs: Shapes that replace the declared ones where the model is used as a layer.
        bare: Uses of tensors at which their mask is gone.
    """
    layers = built(blueprint)
    shapes = model_shapes(blueprint, inputs)
    entering = tuple(shapes[ref] for ref in blueprint.inputs)
    orders = dict(zip(blueprint.inputs, input_orders(blueprint, entering), strict=True))
    entering_orders = tuple(orders[ref] for ref in blueprint.inputs)
    kinds = model_kinds(blueprint)
    masks: dict[TensorRef, TensorRef | None] = {}
    statements: list[Statement] = []
    varying = shared_between_sizes(blueprint, shapes)
    misfits: list[str] = []
    for call in depth_first(blueprint):
        layer = layers[call.layer]
        layer = layer and layer.called(call.arguments)
        arranged = arrange_call(blueprint, layers, call, shapes, orders)
        results = outputs_of(blueprint, call, layer)
        orders.update(zip(results, arranged.outputs, strict=True))
        refs = all_refs(call)
        operands = tuple(Operand(ref, orders[ref], want) for ref, want in zip(refs, arranged.inputs, strict=True))
        coming = tuple(None if (call.layer, call.call, ref) in bare else masks.get(ref) for ref in refs)
        arriving = with_given_masks(call, coming)
        site = Site(
            name=call.layer,
            inputs=tuple(shapes[ref] for ref in refs),
            outputs=tuple(shapes[ref] for ref in results),
            orders=arranged.inputs,
            output_orders=arranged.outputs,
            masks=tuple(mask is not None for mask in arriving),
            stored={name: b.shape for name, b in bound.get(call.layer, {}).items()},
            arguments=call.arguments,
            dynamic=call.layer in varying,
            kinds=tuple(kinds.get(ref, "") for ref in refs),
        )
        if layer is not None and (misfit := features_misfit(layer, site)):
            misfits.append(misfit)
            form = Form(("%0",) * len(results), carries=())
        else:
            form = placeholders[call.layer] if layer is None else complete(layer, site)
        mask = leaving_mask(layer, form, arriving, results)
        for ref in results:
            masks[ref] = mask if layer is not None and layer.carries_mask(ref.index) else None
        statements.append(Statement(call, form, operands, arriving, results, site.outputs, arranged.outputs, mask))
    if misfits:
        raise ShapeMismatchError(
            f"the variables do not fit the architecture {quote(blueprint.name)}:\n  " + "\n  ".join(misfits) + "\n"
            "  Is this the architecture of another model, or is --input-shape another one than that of the training?"
        )
    return Body(blueprint, tuple(statements), entering, entering_orders)


def depth_first(blueprint: Blueprint) -> tuple[Call, ...]:
    """
    The calls in the order in which a person would write them: each branch in one piece, first input first.

    Keras orders layers by depth, which interleaves branches. What no output needs comes last.
    """
    makers = {(call.layer, call.call): call for call in blueprint.ordered_calls}
    done: dict[tuple[str, int], Call] = {}
    roots = [(ref.layer, ref.call) for ref in blueprint.outputs]
    todo = [key for key in (*reversed(list(makers)), *reversed(roots)) if key in makers]
    while todo:
        key = todo[-1]
        before = [] if key in done else [(ref.layer, ref.call) for ref in all_refs(makers[key])]
        waiting = [k for k in before if k in makers and k not in done]
        if waiting:
            todo += reversed(waiting)
        else:
            done.setdefault(key, makers[key])
            todo.pop()
    return tuple(done.values())


def with_given_masks(call: Call, arriving: tuple[TensorRef | None, ...]) -> tuple[TensorRef | None, ...]:
    """The masks that come with the inputs; those given as the argument ``mask`` are tensors themselves and go first."""
    given = call.arguments.get("mask")
    found = list(arriving)
    for place, ref in enumerate(given if isinstance(given, tuple) else (given,)):
        if isinstance(ref, TensorRef) and place < len(found):
            found[place] = ref
    return tuple(found)


def features_misfit(layer: Layer, site: Site) -> str:
    """What is wrong if the stored variables of a layer take another number of features than reaches it; else empty."""
    shape = site.inputs[0]
    layer, shape = layer.inside(shape)
    if not shape or len(shape) < 2 or any("/" in name for name in site.stored):  # wrappers and models check their parts
        return ""
    sizes = layer.sizes(site)
    if "cin" in sizes:
        first = layer.rank and getattr(layer, "data_format", "") == "channels_first"
        stored, found = sizes["cin"] * getattr(layer, "groups", 1), shape[1 if first else -1]
    elif (
        "channel" in sizes
        and isinstance(axis := getattr(layer, "axis", None), int)
        and -len(shape) <= axis < len(shape)
    ):
        stored, found = sizes["channel"], shape[axis]
    else:
        return ""
    if found is None or found == stored:
        return ""
    return (
        f"layer {quote(site.name)} ({type(layer).__name__}): its variables take {stored} features, "
        f"the architecture gives it {found}"
    )


def complete(layer: Layer, site: Site) -> Form:
    """The form of a layer, with the carries its class declares where the form names none."""
    try:
        form = layer.torch(site)
    except UnknownLayerError as error:
        error.layers = error.layers or (site.name,)
        raise
    return replace(form, carries=layer.carry(site)) if form.carries is None else form


def leaving_mask(
    layer: Layer | None, form: Form, arriving: tuple[TensorRef | None, ...], results: tuple[TensorRef, ...]
) -> TensorRef | None:
    """The tensor that names the mask behind a statement."""
    if layer is None or layer.masks == "drop":
        return None
    if layer.masks == "pass":
        return next((mask for mask in arriving if mask is not None), None)
    if passed := re.fullmatch(r"%m(\d+)", form.mask):
        return arriving[int(passed[1])]
    return results[0] if form.mask else None


def shared_between_sizes(blueprint: Blueprint, shapes: Mapping[TensorRef, Shape]) -> set[str]:
    """Layers called more than once with inputs of different shape: their constructor must not depend on map sizes."""
    seen: dict[str, tuple[Shape, ...]] = {}
    varying: set[str] = set()
    for call in blueprint.calls:
        arriving = tuple(shapes.get(ref) for ref in all_refs(call))
        if seen.setdefault(call.layer, arriving) != arriving:
            varying.add(call.layer)
    return varying


def carries_of(statement: Statement) -> tuple[Carry, ...]:
    """The carries of a statement."""
    return statement.form.carries or ()


__all__ = ["Body", "Operand", "Statement", "body_of", "carries_of"]
