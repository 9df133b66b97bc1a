"""The transfer plan: which variables, through which moves, fill which parameters of the emitted module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from regraft.emit.contiguous import moved
from regraft.errors import BlueprintError
from regraft.layers import Carry
from regraft.layers.binding import Bound
from regraft.layout import Move, shapes_after


@dataclass(frozen=True)
class Transfer:
    """
    Variables of one layer on their way into parameters.

    Attributes:
        layer: Layer name; inside nested models the names from the outside in, joined by ``/``.
        variables: The layer's own variable names; empty for a parameter that Keras leaves out.
        sources: The same variables with their stored arrays.
        moves: From the variables as Keras 2 and 3 hold them to the parameters.
        parameters: Keys of the state dict.
        shapes: Of the parameters.
        dtype: Of the parameters.
    """

    layer: str
    variables: tuple[str, ...]
    sources: tuple[Bound, ...]
    moves: tuple[Move, ...]
    parameters: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: str

    def read(self) -> tuple[np.ndarray, ...]:
        """The parameters, in the order of ``parameters`` and with the shapes of ``shapes``."""
        return tuple(array.reshape(shape) for array, shape in zip(self.views(), self.shapes, strict=True))

    def views(self) -> tuple[np.ndarray, ...]:
        """
        As ``read``, but views of what was read where that is possible.

        A joined axis may still be apart, ``(units, c, h, w)`` for ``units (c h w)``: the writer joins faster than NumPy.
        """
        return moved(self.moves, tuple(source.read() for source in self.sources))

    @property
    def words(self) -> str:
        """The whole way in words: ``kh kw cin cout -> cout cin kh kw``."""
        before = [move.words for source in self.sources for move in source.moves]
        return "; ".join([*before, *(move.words for move in self.moves)]) or "as stored"


def transfer(layer: str, carry: Carry, bound: Mapping[str, Bound], prefix: str) -> Transfer:
    """The transfer of one carry; ``prefix`` is the path of the layer's module, with its dot."""
    missing = [name for name in carry.variables if name not in bound]
    if missing:
        raise BlueprintError(
            f"layer {layer!r} has no variable {', '.join(missing)} to fill {', '.join(carry.parameters)}"
        )
    sources = tuple(bound[name] for name in carry.variables)
    shapes = shapes_after(carry.moves, [source.shape for source in sources])
    dtypes = [v.dtype for source in sources for v in source.sources]
    dtype = "float32" if not dtypes or dtypes[0] == "bfloat16" else dtypes[0]
    if not dtypes:
        dtype = str(getattr(carry.moves[0], "dtype", "float32"))
    parameters = tuple(prefix + name for name in carry.parameters)
    return Transfer(layer, carry.variables, sources, carry.moves, parameters, shapes, dtype)
