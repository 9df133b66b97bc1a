"""Inputs brought to a scale or a size."""

import torch
from torch import Tensor, nn


class Normalization(nn.Module):
    """``(x - mean) / sqrt(variance)``, or the way back with ``invert``; the statistics are measured ones."""

    def __init__(self, *shape: int, invert: bool = False) -> None:
        super().__init__()
        self.invert = invert
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("variance", torch.ones(shape))

    def forward(self, x: Tensor) -> Tensor:
        deviation = torch.sqrt(self.variance).clamp(min=1e-7)
        return x * deviation + self.mean if self.invert else (x - self.mean) / deviation


class FixedNormalization(Normalization):
    """``(x - mean) / sqrt(variance)``, or the way back with ``invert``; the statistics are constants."""

    def __init__(self, mean: Tensor, variance: Tensor, invert: bool = False) -> None:
        super().__init__(invert=invert)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("variance", variance, persistent=False)


class Rescaling(nn.Module):
    """``x * scale + offset`` with constants that differ along axes."""

    def __init__(self, scale: Tensor | float, offset: Tensor | float = 0.0) -> None:
        super().__init__()
        self.register_buffer("scale", torch.as_tensor(scale), persistent=False)
        self.register_buffer("offset", torch.as_tensor(offset), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.offset


def center_crop(x: Tensor, height: int, width: int) -> Tensor:
    """The middle of each image, one pixel up or left of it where the margin is odd, as in Keras."""
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]
