"""Normalisations that PyTorch does not have."""

import torch
from torch import Tensor, nn


class SampleNorm(nn.Module):
    """BatchNormalization of Keras 1 in mode 1: over the last axis of each sample, epsilon inside and outside the root."""

    def __init__(self, features: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, dim=-1, keepdim=True, correction=0)
        return self.weight * (x - mean) / (torch.sqrt(variance + self.eps) + self.eps) + self.bias


class DeviationNorm(nn.Module):
    """BatchNormalization of Keras 1.0.0 to 1.0.5, which kept standard deviations; for inference."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_std", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1,) + (1,) * (x.dim() - 2)
        x = (x - self.running_mean.view(shape)) / (self.running_std.view(shape) + self.eps)
        return self.weight.view(shape) * x + self.bias.view(shape)


class DeviationScale(nn.Module):
    """LayerNormalization(rms_scaling=True) of Keras: divides by the standard deviation and keeps the mean."""

    def __init__(self, shape: int | tuple[int, ...], eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(shape))

    def forward(self, x: Tensor) -> Tensor:
        dims = tuple(range(-self.weight.dim(), 0))
        return x * torch.rsqrt(x.var(dims, correction=0, keepdim=True) + self.eps) * self.weight


class RMSNormAxes(nn.Module):
    """RMSNormalization over axes that are not the last: its scale lies along the last all the same (keras/src/ops/nn.py)."""

    def __init__(self, shape: tuple[int, ...], dims: tuple[int, ...], eps: float) -> None:
        super().__init__()
        self.dims = dims
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(shape))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(self.dims, keepdim=True) + self.eps) * self.weight


class LayerScale(nn.Module):
    """Each channel times a learned number, as in ConvNeXt (keras/src/applications/convnext.py)."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full(shape, 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma
