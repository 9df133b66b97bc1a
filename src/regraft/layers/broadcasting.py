"""Tensors of lower rank beside those of higher rank, in any axis order."""

from __future__ import annotations

from collections.abc import Sequence

from regraft.layers.order import AxisOrder


def indexed(text: str, places: Sequence[int | None]) -> str:
    """
    A tensor whose dimensions are put in order, with new ones of length 1 where a place is None.

    >>> indexed("x", [0, None, 1]), indexed("x", [0, 1]), indexed("x", [0, 2, None, 1])
    ('x[:, None]', 'x', 'x.transpose(1, 2)[:, :, None]')
    """
    kept = [place for place in places if place is not None]
    moved = [i for i, place in enumerate(kept) if place != i]
    if len(moved) == 2:
        text = f"{text}.transpose({moved[0]}, {moved[1]})"
    elif moved:
        text = f"{text}.permute({', '.join(map(str, kept))})"
    items = ["None" if place is None else ":" for place in places]
    while items and items[-1] == ":":
        items.pop()
    return f"{text}[{', '.join(items)}]" if items else text


def lifted(text: str, order: AxisOrder, target: AxisOrder) -> str:
    """
    A tensor of lower rank with axes of length 1 after its batch axis, as Keras inserts them, in the order ``target``.

    >>> lifted("gate", AxisOrder.keras(2), AxisOrder.channels_first(4))
    'gate[:, :, None, None]'
    """
    missing = len(target.axes) - len(order.axes)
    if missing <= 0 or not order.axes:
        return text
    # Keras axis a > 0 of the small tensor is axis a + missing of the large one; the axes between are new.
    wanted = [0 if axis == 0 else axis - missing if axis > missing else None for axis in target.axes]
    return indexed(text, [None if axis is None else order.axes.index(axis) for axis in wanted])


def spread_mask(text: str, target: AxisOrder) -> str:
    """
    A mask without the last Keras axis, with an axis of length 1 in its place, in the order ``target``.

    >>> spread_mask("mask", AxisOrder.keras(3)), spread_mask("mask", AxisOrder.channels_first(3))
    ('mask[:, :, None]', 'mask[:, None]')
    """
    last = len(target.axes) - 1
    return indexed(text, [None if axis == last else axis for axis in target.axes])
