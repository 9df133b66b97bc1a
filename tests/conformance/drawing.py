"""Cases of a layer class, drawn by hypothesis."""

from __future__ import annotations

import dataclasses
import zlib
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.conformance.case import BATCH, Case, Input
from tests.conformance.keras_side import LibraryName
from tests.conformance.override import Override
from tests.conformance.overrides import override_of
from tests.conformance.settings import Scene, drawn_for

from regraft.keras_config.dump import VERSIONS
from regraft.layers import CATALOGUE, Layer

#: Longest axis of an input beyond what its window needs.
SPARE = 6


@st.composite
def layers(draw: Any, scene: Scene) -> Layer:
    """A layer of the class with settings that can occur together."""
    own = override_of(scene.cls)
    chosen: dict[str, Any] = {}
    for field in dataclasses.fields(scene.cls):
        if field.name in own.settings:
            chosen[field.name] = draw(own.settings[field.name](scene))
        elif field.metadata.get("keras", True):
            chosen[field.name] = draw(drawn_for(field, scene))
    return scene.cls(**own.mend(chosen, scene))


@st.composite
def cases(draw: Any, cls: type[Layer], library: LibraryName, ndim: int = 0) -> Case:
    """A case of the class; ``ndim`` is the rank of its input if that is known."""
    own = override_of(cls)
    low, high = own.ndim or ((cls.rank + 2,) * 2 if cls.rank else (ndim or 2, ndim or 5))
    scene = Scene(cls, draw(st.integers(low, high)), library)
    layer = draw(layers(scene))
    if own.case is not None:
        return draw(own.case(layer, scene))
    first = Input(draw(shapes(layer, scene)))
    count = draw(st.integers(*own.inputs))
    inputs = (first,) * count
    case = Case(layer, inputs, call=own.call)
    return draw(surroundings(case, own))


@st.composite
def shapes(draw: Any, layer: Layer, scene: Scene) -> tuple[int, ...]:
    """A shape that the layer's window fits into, with different lengths on every axis where that is possible."""
    least = tuple(max(n, override_of(scene.cls).least) for n in smallest(layer, scene))
    spatial = tuple(draw(st.integers(low, low + SPARE)) for low in least)
    groups = getattr(layer, "groups", 1)
    channels = groups * draw(override_of(scene.cls).channels)
    if getattr(layer, "data_format", "") == "channels_first" and layer.rank:
        return (channels, *spatial)
    return (*spatial, channels) if scene.ndim > 1 else ()


def smallest(layer: Layer, scene: Scene) -> tuple[int, ...]:
    """The smallest map that leaves something."""
    rank = scene.ndim - 2
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None) or (1,) * rank
    dilation = getattr(layer, "dilation_rate", (1,) * rank)
    if getattr(layer, "cropping", None):
        return tuple(sum(end) + 1 for end in layer.cropping)  # type: ignore[attr-defined]
    if getattr(layer, "padding", "valid") != "valid" or len(window) != rank:
        return (1,) * rank
    return tuple((k - 1) * d + 1 for k, d in zip(window, dilation, strict=True))


@st.composite
def surroundings(draw: Any, case: Case, own: Override) -> Case:
    """What stands in front of the layer and behind it: other axis orders, flattened maps, masks, open sizes."""
    shape = case.inputs[0].shape
    fronts = [""]
    if case.inputs[0].kind == "floats" and case.call == "one":
        fronts += ["mask"] if len(shape) >= 2 and own.maskable else []
        fronts += (
            ["map"] if 2 <= len(shape) <= 4 and not getattr(case.layer, "data_format", "").endswith("first") else []
        )
        fronts += ["flat"] if own.flat else []
    front = draw(st.sampled_from(fronts))
    if front == "flat":
        flat_shape = tuple(draw(st.integers(1, 4)) for _ in range(draw(st.integers(2, 4))))
        case = dataclasses.replace(case, inputs=(dataclasses.replace(case.inputs[0], shape=flat_shape),))
    behind = ""
    if front == "mask" and len(shape) == 2 and gives_sequence(case.layer, shape):
        behind = "average"
    if front == "flat":
        layer = case.layer
        if isinstance(getattr(layer, "axis", None), int):
            layer = dataclasses.replace(layer, axis=-1)  # type: ignore[call-arg]
        case = dataclasses.replace(case, layer=layer)
        behind = draw(st.sampled_from(["", "dense"]))
    unsized = own.unsized and front != "flat" and may_vary(case.layer, shape) and draw(st.booleans())
    return dataclasses.replace(case, front=front, behind=behind, unsized=unsized)


def gives_sequence(layer: Layer, shape: tuple[int, ...]) -> bool:
    """Whether the output has the rank of a sequence with features."""
    made = layer.shape(((BATCH, *shape),))
    return isinstance(made, tuple) and len(made) == 3


def may_vary(layer: Layer, shape: tuple[int, ...]) -> bool:
    """Whether the axes between batch and the last one may be open: variables must not depend on them."""
    first = getattr(layer, "data_format", "").endswith("first")
    axis = getattr(layer, "axis", -1)
    return len(shape) > 1 and not (first and layer.weights) and axis in (-1, len(shape))


def drawn(cls: type[Layer], library: LibraryName, count: int, *, round: int = 0) -> list[Case]:
    """
    Different cases of a class; always the same ones.

    Args:
        cls: The layer class.
        library: Which Keras will judge them.
        count: How many. A class that has fewer gives those.
        round: Other numbers give other cases.
    """
    found: dict[str, Case] = {}
    for attempt in range(4):
        collect(
            cases(cls, library).filter(lambda case: sound(case, library)),
            found,
            count * 2,
            zlib.crc32(f"{cls.__name__} {library} {round} {attempt}".encode()),
        )
        if len(found) >= count:
            break
    return list(found.values())[:count]


def sound(case: Case, library: LibraryName) -> bool:
    """
    Whether that Keras has all settings of the layer, and computes what they say.

    Keras 3's ``ops.add`` on TensorFlow takes what has one axis for a bias, and adds it along the last axis if that is as long:
    in a channels-first convolution whose map is as wide as it has channels, the bias goes along the width.
    """
    layer = case.layer
    if cannot_say(layer, library):
        return False
    if not (getattr(layer, "data_format", "") == "channels_first" and getattr(layer, "use_bias", False)):
        return True
    made = layer.shape(((BATCH, *case.inputs[0].shape),))
    return made is None or made[1] != made[-1]


def cannot_say(layer: Layer, library: LibraryName) -> bool:
    """Whether a library lacks a setting; that a layer is stateful, or not in that library at all, is no such lack."""
    said = layer.caveats(VERSIONS[3 if library == "keras" else 2])
    return any("stateful" not in text and f"has no {type(layer).__name__}" not in text for text in said)


def collect(strategy: st.SearchStrategy[Case], found: dict[str, Case], examples: int, number: int) -> None:
    """Add drawn cases to those found, by their text."""

    @seed(number)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(case: Case) -> None:
        found.setdefault(repr(case), case)

    keep()


def types() -> list[str]:
    """Every layer of the catalogue but the nested model; operations that have a table of their own are tested beside it."""
    return sorted(name for name, cls in CATALOGUE.items() if name != "Functional" and not has_table(cls))


def has_table(cls: type[Layer]) -> bool:
    """Whether a class is one line in the tables of operations, which tests/layers/operations compares with Keras."""
    return any(base.__module__.startswith("regraft.layers.operations") for base in cls.__mro__)
