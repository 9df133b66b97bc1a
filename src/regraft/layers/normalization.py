"""Normalisation of every channel over the batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import Reading, setting
from regraft.layers.version import KerasVersion
from regraft.layout import Fill


def batch_norm_mode(value: Any, reading: Reading) -> int:
    """
    Keras 1 had three modes: 0 with moving statistics, 1 within each sample, 2 with those of the batch, always.

    Raises:
        UnknownLayerError: For another mode, or for the formulas of modes 1 and 2 that were used up to 1.0.5.
    """
    if isinstance(value, bool) or value not in (0, 1, 2):
        raise UnknownLayerError(f"BatchNormalization mode {quote(value)}")
    if value and stores_deviation(reading.version):
        raise UnknownLayerError(f"BatchNormalization mode {value} of Keras {reading.version}")
    return int(value)


def single_axis(value: Any, _: Reading) -> int:
    """One axis other than the batch; tf.keras writes ``[3]`` or ``3``."""
    if isinstance(value, list | tuple) and len(value) == 1:
        (value,) = value
    if isinstance(value, bool) or not isinstance(value, int) or not value:
        raise UnknownLayerError(f"normalisation over axis {quote(value)}")
    return int(value)


def stores_deviation(version: KerasVersion) -> bool:
    """
    Whether ``running_std`` is a standard deviation: up to 1.0.5, later it is a variance in spite of its name.

    Plain ``1`` stands for a file that does not say which; then the later meaning is taken, as Keras 2 takes it.
    Source: ``keras/layers/normalization.py`` of Keras 1.0.5 and 1.0.6.
    """
    return KerasVersion(1) < version < KerasVersion(1, 0, 6)


def no_virtual_batch(value: Any, _: Reading) -> None:
    """Virtual batches split the batch axis; they exist in tf.keras 2 only."""
    if value is not None:
        raise UnknownLayerError(f"BatchNormalization with virtual batches of {quote(value)}")


def channels_second(order: AxisOrder, axis: int) -> AxisOrder:
    """The order with a Keras axis right after the batch, where PyTorch normalises."""
    rank = len(order.axes)
    if rank < 3 or order.dim(axis) == 1:
        return order
    return AxisOrder((0, axis % rank, *(a for a in range(1, rank) if a != axis % rank)))


def affine_fills(channels: int, *, scale: bool, center: bool) -> tuple[Carry, ...]:
    """Ones and zeros for a gamma or beta that Keras leaves out, where PyTorch has both or none."""
    if not scale and not center:
        return ()
    ones = () if scale else (Carry((), (Fill((channels,), 1.0),), ("weight",)),)
    return ones if center else (*ones, Carry((), (Fill((channels,), 0.0),), ("bias",)))


@dataclass(frozen=True, kw_only=True)
class BatchNormalization(Layer):
    """
    Normalise each channel with its moving mean and variance; the shape stays.

    ``epsilon`` defaults to 1e-3 (1e-5 in PyTorch); Keras' momentum 0.99 is PyTorch's 0.01. Where Keras leaves gamma
    or beta out, the module gets ones or zeros. The statistics of batch renormalisation serve training only.
    Keras: ``keras/src/layers/normalization/batch_normalization.py``; PyTorch: ``torch.nn.BatchNorm2d``.
    """

    aliases: ClassVar = ("BatchNormalizationV1", "BatchNormalizationV2")
    flat: ClassVar = "pass"
    weights: ClassVar = (
        Weight("gamma", "channel -> channel", torch="weight", given="scale", follows="channel"),
        Weight("beta", "channel -> channel", torch="bias", given="center", follows="channel"),
        Weight("moving_mean", "channel -> channel", torch="running_mean", trainable=False, follows="channel"),
        Weight("moving_variance", "channel -> channel", torch="running_var", trainable=False, follows="channel"),
        Weight("moving_stddev", "channel -> channel", given="renorm", trainable=False, follows="channel"),
        Weight("renorm_mean", "channel -> channel", given="renorm", trainable=False, follows="channel"),
        Weight("renorm_stddev", "channel -> channel", given="renorm", trainable=False, follows="channel"),
    )

    axis: int = setting(-1, parse=single_axis)
    momentum: float = setting(0.99, before={(1, 0, 7): 0.9})
    epsilon: float = setting(1e-3, before={(1, 0, 8): 1e-6, (1, 2, 0): 1e-5})
    center: bool = setting(True)
    scale: bool = setting(True)
    renorm: bool = setting(False, parse=lambda value, _: bool(value))
    mode: int = setting(0, parse=batch_norm_mode, keras=False)
    deviation: bool = setting(False, parse=lambda _, reading: stores_deviation(reading.version), keras=False)
    virtual_batch_size: None = setting(None, parse=no_virtual_batch, keras=False)

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        if self.mode:
            return (f"mode {self.mode} of Keras 1 does not exist in Keras {version.major}",)
        if self.deviation:
            return (
                "running_std holds standard deviations here, y = (x - mean) / (std + epsilon): Keras 2 and 3 read variances",
            )
        return ()

    def arrange(self, arrival: Arrival) -> Arranged:
        """The normalised axis must come right after the batch; mode 1 works along the last axis of Keras."""
        order, *others = arrival.orders
        order = AxisOrder.keras(len(order.axes)) if self.mode == 1 else channels_second(order, self.axis)
        return Arranged((order, *others), (order,))

    def torch(self, site: Site) -> Form:
        (channels,) = site.stored["moving_mean"]
        fills = affine_fills(channels, scale=self.scale, center=self.center)
        if self.mode == 1:
            return Form(("%self(%0)",), f"SampleNorm({channels}, {self.epsilon!r})", carries=self.carry(site, "gamma", "beta"),
                        snippets=("SampleNorm",))  # fmt: skip
        if self.deviation:
            return self.with_deviation(site, channels)
        kind = {2: "nn.BatchNorm1d", 3: "nn.BatchNorm1d", 4: "nn.BatchNorm2d", 5: "nn.BatchNorm3d"}.get(
            site.rank, "nn.BatchNorm1d"
        )
        # nn.BatchNorm knows up to three axes behind the channel; the statistics do not mind if they are one.
        call = "%self(%0)" if site.rank < 6 else "%self(%0.flatten(2)).view_as(%0)"
        settings = f"eps={self.epsilon!r}, momentum={round(1 - self.momentum, 12)!r}"
        affine = "" if self.scale or self.center else ", affine=False"
        if self.mode == 2:
            module = f"{kind}({channels}, {settings}{affine}, track_running_stats=False)"
            return Form((call,), module=module, carries=(*self.carry(site, "gamma", "beta"), *fills))
        # Keras does not count batches. A parameter with a constant momentum does not need the count, but has a place for it.
        counted = Carry((), (Fill((), 0, "int64"),), ("num_batches_tracked",))
        return Form(
            (call,), module=f"{kind}({channels}, {settings}{affine})", carries=(*self.carry(site), *fills, counted)
        )

    def with_deviation(self, site: Site, channels: int) -> Form:
        """The formula of Keras 1.0.0 to 1.0.5, where gamma and beta could not be left out."""
        *carries, spread = self.carry(site)
        spread = replace(spread, parameters=("running_std",))
        module = f"DeviationNorm({channels}, {self.epsilon!r})"
        return Form(("%self(%0)",), module=module, carries=(*carries, spread), snippets=("DeviationNorm",))


@dataclass(frozen=True, kw_only=True)
class SyncBatchNormalization(BatchNormalization):
    """
    Batch normalisation whose training statistics span all replicas; at inference the same.

    Keras: ``tf_keras/src/layers/normalization/batch_normalization.py``; PyTorch: ``torch.nn.BatchNorm2d``, which
    ``torch.nn.SyncBatchNorm.convert_sync_batchnorm`` turns into the synchronised one.
    """

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        gone = (
            ("SyncBatchNormalization is BatchNormalization(synchronized=True) in Keras 3",)
            if version.major >= 3
            else ()
        )
        return (*super().caveats(version), *gone)
