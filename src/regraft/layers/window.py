"""Windows that slide over a map: output lengths, TensorFlow's "same" padding, and how PyTorch writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regraft.errors import UnknownLayerError, quote
from regraft.layers.settings import Reading

Sizes = tuple[int | None, ...]


def window_padding(value: Any, reading: Reading) -> str:
    """
    Read ``padding`` or the ``border_mode`` of Keras 1.

    Raises:
        UnknownLayerError: For ``full`` (Theano only) and ``causal`` on images.
    """
    known = ("valid", "same", "causal") if reading.rank == 1 else ("valid", "same")
    if not isinstance(value, str) or value.lower() not in known:
        raise UnknownLayerError(f"padding {quote(value)} is not one of {', '.join(known)}")
    return value.lower()


def dilated(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """Length of a kernel with its holes, for every axis."""
    return tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))


def slid(sizes: Sizes, window: Sequence[int], strides: Sequence[int], padding: str) -> Sizes:
    """Number of places a window takes along every axis: the size of the result."""
    return tuple(
        None if n is None else (n - k) // s + 1 if padding == "valid" else -(-n // s)
        for n, k, s in zip(sizes, window, strides, strict=True)
    )


def same_totals(n: int | None, window: int, stride: int) -> set[int]:
    """
    How much "same" padding an axis may get in total: one number if its length ``n`` is known, else all that occur.

    >>> same_totals(224, 3, 2), same_totals(225, 3, 2), sorted(same_totals(None, 3, 2)), same_totals(None, 3, 1)
    ({1}, {2}, [1, 2], {2})
    """
    # TensorFlow pads so that ceil(n / stride) windows fit; the last one starts at n - 1 - (n - 1) % stride.
    rests = range(stride) if n is None else [(n - 1) % stride]
    return {max(window - 1 - rest, 0) for rest in rests}


@dataclass(frozen=True)
class Padded:
    """How the input of a window is padded: an expression around ``%0``, an argument of the module, and helpers."""

    x: str = "%0"
    argument: str = ""
    snippets: tuple[str, ...] = ()


def padded(padding: str, sizes: Sizes, window: Sequence[int], strides: Sequence[int], fill: str = "") -> Padded:
    """
    Padding in front of a convolution or a pool, as simply as the sizes allow.

    Args:
        padding: ``valid``, ``same`` or ``causal``.
        sizes: Of the map, None where they vary.
        window: Of the kernel with its holes.
        strides: Of the window.
        fill: Value of the padding as an expression; zero if empty, and only then can the module itself pad.
    """
    if padding == "valid":
        return Padded()
    value = f", value={fill}" if fill else ""
    if padding == "causal":
        return Padded(f"F.pad(%0, ({window[0] - 1}, 0){value})") if window[0] > 1 else Padded()
    totals = [same_totals(*axis) for axis in zip(sizes, window, strides, strict=True)]
    if any(len(total) > 1 for total in totals):
        return Padded(f"pad_same(%0, {tuple(window)}, {tuple(strides)}{value})", snippets=("pad_same",))
    known = [max(total) for total in totals]
    if not any(known):
        return Padded()
    if not fill and all(total % 2 == 0 for total in known):
        return Padded(argument=option("padding", [total // 2 for total in known], 0))
    # F.pad names the last axis first; the odd one goes to the end of an axis.
    amounts = [amount for total in reversed(known) for amount in (total // 2, total - total // 2)]
    return Padded(f"F.pad(%0, ({', '.join(map(str, amounts))}){value})")


def number(values: Sequence[int]) -> str:
    """
    Sizes as PyTorch takes them: one number for all axes where they are equal.

    >>> number((3, 3)), number((3, 5))
    ('3', '(3, 5)')
    """
    return str(values[0]) if len(set(values)) == 1 else f"({', '.join(map(str, values))})"


def option(name: str, values: Sequence[int], default: int = 1) -> str:
    """
    A keyword argument with its comma, or nothing if it says the default.

    >>> option("stride", (2, 2)), option("stride", (1, 1))
    (', stride=2', '')
    """
    return "" if set(values) == {default} else f", {name}={number(values)}"
