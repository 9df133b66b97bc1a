"""
The tensors of a state dict as a stream of bytes, in order and one tensor at a time.

Reading the next tensor, moving axes and writing overlap, while memory stays at about two tensors: see ``blocks``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

import numpy as np

from regraft.emit.bfloat16 import from_float32
from regraft.emit.contiguous import LARGEST_SLAB, fill, slabs
from regraft.emit.tensor import Tensor
from regraft.errors import OutputError, quote

MOVERS = 2  # NumPy copies without the interpreter lock; a third one only waits for memory
AHEAD = 4  # blocks made before they are needed
LOADS = 8  # tensors loaded before they are needed, if memory allows
SPARE_BYTES = 32 * 1024 * 1024  # lets small tensors load ahead, whatever the largest is
SMALL_BLOCK = 256 * 1024  # not worth a thread, nor a buffer that is kept


@dataclass(frozen=True)
class Block:
    """The next bytes of the file, of tensor number ``index``; valid until the next block is asked for."""

    index: int
    data: memoryview
    last: bool


@dataclass(frozen=True)
class _Job:
    index: int
    data: Future[memoryview]
    last: bool
    buffer: np.ndarray | None = None


def blocks(tensors: Sequence[Tensor]) -> Generator[Block]:
    """
    Yield the bytes of all tensors, little-endian, in order; every tensor ends with a block that says ``last``.

    Close the generator when you stop early: it owns threads. Held at a time: arrays of at most about twice the largest
    tensor, and ``AHEAD`` slabs.

    Raises:
        OutputError: An array is not what its tensor announced.
        Exception: Whatever a ``load`` raises.
    """
    readers = ThreadPoolExecutor(1, thread_name_prefix="regraft-read")
    movers = ThreadPoolExecutor(MOVERS, thread_name_prefix="regraft-move")
    jobs: deque[_Job] = deque()
    spare: list[np.ndarray] = []
    made = _jobs(tensors, readers, movers, jobs, spare)
    try:
        while True:
            while len(jobs) < AHEAD and (job := next(made, None)):
                jobs.append(job)
            if not jobs:
                return
            job = jobs.popleft()
            data = job.data.result()
            yield Block(job.index, data, job.last)
            data.release()  # the caller may still hold the block, and through it the array
            if job.buffer is not None:
                spare.append(job.buffer)
    finally:
        readers.shutdown(cancel_futures=True)
        movers.shutdown(cancel_futures=True)


def _jobs(
    tensors: Sequence[Tensor], readers: Executor, movers: Executor, jobs: deque[_Job], spare: list[np.ndarray]
) -> Iterator[_Job | None]:
    """Yield the jobs in order, or None: finish some of ``jobs`` first. Waits for an array only when there are none."""
    room = 2 * max((tensor.nbytes for tensor in tensors), default=0) + SPARE_BYTES
    loading: deque[Future[np.ndarray]] = deque()
    for index, tensor in enumerate(tensors):
        while True:
            held = sum(tensors[i].nbytes for i in {job.index for job in jobs})
            held += sum(ahead.nbytes for ahead in tensors[index : index + len(loading)])
            for later in tensors[index + len(loading) : index + LOADS]:
                # Twice: a load may hold two copies for a moment, say to reorder gates.
                if held + 2 * later.nbytes > room and (jobs or loading):
                    break
                loading.append(readers.submit(_load, later))
                held += later.nbytes
            if not jobs or (loading and loading[0].done()):
                break
            yield None
        array = loading.popleft().result()
        left = array.size
        if not left:
            yield _Job(index, _done(memoryview(b"")), last=True)
        for view in slabs(array):
            left -= view.size
            if view.nbytes <= SMALL_BLOCK:
                yield _Job(index, _done(_bytes(view, tensor.dtype, None)), left == 0)
            else:
                buffer = None if _as_is(view) else spare.pop() if spare else np.empty(LARGEST_SLAB, np.uint8)
                yield _Job(index, movers.submit(_bytes, view, tensor.dtype, buffer), left == 0, buffer)
            del view
        del array


def _load(tensor: Tensor) -> np.ndarray:
    """The array of a tensor, checked; bfloat16 becomes uint16, since NumPy itself does not know the type."""
    array = np.asarray(tensor.load())
    kinds = {"bfloat16", "uint16", "void16", "float32"} if tensor.dtype == "bfloat16" else {tensor.dtype}
    runs, found = set(accumulate(tensor.shape, mul)), {1, *accumulate(array.shape, mul)}
    if array.dtype.name not in kinds or array.size != tensor.size or (array.size and not runs <= found):
        msg = (
            f"tensor {quote(tensor.name)}: expected {tensor.dtype} of shape {tensor.shape}, "
            f"found {array.dtype.name} of shape {array.shape}. Nothing was written; please report this bug in regraft."
        )
        raise OutputError(msg)
    return array.view(np.uint16) if array.dtype.name in {"bfloat16", "void16"} else array


def _bytes(view: np.ndarray, dtype: str, buffer: np.ndarray | None) -> memoryview:
    """Little-endian bytes of ``view`` in C order, made in ``buffer`` where something must move."""
    if not _as_is(view):
        target = np.empty(view.nbytes, np.uint8) if buffer is None else buffer[: view.nbytes]
        target = target.view(view.dtype.newbyteorder("<"))
        fill(target, view)
        view = target
    if dtype == "bfloat16" and view.dtype.itemsize == 4:
        view = from_float32(view)
    return view.reshape(-1).view(np.uint8).data


def _as_is(view: np.ndarray) -> bool:
    return view.flags.c_contiguous and view.dtype == view.dtype.newbyteorder("<")


def _done(data: memoryview) -> Future[memoryview]:
    future: Future[memoryview] = Future()
    future.set_result(data)
    return future
