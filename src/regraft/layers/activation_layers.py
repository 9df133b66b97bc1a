"""
Activation functions that are layers of their own, with settings or variables.

Keras: ``keras/src/layers/activations``; PyTorch: ``torch.nn.functional`` and ``torch.nn.PReLU``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, Weight, flattened
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import Reading, plain, setting
from regraft.layers.version import KerasVersion
from regraft.layout import Layout

#: Names of the Keras axes behind the batch axis, by their number.
AXIS_NAMES = {0: "", 1: "c", 2: "w c", 3: "h w c", 4: "d h w c"}


def number(value: Any, _: Reading) -> float:
    """A number; older versions write null for zero, and arrays of no axis as ``{"type": "ndarray", "value": 0.1}``."""
    if isinstance(value, dict) and value.get("type") == "ndarray":
        value = value.get("value")
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnknownLayerError(f"expected a number, found {quote(value)}")
    return float(value)


def optional_number(value: Any, reading: Reading) -> float | None:
    """A number, or None."""
    return None if value is None else number(value, reading)


@dataclass(frozen=True, kw_only=True)
class ReLU(Layer):
    """
    ``x`` above ``threshold``, capped at ``max_value``; ``negative_slope * (x - threshold)`` below it.

    ``ThresholdedReLU`` of Keras 1 and 2 is the case with a threshold alone.
    Keras: ``keras/src/layers/activations/relu.py``; PyTorch: ``torch.nn.functional.relu`` and its kin.
    """

    aliases: ClassVar = ("ThresholdedReLU",)
    flat: ClassVar = "pass"

    max_value: float | None = setting(None, parse=optional_number)
    negative_slope: float = setting(0.0, old=("alpha",), parse=number)
    threshold: float = setting(0.0, old=("theta",), parse=number)

    def torch(self, site: Site) -> Form:
        slope, top, threshold = self.negative_slope, self.max_value, self.threshold
        if not threshold and top is None:
            return Form((f"F.leaky_relu(%0, {slope!r})" if slope else "F.relu(%0)",))
        if not threshold and not slope:
            return Form(("F.relu6(%0)" if top == 6 else f"torch.clamp(%0, 0.0, {top!r})",))
        if not slope and top is None:
            return Form((f"F.threshold(%0, {threshold!r}, 0.0)",))
        settings = {"negative_slope": slope, "max_value": top, "threshold": threshold}
        given = ", ".join(f"{name}={value!r}" for name, value in settings.items() if value)
        return Form((f"relu(%0, {given})",), snippets=("relu",))


@dataclass(frozen=True, kw_only=True)
class LeakyReLU(Layer):
    """
    ``x`` for positive inputs, ``negative_slope * x`` for the others. The slope defaults to 0.3 (0.01 in PyTorch).

    Keras: ``keras/src/layers/activations/leaky_relu.py``; PyTorch: ``torch.nn.functional.leaky_relu``.
    """

    flat: ClassVar = "pass"
    negative_slope: float = setting(0.3, old=("alpha",), parse=number)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {"negative_slope" if version.major >= 3 else "alpha": self.negative_slope}

    def torch(self, site: Site) -> Form:
        return Form((f"F.leaky_relu(%0, {self.negative_slope!r})",))


@dataclass(frozen=True, kw_only=True)
class ELU(Layer):
    """
    ``x`` for positive inputs, ``alpha * (exp(x) - 1)`` for the others.

    Keras: ``keras/src/layers/activations/elu.py``; PyTorch: ``torch.nn.functional.elu``.
    """

    flat: ClassVar = "pass"
    alpha: float = setting(1.0, parse=number)

    def torch(self, site: Site) -> Form:
        return Form((f"F.elu(%0, {self.alpha!r})" if self.alpha != 1 else "F.elu(%0)",))


def softmax_axes(value: Any, _: Reading) -> int | tuple[int, ...]:
    """One axis, or several that are normalised together."""
    axes = plain(value)
    if isinstance(axes, tuple) and len(axes) == 1:
        (axes,) = axes
    found = axes if isinstance(axes, tuple) else (axes,)
    if not found or not all(isinstance(axis, int) and not isinstance(axis, bool) for axis in found):
        raise UnknownLayerError(f"Softmax over axis {quote(value)}")
    return axes


@dataclass(frozen=True, kw_only=True)
class Softmax(Layer):
    """
    Softmax over one axis or several together; entries that a mask excludes get zero.

    Where the mask excludes everything the result is zero since Keras 3.10; before it was the softmax of ``x - 1e9``.
    Keras: ``keras/src/layers/activations/softmax.py``; PyTorch: ``torch.nn.functional.softmax``.
    """

    flat: ClassVar = "pass"
    axis: int | tuple[int, ...] = setting(-1, parse=softmax_axes)
    zero_if_masked: bool = setting(True, before={(3, 10, 0): False}, keras=False)

    def arrange(self, arrival: Arrival) -> Arranged:
        """Any order; a mask given as a tensor is aligned with the last axes of Keras."""
        if len(arrival.orders) == 1:
            return super().arrange(arrival)
        inputs = tuple(AxisOrder.keras(len(order.axes)) for order in arrival.orders)
        return Arranged(inputs, inputs[:1])

    def torch(self, site: Site) -> Form:
        order = site.orders[0]
        dims = order.dim(self.axis) if isinstance(self.axis, int) else tuple(order.dim(axis) for axis in self.axis)
        mask = "%m0" if site.masks[0] else ""
        if mask and not order.is_keras:
            raise UnknownLayerError(f"Softmax {quote(site.name)}: a mask on a map that is held channels first")
        if mask and self.zero_if_masked:
            return Form((f"masked_softmax(%0, {mask}, dim={dims})",), snippets=("masked_softmax",))
        x = f"torch.where({mask}, %0, %0 - 1e9)" if mask else "%0"
        if isinstance(dims, int):
            return Form((f"F.softmax({x}, dim={dims})",))
        before = (f"%logits = {x}",) if mask else ()
        x = "%logits" if mask else x
        return Form((f"torch.exp({x} - torch.logsumexp({x}, dim={dims}, keepdim=True))",), before=before)


def shared_axes(value: Any, _: Reading) -> tuple[int, ...]:
    """Keras axes, counted from 1, over which the slope is the same."""
    axes = plain(value) if isinstance(value, list | tuple) else () if value is None else (value,)
    if not all(isinstance(axis, int) and not isinstance(axis, bool) for axis in axes):
        raise UnknownLayerError(f"shared_axes {quote(value)}")
    return tuple(axes)


@dataclass(frozen=True, kw_only=True)
class PReLU(Layer):
    """
    ``x`` for positive inputs, ``alpha * x`` for the others; ``alpha`` has the input's shape, 1 along ``shared_axes``.

    With a slope for each channel, or one for all, it is ``torch.nn.PReLU``; otherwise a small module of its own.
    Keras: ``keras/src/layers/activations/prelu.py``; PyTorch: ``torch.nn.PReLU``.
    """

    flat: ClassVar = "pass"
    weights: ClassVar = (Weight("alpha", "... -> ...", torch="weight"),)

    shared_axes: tuple[int, ...] = setting((), parse=shared_axes)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {"shared_axes": list(self.shared_axes) or None}

    def torch(self, site: Site) -> Form:
        alpha, order = site.stored["alpha"], site.orders[0]
        rank = len(alpha)
        names = AXIS_NAMES.get(rank, " ".join(f"a{i}" for i in range(rank))).split()
        axes = order.axes or tuple(range(rank + 1))
        long = [place for place, size in enumerate(alpha) if size != 1]
        if not long:
            return self.form("nn.PReLU()", Layout(f"{'1 ' * rank}-> 1"))
        if len(long) == 1 and axes[1] == long[0] + 1:
            # nn.PReLU counts its slopes along dimension 1.
            name = names[long[0]]
            layout = Layout(f"{' '.join(name if i == long[0] else '1' for i in range(rank))} -> {name}").bind(alpha)
            if order.flat:
                layout = flattened(layout, name, order.flat)
            return self.form(f"nn.PReLU({alpha[long[0]]})", layout)
        places = [axis - 1 for axis in axes[1:]]
        layout = Layout(f"{' '.join(names)} -> {' '.join(names[place] for place in places)}").bind(alpha)
        shape = tuple(alpha[place] for place in places)
        return self.form(f"PReLU({shape})", layout, "PReLU")

    @staticmethod
    def form(module: str, layout: Layout, *snippets: str) -> Form:
        """A form whose only parameter is alpha."""
        return Form(
            ("%self(%0)",), module=module, carries=(Carry(("alpha",), (layout,), ("weight",)),), snippets=snippets
        )
