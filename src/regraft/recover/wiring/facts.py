"""What wiring needs to know of a layer: what may enter it, what leaves it, and how many tensors it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from regraft.blueprint import Blueprint, LayerSpec
from regraft.errors import RegraftError
from regraft.layers import CATALOGUE, KerasVersion, Layer, build
from regraft.layers.binding import bind_layer
from regraft.layers.depthwise import Depthwise
from regraft.layers.embedding import Embedding
from regraft.layers.global_pooling import GlobalPooling
from regraft.layers.recurrent import Recurrent
from regraft.layers.walk import model_shapes
from regraft.recover.part import Part
from regraft.weights import WeightTree

Role = Literal["input", "unary", "sum", "product", "concat", "dot", "states", "calls"]

#: Merging layers by how the channels of their inputs make those of the output.
MERGES: Mapping[str, Role] = {
    "Add": "sum",
    "Subtract": "sum",
    "Average": "sum",
    "Maximum": "sum",
    "Minimum": "sum",
    "Multiply": "product",
    "Concatenate": "concat",
    "Dot": "dot",
    "AddOperation": "sum",
    "SubtractOperation": "sum",
    "MaximumOperation": "sum",
    "MinimumOperation": "sum",
    "MultiplyOperation": "product",
    "TrueDivideOperation": "product",
}
#: Layers whose output channels are not those of their input, and that no variable tells.
OPAQUE = frozenset({"Reshape", "Permute", "Lambda", "Cropping3D"})
#: Axis names that run along the channels that enter, and along those that leave.
ENTERING = ("cin", "channel", "projection_dim")
LEAVING = ("cout", "units", "embed")


@dataclass(frozen=True)
class Fact:
    """
    One layer as wiring sees it.

    Attributes:
        name: The name it bears in the blueprint.
        type: In the catalogue, or empty.
        role: How it takes tensors.
        cin: Channels (length of the last axis) that must enter; None if nothing says so.
        cout: Channels that leave; None if they are those that entered or nothing says so.
        keeps: Whether as many channels leave as enter.
        rows: Whether all axes that enter become one (Flatten).
        rank_in: Rank that must enter, batch included; 0 if unknown.
        rank_out: Rank that leaves; 0 if unknown or as it enters.
        keeps_rank: Whether the rank stays.
        weighted: Whether it has variables.
        integers: Whether it needs integers (Embedding).
        counter: Place among the layers of its class in the order in which they were made.
        guesses: Types that a layer without a type may have.
        place: Its place among the numbered layers of its class, and how many there are; None if one has no number.
        pointwise: Whether its kernel has size 1 along every axis.
        begins: Whether it begins a block, by its name: it has more in common with what follows than with what precedes.
        states: Initial states that it may take beside its input (recurrent layers), each a vector of ``cout``.
    """

    name: str
    type: str
    role: Role = "unary"
    cin: int | None = None
    cout: int | None = None
    keeps: bool = False
    rows: bool = False
    rank_in: int = 0
    rank_out: int = 0
    keeps_rank: bool = True
    weighted: bool = False
    integers: bool = False
    counter: int | None = None
    guesses: tuple[str, ...] = ()
    place: tuple[int, int] | None = None
    pointwise: bool = False
    begins: bool = False
    states: int = 0


def facts_of(parts: tuple[Part, ...], tree: WeightTree, inner: Mapping[str, Blueprint]) -> tuple[Fact, ...]:
    """The facts of every part; nothing raises, what cannot be built is opaque."""
    version = KerasVersion.parse(tree.keras_version or {"keras-0": "0.3", "keras-1": "1"}.get(tree.dialect, "3"))
    facts = [fact_of(part, tree, version, inner.get(part.name)) for part in parts]
    return tuple(numbered(begun(facts)))


def numbered(facts: Sequence[Fact]) -> list[Fact]:
    """The facts with the place of each layer in its class, where all layers of the class have numbers."""
    classes: dict[str, list[int | None]] = {}
    for fact in facts:
        classes.setdefault(fact.type, []).append(fact.counter)
    places: dict[str, dict[int, int]] = {}
    for name, counters in classes.items():
        known = sorted(c for c in counters if c is not None)
        if len(known) == len(set(counters)) == len(counters):
            places[name] = {counter: i for i, counter in enumerate(known)}
    return [
        replace(f, place=(places[f.type][f.counter], len(places[f.type])))
        if f.type in places and f.counter is not None
        else f
        for f in facts
    ]


def begun(facts: Sequence[Fact]) -> list[Fact]:
    """The facts with whether the author's own names let a block begin there."""
    found = list(facts)
    for i in range(1, len(facts) - 1):
        before, own, after = facts[i - 1 : i + 2]
        if own.counter is None and after.counter is None:
            found[i] = replace(own, begins=shared(own.name, after.name) > shared(own.name, before.name))
    return found


