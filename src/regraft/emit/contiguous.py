"""
Axis moves made contiguous, in slabs and fast.

``np.ascontiguousarray`` on a transposed view walks the source against its memory order: every element costs a
cache line. Here the copy goes through tiles that stay in the cache, and the result is made slab by slab, so
that the whole contiguous copy never exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import numpy as np
from einops import rearrange

from regraft.layout import Arrays, Layout, Move, apply

LINE_BYTES = 64  # a cache line: narrower reads waste memory bandwidth
RUN_BYTES = 1024  # read of one tile along the source's fastest axis
TILE_BYTES = 256 * 1024  # fits the second-level cache of any processor, together with its target
SLAB_BYTES = 4 * 1024 * 1024  # a slab that is still in the cache when it is written
LARGEST_SLAB = 32 * 1024 * 1024  # where only a larger slab gives runs of RUN_BYTES
LIVE_LINES = 512  # lines that stay in the first-level cache between two uses


def unmerged(layout: Layout, array: np.ndarray) -> np.ndarray:
    """
    Move axes as ``layout`` says, but leave the axes in parentheses of its target apart.

    The elements in C order are those of ``layout((array,))[0]``, yet nothing is copied: joining ``(c h w)`` after
    a move would make NumPy copy the whole array in the slow way.

    >>> layout = Layout("(h w c) units -> units (c h w)", {"h": 2, "w": 3, "c": 5})
    >>> unmerged(layout, np.zeros((30, 7))).shape
    (7, 5, 2, 3)
    """
    source, target = layout.pattern.split(" -> ")
    if "(" not in target:
        return layout((array,))[0]
    return rearrange(array, f"{source} -> {target.translate({40: None, 41: None})}", **layout.sizes_used)


def moved(moves: Sequence[Move], arrays: Arrays) -> Arrays:
    """As ``regraft.layout.apply``, but what a last ``Layout`` would join is left apart: see ``unmerged``."""
    if moves and isinstance(last := moves[-1], Layout):
        return tuple(unmerged(last, array) for array in apply(moves[:-1], arrays))
    return apply(moves, arrays)


def joined(view: np.ndarray) -> np.ndarray:
    """The same elements in the same C order with as few axes as possible, never copied; ``()`` becomes ``(1,)``."""
    axes = [(n, step) for n, step in zip(view.shape, view.strides, strict=True) if n != 1]
    if not axes:
        return view.reshape(1)
    runs = [0, *(i for i, ((_, a), (n, b)) in enumerate(pairwise(axes), 1) if a != n * b), len(axes)]
    lengths = [n for n, _ in axes]
    return view.reshape([int(np.prod(lengths[i:j], dtype=np.int64)) for i, j in pairwise(runs)])


def slabs(view: np.ndarray, *, smallest: int = SLAB_BYTES, largest: int = LARGEST_SLAB) -> Iterator[np.ndarray]:
    """
    Cut a view into parts that follow each other in C order.

    A part has about ``smallest`` bytes; up to ``largest`` where the cut goes along the axis that lies contiguous in
    memory, because a thin part would read a few bytes from each of many rows. One element is never cut.
    """
    if view.size == 0:
        return
    view = joined(view)
    sizes = [int(np.prod(view.shape[axis + 1 :], dtype=np.int64)) * view.itemsize for axis in range(view.ndim)]
    cut = next((axis for axis, size in enumerate(sizes) if size <= largest), view.ndim - 1)
    step = max(1, smallest // sizes[cut])
    if cut == _fastest(view) != view.ndim - 1:
        line = LINE_BYTES // view.itemsize
        step = max(step, min(RUN_BYTES // view.itemsize, largest // sizes[cut]))
        step -= step % line if step > line else 0
    for outer in np.ndindex(*view.shape[:cut]):
        for start in range(0, view.shape[cut], step):
            yield view[(*outer, slice(start, start + step))]


def fill(target: np.ndarray, source: np.ndarray) -> None:
    """
    Copy ``source``, any view, into ``target``, C-contiguous and of as many elements, in C order.

    Tiles are read along the source's memory order into a scratch array, and written from there along the target's.
    """
    if source.size == 0:
        return
    source = joined(source)
    target = target.reshape(source.shape)
    fastest = _fastest(source)
    if np.prod(source.shape[fastest + 1 :], dtype=np.int64) <= LIVE_LINES:
        np.copyto(target, source)
        return
    extents = _tile(source.shape, fastest, source.itemsize)
    order = sorted(range(source.ndim), key=lambda axis: (-abs(source.strides[axis]), axis))
    back = np.argsort(order)
    # One cache line more in each row: rows a power of two apart would fall into the same few cache sets.
    *rows, run = (extents[axis] for axis in order)
    scratch = np.empty((*rows, run + LINE_BYTES // source.itemsize), target.dtype)
    for corner in product(*(range(0, n, extent) for n, extent in zip(source.shape, extents, strict=True))):
        tile = tuple(slice(start, start + extent) for start, extent in zip(corner, extents, strict=True))
        read = source[tile].transpose(order)
        held = scratch[tuple(slice(n) for n in read.shape)]
        np.copyto(held, read)
        np.copyto(target[tile], held.transpose(back))


def _fastest(view: np.ndarray) -> int:
    """The axis with the smallest step in memory; the last of equal ones."""
    return min(range(view.ndim), key=lambda axis: (abs(view.strides[axis]), -axis))


def _tile(shape: tuple[int, ...], fastest: int, itemsize: int) -> list[int]:
    """Lengths of a tile: a good run along the source's fastest axis, the rest of the budget from the last axis up."""
    extents = [1] * len(shape)
    extents[fastest] = min(shape[fastest], RUN_BYTES // itemsize)
    budget = TILE_BYTES // itemsize // extents[fastest]
    for axis in reversed(range(len(shape))):
        if axis != fastest:
            extents[axis] = max(1, min(shape[axis], budget))
            budget //= extents[axis]
    return extents
