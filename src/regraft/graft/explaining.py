"""A mismatch explained: both lists side by side, folded, with the axes that differ, and what is likely behind it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import groupby

from regraft.graft.axes import axis_words
from regraft.graft.causes import causes
from regraft.graft.side_by_side import Row

#: Columns of a line, and of its left half.
WIDTH, LEFT = 78, 36
#: Runs of rows of one kind that are longer than this are folded, to so many rows at either end.
LONGEST, KEPT = 5, 1
#: Lines of the alignment that are shown, and how many of them from its end.
MOST, TAIL = 60, 15
MARKS = {"equal": "=", "size": "/", "file": "<", "module": ">"}
LEGEND = "= a pair   / a pair but for a size   < in the file only   > in the module only"


def explain(rows: Sequence[Row]) -> tuple[str, ...]:
    """
    The lines of an explanation, none longer than 78 characters but for names that are.

    Args:
        rows: From ``side_by_side``.
    """
    if not rows:
        return ()
    ours, theirs = (sum(getattr(row, side) is not None for row in rows) for side in ("ours", "theirs"))
    pairs = sum(row.equal for row in rows)
    sized = sum(row.paired and not row.equal for row in rows)
    counts = f"The file has {layers(ours)} with weights, the module has {theirs}: {pairs} {'pair' if pairs == 1 else 'pairs'}"
    counts += f", {sized} but for a size" if sized else ""
    counts += f"; {ours - pairs - sized} in the file only" if ours > pairs + sized else ""
    counts += f"; {theirs - pairs - sized} in the module only" if theirs > pairs + sized else ""
    found = textwrap.wrap(f"{counts}.", WIDTH)
    for cause in causes(rows):
        found += textwrap.wrap(f"likely: {cause}", WIDTH, subsequent_indent="  ")
    found += [LEGEND, f"  {'file':{LEFT}} module"]
    return (*found, *cut(table(rows)))


def cut(lines: Sequence[str]) -> list[str]:
    """No more lines than a person reads."""
    if len(lines) <= MOST:
        return list(lines)
    return [*lines[: MOST - TAIL], f"  ... {len(lines) - MOST} lines ...", *lines[-TAIL:]]


def layers(count: int) -> str:
    """A number of layers."""
    return f"{count} layer" if count == 1 else f"{count} layers"


def state(row: Row) -> str:
    """What a row is."""
    if row.paired:
        return "equal" if row.equal else "size"
    return "file" if row.theirs is None else "module"


def table(rows: Sequence[Row]) -> list[str]:
    """The alignment with long runs folded."""
    found: list[str] = []
    for kind, group in groupby(rows, state):
        run = list(group)
        words = {"equal": "pairs", "size": "pairs that differ in a size", "file": "in the file only"}
        if len(run) <= LONGEST or (kind == "size" and not repeats(run)):
            found += [text for row in run for text in lines(row)]
            continue
        found += [text for row in run[:KEPT] for text in lines(row)]
        found.append(f"  ... {len(run) - 2 * KEPT} {words.get(kind, 'in the module only')} ...")
        found += [text for row in run[-KEPT:] for text in lines(row)]
    return found


def repeats(run: Sequence[Row]) -> bool:
    """Whether many rows differ in sizes: one line each would say nothing new."""
    return len(run) > 2 * LONGEST


def lines(row: Row) -> list[str]:
    """One row: both sides, and the axes that differ below."""
    left = f"{row.ours.name} ({row.ours.words})" if row.ours is not None else ""
    right = f"{row.theirs.name} ({row.theirs.words})" if row.theirs is not None else ""
    mark = MARKS[state(row)]
    if row.ours is not None and row.theirs is not None and row.equal:
        right = row.theirs.name
    first = f"{mark} {left:{LEFT}} {right}".rstrip()
    if len(left) <= LEFT and len(first) <= WIDTH:
        whole = [first]
    elif not left:
        whole = [f"{mark} {right:>{WIDTH - 2}}"]
    else:
        second = f"  {'':{LEFT}} {right}"
        whole = [f"{mark} {left}", *([second if len(second) <= WIDTH else f"      {right}"] if right else [])]
    if row.paired and not row.equal:
        whole += textwrap.wrap(axis_words(row), WIDTH, initial_indent="      ", subsequent_indent="      ")
    return whole
