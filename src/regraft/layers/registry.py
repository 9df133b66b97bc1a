"""A table that fills itself in two steps: common layers at import, the others when a name is not found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Registry(MutableMapping[str, Value], Generic[Value]):
    """
    A mapping whose rarer entries are imported only when they are needed.

    Looking for a name that is not there, counting or iterating loads the rest first: to whoever uses it, it is full.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Value] = {}
        self._rest: Callable[[], None] | None = None

    def on_demand(self, rest: Callable[[], None]) -> None:
        """Say what imports the rest."""
        self._rest = rest

    def registered(self, name: str) -> bool:
        """Whether a name is here already, without loading anything."""
        return name in self._entries

    def _load(self) -> None:
        if self._rest is not None:
            rest, self._rest = self._rest, None
            rest()

    def __getitem__(self, name: str) -> Value:
        if name not in self._entries:
            self._load()
        return self._entries[name]

    def __setitem__(self, name: str, value: Value) -> None:
        self._entries[name] = value

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(self._entries)

    def __len__(self) -> int:
        self._load()
        return len(self._entries)
