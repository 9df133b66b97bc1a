"""The known mistakes, one file a family: each is a change of the Keras model that makes it do what a faulty module does."""

from __future__ import annotations

from collections.abc import Iterator

from regraft.comparing.mistakes import (
    attention,
    borders,
    entering,
    exchanging,
    functions,
    kernels,
    masks,
    merging,
    normalisations,
    pooled,
    recurrent,
    shaping,
    windows,
)
from regraft.comparing.mistakes.mistake import Mistake, Place

#: In the order in which they are tried; of those that explain as much the first counts.
FAMILIES = (
    normalisations,
    windows,
    pooled,
    borders,
    kernels,
    recurrent,
    exchanging,
    functions,
    shaping,
    merging,
    attention,
    masks,
    entering,
)


def mistakes_at(place: Place) -> Iterator[Mistake]:
    """Every mistake that may be made at a call."""
    for family in FAMILIES:
        yield from family.mistakes(place)


__all__ = ["Mistake", "Place", "mistakes_at"]
