"""
The head of a ``.npy`` array: type, axis order and shape, as literals and nothing else.

Source: ``numpy/lib/_format_impl.py``. An array of Python objects is a pickle, which can run any program; it is refused.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass

import numpy as np

from regraft.errors import FileError, NotKerasError, UnsafeFileError, quote

MAGIC = b"\x93NUMPY"
#: NumPy itself writes under 200 characters for an array of numbers.
LONGEST_HEADER = 4096
#: Bytes of an array that hold its head at most: magic, version, length, header.
LONGEST_HEAD = 12 + LONGEST_HEADER
_SIZES = {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "b": (1,)}
_WORDS = {"U": "text", "S": "text", "c": "complex numbers", "M": "dates", "m": "times"}
_OBJECT = re.compile(r"'[|<>=]?O\d*'")
#: NumPy under Python 2 wrote ``(3L, 4L)``.
_OLD_INTEGER = re.compile(r"(\d)L\b")
PICKLE_HINT = (
    "In the program that wrote it, write the arrays one by one: np.savez('weights.npz', *model.get_weights())."
)


@dataclass(frozen=True)
class Head:
    """
    What stands before the data of an array.

    Attributes:
        dtype: As stored, with its byte order.
        shape: Axis lengths.
        fortran: Whether the first axis runs fastest.
        start: Where the data begins.
        problem: Why it can be no weight (text, complex numbers), or empty.
        bfloat16: Whether the two bytes of each number are the upper half of a float32.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    start: int
    problem: str = ""
    bfloat16: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of the data."""
        return math.prod(self.shape) * self.dtype.itemsize


def holds_objects(raw: bytes) -> bool:
    """Whether the first bytes of an array say that Python objects follow."""
    return raw.startswith(MAGIC) and _OBJECT.search(raw[:LONGEST_HEAD].decode("latin-1")) is not None


def parse_head(raw: bytes, file: object, path: str, *, rank: int) -> Head:
    """
    Read the head of an array.

    Args:
        raw: The first ``LONGEST_HEAD`` bytes of the array, or all of them if there are fewer.
        file: The file, as the user named it.
        path: Which array, for messages.
        rank: Most axes that are believed.

    Raises:
        NotKerasError: The array is a pickle.
        UnsafeFileError: A header or a shape that no array of numbers has.
        FileError: The head is damaged or cut off.
    """
    size = {1: 2, 2: 4, 3: 4}.get(raw[6]) if len(raw) > 7 and raw.startswith(MAGIC) else None
    if size is None:
        raise FileError(file, "this is no NumPy array (.npy version 1 to 3).", path=path)
    length = int.from_bytes(raw[8 : 8 + size], "little")
    if length > LONGEST_HEADER:
        raise UnsafeFileError(
            file, f"the header of the array takes {length} bytes; at most {LONGEST_HEADER} are read.", path=path
        )
    start = 8 + size + length
    if start > len(raw):
        raise FileError(file, "the array is cut off in its header.", path=path, hint="Download or copy it again.")
    fields = _fields(raw[8 + size : start], file, path)
    descr, fortran, shape = fields["descr"], fields["fortran_order"], fields["shape"]
    if not isinstance(shape, tuple) or not all(type(n) is int and 0 <= n < 2**63 for n in shape):
        raise FileError(file, f"the shape of the array is {quote(shape)}.", path=path)
    if len(shape) > rank:
        raise UnsafeFileError(file, f"an array of {len(shape)} axes; Keras has at most {rank}.", path=path)
    dtype, problem = _dtype(descr, file, path)
    # NumPy does not know bfloat16: that of ml_dtypes is stored as two bytes without a meaning, ``|V2`` or ``<V2``.
    return Head(dtype, shape, bool(fortran), start, problem, dtype.kind == "u" and "V" in str(descr))


def _fields(header: bytes, file: object, path: str) -> dict[str, object]:
    text = header.decode("utf-8", "replace").strip()
    if _OBJECT.search(text):
        raise NotKerasError(
            file,
            "npz with pickles",
            f"the array {quote(path)} holds Python objects, which is a pickle: it can run any program when it is "
            "loaded, and regraft never loads one.",
            hint=PICKLE_HINT,
        )
    try:
        found = ast.literal_eval(_OLD_INTEGER.sub(r"\1", text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, dict) or set(found) != {"descr", "fortran_order", "shape"}:
        raise FileError(file, "the header of the array is damaged.", path=path, hint="Download or copy it again.")
    return found


def _dtype(descr: object, file: object, path: str) -> tuple[np.dtype, str]:
    """The type, and what is wrong with it for a weight."""
    if isinstance(descr, list):
        return np.dtype("V1"), "it holds records"
    match = re.fullmatch(r"([<>|=]?)([a-zA-Z])(\d{0,9})", descr) if isinstance(descr, str) else None
    if match is None:
        raise FileError(file, f"the type of the array is {quote(descr)}.", path=path)
    order, kind, size = match[1], match[2], int(match[3] or 0)
    if kind == "V" and size == 2:
        return np.dtype(f"{'>' if order == '>' else '<'}u2"), ""
    if size not in _SIZES.get(kind, ()):
        return np.dtype("V1"), f"it holds {_WORDS.get(kind, f'numbers of the unusual type {quote(descr)}')}"
    return np.dtype(f"{order}{kind}{size}"), ""
