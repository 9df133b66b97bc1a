"""A few layers in plain numpy, channels last: what tests compare predictions with."""

from __future__ import annotations

import numpy as np


def conv2d(x: np.ndarray, kernel: np.ndarray, *, pad: tuple[tuple[int, int], ...] = ((0, 0), (0, 0)), stride: int = 1,
           dilation: int = 1) -> np.ndarray:  # fmt: skip
    """``(n, h, w, cin)`` and ``(kh, kw, cin, cout)``, tap by tap."""
    x = np.pad(x, ((0, 0), *pad, (0, 0)))
    kh, kw = kernel.shape[:2]
    h = (x.shape[1] - (kh - 1) * dilation - 1) // stride + 1
    w = (x.shape[2] - (kw - 1) * dilation - 1) // stride + 1
    out = 0.0
    for i in range(kh):
        for j in range(kw):
            at = x[:, i * dilation :, j * dilation :][
                :, : (h - 1) * stride + 1 : stride, : (w - 1) * stride + 1 : stride
            ]
            out = out + at @ kernel[i, j]
    return np.asarray(out)


def measured(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each channel over all other axes."""
    axes = tuple(range(x.ndim - 1))
    return x.mean(axes), x.var(axes)


def batch_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The output, and the variables of a BatchNorm whose statistics are those of ``x``."""
    mean, variance = measured(x)
    variables = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": variance}
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta, variables


def max_pool(x: np.ndarray, size: int) -> np.ndarray:
    """Square windows side by side."""
    n, h, w, c = x.shape
    cut = x[:, : h // size * size, : w // size * size]
    return cut.reshape(n, h // size, size, w // size, size, c).max((2, 4))
