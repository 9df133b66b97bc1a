"""
Axis order: which Keras axis each dimension of a PyTorch activation holds.

Keras runs channels last, the emitted module channels first. The order of every activation is known while the
module is written, so that weights are moved once and activations are not.
"""

from __future__ import annotations

from dataclasses import dataclass

from regraft.blueprint import Shape


@dataclass(frozen=True)
class AxisOrder:
    """
    How the axes of one activation are arranged in PyTorch.

    Attributes:
        axes: PyTorch dimension ``i`` holds Keras axis ``axes[i]``; empty when the rank is unknown (then as in Keras).
        flat: If the last axis is a flattened map: the lengths ``(h, w, c)`` that Keras flattens, held as ``(c h w)``.
    """

    axes: tuple[int, ...]
    flat: tuple[int, ...] = ()

    @classmethod
    def keras(cls, rank: int) -> AxisOrder:
        """Same order as in Keras."""
        return cls(tuple(range(rank)))

    @classmethod
    def channels_first(cls, rank: int) -> AxisOrder:
        """The last Keras axis comes right after the batch: NHWC held as NCHW. Below rank 3 the same as in Keras."""
        return cls((0, rank - 1, *range(1, rank - 1))) if rank >= 3 else cls.keras(rank)

    @property
    def is_keras(self) -> bool:
        """Whether the order is the one of Keras."""
        return self.axes == tuple(range(len(self.axes))) and not self.flat

    def dim(self, axis: int) -> int:
        """The PyTorch dimension that holds a Keras axis; negative axes count from the end, as in Keras."""
        return self.axes.index(axis % len(self.axes)) if self.axes else axis

    def shape(self, keras_shape: Shape) -> Shape:
        """A Keras shape in PyTorch order."""
        if keras_shape is None or not self.axes:
            return keras_shape
        return tuple(keras_shape[axis] for axis in self.axes)

    def permutation_to(self, other: AxisOrder) -> tuple[int, ...]:
        """The argument of ``Tensor.permute`` that turns this order into ``other``."""
        return tuple(self.axes.index(axis) for axis in other.axes)


def converted(expression: str, have: AxisOrder, want: AxisOrder) -> str:
    """
    The expression of an activation in another axis order.

    >>> converted("x", AxisOrder.channels_first(4), AxisOrder.keras(4))
    'x.permute(0, 2, 3, 1)'
    >>> converted("x", AxisOrder.channels_first(3), AxisOrder.keras(3))
    'x.transpose(1, 2)'
    >>> converted("x", AxisOrder((0, 1), flat=(2, 3, 5)), AxisOrder.keras(2))
    'x.unflatten(1, (5, 2, 3)).movedim(1, -1).flatten(1)'
    """
    have = have if have.axes else AxisOrder.keras(len(want.axes))
    if have.flat and not want.flat and want.axes:
        last, sizes = len(have.axes) - 1, (have.flat[-1], *have.flat[:-1])
        expression = f"{expression}.unflatten({last}, {sizes}).movedim({last}, -1).flatten({last})"
    if have.axes == want.axes or not want.axes:
        return expression
    dims = have.permutation_to(want)
    moved = [i for i, dim in enumerate(dims) if i != dim]
    if len(moved) == 2:
        return f"{expression}.transpose({moved[0]}, {moved[1]})"
    return f"{expression}.permute({', '.join(map(str, dims))})"
