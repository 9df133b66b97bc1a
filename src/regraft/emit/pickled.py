"""
The ``data.pkl`` of a PyTorch state dict, byte for byte as ``torch.save`` writes it, without running a pickler.

Only opcodes of protocol 2 that ``torch.load(weights_only=True)`` interprets, and only three kinds of global: the
ordered dictionary, the function that rebuilds a tensor, and the storage classes. Source of the form:
``torch/serialization.py`` (``persistent_id``) and ``torch/_tensor.py`` (``_reduce_ex_internal``); of the opcodes:
Python's ``pickletools``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import mul

from regraft.emit.tensor import Tensor

STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}
BATCH = 1000  # entries of a dictionary under one SETITEMS, as Python's pickler counts

PROTOCOL_2 = b"\x80\x02"
STOP = b"."
GLOBAL = b"c"
MARK = b"("
REDUCE = b"R"
PERSISTENT_ID = b"Q"
FALSE = b"\x89"
SET_ITEM = b"s"
SET_ITEMS = b"u"
TEXT = b"X"
EMPTY_TUPLE = b")"
TUPLE = b"t"
SHORT_TUPLES = {1: b"\x85", 2: b"\x86", 3: b"\x87"}


class _Pickle:
    """Opcodes written so far, and the memo: the place of each shared value, numbered as it comes."""

    def __init__(self) -> None:
        self.out = bytearray(PROTOCOL_2)
        self.places: dict[bytes, int] = {}
        self.count = 0

    def put(self) -> None:
        """Give the value on top of the stack the next place in the memo."""
        self.out += b"q%c" % self.count if self.count < 256 else b"r" + self.count.to_bytes(4, "little")
        self.count += 1

    def shared(self, code: bytes) -> None:
        """Push what ``code`` makes: the first time by making it, later from the memo."""
        place = self.places.setdefault(code, self.count)
        if place == self.count:
            self.out += code
            self.put()
        else:
            self.out += b"h%c" % place if place < 256 else b"j" + place.to_bytes(4, "little")

    def integers(self, values: Sequence[int]) -> None:
        """Push a tuple of whole numbers."""
        if not values:
            self.out += EMPTY_TUPLE
            return
        self.out += MARK if len(values) not in SHORT_TUPLES else b""
        for value in values:
            self.out += _integer(value)
        self.out += SHORT_TUPLES.get(len(values), TUPLE)
        self.put()

    def tensor(self, key: int, tensor: Tensor) -> None:
        """Push ``_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())``."""
        self.shared(_global("torch._utils", "_rebuild_tensor_v2"))
        self.out += MARK + MARK
        self.shared(_text("storage"))
        self.shared(_global("torch", STORAGES[tensor.dtype]))
        self.out += _text(str(key))
        self.put()
        self.shared(_text("cpu"))
        self.out += _integer(tensor.size) + TUPLE
        self.put()
        self.out += PERSISTENT_ID + _integer(0)
        self.integers(tensor.shape)
        self.integers(strides(tensor.shape))
        self.out += FALSE
        self.ordered_dict()
        self.out += TUPLE
        self.put()
        self.out += REDUCE
        self.put()

    def ordered_dict(self) -> None:
        """Push ``OrderedDict()``."""
        self.shared(_global("collections", "OrderedDict"))
        self.out += EMPTY_TUPLE + REDUCE
        self.put()


def state_dict_pickle(tensors: Sequence[Tensor]) -> bytes:
    """
    Pickle an ``OrderedDict`` of contiguous CPU tensors; tensor number ``i`` has its data in the record ``data/<i>``.

    >>> import pickletools
    >>> [arg for op, arg, _ in pickletools.genops(state_dict_pickle([])) if op.name == "GLOBAL"]
    ['collections OrderedDict']
    """
    pickle = _Pickle()
    pickle.ordered_dict()
    for start in range(0, len(tensors), BATCH):
        batch = tensors[start : start + BATCH]
        pickle.out += MARK if len(batch) > 1 else b""
        for key, tensor in enumerate(batch, start):
            pickle.out += _text(tensor.name)
            pickle.put()
            pickle.tensor(key, tensor)
        pickle.out += SET_ITEMS if len(batch) > 1 else SET_ITEM
    return bytes(pickle.out + STOP)


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """
    Steps of a contiguous tensor, in elements, as PyTorch counts them (an axis of length 0 like one of length 1).

    >>> strides((2, 0, 5))
    (5, 5, 1)
    """
    return tuple(accumulate((max(n, 1) for n in reversed(shape[1:])), mul, initial=1))[::-1] if shape else ()


def _global(module: str, name: str) -> bytes:
    return GLOBAL + f"{module}\n{name}\n".encode()


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return TEXT + len(data).to_bytes(4, "little") + data


def _integer(value: int) -> bytes:
    """A whole number from 0 up, in the shortest form of protocol 2."""
    if value < 1 << 8:
        return b"K" + value.to_bytes(1, "little")
    if value < 1 << 16:
        return b"M" + value.to_bytes(2, "little")
    if value < 1 << 31:
        return b"J" + value.to_bytes(4, "little")
    size = value.bit_length() // 8 + 1
    return b"\x8a" + size.to_bytes(1, "little") + value.to_bytes(size, "little")
