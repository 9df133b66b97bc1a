"""How everything is laid out on a terminal: facts as two columns, lists, plain text without markup."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

INDENT = 2
LABEL_WIDTH = 13


def console_for(file: IO[str], width: int | None = None, *, terminal: bool | None = None) -> Console:
    """
    A console that takes text literally: no markup, no emoji codes, no guessed highlights.

    Args:
        file: Where it writes.
        width: Columns; by default those of the terminal, or 80.
        terminal: Whether ``file`` is a terminal; by default it is asked.
    """
    return Console(file=file, width=width, force_terminal=terminal, markup=False, emoji=False, highlight=False)


def heading(console: Console, text: str) -> None:
    """A line that opens a part; a long one is not broken, so that a path can be copied."""
    console.print(Text(text, style="bold"), soft_wrap=True)


def facts(console: Console, rows: Iterable[tuple[str, str | Text]]) -> None:
    """Rows of a label and what there is to say; rows without anything to say are left out."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=LABEL_WIDTH, style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        if value:
            table.add_row(label, value if isinstance(value, Text) else Text(value))
    console.print(Padding(table, (0, 0, 0, INDENT)))


def bullets(console: Console, title: str, items: Iterable[str], *, style: str = "") -> None:
    """A titled list; nothing at all if it is empty."""
    listed = list(items)
    if not listed:
        return
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(overflow="fold")
    for item in listed:
        table.add_row("-", Text(item, style=style))
    console.print()
    heading(console, title)
    console.print(Padding(table, (0, 0, 0, INDENT)))


def table_of(*columns: tuple[str, str]) -> Table:
    """An open table with columns given as (title, justify); long cells fold, so that nothing is hidden."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    for title, justify in columns:
        table.add_column(title, justify=justify, overflow="fold")  # pyright: ignore[reportArgumentType]
    return table
