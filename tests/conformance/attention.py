"""Cases of attention, of layers that wrap another, and of those whose settings name axes by letters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from tests.conformance.case import Case, Input
from tests.conformance.settings import Scene, Strategy

from regraft.layers import CATALOGUE, Layer, spec_of


@st.composite
def of_lists(draw: Any, layer: Any, scene: Scene) -> Case:
    """Attention on a list of query and value, or of query, value and key; features agree where they are compared."""
    features = draw(st.integers(1, 5))
    query, steps = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    inputs = [Input((query, features)), Input((steps, features))]
    if draw(st.booleans()):
        inputs.append(Input((steps, features)))
    keywords = (("use_causal_mask", True),) if draw(st.booleans()) else ()
    front = draw(st.sampled_from(["", "mask"]))
    behind = "average" if draw(st.booleans()) else ""
    return Case(layer, tuple(inputs), call="list", front=front, behind=behind, keywords=keywords)


@st.composite
def of_heads(draw: Any, layer: Any, scene: Scene) -> Case:
    """Multi-head attention on query and value, or on query, value and key."""
    grouped = hasattr(layer, "num_key_value_heads")
    features = [draw(st.integers(1, 6)) for _ in range(3)]
    if grouped:
        # Keras wants as many features in the value as in the query.
        layer = replace(layer, num_query_heads=layer.num_key_value_heads * draw(st.integers(1, 3)))
        features[1] = features[0]
    query, steps = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    inputs = [Input((query, features[0])), Input((steps, features[1]))]
    if draw(st.booleans()):
        inputs.append(Input((steps, features[2])))
    keywords = (("use_causal_mask", True),) if draw(st.booleans()) else ()
    plain = grouped or len(layer.output_shape) < 2
    behind = "average" if plain and draw(st.booleans()) else ""
    front = draw(st.sampled_from(["", "mask"]))
    return Case(layer, tuple(inputs), call="apart", front=front, behind=behind, keywords=keywords)


#: Equations with the shape of the result, the axes of the bias, and the shape of the input.
EQUATIONS: tuple[tuple[str, Any, str | None, tuple[int, ...]], ...] = (
    ("abc,cd->abd", (None, 6), "d", (5, 7)),
    ("abc,cd->abd", (None, 6), None, (5, 7)),
    ("abc,cde->abde", (None, 3, 4), "de", (5, 7)),
    ("abcd,cde->abe", (None, 6), "e", (5, 3, 4)),
    ("...x,xy->...y", (6,), "y", (5, 7)),
    ("abc,bd->adc", (6, None), "d", (5, 7)),
    ("ab,bc->ac", (6,), "c", (4,)),
)


@st.composite
def by_letters(draw: Any, layer: Any, scene: Scene) -> Case:
    """One of some equations on lengths of its own."""
    equation, output, bias, shape = draw(st.sampled_from(EQUATIONS))
    given = tuple(n + draw(st.integers(0, 3)) for n in shape)
    if equation.startswith("abc,bd"):
        output = (output[0], given[1])
    elif output[0] is None and len(output) > 1:
        output = (given[0], *output[1:])
    return Case(replace(layer, equation=equation, output_shape=output, bias_axes=bias), (Input(given),))


def wrapped(scene: Scene) -> Strategy:
    """A stand-in: the case draws the layer."""
    return st.just(spec_of("inner", CATALOGUE["Flatten"]()))


@st.composite
def normalised(draw: Any, layer: Any, scene: Scene) -> Case:
    """A layer with a kernel inside SpectralNormalization."""
    from tests.conformance.drawing import cases

    inner = draw(cases(CATALOGUE[draw(st.sampled_from(["Dense", "Conv1D", "Conv2D"]))], scene.library))
    return replace(inner, layer=replace(layer, layer=spec_of("inner", inner.layer)), unsized=False)


@st.composite
def maps_over_time(draw: Any, layer: Any, scene: Scene) -> Case:
    """Maps in a sequence, perhaps of open length."""
    window = [(k - 1) * d + 1 for k, d in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
    spatial = tuple(draw(st.integers(k, k + 3)) for k in window)
    time, channels = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    first = layer.data_format == "channels_first"
    return Case(layer, (Input((time, channels, *spatial) if first else (time, *spatial, channels)),))


@st.composite
def to_tensor(draw: Any, layer: Layer, scene: Scene) -> Case:
    """Anything."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    return Case(layer, (Input(shape),), call="apart")
