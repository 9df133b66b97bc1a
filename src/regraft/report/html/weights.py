"""The weight table: which stored variable went, through which moves, into which parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from regraft.report.html.bounds import MOST_WEIGHTS
from regraft.report.printable import plural, shape_words
from regraft.report.value import TransferRow


@dataclass(frozen=True)
class WeightRow:
    """One way: variables with their shapes, moves in words, parameters with their shapes."""

    variables: tuple[tuple[str, str], ...]
    moves: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class WeightGroup:
    """The ways of one layer."""

    layer: str
    rows: tuple[WeightRow, ...]


def weight_groups(transfers: Sequence[TransferRow]) -> tuple[tuple[WeightGroup, ...], str]:
    """The rows by layer, at most ``MOST_WEIGHTS``, and what is left out, in words."""
    shown = transfers[:MOST_WEIGHTS]
    groups = tuple(
        WeightGroup(layer, tuple(row(transfer) for transfer in run))
        for layer, run in groupby(shown, key=lambda transfer: transfer.layer)
    )
    rest = len(transfers) - len(shown)
    return groups, f"{plural(rest, 'row')} more: report.json has them all." if rest else ""


def row(transfer: TransferRow) -> WeightRow:
    """One way in words."""
    return WeightRow(
        tuple(with_shapes(transfer.variables, transfer.stored)),
        tuple(step(words) for words in transfer.moves.split("; ")),
        tuple(with_shapes(transfer.parameters, transfer.shapes)),
    )


def with_shapes(names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> list[tuple[str, str]]:
    """Names with their shapes, as far as those are known."""
    words = [shape_words(shape, batched=False) for shape in shapes]
    return [(name, words[i] if i < len(words) else "") for i, name in enumerate(names)]


def step(words: str) -> str:
    """
    One move as a person reads it.

    >>> step("kh kw cin cout -> cout cin kh kw"), step("units -> units")
    ('kh kw cin cout → cout cin kh kw', 'units, as stored')
    """
    source, arrow, target = words.partition(" -> ")
    if not arrow:
        return words
    return f"{source}, as stored" if source == target else f"{source} \u2192 {target}"
