"""Normalisation of every sample over groups of its channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.normalization import affine_fills, channels_second, single_axis
from regraft.layers.order import AxisOrder
from regraft.layers.settings import Reading, setting


def group_count(value: Any, _: Reading) -> int:
    """A positive number, or -1 for one group a channel."""
    if isinstance(value, bool) or not isinstance(value, int) or (value < 1 and value != -1):
        raise UnknownLayerError(f"GroupNormalization with {quote(value)} groups")
    return value


@dataclass(frozen=True, kw_only=True)
class GroupNormalization(Layer):
    """
    Zero mean and unit variance over each group of channels and all places, for every sample; the shape stays.

    Keras: ``keras/src/layers/normalization/group_normalization.py``; PyTorch: ``torch.nn.GroupNorm``.
    """

    weights: ClassVar = (
        Weight("gamma", "channel -> channel", torch="weight", given="scale"),
        Weight("beta", "channel -> channel", torch="bias", given="center"),
    )

    groups: int = setting(32, parse=group_count)
    axis: int = setting(-1, parse=single_axis)
    epsilon: float = setting(1e-3)
    center: bool = setting(True)
    scale: bool = setting(True)

    def arrange(self, arrival: Arrival) -> Arranged:
        """The channels must come right after the batch."""
        order = channels_second(AxisOrder(arrival.orders[0].axes), self.axis)
        return Arranged((order, *arrival.orders[1:]), (order,))

    def torch(self, site: Site) -> Form:
        channels = self.sizes(site).get("channel")
        if channels is None:
            shape = site.inputs[0]
            channels = None if shape is None else shape[self.axis]
        if channels is None:
            raise UnknownLayerError(f"GroupNormalization {quote(site.name)}: the number of channels is not known")
        groups = channels if self.groups == -1 else self.groups
        affine = "" if self.scale or self.center else ", affine=False"
        module = f"nn.GroupNorm({groups}, {channels}, eps={self.epsilon!r}{affine})"
        return Form(
            ("%self(%0)",),
            module=module,
            carries=(*self.carry(site), *affine_fills(channels, scale=self.scale, center=self.center)),
        )
