"""
Do two layers share their channels? The norms of their kernels tell, where there is no BatchNorm between them.

Training keeps, for every hidden channel, the norm of what enters it and the norm of what leaves it in balance (Du, Hu,
Lee 2018, Algorithmic Regularization in Learning Deep Homogeneous Models). So for connected layers the rank correlation
between both over the channels is high, for others it is near zero. Barely trained files show nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

#: Number of gates side by side in the kernels of recurrent layers.
GATES = {"LSTM": 4, "CuDNNLSTM": 4, "GRU": 3, "CuDNNGRU": 3, "SimpleRNN": 1, "ConvLSTM2D": 4}


def leaving(type_name: str, arrays: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """
    Norm of what makes each output channel of a layer: kernel and bias; for a BatchNorm gamma and beta.

    Args:
        type_name: Layer type in the catalogue.
        arrays: Its variables by their Keras names; of a ``Bidirectional`` as ``forward_layer/kernel``.

    Returns:
        ``(channels,)``; None for a type whose variables say nothing about its outputs.
    """
    squares = leaving_squares(type_name, {name: np.asarray(a, np.float64) for name, a in arrays.items()})
    return None if squares is None else np.sqrt(squares)


def leaving_squares(kind: str, a: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The squares of ``leaving``."""
    if kind == "Bidirectional":
        halves = [squares for part in parts(a) if (squares := recurrent_squares(part)) is not None]
        return np.concatenate(halves) if len(halves) == 2 else None
    if kind in GATES:
        return recurrent_squares(a)
    if kind == "Embedding":
        return np.square(a["embeddings"]).sum(0) if "embeddings" in a else None
    if kind in ("BatchNormalization", "SyncBatchNormalization"):
        return np.square(a["gamma"]) + np.square(a.get("beta", 0.0)) if "gamma" in a else None
    if kind.startswith("Separable"):
        depth, point = a.get("depthwise_kernel"), a.get("pointwise_kernel")
        if depth is None or point is None:
            return None
        each = np.square(depth).sum(tuple(range(depth.ndim - 2))).reshape(-1)
        found = each @ np.square(point.reshape(-1, point.shape[-1]))
    elif kind.startswith("Depthwise"):
        kernel = a.get("kernel", a.get("depthwise_kernel"))
        if kernel is None:
            return None
        found = np.square(kernel).sum(tuple(range(kernel.ndim - 2))).reshape(-1)
    else:
        kernel = a.get("kernel")
        if kernel is None:
            return None
        kernel = np.swapaxes(kernel, -1, -2) if kind.endswith("Transpose") else kernel
        found = np.square(kernel).sum(tuple(range(kernel.ndim - 1)))
    bias = a.get("bias")
    return found if bias is None or bias.shape != found.shape else found + np.square(bias)


