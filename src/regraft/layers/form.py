"""
The PyTorch form of a layer, written as text with tokens.

Tokens stand for names that the emitter chooses: ``%0``, ``%1`` are the input tensors, ``%m0`` the mask that
comes with input 0, ``%self`` the layer's module, and any other ``%word`` a local variable of this statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regraft.blueprint import Blueprint, Setting, Shape, refs_in
from regraft.layers.order import AxisOrder
from regraft.layout import Move


@dataclass(frozen=True)
class Arrival:
    """
    What reaches a layer, before its input orders are settled.

    Attributes:
        shapes: Input shapes in Keras order, batch first.
        orders: Axis order of each input as its producer left it.
        absorbed: True if everything after the layer can take a flattened map in PyTorch order.
    """

    shapes: tuple[Shape, ...]
    orders: tuple[AxisOrder, ...]
    absorbed: bool = False


@dataclass(frozen=True)
class Arranged:
    """The axis orders a layer needs its inputs in, and those of its outputs."""

    inputs: tuple[AxisOrder, ...]
    outputs: tuple[AxisOrder, ...]


@dataclass(frozen=True)
class Site:
    """
    One call of a layer: everything its PyTorch form may depend on.

    Attributes:
        name: The Keras layer name.
        inputs: Input shapes, in Keras order, batch first.
        outputs: Output shapes, in Keras order.
        orders: Axis order of each input, as the layer asked for it.
        output_orders: Axis order of each output.
        masks: For each input whether a mask comes with it (``%m0`` names it).
        stored: Shape of every stored variable, by the layer's own variable names, in the order of Keras 2 and 3.
        arguments: Extra call arguments; tensors inside are inputs after the positional ones, in order.
        dynamic: True if the constructor must not depend on map sizes, because the layer is shared between sizes.
    """

    name: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    orders: tuple[AxisOrder, ...]
    output_orders: tuple[AxisOrder, ...]
    masks: tuple[bool, ...]
    stored: Mapping[str, tuple[int, ...]]
    arguments: Mapping[str, Setting] = field(default_factory=dict)
    dynamic: bool = False

    @property
    def rank(self) -> int:
        """Rank of the first input, batch included; 0 if unknown."""
        shape = self.inputs[0]
        return 0 if shape is None else len(shape)

    @property
    def spatial(self) -> tuple[int | None, ...]:
        """Map sizes of the first input in PyTorch order (what follows batch and channel); None where they vary."""
        shape = self.orders[0].shape(self.inputs[0])
        if shape is None:
            return ()
        return tuple(None for _ in shape[2:]) if self.dynamic else shape[2:]

    @property
    def argument_places(self) -> dict[str, tuple[int, ...]]:
        """For every named call argument the numbers of the inputs that are its tensors."""
        counts = {name: len(list(refs_in(value))) for name, value in self.arguments.items()}
        place = len(self.inputs) - sum(counts.values())
        places: dict[str, tuple[int, ...]] = {}
        for name, count in counts.items():
            places[name] = tuple(range(place, place + count))
            place += count
        return places


@dataclass(frozen=True)
class Carry:
    """Variables of a layer (by the layer's own names) through moves into parameters of its module."""

    variables: tuple[str, ...]
    moves: tuple[Move, ...]
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Form:
    """
    A layer in PyTorch.

    Attributes:
        outputs: One expression for each output tensor.
        module: Constructor of the submodule, or empty if the layer needs none. ``%class`` names the class of ``nested``.
        before: Statements that come before the outputs are taken.
        carries: How variables fill the submodule; None means as the class declares in ``weights``.
        snippets: Helper classes and functions that the emitted file must contain.
        mask: Expression of the mask that leaves the layer, for layers whose ``masks`` is ``"own"``; empty for none.
            A mask that only passes on is ``%m0``. ``%mask`` in the outputs is the mask that this expression makes.
        nested: A model inside the model, emitted as a class of its own.
        nested_inputs: Shapes that enter it, in Keras order, if they are not those of the call.
    """

    outputs: tuple[str, ...]
    module: str = ""
    before: tuple[str, ...] = ()
    carries: tuple[Carry, ...] | None = None
    snippets: tuple[str, ...] = ()
    mask: str = ""
    nested: Blueprint | None = None
    nested_inputs: tuple[Shape, ...] | None = None
