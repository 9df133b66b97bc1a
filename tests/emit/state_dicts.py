"""State dicts for the tests of the writers."""

from __future__ import annotations

import ml_dtypes
import numpy as np
from hypothesis import strategies as st

from regraft.emit.tensor import ITEMSIZE, Tensor

SHAPES = [(), (0,), (1,), (7,), (2, 0, 5), (4, 5), (1, 6, 1), (3, 4, 5), (2, 3, 4, 5), (2, 3, 4, 5, 6)]


def numbers(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random bits of any kind, also NaN and infinity, for floats; every value for the rest."""
    kind = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    random = np.random.default_rng(seed)
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    return np.frombuffer(random.bytes(int(np.prod(shape)) * kind.itemsize), kind).reshape(shape)


def tensor(name: str, array: np.ndarray) -> Tensor:
    """A tensor whose data is ``array``."""
    return Tensor(name, array.shape, array.dtype.name, lambda: array)


def every_kind() -> dict[str, np.ndarray]:
    """Each dtype in each shape."""
    return {
        f"{dtype}.{place}": numbers(dtype, shape, place) for dtype in ITEMSIZE for place, shape in enumerate(SHAPES)
    }


def tensors_of(arrays: dict[str, np.ndarray]) -> list[Tensor]:
    return [tensor(name, array) for name, array in arrays.items()]


def bits(array: np.ndarray) -> bytes:
    """For comparisons in which NaN equals itself."""
    return np.ascontiguousarray(array).tobytes()


@st.composite
def views(draw: st.DrawFn, dtypes: tuple[str, ...] = ("float32", "int8", "float64")) -> np.ndarray:
    """Any view: axes moved, reversed, cut, repeated or added."""
    shape = tuple(draw(st.lists(st.integers(1, 9), max_size=5)))
    array = numbers(draw(st.sampled_from(dtypes)), shape, seed=draw(st.integers(0, 9)))
    array = array.transpose(draw(st.permutations(range(len(shape)))))
    if shape:
        starts = [draw(st.integers(0, n - 1)) for n in array.shape]
        array = array[tuple(slice(start, None, draw(st.integers(1, 3))) for start in starts)]
        array = np.flip(array, [axis for axis in range(array.ndim) if draw(st.booleans())])
    if draw(st.booleans()):
        array = np.broadcast_to(array, (draw(st.integers(1, 4)), *array.shape))
    if draw(st.booleans()):
        array = array[..., np.newaxis]
    return array
