"""
The trace that a softmax leaves in the last layer.

Cross-entropy behind a softmax pulls the outputs apart and never together: in every step the gradients of the biases sum
to zero, and so do those of each row of the kernel. With two units both get opposite steps under every optimizer, so
their biases stay exactly opposite. With more units plain descent keeps the sums, and adaptive optimizers nearly: the
sums of the rows stay as small as they were at the start while the kernel grows.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

#: Biases that were trained are not all below this.
UNTRAINED = 1e-12
#: Two opposite biases, as a share of their size.
OPPOSITE = 1e-3
#: Squared sum of the biases against the largest that their sizes allow: at most 0.23 behind the 11 softmax outputs.
LOPSIDED = 0.5


def nats(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, float], str]:
    """
    What kernel and bias say of an output's function, in nats by short name, and why.

    A linear output whose loss applies the softmax leaves the same trace. On 14 trained outputs of real files with 3 to 13
    units and a softmax the rows' sums had 0.17 to 1.1 of the variance of independent columns (median 0.36), on 8 others
    0.9 to 11.

    Args:
        arrays: ``kernel`` ``(..., units)`` and ``bias`` ``(units,)``.

    Returns:
        Empty where nothing can be told: one unit, no bias, never trained.
    """
    kernel, bias = arrays.get("kernel"), arrays.get("bias")
    if kernel is None or bias is None or bias.size < 2 or kernel.size < 16 or kernel.shape[-1] != bias.size:
        return {}, ""
    bias = np.asarray(bias, np.float64)
    rows = np.asarray(kernel, np.float64).reshape(-1, bias.size)
    size = np.abs(bias).max()
    if not np.isfinite(bias).all() or not np.isfinite(rows).all() or size < UNTRAINED:
        return {}, ""
    if bias.size == 2:
        if abs(bias.sum()) <= OPPOSITE * size:
            return {
                "softmax": -2.0,
                "sigmoid": 3.0,
                "tanh": 3.0,
                "relu": 3.0,
            }, "both biases are opposite, as a softmax makes them"
        return {"softmax": 3.0}, "the biases are not opposite, as a softmax would make them"
    if bias.sum() ** 2 > LOPSIDED * bias.size * (bias * bias).sum():
        return {"softmax": 2.5}, "the biases all pull one way, which a softmax would not make them"
    glorot = 2.0 / (len(rows) + bias.size)
    spread, sums = rows.var(), rows.sum(-1).var()
    if spread < 1.3 * glorot or len(rows) < 8:
        return {}, ""
    ratio = sums / (bias.size * spread)
    if ratio < 0.6:
        return {
            "softmax": -1.5,
            "sigmoid": 1.5,
            "tanh": 1.5,
            "relu": 1.5,
        }, f"the columns of the kernel cancel out ({ratio:.2f}), as behind a softmax"
    if ratio > 1.3:
        return {
            "softmax": 1.5
        }, f"the columns of the kernel do not cancel out ({ratio:.2f}), as a softmax would make them"
    return {}, ""
