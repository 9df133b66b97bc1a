"""Convolutions whose kernel differs from place to place, which PyTorch does not have."""

import torch
from torch import Tensor, nn


class LocallyConnected1d(nn.Module):
    """A Conv1d with weights and bias of its own at every place of the result; ``size`` is the length of the result."""

    def __init__(
        self, channels: int, filters: int, kernel: int, stride: int = 1, *, size: int, bias: bool = True
    ) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.weight = nn.Parameter(torch.zeros(filters, channels, size, kernel))
        self.bias = nn.Parameter(torch.zeros(filters, size)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        windows = x.unfold(2, self.kernel, self.stride)  # (batch, channels, size, kernel)
        x = torch.einsum("bcxk,fcxk->bfx", windows, self.weight)
        return x if self.bias is None else x + self.bias


class LocallyConnected2d(nn.Module):
    """A Conv2d with weights and bias of its own at every place of the result; ``size`` is the height and width of the result."""

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        *,
        size: int | tuple[int, int],
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.kernel, self.stride, size = ((n, n) if isinstance(n, int) else n for n in (kernel, stride, size))
        self.weight = nn.Parameter(torch.zeros(filters, channels, *size, *self.kernel))
        self.bias = nn.Parameter(torch.zeros(filters, *size)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        windows = x.unfold(2, self.kernel[0], self.stride[0]).unfold(3, self.kernel[1], self.stride[1])
        x = torch.einsum("bchwij,fchwij->bfhw", windows, self.weight)
        return x if self.bias is None else x + self.bias


def connected(size: int, kernel: int, stride: int, padding: str) -> Tensor:
    """Which places of an axis a window covers, for every window: (places of the result, size)."""
    count = (size - kernel) // stride + 1 if padding == "valid" else -(-size // stride)
    start = torch.arange(count) * stride - (kernel // 2 if padding == "same" else 0)
    distance = torch.arange(size) - start[:, None]
    return (distance >= 0) & (distance < kernel)


class MaskedLocal1d(nn.Module):
    """LocallyConnected1D(implementation=2 or 3) of tf.keras: a matrix between all places, of which few pairs count."""

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: int,
        stride: int = 1,
        *,
        size: int,
        padding: str = "valid",
        packed: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        near = connected(size, kernel, stride, padding)
        mask = near[:, None, :, None].repeat(1, filters, 1, channels)
        self.register_buffer("mask", mask, persistent=False)
        self.packed = packed
        self.weight = nn.Parameter(torch.zeros(int(mask.sum())) if packed else torch.zeros(mask.shape))
        self.bias = nn.Parameter(torch.zeros(filters, len(near))) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight if self.packed else self.weight[self.mask]
        weight = x.new_zeros(self.mask.shape).masked_scatter(self.mask, weight)
        x = torch.einsum("bcx,yfxc->bfy", x, weight)
        return x if self.bias is None else x + self.bias


class MaskedLocal2d(nn.Module):
    """LocallyConnected2D(implementation=2 or 3) of tf.keras: a matrix between all places, of which few pairs count."""

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        *,
        size: int | tuple[int, int],
        padding: str = "valid",
        packed: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        kernel, stride, size = ((n, n) if isinstance(n, int) else n for n in (kernel, stride, size))
        rows, columns = (connected(n, k, s, padding) for n, k, s in zip(size, kernel, stride, strict=True))
        near = rows[:, None, None, :, None, None] & columns[None, :, None, None, :, None]
        mask = near.repeat(1, 1, filters, 1, 1, channels)
        self.register_buffer("mask", mask, persistent=False)
        self.packed = packed
        self.weight = nn.Parameter(torch.zeros(int(mask.sum())) if packed else torch.zeros(mask.shape))
        self.bias = nn.Parameter(torch.zeros(filters, len(rows), len(columns))) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight if self.packed else self.weight[self.mask]
        weight = x.new_zeros(self.mask.shape).masked_scatter(self.mask, weight)
        x = torch.einsum("bchw,yxfhwc->bfyx", x, weight)
        return x if self.bias is None else x + self.bias
