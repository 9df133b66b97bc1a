"""The file's model run on an example, and paired with the user's module."""

from __future__ import annotations

from typing import Any

from regraft.errors import UnknownLayerError
from regraft.graft.onto import Grafting, Side, onto, side
from regraft.grafting.source import Converted, as_taken, wide

Placed = tuple[Converted, list[Any], Grafting]


def placed(source: Converted, inputs: tuple[Any, ...], right: Side) -> Placed:
    """
    The file's model run on the example, and paired with the user's module.

    Raises:
        UnknownLayerError: The file's model has a layer that regraft cannot run.
    """
    ours = as_taken(source, inputs)
    try:
        left = side(source.twin.model, wide(ours))
    except NotImplementedError as error:
        raise UnknownLayerError(f"the file's model cannot be run, so nothing can be compared: {error}") from None
    return source, ours, onto(left, right, source.state)