def shared(first: str, second: str) -> int:
    """
    How many letters two names begin with together.

    >>> shared("block2_conv", "block2_bn"), shared("stem", "head")
    (7, 0)
    """
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def fact_of(part: Part, tree: WeightTree, version: KerasVersion, inner: Blueprint | None) -> Fact:
    """The facts of one part."""
    weighted = any(True for _ in part.group.walk())
    plain = Fact(part.name, part.type, weighted=weighted, counter=part.counter, guesses=part.others)
    if inner is not None:
        return nested(plain, inner)
    if part.type == "InputLayer":
        return replace(plain, role="input")
    if part.type in MERGES:
        return replace(plain, role=MERGES[part.type])
    if part.type == "Flatten":
        return replace(plain, rows=True, rank_out=2, keeps_rank=False)
    if part.type == "RepeatVector":
        return replace(plain, keeps=True, rank_in=2, rank_out=3, keeps_rank=False)
    if part.type in OPAQUE:
        return replace(plain, keeps_rank=part.type == "Permute")
    if part.type not in CATALOGUE:
        # A layer without a type is an activation or the like unless its position says otherwise.
        return replace(plain, keeps=not part.type and not weighted, keeps_rank=not part.type and not weighted)
    spec = LayerSpec(part.name, part.type, part.settings)
    try:
        layer = build(spec)
        bound, wrong = bind_layer(spec, layer, part.group, tree, version, tree.backend == "theano")
    except (RegraftError, TypeError, ValueError, IndexError, KeyError, AttributeError, AssertionError):
        return replace(plain, keeps=not weighted and CATALOGUE[part.type].rank == 0)
    shapes = {} if wrong else {name: b.shape for name, b in bound.items()}
    return measured(plain, layer, shapes)


def nested(plain: Fact, inner: Blueprint) -> Fact:
    """A model used as a layer: what its own inputs and outputs say; several inputs make it a merge of its own kind."""
    entries = [inner.by_name[ref.layer].config.get("batch_shape") for ref in inner.inputs]
    declared = entries[0] if len(entries) == 1 else None
    first = declared if isinstance(declared, tuple) else ()
    cin = first[-1] if first and isinstance(first[-1], int) else None
    try:
        shapes = model_shapes(inner)
        out = shapes[inner.outputs[0]] if len(inner.outputs) == 1 else None
    except (RegraftError, TypeError, ValueError, KeyError):
        out = None
    return replace(
        plain,
        type="Functional",
        role="unary" if len(inner.inputs) == 1 else "dot",
        cin=cin,
        cout=out[-1] if out else None,
        rank_out=len(out) if out else 0,
        rank_in=len(first),
        keeps_rank=False,
    )


def measured(plain: Fact, layer: Layer, shapes: Mapping[str, tuple[int, ...]]) -> Fact:
    """A layer of the catalogue with the shapes of its variables."""
    rank = layer.rank + 2 if layer.rank else 0
    sizes: dict[str, int] = {}
    for weight in layer.variables():
        shape = shapes.get(weight.name)
        if shape is None:
            continue
        axes = weight.axes
        if "..." in axes:
            sizes.setdefault("channel", shape[-1] if shape else 1)
        elif len(axes) == len(shape):
            for axis, length in zip(axes, shape, strict=True):
                sizes.setdefault(axis, length)
    cin = next((sizes[axis] for axis in ENTERING if axis in sizes), None)
    cout = next((sizes[axis] for axis in LEAVING if axis in sizes), None)
    groups = getattr(layer, "groups", 1)
    if isinstance(layer, Recurrent) or plain.type == "Bidirectional":
        return recurrent(plain, layer, cin)
    if plain.type == "TimeDistributed":
        return distributed(plain, layer, shapes)
    if isinstance(layer, Embedding):
        return replace(plain, cout=cout, integers=True, keeps_rank=False)
    if isinstance(layer, Depthwise):
        made = None if cin is None else cin * layer.depth_multiplier
        return replace(plain, cin=cin, cout=made, rank_in=rank)
    if isinstance(layer, GlobalPooling):
        # ``keepdims`` leaves no trace in a file: the consumer tells.
        return replace(plain, keeps=True, rank_in=rank, keeps_rank=False)
    if cin is not None and isinstance(groups, int) and groups > 1 and cout is not None:
        cin *= groups
    size = getattr(layer, "kernel_size", None)
    pointwise = isinstance(size, tuple) and set(size) == {1}
    return replace(plain, cin=cin, cout=cout, keeps=cout is None, rank_in=rank, pointwise=pointwise)


def recurrent(plain: Fact, layer: Layer, cin: int | None) -> Fact:
    """Recurrent layers: whether the sequence or its last step leaves is not told by the variables."""
    units = getattr(layer, "units", None)
    if units is None:
        inner = getattr(layer, "layer", None)
        one = inner.config.get("units") if isinstance(inner, LayerSpec) else None
        mode = getattr(layer, "merge_mode", "concat")
        units = None if not isinstance(one, int) else 2 * one if mode == "concat" else one
    states = layer.state_count if isinstance(layer, Recurrent) else 0
    return replace(plain, cin=cin, cout=units, rank_in=3, keeps_rank=False, states=states)


def distributed(plain: Fact, layer: Layer, shapes: Mapping[str, tuple[int, ...]]) -> Fact:
    """A layer that is applied to every step: the wrapped layer, one rank higher."""
    spec = getattr(layer, "layer", None)
    if not isinstance(spec, LayerSpec):
        return plain
    try:
        inner = measured(Fact(plain.name, spec.type), build(spec), shapes)
    except (RegraftError, TypeError, ValueError):
        return plain
    if spec.type == "Flatten":
        inner = replace(inner, rows=True, keeps=False, rank_out=2, keeps_rank=False)
    up = 1 if inner.rank_in else 0
    return replace(
        plain,
        cin=inner.cin,
        cout=inner.cout,
        keeps=inner.keeps,
        rows=inner.rows,
        rank_in=inner.rank_in + up,
        rank_out=inner.rank_out + 1 if inner.rank_out else 0,
        keeps_rank=inner.keeps_rank,
    )
