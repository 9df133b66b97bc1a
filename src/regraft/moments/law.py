"""The distribution of every channel: weighted values, exact through functions of one element and through maxima."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from regraft.moments.activations import TYPICAL
from regraft.moments.moment import Moments


@dataclass(frozen=True, eq=False)
class Law:
    """
    Distribution of the elements of every channel, over the batch and all positions.

    There is one bound, or two where a maximum over neighbours was taken: the first as if the neighbours were equal, the
    second as if they were independent; the truth lies between.

    Attributes:
        given: Moments of a distribution of the typical shape, ``(bounds, c)`` each; its values are made when needed.
        table: Values, ``(bounds, c, nodes)``, and their weights, ``(nodes,)`` or the same shape; None with ``given``.
    """

    given: Moments | None
    table: tuple[np.ndarray, np.ndarray] | None = None

    @classmethod
    def of(cls, moments: Moments) -> Law:
        """The distribution of these moments, ``(c,)`` or ``(bounds, c)`` each, in the shape typical of networks."""
        return cls(Moments(np.atleast_2d(moments.mean), np.atleast_2d(moments.variance)))

    @cached_property
    def values(self) -> np.ndarray:
        """``(bounds, c, nodes)``."""
        if self.given is None:
            return self.table[0] if self.table else np.zeros((1, 0, 1))
        mean, variance = self.given
        return mean[..., None] + np.sqrt(variance)[..., None] * TYPICAL.nodes

    @property
    def weights(self) -> np.ndarray:
        """Probability of each value, ``(nodes,)`` or the shape of ``values``."""
        return self.table[1] if self.table else TYPICAL.weights

    @cached_property
    def moments(self) -> Moments:
        """Mean and variance, ``(bounds, c)`` each."""
        if self.given is not None:
            return self.given
        weights = self.weights
        if weights.ndim == 1:
            mean, square = self.values @ weights, np.square(self.values) @ weights
        else:
            mean, square = (
                np.einsum("bcn,bcn->bc", self.values, weights),
                np.einsum("bcn,bcn,bcn->bc", self.values, self.values, weights),
            )
        return Moments(mean, np.maximum(square - np.square(mean), 0.0))

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.given.mean.shape[1] if self.given is not None else self.values.shape[1]

    def with_sd(self, sd: np.ndarray) -> Law:
        """The typical distribution with the same mean and another spread, ``(bounds, c)``."""
        return Law.of(Moments(self.moments.mean, np.square(sd)))

    def through(self, function: Callable[[np.ndarray], np.ndarray]) -> Law:
        """After a function of one element, which may differ between channels."""
        return Law(None, (function(self.values), self.weights))

    def affine(self, factor: np.ndarray, offset: np.ndarray) -> Law:
        """After ``factor * x + offset``, one number a channel."""
        if self.given is not None:
            return Law.of(Moments(self.given.mean * factor + offset, self.given.variance * np.square(factor)))
        return Law(None, (self.values * factor[..., None] + offset[..., None], self.weights))

    def maximum(self, count: float) -> Law:
        """The largest of ``count`` neighbours: equal ones in the first bound, independent ones in the second."""
        if count <= 1:
            return self
        values = np.broadcast_to(self.values, (2, *self.values.shape[1:]))
        weights = np.broadcast_to(self.weights, values.shape).copy()
        order = np.argsort(values[1], axis=-1)
        ranked = np.take_along_axis(weights[1], order, axis=-1)
        reached = np.minimum(np.cumsum(ranked, axis=-1), 1.0) ** count
        np.put_along_axis(weights[1], order, np.diff(reached, axis=-1, prepend=0.0), axis=-1)
        return Law(None, (values, weights))
