"""Cases of recurrent layers and of the wrappers around layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from tests.conformance.case import Case, Input
from tests.conformance.keras_side import WIDTH
from tests.conformance.settings import Scene, Strategy

from regraft.blueprint import LayerSpec
from regraft.layers import CATALOGUE, Layer, build, spec_of

#: What ends up in a model, by front: a sequence of features, a masked one, an embedded one, a map.
FRONTS = ("", "", "mask", "ids")


def made(name: str, scene: Scene) -> st.SearchStrategy[Layer]:
    """Any layer of a class."""
    from tests.conformance.drawing import layers

    return layers(replace(scene, cls=CATALOGUE[name]))


@st.composite
def sequence(draw: Any, layer: Layer, states: tuple[int, ...]) -> Case:
    """A sequence, perhaps masked, and perhaps initial states."""
    front = draw(st.sampled_from(FRONTS)) if layer.masks != "drop" else ""
    time = draw(st.integers(1, 7))
    first = Input((time,), "ids", 5) if front == "ids" else Input((time, draw(st.integers(1, 5))))
    given = tuple(Input((units,)) for units in states) if draw(st.sampled_from([False, False, True])) else ()
    unsized = not getattr(layer, "unroll", False) and front != "ids" and draw(st.booleans())
    stateful = getattr(layer, "stateful", False) and getattr(layer, "stack", ())
    if stateful and not layer.single:  # type: ignore[attr-defined]
        layer = replace(layer, stateful=False)  # Keras cannot reset the states of a stack of cells  # type: ignore[call-arg]
    averaged = getattr(layer, "return_sequences", False) and not getattr(layer, "return_state", False)
    behind = "average" if averaged and draw(st.booleans()) else ""
    return Case(layer, (first, *given), front=front, behind=behind, unsized=unsized, states=len(given))


def run_over_time(layer: Any, scene: Scene) -> st.SearchStrategy[Case]:
    """A recurrent layer on a sequence."""
    if hasattr(layer, "state_count"):
        return sequence(layer, (layer.units,) * layer.state_count)
    stack = layer.stack
    return sequence(layer, tuple(one.units for one in stack for _ in range(one.state_count)))


def cell(scene: Scene) -> Strategy:
    """A cell, or a stack of some."""
    names = st.sampled_from(["LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells"])
    return names.flatmap(lambda name: made(name, scene)).map(lambda found: spec_of("cell", found))


def cells(scene: Scene) -> Strategy:
    """One to three cells."""
    names = st.sampled_from(["LSTMCell", "GRUCell", "SimpleRNNCell"])
    some = st.lists(names.flatmap(lambda name: made(name, scene)), min_size=1, max_size=3)
    return some.map(lambda found: tuple(spec_of(f"cell_{i}", one) for i, one in enumerate(found)))


@st.composite
def cell_over_time(draw: Any, layer: Layer, scene: Scene) -> Case:
    """A cell inside the layer that runs it."""
    outer = draw(made("RNN", scene))
    return draw(run_over_time(replace(outer, cell=spec_of("cell", layer)), scene))


def recurrent_layer(scene: Scene) -> Strategy:
    """A recurrent layer for both directions."""
    names = st.sampled_from(["LSTM", "GRU", "SimpleRNN"])
    return names.flatmap(lambda name: made(name, scene)).map(lambda found: spec_of("inner", found))


@st.composite
def both_ways(draw: Any, layer: Any, scene: Scene) -> Case:
    """The backward layer is a copy, or another one that returns the same."""
    forward = build(layer.layer)
    backward: LayerSpec | None = None
    if draw(st.sampled_from([False, False, True])):
        other = build(draw(recurrent_layer(scene)))
        common = {name: getattr(forward, name) for name in ("return_sequences", "return_state", "stateful", "units")}
        found = replace(other, **common, go_backwards=not forward.go_backwards)  # type: ignore[attr-defined]
        if found.return_state and found.state_count != forward.state_count:  # type: ignore[attr-defined]
            # Keras announces as many states of the backward layer as of the forward one.
            found = replace(found, return_state=False)  # type: ignore[call-arg]
            layer = replace(layer, layer=spec_of("inner", replace(forward, return_state=False)))  # type: ignore[call-arg]
            forward = build(layer.layer)
        backward = spec_of("backward", found)
    elif forward.go_backwards:  # type: ignore[attr-defined]
        # Keras makes the copy read in the same direction, and then refuses it.
        layer = replace(layer, layer=spec_of("inner", replace(forward, go_backwards=False)))  # type: ignore[call-arg]
    layer = replace(layer, backward_layer=backward)
    states = tuple(one.units for one in layer.directions for _ in range(one.state_count))
    case = draw(sequence(layer, states))
    average = case.front and forward.return_sequences and not forward.return_state and layer.merge_mode  # type: ignore[attr-defined]
    return replace(case, behind="average" if average else "", unsized=case.unsized and not forward.unroll)  # type: ignore[attr-defined]


#: Layers that are repeated along the time axis, by rank of one step.
INNER = {
    2: ("Dense", "BatchNormalization", "Activation", "LayerNormalization", "Dropout", "Reshape", "RepeatVector"),
    3: ("Conv1D", "LSTM", "GRU", "GlobalAveragePooling1D", "Flatten", "MaxPooling1D", "Dense", "Permute"),
    4: ("Conv2D", "MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "Flatten", "BatchNormalization", "Dense"),
}  # fmt: skip


def inner_layer(scene: Scene) -> Strategy:
    """A placeholder; the case draws the layer, which depends on the shape of a step."""
    return st.just(spec_of("inner", CATALOGUE["Flatten"]()))


@st.composite
def at_every_step(draw: Any, layer: Any, scene: Scene) -> Case:
    """A layer that is applied to every step of a sequence."""
    from tests.conformance.drawing import cases

    ndim = draw(st.sampled_from(sorted(INNER)))
    inner = draw(cases(CATALOGUE[draw(st.sampled_from(INNER[ndim]))], scene.library, ndim))
    found = inner.layer
    if getattr(found, "return_state", False):
        found = replace(found, return_state=False)
    if getattr(found, "stateful", False):
        found = replace(found, stateful=False)
    layer = replace(layer, layer=spec_of("inner", found))
    time = draw(st.integers(1, 5))
    front = draw(st.sampled_from(["", "mask"]))
    shape = (time, *inner.inputs[0].shape, *([WIDTH] if inner.front == "ids" else []))
    made = found.shape(((None, *shape[1:]),))
    behind = "average" if isinstance(made, tuple) and len(made) == 2 and draw(st.booleans()) else ""
    return Case(layer, (Input(shape),), front=front if len(shape) == 2 else "", behind=behind)
