"""A table that fills itself in two steps, and over which entries can be laid for the length of one conversion."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Registry(MutableMapping[str, Value], Generic[Value]):
    """
    A mapping whose rarer entries are imported only when they are needed.

    Looking for a name that is not there, counting or iterating loads the rest first: to whoever uses it, it is full.
    What a user declares for one conversion lies over it (``laid_over``), is found first, and is gone afterwards.
    """

    def __init__(self, entries: Mapping[str, Value] | None = None) -> None:
        self._entries: dict[str, Value] = dict(entries or {})
        self._rest: Callable[[], None] | None = None
        self._above: ContextVar[dict[str, Value] | None] = ContextVar("above", default=None)

    def on_demand(self, rest: Callable[[], None]) -> None:
        """Say what imports the rest."""
        self._rest = rest

    @contextmanager
    def laid_over(self, entries: dict[str, Value]) -> Generator[None]:
        """While it is open, new entries go into ``entries``, and what is in there hides what is below."""
        self._load()  # else a family imported meanwhile would be gone with the user's entries
        token = self._above.set(entries)
        try:
            yield
        finally:
            self._above.reset(token)

    @property
    def above(self) -> dict[str, Value]:
        """What lies over the table now."""
        return self._above.get() or {}

    def registered(self, name: str) -> bool:
        """Whether a name cannot be declared any more; loads nothing. A name of Keras may be declared anew by a user."""
        above = self._above.get()
        return name in (self._entries if above is None else above)

    def _load(self) -> None:
        if self._rest is not None:
            rest, self._rest = self._rest, None
            rest()

    def __getitem__(self, name: str) -> Value:
        above = self._above.get()
        if above and name in above:
            return above[name]
        if name not in self._entries:
            self._load()
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        if name in self._entries or name in self.above:
            return True
        self._load()
        return name in self._entries

    def __setitem__(self, name: str, value: Value) -> None:
        above = self._above.get()
        (self._entries if above is None else above)[name] = value

    def __delitem__(self, name: str) -> None:
        above = self._above.get()
        del (self._entries if above is None else above)[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter({**self._entries, **self.above})

    def __len__(self) -> int:
        self._load()
        return len(self._entries.keys() | self.above.keys())
