"""Interpolation as TensorFlow does it."""

import torch
import torch.nn.functional as F
from torch import Tensor


def upsample_corners(x: Tensor, factor: tuple[int, int]) -> Tensor:
    """Bilinear upsampling between pixel corners, as Keras 2.2 and 2.3 did (tf.compat.v1.image.resize_bilinear)."""
    height, width = factor[0] * x.shape[2], factor[1] * x.shape[3]
    # One more row and column, so that the corners of input and output can be aligned.
    padded = F.pad(x, (0, 1, 0, 1), mode="replicate")
    return F.interpolate(padded, (height + 1, width + 1), mode="bilinear", align_corners=True)[:, :, :height, :width]


def resize_weights(length: int, target: int, method: str, antialias: bool, like: Tensor) -> Tensor:
    """Share of every input pixel in every output pixel along one axis: (target, length), the rows add up to 1."""
    scale = length / target
    place = (torch.arange(target, dtype=torch.float64, device=like.device) + 0.5) * scale - 0.5
    if method == "bicubic" and not antialias:
        # TensorFlow takes these weights out of a table of 1024 entries (core/kernels/image/resize_bicubic_op.cc).
        place = place.floor() + torch.round((place - place.floor()) * 1024) / 1024
    pixels = torch.arange(length, dtype=torch.float64, device=like.device)
    distance = (place[:, None] - pixels).abs() / (max(scale, 1.0) if antialias else 1.0)
    if method == "bicubic":
        near = (1.5 * distance - 2.5) * distance**2 + 1
        far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
        weights = torch.where(distance <= 1, near, torch.where(distance < 2, far, 0.0))
    else:
        radius = 3.0 if method == "lanczos3" else 5.0
        weights = torch.where(distance < radius, torch.sinc(distance) * torch.sinc(distance / radius), 0.0)
    return (weights / weights.sum(1, keepdim=True)).to(like.dtype)


def resize(x: Tensor, size: tuple[int, int], method: str, antialias: bool = False) -> Tensor:
    """Resize maps with TensorFlow's bicubic (a = -0.5) or Lanczos weights (tf.image.resize)."""
    rows = resize_weights(x.shape[2], size[0], method, antialias, x)
    columns = resize_weights(x.shape[3], size[1], method, antialias, x)
    return rows @ x @ columns.T
