"""The form of a row in the table of overrides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import strategies as st
from tests.conformance.case import Case
from tests.conformance.settings import Draws, Scene

from regraft.layers import Layer

Chosen = dict[str, Any]


def as_drawn(chosen: Chosen, scene: Scene) -> Chosen:
    """Settings that may stand together as they are."""
    del scene
    return chosen


@dataclass(frozen=True)
class Override:
    """
    What differs from the rule.

    Attributes:
        settings: Values of settings, by name.
        mend: Makes settings that were drawn one by one fit together.
        ndim: Least and largest rank of the input, batch included.
        least: Shortest axis.
        channels: Length of the channel axis, in groups where the layer has some.
        inputs: Least and largest number of inputs, all of one shape.
        call: How they are handed over.
        case: Draws the whole case behind the settings, where the above does not do.
        maskable: Whether a mask may arrive.
        flat: Whether a flattened map may arrive.
        unsized: Whether the model may leave sizes open.
        refuses: What regraft says of settings that it does not convert, as a regular expression; nothing else may be refused.
        unable: Which settings those are, in words.
    """

    settings: Mapping[str, Draws] = field(default_factory=dict)
    mend: Callable[[Chosen, Scene], Chosen] = as_drawn
    ndim: tuple[int, int] | None = None
    least: int = 1
    channels: st.SearchStrategy[int] = st.integers(1, 4)  # noqa: RUF009 - immutable
    inputs: tuple[int, int] = (1, 1)
    call: Literal["one", "list", "apart"] = "one"
    case: Callable[[Layer, Scene], st.SearchStrategy[Case]] | None = None
    maskable: bool = True
    flat: bool = False
    unsized: bool = True
    refuses: str = ""
    unable: str = ""
