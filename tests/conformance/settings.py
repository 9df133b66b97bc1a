"""What is drawn for a setting, derived from its name, its type and the layer's rank."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from tests.conformance.keras_side import LibraryName

from regraft.layers import CATALOGUE, Layer, spec_of
from regraft.layers.activations import EXPRESSIONS, IN_KERAS_2

Strategy = st.SearchStrategy[Any]


@dataclass(frozen=True)
class Scene:
    """What the values of a layer's settings may depend on: its class, the rank of its input, and the library."""

    cls: type[Layer]
    ndim: int
    library: LibraryName

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return self.cls.rank or self.ndim - 2


Draws = Callable[[Scene], Strategy]


class UndrawableError(Exception):
    """Nothing is known about the values of a setting."""


def whole(low: int, high: int) -> Draws:
    """A whole number."""
    return lambda _: st.integers(low, high)


def sizes(low: int, high: int) -> Draws:
    """A number for every spatial axis."""
    return lambda scene: st.tuples(*[st.integers(low, high)] * scene.rank)


def one_of(*values: Any) -> Draws:
    """One of some values."""
    return lambda _: st.sampled_from(values)


def eighths(low: float, high: float) -> Draws:
    """A multiple of 1/8: TensorFlow keeps some settings in float32, in which this is exact."""
    return lambda _: st.integers(round(low * 8), round(high * 8)).map(lambda n: n / 8)


def activations(scene: Scene) -> Strategy:
    """A function by name, or a layer in its place."""
    names = sorted(set(EXPRESSIONS) - {"hard_sigmoid_keras2", "glu"})
    if scene.library == "tf_keras":
        names = sorted(IN_KERAS_2)
    slope = "LeakyReLU"
    layers = st.builds(
        lambda n: spec_of("activation", CATALOGUE[slope](**{"negative_slope": n / 8})), st.integers(1, 7)
    )
    return (
        st.one_of(st.sampled_from(names), st.sampled_from(names), layers)
        if scene.library == "keras"
        else st.sampled_from(names)
    )


def gates(scene: Scene) -> Strategy:
    """The function of a gate."""
    hard = "hard_sigmoid" if scene.library == "keras" else "hard_sigmoid_keras2"
    return st.sampled_from(["sigmoid", "sigmoid", hard, "tanh"])


def states(_: Scene) -> Strategy:
    """The function of a state; it must not let it grow."""
    return st.sampled_from(["tanh", "tanh", "sigmoid", "softsign", "relu"])


def padding(scene: Scene) -> Strategy:
    """The padding of a window."""
    causal = ["causal"] if scene.cls.__name__ == "Conv1D" else []
    return st.sampled_from(["valid", "same", *causal])


def none_or(draws: Draws) -> Draws:
    """Nothing, or a value."""
    return lambda scene: st.none() | draws(scene)


def ends(scene: Scene) -> Strategy:
    """Two numbers for every spatial axis."""
    return st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * scene.rank)


def axis(scene: Scene) -> Strategy:
    """An axis that is not the batch, from either end."""
    return st.integers(1, scene.ndim - 1).flatmap(lambda n: st.sampled_from([n, n - scene.ndim]))


def axes(scene: Scene) -> Strategy:
    """One or several such axes, counted from the end or from the front."""
    some = st.lists(st.integers(1, scene.ndim - 1), min_size=1, max_size=3, unique=True).map(sorted)
    return st.tuples(some, st.booleans()).map(lambda t: tuple(n - scene.ndim if t[1] else n for n in t[0]))


#: By name and type: layers agree on what a name means.
BY_NAME: dict[str, Draws] = {
    "activation": activations,
    "axis: int": axis,
    "axis: tuple[int, ...]": axes,
    "data_format": one_of("channels_last", "channels_first"),
    "depth_multiplier": whole(1, 3),
    "dilation_rate": sizes(1, 3),
    "epsilon": one_of(1e-3, 1e-5, 0.01),
    "groups": whole(1, 3),
    "height": whole(2, 8),
    "width": whole(2, 8),
    "kernel_size": sizes(1, 4),
    "output_size": sizes(2, 5),
    "padding: str": padding,
    "pool_size": sizes(1, 4),
    "rate": eighths(0, 0.875),
    "recurrent_activation": gates,
    "size": sizes(1, 3),
    "strides": sizes(1, 3),
}
#: By type, for every other setting.
BY_TYPE: dict[str, Draws] = {
    "bool": one_of(False, True),
    "int": whole(1, 6),
    "float": eighths(0, 1),
    "Ends": ends,
}


def drawn_for(field: dataclasses.Field[Any], scene: Scene) -> Strategy:
    """
    The values of a setting.

    Raises:
        UndrawableError: Neither its name nor its type says which they are.
    """
    for table, key in ((BY_NAME, f"{field.name}: {field.type}"), (BY_NAME, field.name), (BY_TYPE, str(field.type))):
        if key in table:
            return table[key](scene)
    raise UndrawableError(
        f"{scene.cls.__name__}.{field.name}: {field.type} needs a row in tests/conformance/overrides.py"
    )
