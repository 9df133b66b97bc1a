"""Noise in training that PyTorch does not have."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SpatialDropout(nn.Module):
    """Zeroes whole channels in training, where the channels do not come second."""

    def __init__(self, p: float, dim: int) -> None:
        super().__init__()
        self.p = p
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = [size if i in (0, self.dim) else 1 for i, size in enumerate(x.shape)]
        return x * F.dropout(x.new_ones(kept), self.p)


class GaussianDropout(nn.Module):
    """Multiplies with noise of mean 1 in training; its variance is that of dropout with the same rate."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.deviation = (p / (1.0 - p)) ** 0.5

    def forward(self, x: Tensor) -> Tensor:
        return x * (1.0 + self.deviation * torch.randn_like(x)) if self.training else x


class GaussianNoise(nn.Module):
    """Adds noise of mean 0 in training."""

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation

    def forward(self, x: Tensor) -> Tensor:
        return x + self.deviation * torch.randn_like(x) if self.training else x
