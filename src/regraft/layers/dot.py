"""Scalar products of two tensors along an axis of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.errors import BlueprintError, UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import Reading, plain, setting
from regraft.layers.version import KerasVersion


def dot_axes(value: Any, _: Reading) -> int | tuple[int, int]:
    """One axis for both tensors or one for each; never the batch. Keras 1 writes them as ``[[1], [2]]`` too."""
    axes = plain(value)
    if isinstance(axes, tuple):
        axes = tuple(axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis for axis in axes)
    found = axes if isinstance(axes, tuple) else (axes,)
    valid = all(isinstance(axis, int) and not isinstance(axis, bool) and axis for axis in found)
    if not valid or len(found) not in ((2,) if isinstance(axes, tuple) else (1,)):
        raise UnknownLayerError(f"Dot over the axes {quote(value)}")
    return axes  # pyright: ignore[reportReturnType]


@dataclass(frozen=True, kw_only=True)
class Dot(Layer):
    """
    Scalar products along one axis of each input; the other axes of both remain, vectors give ``(batch, 1)``.

    ``normalize`` divides by the Euclidean lengths first, which are at least 1e-7 in Keras 3, and 1e-6 in Keras 2.
    Keras: ``keras/src/layers/merging/dot.py``; PyTorch: ``torch.einsum``.
    """

    axis_order: ClassVar = "keras"
    masks: ClassVar = "drop"

    axes: int | tuple[int, int] = setting(old=("dot_axes",), parse=dot_axes)
    normalize: bool = setting(False)
    shortest: float = setting(1e-7, before={(3, 0, 0): 1e-6}, keras=False)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {"axes": list(self.axes) if isinstance(self.axes, tuple) else self.axes, "normalize": self.normalize}

    def places(self, ranks: tuple[int, int]) -> tuple[int, int]:
        """The summed axis of each input, counted from the front."""
        first, second = self.axes if isinstance(self.axes, tuple) else (self.axes, self.axes)
        return first % ranks[0], second % ranks[1]

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        first, second = inputs
        if first is None or second is None:
            return None
        a, b = self.places((len(first), len(second)))
        if None not in (first[a], second[b]) and first[a] != second[b]:
            raise BlueprintError(f"axes of lengths {first[a]} and {second[b]} have no scalar product")
        found = (*first[:a], *first[a + 1 :], *second[1:b], *second[b + 1 :])
        return found if len(found) > 1 else (*found, 1)

    def arrange(self, arrival: Arrival) -> Arranged:
        """The inputs may lie in any order: the equation names their axes."""
        first, second = arrival.orders
        rank = max(len(first.axes) + len(second.axes) - 3, 2)
        return Arranged((AxisOrder(first.axes), AxisOrder(second.axes)), (AxisOrder.keras(rank),))

    def torch(self, site: Site) -> Form:
        first, second = (order.axes for order in site.orders)
        a, b = self.places((len(first), len(second)))
        texts = ["%0", "%1"]
        if self.normalize:
            eps = f", eps={self.shortest!r}"
            texts = [
                f"F.normalize({x}, dim={order.dim(place)}{eps})"
                for x, order, place in zip(texts, site.orders, (a, b), strict=True)
            ]
        if len(first) == len(second) == 2:
            return Form((f"({texts[0]} * {texts[1]}).sum(1, keepdim=True)",))
        # b: batch, k: the summed axis, other letters in Keras order: those of the first tensor, then of the second.
        letters = iter("ijlmnopq")
        one = ["b", *("k" if axis == a else next(letters) for axis in range(1, len(first)))]
        two = ["b", *("k" if axis == b else next(letters) for axis in range(1, len(second)))]
        result = "".join(letter for letter in (*one, *two[1:]) if letter != "k")
        left, right = ("".join(names[axis] for axis in axes) for names, axes in ((one, first), (two, second)))
        return Form((f'torch.einsum("{left},{right}->{result}", {texts[0]}, {texts[1]})',))


@dataclass(frozen=True, kw_only=True)
class Cosine(Layer):
    """
    The cosine of the angle between two vectors, as ``(batch, 1, 1)``: Keras 1 adds an axis that its own shapes leave out.

    Keras: ``Merge(mode="cos")`` in ``keras/engine/topology.py`` of Keras 1.2.2; PyTorch: products and sums.
    """

    masks: ClassVar = "drop"
    axis_order: ClassVar = "keras"

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return (f"Keras {version.major} has no merge by cosine",)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if any(shape is not None and len(shape) != 2 for shape in inputs) or len(inputs) != 2:
            raise BlueprintError(f"cosines of inputs of the shapes {inputs}: only two vectors have one")
        return (None if inputs[0] is None else inputs[0][0], 1, 1)

    def arrange(self, arrival: Arrival) -> Arranged:
        return Arranged((AxisOrder.keras(2),) * len(arrival.orders), (AxisOrder.keras(3),))

    def torch(self, site: Site) -> Form:
        squares = "(%0 * %0).sum(1) * (%1 * %1).sum(1)"
        return Form(
            ("((%0 * %1).sum(1) / %lengths)[:, None, None]",),
            before=(f"%lengths = ({squares}).sqrt().clamp(min=1e-7)",),
        )
