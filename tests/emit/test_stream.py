from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from contextlib import closing

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.emit.state_dicts import bits, every_kind, numbers, tensor, tensors_of, views

from regraft.emit import stream
from regraft.emit.stream import blocks
from regraft.emit.tensor import Tensor, check
from regraft.errors import OutputError

MIB = 1 << 20


def written(tensors: list[Tensor]) -> list[bytes]:
    """The bytes of each tensor."""
    result = [b""] * len(tensors)
    ended = -1
    for block in blocks(tensors):
        assert block.index == ended + 1
        result[block.index] += bytes(block.data)
        ended += block.last
    assert ended == len(tensors) - 1
    return result


def test_every_dtype_and_shape() -> None:
    arrays = every_kind()
    assert written(tensors_of(arrays)) == [bits(array) for array in arrays.values()]


@given(st.lists(views(), max_size=6))
def test_any_views(arrays: list[np.ndarray]) -> None:
    assert written([tensor(str(i), array) for i, array in enumerate(arrays)]) == [bits(array) for array in arrays]


def test_large_moves_go_through_threads_and_buffers() -> None:
    large = numbers("float32", (1500, 3000))
    swapped = large.astype(">f4")
    arrays = [large, large.T, swapped, swapped.T, np.broadcast_to(np.float32(3), (2000, 900)), large[::-1, ::-3]]
    assert written([tensor(str(i), array) for i, array in enumerate(arrays)]) == [
        bits(array.astype("<f4")) for array in arrays
    ]


@pytest.mark.parametrize("size", [3, 300_000])
def test_bfloat16_from_numbers_or_raw_bits(size: int) -> None:
    exact = np.random.default_rng(0).standard_normal((size, 2)).astype(ml_dtypes.bfloat16)
    sources = [exact, exact.astype(np.float32), exact.view(np.uint16), exact.view("V2")]
    for source in sources:
        moved = Tensor("a", (2, size), "bfloat16", lambda source=source: source.T)
        assert written([moved]) == [bits(exact.T)]


@pytest.mark.parametrize(
    ("shape", "dtype", "array"),
    [
        ((3, 4), "float32", np.zeros((4, 3), np.float32)),
        ((3, 4), "float32", np.zeros((3, 4), np.float64)),
        ((3, 4), "float32", np.zeros((3, 5), np.float32)),
        ((3, 4), "float32", np.zeros((2, 3, 4), np.float32)),
        ((0, 4), "int8", np.zeros((1, 4), np.int8)),
        ((3,), "bfloat16", np.zeros(3, np.float64)),
    ],
)
def test_data_other_than_announced(shape: tuple[int, ...], dtype: str, array: np.ndarray) -> None:
    with pytest.raises(OutputError, match=r"tensor 'conv.weight': expected .* found"):
        written([Tensor("conv.weight", shape, dtype, lambda: array)])


@pytest.mark.parametrize(
    ("shape", "apart"),
    [((6, 4), (2, 3, 4)), ((6, 4), (6, 1, 2, 2)), ((6, 1, 4), (6, 4)), ((), (1, 1)), ((1, 1), ())],
)
def test_joined_axes_may_come_apart(shape: tuple[int, ...], apart: tuple[int, ...]) -> None:
    array = numbers("float32", apart)
    assert written([Tensor("a", shape, "float32", lambda: array)]) == [bits(array)]


def test_every_problem_at_once() -> None:
    array = np.zeros(3, np.float32)
    tensors = [tensor("a", array), tensor("a", array), Tensor("c", (3,), "complex64", lambda: array)]
    with pytest.raises(OutputError, match=r"'a' comes twice\n.*'c': expected one of .*, found complex64"):
        check(tensors)


def test_loads_never_overlap_and_come_in_order() -> None:
    busy = threading.Lock()
    order: list[int] = []

    def load(i: int) -> Callable[[], np.ndarray]:
        def array() -> np.ndarray:
            assert busy.acquire(blocking=False)
            order.append(i)
            result = np.full((700, 300 + i), i, np.float32).T
            busy.release()
            return result

        return array

    written([Tensor(str(i), (300 + i, 700), "float32", load(i)) for i in range(40)])
    assert order == list(range(40))


def test_an_error_or_an_early_end_ends_the_threads() -> None:
    def broken() -> np.ndarray:
        raise RuntimeError("damaged chunk")

    good = tensor("good", numbers("float32", (2000, 1000)).T)
    tensors = [good, Tensor("bad", (1,), "float32", broken), good]
    with pytest.raises(RuntimeError, match="damaged chunk"):
        written(tensors)
    with closing(blocks([good, good])) as early:
        next(early)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("regraft-")]


@pytest.mark.parametrize(
    ("sizes", "copies"),
    [([40, 40, 40, 40], 1), ([41, 41, 41], 2), ([1, 40, 1, 40, 1, 40], 1), ([40, 40, 40], 2), ([5] * 30, 1)],
    ids=["equal", "as they are", "with biases between", "a load that copies", "many"],
)
def test_memory_is_about_two_and_a_half_tensors(monkeypatch: pytest.MonkeyPatch, sizes: list[int], copies: int) -> None:
    monkeypatch.setattr(stream, "SPARE_BYTES", MIB)
    monkeypatch.setattr(stream, "LARGEST_SLAB", MIB)
    monkeypatch.setitem(stream.slabs.__kwdefaults__, "smallest", MIB)
    monkeypatch.setitem(stream.slabs.__kwdefaults__, "largest", MIB)

    def load(size: int) -> Callable[[], np.ndarray]:
        def array() -> np.ndarray:
            made = np.zeros((size * 256, 1024), np.float32)
            for _ in range(copies - 1):
                made = made.copy()
            return made if size % 2 else made.T

        return array

    tensors = [
        Tensor(str(i), (size * 256, 1024) if size % 2 else (1024, size * 256), "float32", load(size))
        for i, size in enumerate(sizes)
    ]
    tracemalloc.start()
    for block in blocks(tensors):
        assert block.index >= 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= 2 * max(sizes) * MIB + 8 * MIB


def test_ten_thousand_tensors() -> None:
    tensors = [tensor(str(i), np.full((3,), i, np.int32)) for i in range(10_000)]
    assert written(tensors) == [np.full((3,), i, np.int32).tobytes() for i in range(10_000)]
