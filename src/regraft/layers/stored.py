"""What a file stores for one layer, and how older versions' arrays become the variables of today."""

from __future__ import annotations

from dataclasses import dataclass

from regraft.layers.version import KerasVersion
from regraft.layout import Move


@dataclass(frozen=True)
class Stored:
    """
    The arrays a file holds for one layer, as far as their meaning may depend on it.

    Attributes:
        shapes: Of the stored arrays, in file order.
        version: The Keras version that wrote the weights; 1 if the file does not say.
        theano: True if convolution kernels were written by the Theano backend, which turns them by 180 degrees.
    """

    shapes: tuple[tuple[int, ...], ...]
    version: KerasVersion
    theano: bool = False


@dataclass(frozen=True)
class Origin:
    """One variable of today: the stored arrays it is made of, by place in the file, and the moves that make it."""

    places: tuple[int, ...]
    moves: tuple[Move, ...] = ()
