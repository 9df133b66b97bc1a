"""
Moments through linear layers: convolutions of one to three axes, dense, depthwise, separable and transposed ones.

The mean is exact by linearity: ``sum over taps and cin of kernel * mean + bias``, where a tap counts as much as it sees
of the map (``borders``). The variance takes taps and channels as uncorrelated, which neighbours in a real map are not:
it is rough, by a factor of two and more, and good for a spread in front of the next activation at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from regraft.moments.moment import Moments


@dataclass(frozen=True, eq=False)
class Linear:
    """
    A linear layer made ready for many hypotheses about what enters it and how it is padded.

    Attributes:
        kernel: ``(taps..., cin, cout)``; for a depthwise kernel ``(taps..., cin, mult)``; float64.
        bias: ``(cout,)``; zeros where the layer has none.
        depthwise: Whether every channel has kernels of its own; output channel ``c * mult + j``.
        pointwise: Second kernel of a separable layer, ``(cin * mult, cout)``; None otherwise.
        groups: Of a grouped convolution: ``cin`` of the kernel is that of one group.
    """

    kernel: np.ndarray
    bias: np.ndarray
    depthwise: bool = False
    pointwise: np.ndarray | None = None
    groups: int = 1

    @property
    def taps(self) -> tuple[int, ...]:
        """Kernel size, one number a spatial axis; empty for a dense layer."""
        return self.kernel.shape[:-2]

    @property
    def cin(self) -> int:
        """Number of channels that enter."""
        return self.kernel.shape[-2] * self.groups

    @property
    def cout(self) -> int:
        """Number of channels that leave."""
        return self.bias.shape[-1]

    @cached_property
    def total(self) -> np.ndarray:
        """The kernel summed over its taps: ``(cin, cout)``, or ``(cin, mult)`` for a depthwise one."""
        return self.kernel.sum(tuple(range(self.kernel.ndim - 2)))

    @cached_property
    def squares(self) -> np.ndarray:
        """The squared kernel summed over its taps, shaped as ``total``."""
        return np.square(self.kernel).sum(tuple(range(self.kernel.ndim - 2)))

    def summed(self, shares: np.ndarray | None) -> np.ndarray:
        """The kernel summed over its taps, each with its share; shaped as ``total``."""
        if shares is None or (shares == 1.0).all():
            return self.total
        return np.tensordot(shares, self.kernel, axes=shares.ndim)

    def mean(self, mean: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
        """
        Mean of every output channel.

        Args:
            mean: ``(..., cin)``; leading axes count hypotheses.
            shares: What each tap sees, from ``borders.window_shares``; None for no border effect.

        Returns:
            ``(..., cout)``.
        """
        return mix(self, mean, self.summed(shares), self.pointwise) + self.bias

    def variance(self, variance: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
        """
        Rough variance of every output channel, as if taps and channels were uncorrelated.

        Args:
            variance: ``(..., cin)``.
            shares: What each tap sees; None for no border effect.

        Returns:
            ``(..., cout)``.
        """
        squares = self.squares
        if shares is not None and not (shares == 1.0).all():
            squares = np.tensordot(shares, np.square(self.kernel), axes=shares.ndim)
        return mix(self, variance, squares, None if self.pointwise is None else np.square(self.pointwise))

    def moments(self, entering: Moments, shares: np.ndarray | None = None) -> Moments:
        """Mean and rough variance of every output channel."""
        return Moments(self.mean(entering.mean, shares), self.variance(entering.variance, shares))

    def taps_of(self, mean: np.ndarray) -> np.ndarray:
        """
        What every tap adds to the mean of every output channel: ``(taps..., cout)``.

        One contraction for one ``mean`` of shape ``(cin,)``; ``(shares[..., None] * taps_of(mean)).sum(axes) + bias`` is
        then the mean under any padding, so that hundreds of map sizes cost next to nothing: ``means_of_shares``.
        """
        if self.depthwise:
            each = (mean[:, None] * self.kernel).reshape(*self.taps, -1)
            return each if self.pointwise is None else each @ self.pointwise
        if self.groups == 1:
            return mean @ self.kernel
        split = self.kernel.reshape(*self.kernel.shape[:-1], self.groups, -1)
        return np.einsum("gi,...igo->...go", mean.reshape(self.groups, -1), split).reshape(*self.taps, -1)

    def means_of_shares(self, mean: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """
        Means under many hypotheses about padding and map size.

        Args:
            mean: ``(cin,)``.
            shares: ``(hypotheses, taps...)``.

        Returns:
            ``(hypotheses, cout)``.
        """
        count = len(shares)
        return shares.reshape(count, -1) @ self.taps_of(mean).reshape(-1, self.cout) + self.bias


def mix(layer: Linear, entering: np.ndarray, kernel: np.ndarray, pointwise: np.ndarray | None) -> np.ndarray:
    """``(..., cin)`` through a kernel without taps, by the layer's kind."""
    entering = np.asarray(entering, np.float64)
    if layer.depthwise:
        each = (entering[..., :, None] * kernel).reshape(*entering.shape[:-1], -1)
        return each if pointwise is None else each @ pointwise
    if layer.groups == 1:
        return entering @ kernel
    split = kernel.reshape(kernel.shape[0], layer.groups, -1)
    grouped = entering.reshape(*entering.shape[:-1], layer.groups, -1)
    return np.einsum("...gi,igo->...go", grouped, split).reshape(*entering.shape[:-1], -1)


def linear(type_name: str, arrays: Mapping[str, np.ndarray], *, groups: int = 1) -> Linear | None:
    """
    A linear layer from its variables, in Keras order.

    Args:
        type_name: Layer type in the catalogue: ``Dense``, ``Conv2D``, ``SeparableConv1D``, ``Conv2DTranspose`` ...
        arrays: ``kernel`` (or ``depthwise_kernel`` and ``pointwise_kernel``), and ``bias`` if there is one.
        groups: Of a grouped convolution.

    Returns:
        None for a type that is not linear, or where a kernel is missing.
    """
    first = arrays.get("kernel", arrays.get("depthwise_kernel"))
    if first is None or not (type_name == "Dense" or "Conv" in type_name) or "LSTM" in type_name:
        return None
    kernel, pointwise = np.asarray(first, np.float64), None
    depthwise = type_name.startswith(("Depthwise", "Separable"))
    cout = kernel.shape[-2] * kernel.shape[-1] if depthwise else kernel.shape[-1]
    if type_name.startswith("Separable"):
        second = arrays.get("pointwise_kernel")
        if second is None:
            return None
        pointwise = np.asarray(second, np.float64).reshape(cout, -1)
        cout = pointwise.shape[-1]
    elif type_name.endswith("Transpose"):
        kernel = np.swapaxes(kernel, -1, -2)
        cout = kernel.shape[-1]
    bias = arrays.get("bias")
    return Linear(
        kernel, np.zeros(cout) if bias is None else np.asarray(bias, np.float64), depthwise, pointwise, groups
    )
