"""One layer of a file before its type is settled."""

from __future__ import annotations

from dataclasses import dataclass

from regraft.recover.grouping.held import Held
from regraft.recover.part import Grouping
from regraft.weights import Group


@dataclass(frozen=True)
class Subject:
    """
    A layer, and what the file says of it beside its shapes.

    Attributes:
        group: As it goes into the grouping.
        held: Its arrays.
        words: The name its author may have chosen; empty if there is none.
        class_name: Class that the file states, in a group key or in a default name; empty if it does not.
        certain: Whether the class stands in a group key, where no author writes.
        custom: Whether the file states a class that Keras does not have.
        counter: Count in a default name.
        inner: The layers of a nested model.
    """

    group: Group
    held: Held
    words: str = ""
    class_name: str = ""
    certain: bool = False
    custom: bool = False
    counter: int | None = None
    inner: Grouping | None = None
