"""One step on the way from one unit to the next, as a person would say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: A number, or one for each channel, times the tensor, and another on top.
AFFINE = "affine"


@dataclass(frozen=True)
class Done:
    """
    One step as a person would say it.

    Attributes:
        kind: ``relu``, ``max_pool``, ``global average pool`` ...
        settings: What matters of it: ``kernel 3, stride 2, border 0 1 0 1``.
    """

    kind: str
    settings: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        if self.kind == AFFINE:
            return self.expression()
        told = ", ".join(f"{name} {said(value)}" for name, value in self.settings)
        return f"{self.kind}({told})" if told else self.kind

    def expression(self, x: str = "x") -> str:
        """
        What is done to ``x`` where that is a multiple and a number on top, as a line of Python for a map (channels first).

        >>> Done(AFFINE, (("times", 0.5), ("plus", -1.0))).expression()
        'x * 0.5 - 1'
        """
        settings = dict(self.settings)
        times, plus = settings["times"], settings["plus"]
        found = x if times == 1.0 else f"{x} * {number(times)}"
        if plus == 0.0:
            return found
        if isinstance(plus, float) and plus < 0:
            return f"{found} - {number(-plus)}"
        return f"{found} + {number(plus)}"


def number(value: float | tuple[float, ...]) -> str:
    """A number, or one for each channel."""
    if isinstance(value, tuple):
        return f"torch.tensor([{', '.join(f'{one:.9g}' for one in value)}]).view(-1, 1, 1)"
    return f"{value:.9g}"


def said(value: Any) -> str:
    """A setting in words."""
    if isinstance(value, tuple):
        return " ".join(map(said, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
