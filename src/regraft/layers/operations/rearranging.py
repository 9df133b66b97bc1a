"""``rearrange``: axes split, moved and joined by a pattern of names."""

from __future__ import annotations

import math
import re
from typing import ClassVar

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Form, Site
from regraft.layers.operations.base import Operation, declare
from regraft.layers.operations.operands import Given
from regraft.layers.operations.parsing import integer

GROUP = re.compile(r"\w+|\([\w ]*\)")
PATTERN = re.compile(r"[\w() ]{1,200}->[\w() ]{1,200}")


def groups(side: str) -> list[list[str]]:
    """
    The names on one side, those in brackets together.

    >>> groups("a (c b)")
    [['a'], ['c', 'b']]
    """
    return [part.strip("()").split() for part in GROUP.findall(side)]


class Rearrange(Operation, abstract=True):
    """Axes split, moved and joined by a pattern, in the order of Keras."""

    call_arguments: ClassVar = ("tensor", "pattern")
    open_arguments: ClassVar = True

    def sides(self, given: Given) -> tuple[list[list[str]], list[list[str]]]:
        """Both sides of the pattern."""
        left, right = str(given.get("pattern")).split("->")
        return groups(left), groups(right)

    def check(self, given: Given) -> None:
        """The same names on both sides, each once, and lengths that are integers."""
        pattern = given.get("pattern")
        if not isinstance(pattern, str) or not PATTERN.fullmatch(pattern):
            raise UnknownLayerError(f"rearrange by {quote(pattern)}")
        left, right = ([name for group in side for name in group] for side in self.sides(given))
        known = {name: integer(n) for name, n in given.items() if name not in self.call_arguments}
        if sorted(left) != sorted(right) or len(set(left)) != len(left) or not known.keys() <= set(left):
            raise UnknownLayerError(f"rearrange by {quote(pattern)}")

    def lengths(self, given: Given) -> dict[str, int | None]:
        """The length of every named axis."""
        found: dict[str, int | None] = {k: n for k, n in given.items() if k not in self.call_arguments}
        for group, length in zip(self.sides(given)[0], given["tensor"].shape, strict=True):
            open_ = [name for name in group if name not in found]
            if len(open_) > 1:
                raise ValueError(f"the lengths of {', '.join(open_)} are not known")
            rest = math.prod(found[name] or 1 for name in group if name in found)
            found.update(dict.fromkeys(open_, None if length is None else length // rest))
        return found

    def result(self, given: Given) -> Shape:
        sizes = self.lengths(given)
        lengths = [[sizes[name] for name in group] for group in self.sides(given)[1]]
        return tuple(None if None in group else math.prod(n or 0 for n in group) for group in lengths)

    def torch(self, site: Site) -> Form:
        given = self.at(site)
        left, right = self.sides(given)
        sizes, text = self.lengths(given), "%0"
        for place, group in reversed(list(enumerate(left))):
            if len(group) > 1:
                parts = ", ".join(str(-1 if sizes[name] is None else sizes[name]) for name in group)
                text += f".unflatten({place}, ({parts}))"
        flat = [name for group in left for name in group]
        order = [flat.index(name) for group in right for name in group]
        if order != sorted(order):
            text += f".permute({', '.join(map(str, order))})"
        start = len(order)
        for group in reversed(right):
            start -= len(group)
            if len(group) > 1:
                text += f".flatten({start}, {start + len(group) - 1})"
        return Form((text,))


declare(Rearrange, "Rearrange", "einops", "x.unflatten(...).permute(...).flatten(...)")
