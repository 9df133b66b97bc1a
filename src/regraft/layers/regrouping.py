"""
Reshapes of tensors that are not held in Keras order.

A reshape joins and splits neighbouring axes, in blocks. A block whose axes lie side by side in PyTorch as in Keras can
be reshaped where it lies, whatever the order of the blocks: ``(batch, h, w, c) -> (batch, h * w, c)`` is
``x.flatten(2)`` on a tensor that is held channels first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regraft.layers.order import AxisOrder

Lengths = tuple[int | None, ...]
Block = tuple[tuple[int, ...], tuple[int, ...]]


def leading_blocks(source: Sequence[int | None], target: Sequence[int | None]) -> list[tuple[int, int]]:
    """
    Axes from the left in blocks with equal numbers of elements, as far as the lengths are known: pairs of axis counts.

    >>> leading_blocks([6, 5, 4, None], [2, 3, 20, None])
    [(1, 2), (2, 1)]
    """
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(source) and j < len(target):
        first, second, m, n = source[i], target[j], 1, 1
        while first is not None and second is not None and first != second:
            if first < second:
                more = source[i + m] if i + m < len(source) else None
                first, m = (None if more is None else first * more), m + 1
            else:
                more = target[j + n] if j + n < len(target) else None
                second, n = (None if more is None else second * more), n + 1
        if first is None or second is None:
            break
        found.append((m, n))
        i, j = i + m, j + n
    return found


def blocks(source: Sequence[int | None], target: Sequence[int | None]) -> list[Block]:
    """
    All axes in blocks: their places in source and target. What varies ends up in one block, alone if it can.

    >>> blocks([None, 4, 5], [None, 20])
    [((0,), (0,)), ((1, 2), (1,))]
    """
    front = leading_blocks(source, target)
    i, j = (sum(pair[side] for pair in front) for side in (0, 1))
    rest = (source[i:], target[j:])
    back = leading_blocks(rest[0][::-1], rest[1][::-1])[::-1]
    middle = tuple(len(rest[side]) - sum(pair[side] for pair in back) for side in (0, 1))
    found: list[Block] = []
    i = j = 0
    for m, n in (*front, *([(middle[0], middle[1])] if any(middle) else []), *back):
        found.append((tuple(range(i, i + m)), tuple(range(j, j + n))))
        i, j = i + m, j + n
    return found


@dataclass(frozen=True)
class Regrouping:
    """
    A reshape in PyTorch.

    Attributes:
        order: The axis order of the result.
        text: Its expression; ``%0`` is the input.
    """

    order: AxisOrder
    text: str


def regrouped(shape: Lengths, target: Lengths, order: AxisOrder) -> Regrouping | None:
    """
    A reshape of a tensor in its present axis order; None if a block does not lie as in Keras.

    Args:
        shape: Of the input in Keras order, batch first.
        target: Of the result in Keras order, batch first.
        order: Axis order of the input.
    """
    if order.axes[0] != 0 or order.flat:
        return None
    old, new = ([axis for axis in range(1, len(s)) if s[axis] != 1] for s in (shape, target))
    groups = blocks([shape[axis] for axis in old], [target[axis] for axis in new])
    lying = [axis for axis in order.axes[1:] if axis in old]
    sequence: list[int] = []
    by_first = {old[block[0]]: (block, places) for block, places in groups if block}
    while lying:
        block, places = by_first.get(lying[0], ((), ()))
        axes = [old[place] for place in block]
        if not axes or lying[: len(axes)] != axes:
            return None
        sequence += [new[place] for place in places]
        lying = lying[len(axes) :]
    result = placed(sequence, target, order)
    # What varies gets a number of its own below zero, the same on both sides only where the axis is the same.
    held, wanted = (
        [-axis if n is None else n for axis, n in enumerate(shape)],
        [-99 if n is None else n for n in target],
    )
    for block, places in groups:
        if len(block) == len(places) == 1:
            wanted[new[places[0]]] = held[old[block[0]]]
    text = expression([held[axis] for axis in order.axes], [wanted[axis] for axis in result.axes])
    return Regrouping(result, text)


def placed(sequence: list[int], target: Lengths, order: AxisOrder) -> AxisOrder:
    """The order of the result: axes of length 1 go where they make it channels first, or that of Keras."""
    rank = len(target)
    candidates = [AxisOrder.channels_first(rank), AxisOrder.keras(rank)]
    if rank == 3 and order.is_keras:
        candidates.reverse()
    for candidate in candidates:
        if [axis for axis in candidate.axes[1:] if target[axis] != 1] == sequence:
            return candidate
    return AxisOrder((0, *sequence, *(axis for axis in range(1, rank) if target[axis] == 1)))


def expression(held: Sequence[int], wanted: Sequence[int]) -> str:
    """
    The reshape as a person would write it. Lengths that vary are negative, and equal where they are the same axis.

    >>> expression((0, 512), (0, 512, 1, 1)), expression((0, 64, 7, 7), (0, 64, 49))
    ('%0[:, :, None, None]', '%0.flatten(2)')
    >>> expression((0, 3136), (0, 7, 7, 64)), expression((0, 12, 5), (0, 3, 20))
    ('%0.unflatten(1, (7, 7, 64))', '%0.reshape(-1, 3, 20)')
    """
    first, last = list(held[1:]), list(wanted[1:])
    if first == last:
        return "%0"
    if len(last) == 1:
        return "%0.flatten(1)"
    if [n for n in first if n != 1] == [n for n in last if n != 1]:
        return f"%0[{', '.join(units(held, wanted))}]"
    front = shared(first, last)
    back = shared(first[front:][::-1], last[front:][::-1])
    old, new = first[front : len(first) - back], last[front : len(last) - back]
    if len(new) == 1:
        return f"%0.flatten({front + 1}, {-1 - back})" if back else f"%0.flatten({front + 1})"
    sizes = ["-1" if n < 0 else str(n) for n in last]
    if len(old) == 1:
        return f"%0.unflatten({front + 1}, ({', '.join(sizes[front : len(last) - back])}))"
    return f"%0.reshape({', '.join(['%0.shape[0]' if min(last) < 0 else '-1', *sizes])})"


def shared(first: Sequence[int], second: Sequence[int]) -> int:
    """
    How many items from the left are the same.

    >>> shared([4, 5, 6], [4, 5, 30])
    2
    """
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def units(held: Sequence[int], wanted: Sequence[int]) -> list[str]:
    """
    The index that drops and adds axes of length 1.

    >>> units((0, 1, 5, 1), (0, 5, 1)), units((0, 5), (0, 5, 1))
    ([':', '0', ':', ':'], [':', ':', 'None'])
    """
    items, place = [":"], 1
    for length in wanted[1:]:
        while length != 1 and held[place] == 1:
            items.append("0")
            place += 1
        new = length == 1 and (place >= len(held) or held[place] != 1)
        items.append("None" if new else ":")
        place += not new
    return [*items, *["0"] * (len(held) - place)]
