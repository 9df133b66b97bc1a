"""Cases of layers that prepare numbers, categories, pictures and sounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from tests.conformance.case import Case, Input
from tests.conformance.settings import Scene, Strategy

from regraft.layers import Layer

#: tf-keras takes no rows of categories for ``one_hot``.
ENCODINGS = {"keras": ["one_hot", "multi_hot", "count"], "tf_keras": ["multi_hot", "count"]}


def boundaries(scene: Scene) -> Strategy:
    """Limits of bins, in order."""
    some = st.lists(st.integers(-8, 8).map(lambda n: n / 4), min_size=1, max_size=4, unique=True)
    return some.map(lambda found: tuple(sorted(found)))


def modes(scene: Scene) -> Strategy:
    """How categories come out. Keras 3 counts single categories over the whole batch, so that they come in rows."""
    return st.sampled_from(["int", *ENCODINGS[scene.library]])


def encodings(scene: Scene) -> Strategy:
    """The same for a layer that cannot leave them as they are."""
    return st.sampled_from(ENCODINGS[scene.library])


def vocabulary(scene: Scene) -> Strategy:
    """Different integers."""
    return st.lists(st.integers(1, 20), min_size=1, max_size=5, unique=True).map(tuple)


@st.composite
def numbers(draw: Any, layer: Layer, scene: Scene) -> Case:
    """Rows of numbers."""
    return Case(layer, (Input((draw(st.integers(2, 6)),)),))


@st.composite
def categories(draw: Any, layer: Any, scene: Scene) -> Case:
    """Rows of categories."""
    return Case(layer, (Input((draw(st.integers(2, 6)),), "ids", layer.num_tokens),))


@st.composite
def integers(draw: Any, layer: Any, scene: Scene) -> Case:
    """Rows of integers, some of them unknown."""
    return Case(layer, (Input((draw(st.integers(2, 6)),), "ids", 21),))


@st.composite
def pixels(draw: Any, layer: Any, scene: Scene) -> Case:
    """Pictures in the range of values that the layer expects."""
    size, channels = (draw(st.integers(8, 20)), draw(st.integers(8, 20))), draw(st.sampled_from([1, 3]))
    shape = (channels, *size) if layer.data_format == "channels_first" else (*size, channels)
    return Case(layer, (Input(shape, "pixels", layer.value_range[1]),))


@st.composite
def signal(draw: Any, layer: Any, scene: Scene) -> Case:
    """A sound; with channels for the layer that takes some."""
    length = draw(st.integers(40, 90))
    if not hasattr(layer, "frame_length"):
        return Case(layer, (Input((length + 60,)),))
    if layer.fft_length is not None and layer.fft_length < layer.frame_length:
        layer = replace(layer, fft_length=None)
    channels = draw(st.integers(1, 2))
    return Case(layer, (Input((channels, length) if layer.data_format == "channels_first" else (length, channels)),))
