"""
a test

    model = Model()
    model.load_state_dict(torch.load("model.pth", weights_only=True))
    model.eval()
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def pad_same(x: Tensor, window: tuple[int, ...], stride: tuple[int, ...], value: float = 0.0) -> Tensor:
    """Pad as TensorFlow does for "same": ceil(n / stride) windows fit, and the odd one goes to the end of an axis."""
    amounts: list[int] = []
    for axis in range(len(window) - 1, -1, -1):
        n, k, s = x.shape[axis + 2], window[axis], stride[axis]
        total = (n - 1) // s * s + k - n
        total = total if k >= s else max(total, 0)
        amounts += [total // 2, total - total // 2]
    return F.pad(x, amounts, value=value)


def avg_pool_same(x: Tensor, window: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Average pooling with TensorFlow's "same" padding, which does not count as part of a window."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(window) - 1]
    share = pool(pad_same(torch.ones_like(x[:1, :1]), window, stride), window, stride)
    return pool(pad_same(x, window, stride), window, stride) / share


class Model(nn.Module):
    """open_sizes: input (batch, 3, h, w), channels first; (batch, h, w, 3) in Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow_6 = nn.Conv2d(3, 6, 3, stride=2)
        self.mix_6 = nn.Conv2d(6, 6, 5, stride=2, groups=6)
        self.norm_6 = nn.LayerNorm(6, eps=0.001)
        self.narrow_8 = nn.Conv2d(6, 8, 3, stride=2)
        self.mix_8 = nn.Conv2d(8, 8, 5, stride=2, groups=8)
        self.norm_8 = nn.LayerNorm(8, eps=0.001)
        self.largest = nn.MaxPool2d(3, stride=2)
        self.kind = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:  # (batch, 3, h, w)
        x = self.narrow_6(pad_same(x, (3, 3), (2, 2)))  # (batch, 6, h, w)
        x = self.mix_6(pad_same(x, (5, 5), (2, 2)))  # (batch, 6, h, w)
        x = self.norm_6(x.permute(0, 2, 3, 1))  # (batch, ?, ?, 6)
        x = F.gelu(x)  # (batch, ?, ?, 6)
        x = self.narrow_8(pad_same(x.permute(0, 3, 1, 2), (3, 3), (2, 2)))  # (batch, 8, h, w)
        x = self.mix_8(pad_same(x, (5, 5), (2, 2)))  # (batch, 8, h, w)
        x = self.norm_8(x.permute(0, 2, 3, 1))  # (batch, ?, ?, 8)
        x = F.gelu(x)  # (batch, ?, ?, 8)
        x = avg_pool_same(x.permute(0, 3, 1, 2), (3, 3), (2, 2))  # (batch, 8, h, w)
        x = self.largest(pad_same(x, (3, 3), (2, 2), value=float("-inf")))  # (batch, 8, h, w)
        x = x.mean((2, 3))  # (batch, 8)
        x = self.kind(x)  # (batch, 5)
        return x
