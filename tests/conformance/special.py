"""Cases of layers that take more than one tensor, or whose settings depend on the shape of what they take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from tests.conformance.case import Case, Input
from tests.conformance.settings import Scene, Strategy

from regraft.layers import Layer

#: Lengths of axes, with those that often go wrong more often.
LENGTHS = st.sampled_from([1, 2, 3, 3, 4, 5, 5, 6, 7])


def lengths(low: int, high: int) -> Strategy:
    """The shape of a tensor, without its batch axis."""
    return st.lists(LENGTHS, min_size=low, max_size=high).map(tuple)


def a_map(draw: Any, shape: tuple[int, ...]) -> str:
    """In front of the layer: nothing, or what runs channels first."""
    return draw(st.sampled_from(["", "map"])) if 2 <= len(shape) <= 4 else ""


@st.composite
def an_input(draw: Any, layer: Layer, scene: Scene) -> Case:
    """A model that does nothing, so that only its input remains."""
    shape = draw(lengths(1, 4))
    return Case(replace(layer, batch_shape=(None, *shape)), (Input(shape),))


@st.composite
def cropped_to_its_size(draw: Any, layer: Any, scene: Scene) -> Case:
    """Images that have the wanted size."""
    size, channels = (layer.height, layer.width), draw(st.integers(1, 4))
    first = layer.data_format == "channels_first"
    return Case(layer, (Input((channels, *size) if first else (*size, channels)),))


def around(draw: Any, case: Case) -> Case:
    """In front of the layer nothing, what runs channels first, or a mask; behind it what minds masks, if it gives a sequence."""
    shape = case.inputs[0].shape
    front = draw(st.sampled_from(["", "map", "mask"])) if 2 <= len(shape) <= 4 else ""
    behind = "average" if len(shape) == 2 and draw(st.booleans()) else ""
    return replace(case, front=front, behind=behind)


def shared_axes(scene: Scene) -> Strategy:
    """Some of the axes that are not the batch."""
    return st.lists(st.integers(1, scene.ndim - 1), max_size=3, unique=True).map(lambda found: tuple(sorted(found)))


@st.composite
def in_groups(draw: Any, layer: Any, scene: Scene) -> Case:
    """Channels that fall into whole groups of some numbers; -1 stands for groups of one channel."""
    shape = [draw(st.integers(2, 5)) for _ in range(scene.ndim - 1)]
    groups = draw(st.sampled_from([1, 2, 3, -1] if scene.ndim > 2 else [1, 2, 3]))
    axis = layer.axis - 1 if layer.axis > 0 else layer.axis
    shape[axis] = max(groups, 1) * draw(st.integers(2, 3))
    case = Case(replace(layer, groups=groups), (Input(tuple(shape)),))
    return around(draw, case) if axis in (-1, scene.ndim - 2) else case


@st.composite
def over_axes(draw: Any, layer: Any, scene: Scene) -> Case:
    """
    A scale along the last axes, or along others that are as long.

    Keras lays the scale along the last axes whatever its own are; where it does not fit them, it fails or gives another shape.
    """
    if draw(st.booleans()):
        count = len(layer.axis)
        shape = draw(lengths(scene.ndim - 1, scene.ndim - 1))
        return around(draw, Case(replace(layer, axis=tuple(range(-count, 0))), (Input(shape),)))
    shape = (draw(LENGTHS),) * (scene.ndim - 1)
    return Case(layer, (Input(shape),))


@st.composite
def with_statistics(draw: Any, layer: Any, scene: Scene) -> Case:
    """Mean and variance that it has learned, or that stand in its settings."""
    shape = draw(lengths(scene.ndim - 1, scene.ndim - 1))
    learned = draw(st.booleans())
    if learned:
        return around(draw, Case(replace(layer, mean=None, variance=None), (Input(shape),)))
    whole = draw(st.booleans())
    axes = () if whole else (scene.ndim - 1,)
    count = 1 if whole else shape[-1]
    mean = tuple(draw(st.integers(-8, 8)) / 8 for _ in range(count))
    variance = tuple(draw(st.integers(1, 16)) / 8 for _ in range(count))
    given = {"mean": mean[0], "variance": variance[0]} if whole else {"mean": mean, "variance": variance}
    return around(draw, Case(replace(layer, axis=axes, **given), (Input(shape),)))


@st.composite
def scaled_channels(draw: Any, layer: Any, scene: Scene) -> Case:
    """A map with as many channels as the layer has numbers."""
    shape = (*draw(lengths(scene.ndim - 2, scene.ndim - 2)), layer.projection_dim)
    return around(draw, Case(layer, (Input(shape),)))


@st.composite
def reshaped(draw: Any, layer: Any, scene: Scene) -> Case:
    """The same numbers in another shape: axes swapped, joined, split, or one of them left open."""
    shape = draw(lengths(scene.ndim - 1, scene.ndim - 1))
    front = a_map(draw, shape)
    parts = list(draw(st.permutations(behind_padding(front, shape))))
    while len(parts) > 1 and draw(st.booleans()):
        parts = [parts[0] * parts[1], *parts[2:]]
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), 1)
    if draw(st.booleans()):
        parts[draw(st.integers(0, len(parts) - 1))] = -1
    behind = "average" if len(parts) == 2 and draw(st.booleans()) else ""
    return Case(replace(layer, target_shape=tuple(parts)), (Input(shape),), front=front, behind=behind)


@st.composite
def permuted(draw: Any, layer: Any, scene: Scene) -> Case:
    """Axes in any order."""
    shape = draw(lengths(scene.ndim - 1, scene.ndim - 1))
    dims = tuple(draw(st.permutations(range(1, scene.ndim))))
    return Case(replace(layer, dims=dims), (Input(shape),), front=a_map(draw, shape))


@st.composite
def looked_up(draw: Any, layer: Any, scene: Scene) -> Case:
    """Ids in a sequence, or in a table of them."""
    shape = draw(lengths(1, 2))
    behind = "average" if len(shape) == 1 and draw(st.booleans()) else ""
    case = Case(layer, (Input(shape, "ids", layer.input_dim),), behind=behind)
    return replace(case, unsized=False)


def behind_padding(front: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """What the layer sees of a shape behind the front: ``map`` puts one more place on every spatial axis."""
    return (*(n + 1 for n in shape[:-1]), shape[-1]) if front == "map" else shape


def broadcast(draw: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The same shape, some axes of length 1."""
    return tuple(1 if draw(st.sampled_from([False, False, True])) else n for n in shape)


