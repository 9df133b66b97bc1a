"""Two mistakes inside one layer: one of a setting, one of what its arrays are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from regraft.comparing.mistakes import Mistake
from regraft.comparing.model import Model

SETTINGS = frozenset(
    "padding|padding side|stride|dilation|reset_after|activation of gates|epsilon|direction|preprocessing".split("|")
)
ARRAYS = frozenset(
    "weight transposed|kernel flipped|gate order|gamma and beta|batch norm statistics|channel order|missing bias|recurrent bias|"
    "directions exchanged|flatten order".split("|")
)
#: At most so many pairs are tried.
MOST = 500


def doubles(mistakes: Sequence[Mistake]) -> Iterator[tuple[Mistake, Mistake]]:
    """Pairs worth trying where no single mistake explains a layer: a setting with an array, or two arrays."""
    settings = [one for one in mistakes if one.what in SETTINGS]
    arrays = [one for one in mistakes if one.what in ARRAYS]
    pairs = [(a, b) for a in settings for b in arrays]
    pairs += [(a, b) for i, a in enumerate(arrays) for b in arrays[i + 1 :] if a.what != b.what]
    yield from islice(pairs, MOST)


def joined(chain: Sequence[Mistake]) -> Mistake:
    """Several mistakes as one."""

    def made(model: Model) -> Model:
        for mistake in chain:
            model = mistake.make(model)
        return model

    return replace(chain[0], make=made)
