"""What stored arrays demand of the tensor that enters a layer: its rank, its features, sometimes its whole shape."""

from __future__ import annotations

from dataclasses import dataclass

from regraft.blueprint import LayerSpec, Shape
from regraft.layers import Layer
from regraft.recover.geometry.graph import Shapes, built_or_none

#: Variables along whose axis, counted from the end, the features of the input run: Dense and recurrent kernels.
BY_ROWS = ("kernel", "forward/kernel")


@dataclass(frozen=True)
class Demand:
    """
    Hard facts about one input.

    Attributes:
        rank: Number of axes, batch included; 0 if any.
        at_least: Least number of axes.
        axis: Axis of the features.
        features: Length of that axis; None if any.
        exact: Lengths of all axes behind the batch, None each where any will do; empty if nothing is known.
    """

    rank: int = 0
    at_least: int = 1
    axis: int = -1
    features: int | None = None
    exact: tuple[int | None, ...] = ()

    def allows(self, shape: Shape) -> bool:
        """Whether a shape meets the demand; what is unknown does."""
        if shape is None:
            return True
        if (self.rank and len(shape) != self.rank) or len(shape) < self.at_least:
            return False
        if self.features is not None:
            if not -len(shape) < self.axis < len(shape):
                return False
            found = shape[self.axis]
            if found is not None and found != self.features:
                return False
        if self.exact:
            pairs = zip(shape[1:], self.exact, strict=False)
            return len(shape) == len(self.exact) + 1 and all(
                wanted is None or found is None or found == wanted for found, wanted in pairs
            )
        return True


def demand(spec: LayerSpec, layer: Layer | None, stored: Shapes) -> Demand:
    """What a layer and its stored variables demand of its first input."""
    if layer is None:
        return Demand()
    wrapped = spec.config.get("layer")
    if spec.type == "TimeDistributed" and isinstance(wrapped, LayerSpec):
        inner = demand(wrapped, built_or_none(wrapped), stored)
        return Demand(inner.rank + 1 if inner.rank else 0, max(inner.at_least + 1, 3), inner.axis, inner.features)
    if hasattr(layer, "keepdims") and hasattr(layer, "method"):
        return Demand(rank=layer.rank + 2)
    if layer.rank:
        return on_maps(layer, stored)
    if spec.type in ("LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU", "Bidirectional", "RNN"):
        return Demand(rank=3, features=rows(stored))
    if spec.type == "RepeatVector":
        return Demand(rank=2)
    if spec.type == "Dense":
        return Demand(at_least=2, features=rows(stored))
    if spec.type == "BatchNormalization":
        mean = stored.get("moving_mean")
        return Demand(at_least=2, axis=getattr(layer, "axis", -1), features=mean[0] if mean else None)
    if spec.type in ("LayerNormalization", "RMSNormalization", "GroupNormalization"):
        given = next(iter(stored.values()), ())
        return Demand(at_least=2, features=given[-1]) if given else Demand()
    if spec.type == "PReLU" and "alpha" in stored:
        # One slope where an axis is shared; an axis of length 1 in the file says nothing.
        return Demand(exact=tuple(None if n == 1 else n for n in stored["alpha"]))
    return Demand()


def on_maps(layer: Layer, stored: Shapes) -> Demand:
    """The demand of a layer with spatial axes: the channels that its kernel has."""
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    kernel = stored.get("depthwise_kernel") or stored.get("kernel")
    features: int | None = None
    if kernel and len(kernel) >= 2:
        transposed = type(layer).__name__.endswith("Transpose")
        features = kernel[-1] if transposed else kernel[-2] * int(getattr(layer, "groups", 1))
    return Demand(rank=layer.rank + 2, axis=1 if first else -1, features=features)


def rows(stored: Shapes) -> int | None:
    """The number of rows of a kernel."""
    return next((stored[name][0] for name in BY_ROWS if stored.get(name)), None)
