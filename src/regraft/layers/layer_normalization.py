"""Normalisation of every sample over some of its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, Weight, flattened
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import Reading, plain, setting
from regraft.layers.version import KerasVersion
from regraft.layout import Fill, Layout


def normalised_axes(value: Any, reading: Reading) -> tuple[int, ...]:
    """
    The axes that are normalised together, in order, without the batch.

    Raises:
        UnknownLayerError: If Keras would fit gamma and beta to other axes than the ones they were made for: it reshapes
            them in the order of the axes where that differs from the order of their lengths.
    """
    axes = plain(value) if isinstance(value, list | tuple) else (value,)
    if not axes or not all(isinstance(axis, int) and not isinstance(axis, bool) and axis for axis in axes):
        raise UnknownLayerError(f"normalisation over axis {quote(value)}")
    if len({axis < 0 for axis in axes}) > 1 or (reading.version.before(3) and axes != tuple(sorted(axes))):
        raise UnknownLayerError(f"normalisation over the axes {quote(value)} in this order")
    return tuple(sorted(axes))


def axes_last(order: AxisOrder, axes: tuple[int, ...]) -> AxisOrder:
    """The order with some Keras axes at the end; kept as it is if they are there already, in whatever sequence."""
    rank = len(order.axes)
    if not rank:
        return order
    wanted = [axis % rank for axis in axes]
    if set(order.axes[rank - len(axes) :]) == set(wanted):
        return order
    return AxisOrder((*(axis for axis in range(rank) if axis not in wanted), *wanted))


@dataclass(frozen=True, kw_only=True)
class OverAxes(Layer, abstract=True):
    """What normalisations over some axes share: PyTorch normalises the last ones."""

    flat: ClassVar = "pass"

    axis: tuple[int, ...] = setting((-1,), parse=normalised_axes)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {**super().to_keras(version), "axis": self.axis[0] if len(self.axis) == 1 else list(self.axis)}

    def arrange(self, arrival: Arrival) -> Arranged:
        """The normalised axes must come last."""
        order = axes_last(arrival.orders[0], self.axis)
        return Arranged((order, *arrival.orders[1:]), (order,))

    def layout(self, site: Site) -> Layout:
        """The move of a variable along the normalised axes."""
        order, count = site.orders[0], len(self.axis)
        rank = len(order.axes)
        names = [f"axis{i}" for i in range(count)] if count > 1 else ["channel"]
        sorted_axes = [axis % rank for axis in self.axis] if rank else list(range(count))
        there = [names[sorted_axes.index(axis)] for axis in order.axes[rank - count :]] if rank else names
        layout = Layout(f"{' '.join(names)} -> {' '.join(there)}")
        return flattened(layout, "channel", order.flat) if order.flat else layout

    def lengths(self, site: Site, name: str) -> str:
        """The lengths of the normalised axes in PyTorch order, as the argument of a constructor: ``64`` or ``(8, 64)``."""
        lengths = self.layout(site).shape(site.stored[name])
        return str(lengths[0]) if len(lengths) == 1 else str(lengths)


@dataclass(frozen=True, kw_only=True)
class LayerNormalization(OverAxes):
    """
    Zero mean and unit variance over ``axis``, for every sample and every place on the other axes; the shape stays.

    ``epsilon`` defaults to 1e-3 (1e-5 in PyTorch). With ``rms_scaling`` (deprecated in Keras) the input is divided by
    its standard deviation and the mean stays.
    Keras: ``keras/src/layers/normalization/layer_normalization.py``; PyTorch: ``torch.nn.LayerNorm``.
    """

    weights: ClassVar = (
        Weight("gamma", "... -> ...", torch="weight", given="has_gamma"),
        Weight("beta", "... -> ...", torch="bias", given="has_beta"),
    )

    epsilon: float = setting(1e-3)
    center: bool = setting(True)
    scale: bool = setting(True)
    rms_scaling: bool = setting(False)

    @property
    def has_gamma(self) -> bool:
        """Whether there is a gamma."""
        return self.scale or self.rms_scaling

    @property
    def has_beta(self) -> bool:
        """Whether there is a beta."""
        return self.center and not self.rms_scaling

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        return config if version.major >= 3 else {k: v for k, v in config.items() if k != "rms_scaling"}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return ("Keras 2 has no rms_scaling",) if self.rms_scaling and version.major < 3 else ()

    def torch(self, site: Site) -> Form:
        if not self.has_gamma and not self.has_beta:
            return Form((f"F.layer_norm(%0, %0.shape[{-len(self.axis)}:], eps={self.epsilon!r})",))
        layout = self.layout(site)
        names = [name for name in ("gamma", "beta") if getattr(self, f"has_{name}")]
        parameters = {"gamma": "weight", "beta": "bias"}
        carries = [Carry((name,), (layout.bind(site.stored[name]),), (parameters[name],)) for name in names]
        lengths = self.lengths(site, names[0])
        if self.rms_scaling:
            module = f"DeviationScale({lengths}, eps={self.epsilon!r})"
            return Form(("%self(%0)",), module=module, carries=tuple(carries), snippets=("DeviationScale",))
        if not self.has_gamma:
            carries.append(Carry((), (Fill(layout.shape(site.stored["beta"]), 1.0),), ("weight",)))
        bias = "" if self.has_beta else ", bias=False"
        module = f"nn.LayerNorm({lengths}, eps={self.epsilon!r}{bias})"
        return Form(("%self(%0)",), module=module, carries=tuple(carries))


@dataclass(frozen=True, kw_only=True)
class RMSNormalization(OverAxes):
    """
    Divide by the root of the mean square over ``axis``; the shape stays.

    Keras: ``keras/src/layers/normalization/rms_normalization.py``; PyTorch: ``torch.nn.RMSNorm``.
    """

    masks: ClassVar = "drop"
    weights: ClassVar = (Weight("scale", "... -> ...", torch="weight"),)

    epsilon: float = setting(1e-6)

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return ("Keras 2 has no RMSNormalization",) if version.major < 3 else ()

    def elsewhere(self, rank: int) -> bool:
        """Whether the axes are not the last ones: Keras then lays its scale along the last ones all the same."""
        return bool(rank) and [axis % rank for axis in self.axis] != list(range(rank - len(self.axis), rank))

    def arrange(self, arrival: Arrival) -> Arranged:
        rank = len(arrival.orders[0].axes)
        if not self.elsewhere(rank):
            return super().arrange(arrival)
        order = AxisOrder.keras(rank)
        return Arranged((order, *arrival.orders[1:]), (order,))

    def torch(self, site: Site) -> Form:
        rank, shape = len(site.orders[0].axes), site.stored["scale"]
        if self.elsewhere(rank):
            last = (site.inputs[0] or ())[-len(shape) :]
            if any(1 != n != found for n, found in zip(shape, last, strict=True)):
                raise UnknownLayerError(
                    f"RMSNormalization {quote(site.name)} over {self.axis}: its scale {shape} does not fit the last axes {last}"
                )
            dims = tuple(axis % rank for axis in self.axis)
            names = " ".join(f"axis{i}" for i in range(len(shape)))
            carry = Carry(("scale",), (Layout(f"{names} -> {names}").bind(shape),), ("weight",))
            module = f"RMSNormAxes({shape}, {dims}, eps={self.epsilon!r})"
            return Form(("%self(%0)",), module=module, carries=(carry,), snippets=("RMSNormAxes",))
        layout = self.layout(site).bind(shape)
        module = f"nn.RMSNorm({self.lengths(site, 'scale')}, eps={self.epsilon!r})"
        return Form(("%self(%0)",), module=module, carries=(Carry(("scale",), (layout,), ("weight",)),))


@dataclass(frozen=True, kw_only=True)
class UnitNormalization(Layer):
    """
    Divide by the Euclidean length over ``axis``; the shape stays.

    The length is at least 1e-12 in Keras 3. Keras 2 bounds its square, so there it is at least 1e-6.
    Keras: ``keras/src/layers/normalization/unit_normalization.py``; PyTorch: ``torch.nn.functional.normalize``.
    """

    flat: ClassVar = "pass"

    axis: tuple[int, ...] = setting(
        (-1,), parse=lambda value, _: plain(value) if isinstance(value, list | tuple) else (value,)
    )
    shortest: float = setting(1e-12, before={(3, 0, 0): 1e-6}, keras=False)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {"axis": self.axis[0] if len(self.axis) == 1 else list(self.axis)}

    def torch(self, site: Site) -> Form:
        dims = tuple(site.orders[0].dim(axis) for axis in self.axis)
        if len(dims) == 1:
            eps = "" if self.shortest == 1e-12 else f", eps={self.shortest!r}"
            return Form((f"F.normalize(%0, dim={dims[0]}{eps})",))
        return Form((f"%0 / torch.linalg.vector_norm(%0, dim={dims}, keepdim=True).clamp_min({self.shortest!r})",))
