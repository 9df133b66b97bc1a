"""Pools that PyTorch does not have."""

import torch
import torch.nn.functional as F
from torch import Tensor

from regraft.emit.snippets.padding import pad_same


def avg_pool_same(x: Tensor, window: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Average pooling with TensorFlow's "same" padding, which does not count as part of a window."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(window) - 1]
    share = pool(pad_same(torch.ones_like(x[:1, :1]), window, stride), window, stride)
    return pool(pad_same(x, window, stride), window, stride) / share
