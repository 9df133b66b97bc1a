"""Layers of a file and modules of PyTorch in the same terms: what they are called, and which arrays they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from regraft.graft.naming import Number, Words


@dataclass(frozen=True)
class Array:
    """
    One array, or three that are one on the other side.

    Attributes:
        name: Path in the file, or key of the state dict.
        shape: As it lies there.
        word: What the file calls it (``kernel``, ``gamma``, ``weight``); empty on the side of PyTorch.
        axes: Names of its axes as an operation of PyTorch uses them; empty if unknown.
        again: Other names of the same array: a variable stored twice, a parameter that two modules share.
        blocks: Whether it is known to hold queries, keys and values one behind another.
        parts: The arrays for queries, keys and values, if it is these three.
    """

    name: str
    shape: tuple[int, ...]
    word: str = ""
    axes: str = ""
    again: tuple[str, ...] = ()
    parts: tuple[Array, ...] = ()
    blocks: bool = False


@dataclass(frozen=True)
class Owner:
    """
    A layer of the file or a module.

    Attributes:
        name: As a person finds it.
        words: Of its name.
        arrays: By role: ``weight``, ``bias``, ``running_mean`` ...; empty text for an array that is its own owner.
        kind: ``attention`` or ``embedding`` where the class of a module says so; ``blocks`` or ``by heads`` where its run
            takes its result in three (see ``thirds``); else empty.
        also: Other names, where an array is that of another module too.
    """

    name: str
    words: Words
    arrays: Mapping[str, Array]
    kind: str = ""
    also: tuple[Words, ...] = ()

    @property
    def places(self) -> list[Words]:
        """The numbered places that it stands in, from the outside in: the names up to each number, not its own name."""
        found = [self.words[: i + 1] for i, word in enumerate(self.words) if isinstance(word, Number)]
        return [place for place in found if len(place) < len(self.words)]

    def called(self, words: Words, also: tuple[Words, ...] = ()) -> Owner:
        """The same under other words."""
        return replace(self, words=words, also=also)
