"""Normalisation over the batch, a layer, or groups of channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import Reading, setting
from regraft.layout import Fill


def batch_norm_mode(value: Any, _: Reading) -> int:
    """Keras 1 had three modes; only 0, feature-wise with moving statistics, exists today."""
    if value != 0:
        raise UnknownLayerError(f"BatchNormalization mode {quote(value)} of Keras 1")
    return 0


def single_axis(value: Any, _: Reading) -> int:
    """tf.keras writes the axis as ``[3]`` or ``3``."""
    if isinstance(value, list | tuple):
        if len(value) != 1:
            raise UnknownLayerError(f"BatchNormalization over several axes {quote(value)}")
        (value,) = value
    return int(value)


@dataclass(frozen=True, kw_only=True)
class BatchNormalization(Layer):
    """
    Normalise each channel with its moving mean and variance.

    ``epsilon`` defaults to 1e-3 (1e-5 in PyTorch); Keras' momentum 0.99 is PyTorch's 0.01. Where Keras leaves gamma
    or beta out, the module gets ones or zeros.
    Keras: ``keras/src/layers/normalization/batch_normalization.py``; PyTorch: ``torch.nn.BatchNorm2d``.
    """

    flat: ClassVar = "pass"
    weights: ClassVar = (
        Weight("gamma", "channel -> channel", torch="weight", given="scale", follows="channel"),
        Weight("beta", "channel -> channel", torch="bias", given="center", follows="channel"),
        Weight("moving_mean", "channel -> channel", torch="running_mean", trainable=False, follows="channel"),
        Weight("moving_variance", "channel -> channel", torch="running_var", trainable=False, follows="channel"),
    )

    axis: int = setting(-1, parse=single_axis)
    momentum: float = setting(0.99)
    epsilon: float = setting(1e-3, before={(1, 0, 8): 1e-6, (1, 2, 0): 1e-5})
    center: bool = setting(True)
    scale: bool = setting(True)
    mode: int = setting(0, parse=batch_norm_mode, keras=False)

    def arrange(self, arrival: Arrival) -> Arranged:
        """The normalised axis must come right after the batch."""
        (order,) = arrival.orders
        rank = len(order.axes)
        if rank >= 3 and order.dim(self.axis) != 1:
            axis = self.axis % rank
            order = AxisOrder((0, axis, *(a for a in range(1, rank) if a != axis)))
        return Arranged((order,), (order,))

    def torch(self, site: Site) -> Form:
        (channels,) = site.stored["moving_mean"]
        kind = {4: "nn.BatchNorm2d", 5: "nn.BatchNorm3d"}.get(site.rank, "nn.BatchNorm1d")
        settings = f"eps={self.epsilon!r}, momentum={round(1 - self.momentum, 12)!r}"
        fills = (
            *((Carry((), (Fill((channels,), 1.0),), ("weight",)),) if not self.scale else ()),
            *((Carry((), (Fill((channels,), 0.0),), ("bias",)),) if not self.center else ()),
        )
        affine = "" if self.scale or self.center else ", affine=False"
        carries = (*self.carry(site), *(fills if not affine else ()))
        return Form(("%self(%0)",), module=f"{kind}({channels}, {settings}{affine})", carries=carries)
