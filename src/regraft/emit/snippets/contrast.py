"""Contrast of images (batch, channels, height, width)."""

import torch
from torch import Tensor


def auto_contrast(x: Tensor, low: float = 0.0, high: float = 255.0, dims: tuple[int, int] = (2, 3)) -> Tensor:
    """
    Stretch every channel of every image from ``low`` to ``high``; one that is the same everywhere stays.

    The steps are those of Keras, as the last bit decides where values are cut to whole numbers afterwards
    (keras/src/layers/preprocessing/image_preprocessing/auto_contrast.py).
    """
    level = (x - low) / (high - low) * 255.0 if (low, high) != (0.0, 255.0) else x
    darkest, brightest = level.amin(dims, keepdim=True), level.amax(dims, keepdim=True)
    scale = 255.0 / (brightest - darkest)
    stretched = (level * scale - darkest * scale).clamp(0.0, 255.0)
    if (low, high) != (0.0, 255.0):
        stretched = stretched / 255.0 * (high - low) + low
    return torch.where(brightest > darkest, stretched, x)


def equalize_tiles(
    x: Tensor, grid: tuple[int, int], clip_limit: float, low: float = 0.0, high: float = 255.0
) -> Tensor:
    """
    Contrast limited adaptive histogram equalization (keras/src/layers/preprocessing/image_preprocessing/clahe.py).

    Each of the tiles maps brightness to its own cumulative histogram, from which what exceeds the limit is spread over
    all values; a pixel gets the mean of the maps of the four nearest tiles, weighted by its distance to their centers.
    Values are cut to whole numbers in float32, as in Keras.
    """
    given, x = x.dtype, x.float()
    rows, columns = grid
    _, _, height, width = x.shape
    tall, wide = -(-height // rows), -(-width // columns)
    if (low, high) != (0.0, 255.0):
        x = (x - low) / (high - low) * 255.0
    below, beside = tall * rows - height, wide * columns - width
    x = torch.cat([x, x[:, :, height - below :].flip(2)], dim=2)
    x = torch.cat([x, x[:, :, :, width - beside :].flip(3)], dim=3)
    pixels = x.long().clamp(0, 255)
    tiles = pixels.unflatten(3, (columns, wide)).unflatten(2, (rows, tall)).transpose(3, 4).flatten(4)
    histogram = x.new_zeros((*tiles.shape[:4], 256)).scatter_add_(4, tiles, x.new_ones(tiles.shape))
    if clip_limit > 0:
        clipped = histogram.clamp(max=clip_limit * (tall * wide) / 256.0)
        histogram = clipped + (histogram - clipped).sum(4, keepdim=True) / 256.0
    total = histogram.cumsum(4)
    least = total[..., :1]
    span = tall * wide - least
    maps = ((total - least) * 255.0 / torch.where(span == 0, 1.0, span)).clamp(0.0, 255.0)
    maps = torch.cat([maps[:, :, :1], maps, maps[:, :, -1:]], dim=2)
    maps = torch.cat([maps[:, :, :, :1], maps, maps[:, :, :, -1:]], dim=3).flatten(2)

    def nearest(size: int, tile: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Along one axis for every pixel: the tiles before and behind it, and how near the second one is."""
        place = (torch.arange(size, dtype=x.dtype, device=x.device) - tile / 2.0) / tile + 1.0
        first = place.floor()
        return first.clamp(0, count + 1).long(), (first + 1).clamp(0, count + 1).long(), place - first

    top, bottom, down = nearest(tall * rows, tall, rows)
    left, right, across = nearest(wide * columns, wide, columns)

    def mapped(row: Tensor, column: Tensor) -> Tensor:
        """Every pixel through the map of one tile."""
        places = (row[:, None] * (columns + 2) + column) * 256 + pixels
        return maps.gather(2, places.flatten(2)).view_as(x)

    above = torch.lerp(mapped(top, left), mapped(top, right), across.expand_as(x))
    under = torch.lerp(mapped(bottom, left), mapped(bottom, right), across.expand_as(x))
    result = torch.lerp(above, under, down[:, None].expand_as(x))[:, :, :height, :width]
    if (low, high) != (0.0, 255.0):
        result = result / 255.0 * (high - low) + low
    return result.to(given)