def recurrent_squares(a: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """For each unit of a recurrent layer: the columns of all its gates, from the input and from its own past."""
    kernel, own = a.get("kernel"), a.get("recurrent_kernel")
    if kernel is None or own is None:
        return None
    units = own.shape[0]
    columns = np.square(kernel).sum(0) + np.square(own).sum(0)
    return columns.reshape(-1, units).sum(0) if columns.size % units == 0 else None


def parts(a: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The variables of both directions of a ``Bidirectional``, under their own names."""
    return tuple(  # type: ignore[return-value]
        {name.rsplit("/", 1)[-1]: array for name, array in a.items() if name.startswith(mark)}
        for mark in ("forward", "backward")
    )


def entering(type_name: str, arrays: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """
    Norm of what reads each input channel of a layer.

    Args:
        type_name: Layer type in the catalogue.
        arrays: Its variables by their Keras names.

    Returns:
        ``(channels,)``, for a Dense behind a Flatten one number a row (see ``rows_by_channel``); None for a type
        without a kernel, or a grouped one, whose kernel does not name the channels.
    """
    a = {name: np.asarray(array, np.float64) for name, array in arrays.items()}
    if type_name == "Bidirectional":
        halves = [np.square(part["kernel"]).sum(1) for part in parts(a) if "kernel" in part]
        return np.sqrt(halves[0] + halves[1]) if len(halves) == 2 else None
    kernel = a.get("kernel", a.get("depthwise_kernel"))
    if kernel is None or kernel.ndim < 2:
        return None
    point = a.get("pointwise_kernel")
    if point is not None:
        each = np.square(kernel).sum(tuple(range(kernel.ndim - 2)))
        reading = np.square(point).reshape(*each.shape, -1).sum(-1)
        return np.sqrt((each * reading).sum(-1))
    axis = -1 if type_name.endswith("Transpose") else -2
    other = tuple(i for i in range(kernel.ndim) if i != kernel.ndim + axis)
    return np.sqrt(np.square(kernel).sum(other))


def rows_by_channel(rows: np.ndarray, channels: int, *, last: bool = True) -> np.ndarray | None:
    """
    Norms of the rows of a Dense behind a Flatten, joined for each channel of the map.

    Args:
        rows: ``(rows,)``, from ``entering``.
        channels: Of the map.
        last: Whether the channels run fastest (Keras' ``channels_last``), else slowest.

    Returns:
        ``(channels,)``; None if they do not divide the rows.
    """
    if channels < 1 or len(rows) % channels:
        return None
    squares = np.square(rows)
    return np.sqrt(squares.reshape(-1, channels).sum(0) if last else squares.reshape(channels, -1).sum(1))


def rank(values: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, centred and of length 1; zeros where all values are equal."""
    places = np.argsort(np.argsort(values, axis=-1, kind="stable"), axis=-1, kind="stable").astype(np.float64)
    places -= places.mean(-1, keepdims=True)
    length = np.sqrt(np.square(places).sum(-1, keepdims=True))
    flat = np.ptp(values, axis=-1, keepdims=True) <= 1e-12 * np.abs(values).max(-1, keepdims=True)
    return np.where(flat | (length == 0), 0.0, places / np.where(length > 0, length, 1.0))


def correlation(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation along the last axis; leading axes broadcast, so many rivals are one call."""
    return (rank(np.asarray(left, np.float64)) * rank(np.asarray(right, np.float64))).sum(-1)


def agreement(kernel_a: np.ndarray, kernel_b: np.ndarray) -> float:
    """
    Rank correlation between the output channels of one kernel and the input channels of another.

    Args:
        kernel_a: ``(..., cin, cout)`` of the first layer, in Keras order.
        kernel_b: ``(..., cin, cout)`` of the second; a Dense behind a Flatten has a multiple of the channels as rows.

    Returns:
        Between -1 and 1; NaN where the channels do not fit.
    """
    out = leaving("Dense", {"kernel": kernel_a})
    into = entering("Dense", {"kernel": kernel_b})
    if out is None or into is None:
        return float("nan")
    if len(into) != len(out):
        into = rows_by_channel(into, len(out))
    return float("nan") if into is None else float(correlation(out, into))


#: Share of connected layers that show anything: the others are barely trained. Fitted on 147 connected pairs.
TRAINED = 0.3
#: Correlation of those that do: its mean and its spread.
SHOWN, SHOWN_SPREAD = 0.6, 0.2
#: Spread for unconnected layers beyond that of chance (109 pairs, the largest at 0.40), and the share that may be anything.
CHANCE_SPREAD, ANYTHING = 0.15, 0.03


def nats(rho: np.ndarray | float, channels: int) -> np.ndarray:
    """
    What a correlation costs the hypothesis that two layers are connected, against that they are not, in nats.

    Negative if the correlation speaks for it, at most about -3; hardly above 0, because most files show nothing at all.
    Recurrent layers show nothing at any time (28 connected pairs, median -0.1): their gates saturate, so the balance
    does not hold. Leave them out.

    Args:
        rho: From ``correlation`` or ``agreement``; NaN costs nothing.
        channels: Over how many channels.

    Returns:
        The shape of ``rho``.
    """
    values = np.asarray(rho, np.float64)
    noise = 1.0 / max(channels - 1, 1)
    chance = (1 - ANYTHING) * density(values, 0.0, CHANCE_SPREAD**2 + noise) + ANYTHING / 2
    shown = density(values, SHOWN, SHOWN_SPREAD**2 + noise)
    cost = -np.log((1 - TRAINED) + TRAINED * shown / chance)
    return np.where(np.isfinite(values), cost, 0.0)


def density(x: np.ndarray, mean: float, variance: float) -> np.ndarray:
    """Of the normal distribution."""
    return np.exp(-0.5 * np.square(x - mean) / variance) / np.sqrt(2 * np.pi * variance)