@st.composite
def merged(draw: Any, layer: Layer, scene: Scene) -> Case:
    """Two to four tensors that fit each other, some with axes of length 1, some of lower rank."""
    shape = draw(lengths(1, 4))
    count = draw(st.integers(2, 4))
    front = draw(st.sampled_from(["", "mask"])) if len(shape) == 2 else a_map(draw, shape)
    others = [broadcast(draw, behind_padding(front, shape)) for _ in range(count - 1)]
    if draw(st.sampled_from([False, False, True])):
        others = [other[draw(st.integers(0, len(other) - 1)) :] for other in others]
    behind = "average" if len(shape) == 2 and draw(st.booleans()) else ""
    return Case(layer, tuple(Input(s) for s in (shape, *others)), call="list", front=front, behind=behind)


@st.composite
def subtracted(draw: Any, layer: Layer, scene: Scene) -> Case:
    """Two tensors."""
    case = draw(merged(layer, scene))
    return replace(case, inputs=case.inputs[:2])


@st.composite
def concatenated(draw: Any, layer: Any, scene: Scene) -> Case:
    """Tensors that differ in length along one axis."""
    shape = draw(lengths(scene.ndim - 1, scene.ndim - 1))
    place = layer.axis - 1 if layer.axis > 0 else layer.axis
    found = [shape]
    for _ in range(draw(st.integers(1, 3))):
        other = list(shape)
        other[place] = draw(LENGTHS)
        found.append(tuple(other))
    behind = "average" if len(shape) == 2 and draw(st.booleans()) else ""
    front = draw(st.sampled_from(["", "map", "mask"])) if 2 <= len(shape) <= 4 else ""
    found[1:] = [behind_padding(front, other) for other in found[1:]]
    return Case(layer, tuple(map(Input, found)), call="list", front=front, behind=behind)


@st.composite
def multiplied(draw: Any, layer: Any, scene: Scene) -> Case:
    """Two tensors with an axis of the same length."""
    first, second = list(draw(lengths(1, 3))), list(draw(lengths(1, 3)))
    front = a_map(draw, tuple(first))
    a, b = draw(st.integers(1, len(first))), draw(st.integers(1, len(second)))
    second[b - 1] = behind_padding(front, tuple(first))[a - 1]
    axes: Any = (a, b)
    if a == b and draw(st.booleans()):
        axes = a
    elif draw(st.booleans()):
        axes = (a - len(first) - 1, b - len(second) - 1)
    inputs = (Input(tuple(first)), Input(tuple(second)))
    return Case(replace(layer, axes=axes), inputs, call="list", front=front)


@st.composite
def computed(draw: Any, layer: Layer, scene: Scene) -> Case:
    """Two tensors aligned at the end, or a tensor and a number on either side."""
    shape = draw(lengths(1, 4))
    front = a_map(draw, shape)
    if draw(st.booleans()):
        number = draw(st.integers(-16, 16)) / 8 or 3.0
        return Case(layer, (Input(shape),), call="apart", front=front, numbers=((draw(st.integers(0, 1)), number),))
    other = broadcast(draw, behind_padding(front, shape))
    return Case(layer, (Input(shape), Input(other)), call="apart", front=front)


@st.composite
def of_flags(draw: Any, layer: Layer, scene: Scene) -> Case:
    """Two masks."""
    shape = draw(lengths(1, 4))
    return Case(layer, (Input(shape, "flags"), Input(shape, "flags")), call="apart")


@st.composite
def compared(draw: Any, layer: Layer, scene: Scene) -> Case:
    """Whole numbers with a number."""
    shape = draw(lengths(1, 4))
    return Case(layer, (Input(shape, "ids", 4),), call="apart", numbers=((1, draw(st.integers(0, 3))),))


@st.composite
def any_flag(draw: Any, layer: Layer, scene: Scene) -> Case:
    """A mask with more axes than one."""
    return Case(layer, (Input(draw(lengths(scene.ndim - 1, scene.ndim - 1)), "flags"),), call="apart")
