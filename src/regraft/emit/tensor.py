"""One tensor of a state dict, before its data is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from regraft.errors import OutputError, quote

ITEMSIZE = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
}


@dataclass(frozen=True)
class Tensor:
    """
    One tensor of a state dict; its data is made on demand.

    Attributes:
        name: Key in the state dict, for example ``conv1.weight``.
        shape: In PyTorch's axis order.
        dtype: A key of ``ITEMSIZE``; the names of NumPy and PyTorch.
        load: Gives an array, any view, whose elements in C order are those of the tensor: of ``shape``, or with joined
            axes still apart, ``(units, c, h, w)`` for ``units (c h w)``. For ``bfloat16`` it may be float32, which is
            rounded, or hold the two bytes of each number. Called once, from a thread; never two at the same time.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    load: Callable[[], np.ndarray] = field(repr=False, compare=False)

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes in the file."""
        return self.size * ITEMSIZE[self.dtype]


def check(tensors: Sequence[Tensor]) -> None:
    """
    Refuse what no state dict can hold.

    Raises:
        OutputError: Two tensors have one name, or a dtype is not in ``ITEMSIZE``; all such problems at once.
    """
    seen: set[str] = set()
    problems: list[str] = []
    for tensor in tensors:
        if tensor.name in seen:
            problems.append(f"tensor {quote(tensor.name)} comes twice")
        if tensor.dtype not in ITEMSIZE:
            problems.append(f"tensor {quote(tensor.name)}: expected one of {', '.join(ITEMSIZE)}, found {tensor.dtype}")
        seen.add(tensor.name)
    if problems:
        msg = "the state dict cannot be written:\n" + "\n".join(problems)
        raise OutputError(msg)
