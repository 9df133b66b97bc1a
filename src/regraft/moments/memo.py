"""
What was worked out before: architectures that are compared share most of their layers.

A result is found again as long as the very objects enter that it was made of; arrays are not kept alive for that. Inside
``remembering`` every walk uses one memory; else each has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from weakref import ref

import numpy as np

from regraft.blueprint import LayerSpec
from regraft.layers.base import Layer, build

T = TypeVar("T")
#: Bytes of results that are kept; then all are forgotten, and the memory fills anew.
MOST_BYTES = 256 * 2**20
#: What a result takes beside its arrays.
OVERHEAD = 1024


class Memo:
    """Results by what they were made of. Objects are told apart by identity, so none that is part of a key may change."""

    def __init__(self) -> None:
        self._found: dict[Hashable, tuple[tuple[object, ...], Any]] = {}
        self._specs: dict[int, tuple[LayerSpec, str, Layer | None]] = {}
        self._bytes = 0

    def once(self, key: Hashable, parts: tuple[object, ...], make: Callable[[], T], size: Callable[[T], int]) -> T:
        """
        What ``make`` gives; made once for a key and the very objects of ``parts``.

        Args:
            key: What tells the result apart beside the parts.
            parts: Objects that are compared by identity. All but arrays are kept, so that no other takes their address.
            make: The work.
            size: Bytes that the result holds.
        """
        mark = (key, tuple(map(id, parts)))
        known = self._found.get(mark)
        if known is not None and all(map(same, known[0], parts)):
            return known[1]
        made = make()
        self._count(size(made))
        self._found[mark] = (tuple(ref(part) if isinstance(part, np.ndarray) else part for part in parts), made)
        return made

    def spec(self, spec: LayerSpec) -> tuple[str, Layer | None]:
        """Words that are equal for layers of equal settings, and the layer; None if it cannot be converted."""
        known = self._specs.get(id(spec))
        if known is None:
            layer = None if spec.unknown else build(spec)
            self._count(0)
            known = self._specs[id(spec)] = (spec, f"{spec.name}|{spec.type}|{said(spec.config)}", layer)
        return known[1:]

    def _count(self, size: int) -> None:
        """One more result; all others go if there are too many."""
        self._bytes += OVERHEAD + size
        if self._bytes > MOST_BYTES:
            self._found.clear()
            self._specs.clear()
            self._bytes = 0


def same(kept: object, part: object) -> bool:
    """Whether a part is the one that was kept, or that a reference which was kept leads to."""
    return (kept() if isinstance(kept, ref) else kept) is part


def said(config: Mapping[str, Any]) -> str:
    """Settings as text, whatever order they are in."""
    return repr(sorted(config.items(), key=lambda item: item[0]))


_SHARED: ContextVar[Memo | None] = ContextVar("moments of this thread of work", default=None)


def current() -> Memo:
    """The memory of the surrounding ``remembering``, or a new one."""
    return _SHARED.get() or Memo()


@contextmanager
def remembering() -> Generator[None]:
    """All walks inside share what they find; one inside another changes nothing."""
    if _SHARED.get() is not None:
        yield
        return
    token = _SHARED.set(Memo())
    try:
        yield
    finally:
        _SHARED.reset(token)
