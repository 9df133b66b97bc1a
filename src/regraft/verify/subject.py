"""What is verified: an emitted module, where its tensors can be seen, and the file it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from regraft.blueprint import Blueprint, Shape
from regraft.layers import AxisOrder
from regraft.layers.binding import Binding
from regraft.layers.custom import Custom
from regraft.weights import WeightTree


class Probe(Protocol):
    """
    Where the output of a Keras layer can be seen while the emitted file runs; the emitter's own probes have this form.

    Attributes:
        module: Path of the module whose ``forward`` makes it; empty for the model itself.
        line: Line of the emitted file after which the variable holds it.
        variable: Name of the variable.
        layer: Keras layer name; inside nested models the names from the outside in, joined by ``/``.
        call: Which call of the layer, counted from 0.
        index: Which of its outputs.
        order: Axis order of the PyTorch tensor.
        shape: Shape in Keras order.
    """

    @property
    def module(self) -> str: ...  # noqa: D102
    @property
    def line(self) -> int: ...  # noqa: D102
    @property
    def variable(self) -> str: ...  # noqa: D102
    @property
    def layer(self) -> str: ...  # noqa: D102
    @property
    def call(self) -> int: ...  # noqa: D102
    @property
    def index(self) -> int: ...  # noqa: D102
    @property
    def order(self) -> AxisOrder: ...  # noqa: D102
    @property
    def shape(self) -> Shape: ...  # noqa: D102


State = Path | Callable[[], Mapping[str, Any]]
"""A state dict: a file ending in ``.pth`` or ``.safetensors``, or a function that gives tensors or arrays by parameter."""


@dataclass(frozen=True)
class Subject:
    """
    One conversion, ready to be verified.

    Attributes:
        blueprint: The architecture, with what cannot be converted.
        binding: Its variables, as read from the file.
        tree: The file's weight tree.
        file: The weights file itself; Keras reads it again on its own where it can. None if there is none to read.
        config: The architecture JSON as the user's file has it, or None.
        regenerate: Writes the JSON of a blueprint for Keras of that major version, 2 or 3.
        source: Text of the emitted ``model.py``.
        probes: Where its tensors can be seen.
        input_orders: Axis orders of the model's inputs.
        output_orders: Axis orders of the model's outputs.
        state: Its parameters.
        custom: The user's file whose layers it holds.
    """

    blueprint: Blueprint
    binding: Binding
    tree: WeightTree
    file: Path | None
    config: str | None
    regenerate: Callable[[Blueprint, int], str]
    source: str
    probes: Sequence[Probe]
    input_orders: tuple[AxisOrder, ...]
    output_orders: tuple[AxisOrder, ...]
    state: State
    custom: Custom | None = None


@dataclass(frozen=True, order=True)
class Spot:
    """
    One tensor of a model, named the same on both sides.

    Attributes:
        layers: Layer names from the outside in; more than one inside nested models.
        calls: Which call of each of them, counted from 0.
        index: Which output of the last one.
    """

    layers: tuple[str, ...]
    calls: tuple[int, ...]
    index: int = 0

    @property
    def path(self) -> str:
        """The layer names joined by ``/``."""
        return "/".join(self.layers)

    def __str__(self) -> str:
        calls = f" call {'.'.join(str(call + 1) for call in self.calls)}" if any(self.calls) else ""
        return f"{self.path}{calls}{f' output {self.index + 1}' if self.index else ''}"
