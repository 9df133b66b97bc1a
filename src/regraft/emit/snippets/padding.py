"""Padding whose amount depends on the size of the input."""

import torch
import torch.nn.functional as F
from torch import Tensor


def pad_same(x: Tensor, window: tuple[int, ...], stride: tuple[int, ...], value: float = 0.0) -> Tensor:
    """Pad as TensorFlow does for "same": ceil(n / stride) windows fit, and the odd one goes to the end of an axis."""
    amounts: list[int] = []
    for axis in range(len(window) - 1, -1, -1):
        n, k, s = x.shape[axis + 2], window[axis], stride[axis]
        total = (n - 1) // s * s + k - n
        total = total if k >= s else max(total, 0)
        amounts += [total // 2, total - total // 2]
    return F.pad(x, amounts, value=value)


def pad_mirrored(x: Tensor, dim: int, before: int, after: int, edge: bool) -> Tensor:
    """Pad one dimension with the tensor mirrored at its border; ``edge`` repeats the border itself (numpy.pad)."""
    n, skip = x.shape[dim], 0 if edge else 1
    head = x.narrow(dim, skip, before).flip(dim)
    tail = x.narrow(dim, n - skip - after, after).flip(dim)
    return torch.cat([head, x, tail], dim)
