"""A recurrent layer that is given its cell, or several cells one on the other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from regraft.blueprint import LayerSpec, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.activations import activation, activation_caveats, keras_name
from regraft.layers.base import Layer, Weight, build
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.gru import GRU
from regraft.layers.lstm import LSTM
from regraft.layers.naming import snake_case
from regraft.layers.recurrent import Recurrent, arrange_sequence, mask_token, state_tokens
from regraft.layers.settings import Reading, positive, setting
from regraft.layers.simple_rnn import SimpleRNN
from regraft.layers.version import KerasVersion


@dataclass(frozen=True, kw_only=True)
class Cell(Layer, abstract=True):
    """One step of a recurrent layer; it stands inside an ``RNN`` only."""

    #: The layer that runs this cell over time.
    over_time: ClassVar[type[Recurrent]]

    units: int = setting(parse=positive)
    activation: str | LayerSpec = setting("tanh", parse=activation)
    use_bias: bool = setting(True)
    dropout: float = setting(0.0)
    recurrent_dropout: float = setting(0.0)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        names = [name for name in ("activation", "recurrent_activation") if name in config]
        return {**config, **{name: keras_name(config[name], version) for name in names}}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        found = [getattr(self, name, "linear") for name in ("activation", "recurrent_activation")]
        return tuple(text for value in found for text in activation_caveats(value, version))

    def layer(self, **settings: Any) -> Recurrent:
        """The recurrent layer with this cell."""
        return self.over_time(**self.config, **settings)

    def torch(self, site: Site) -> Form:
        raise UnknownLayerError(f"the cell {quote(site.name)} stands outside of a recurrent layer")


@dataclass(frozen=True, kw_only=True)
class LSTMCell(Cell):
    """
    One step of an LSTM.

    Keras: ``keras/src/layers/rnn/lstm.py``; PyTorch: ``torch.nn.LSTM``.
    """

    over_time: ClassVar = LSTM
    recurrent_activation: str | LayerSpec = setting("sigmoid", parse=activation, before={(2, 3, 0): "hard_sigmoid"})


@dataclass(frozen=True, kw_only=True)
class GRUCell(Cell):
    """
    One step of a GRU.

    Keras: ``keras/src/layers/rnn/gru.py``; PyTorch: ``torch.nn.GRU``.
    """

    over_time: ClassVar = GRU
    recurrent_activation: str | LayerSpec = setting("sigmoid", parse=activation, before={(2, 3, 0): "hard_sigmoid"})
    reset_after: bool = setting(True, before={(2, 4, 0): False})


@dataclass(frozen=True, kw_only=True)
class SimpleRNNCell(Cell):
    """
    One step of a simple recurrent network.

    Keras: ``keras/src/layers/rnn/simple_rnn.py``; PyTorch: ``torch.nn.RNN``.
    """

    over_time: ClassVar = SimpleRNN


def one_cell(value: Any, reading: Reading) -> LayerSpec:
    """A cell, or several of them."""
    spec = reading.layer(value)
    if not isinstance(build(spec), Cell | StackedRNNCells):
        raise UnknownLayerError(f"an RNN around {quote(spec.type)}")
    return spec


def some_cells(value: Any, reading: Reading) -> tuple[LayerSpec, ...]:
    """The cells of a stack, which are no stacks themselves."""
    specs = tuple(reading.layer(item) for item in value)
    if not specs or not all(isinstance(build(spec), Cell) for spec in specs):
        raise UnknownLayerError(f"a stack of the cells {quote(' '.join(spec.type for spec in specs))}")
    return specs


@dataclass(frozen=True, kw_only=True)
class StackedRNNCells(Layer):
    """
    Cells one on the other: each takes the output of the one before it.

    Keras: ``keras/src/layers/rnn/stacked_rnn_cells.py``; PyTorch: a module for each cell.
    """

    cells: tuple[LayerSpec, ...] = setting(parse=some_cells)

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        if reading.config.get("reverse_state_order"):
            raise UnknownLayerError("a stack of cells with its states in reverse order")
        return super().from_keras(reading)

    def torch(self, site: Site) -> Form:
        raise UnknownLayerError(f"the cells {quote(site.name)} stand outside of a recurrent layer")


@dataclass(frozen=True, kw_only=True)
class RNN(Layer):
    """
    A cell that runs along ``(batch, time, features)``: the same as the recurrent layer of that kind.

    Keras: ``keras/src/layers/rnn/rnn.py``; PyTorch: ``torch.nn.LSTM`` and its kin, in a list for a stack of cells.
    """

    masks: ClassVar = "own"
    axis_order: ClassVar = "keras"
    flat: ClassVar = "absorb"
    call_arguments: ClassVar = Recurrent.call_arguments

    cell: LayerSpec = setting(parse=one_cell)
    return_sequences: bool = setting(False)
    return_state: bool = setting(False)
    go_backwards: bool = setting(False)
    stateful: bool = setting(False)
    unroll: bool = setting(False)
    zero_output_for_mask: bool = setting(False)

    @property
    def stack(self) -> tuple[Recurrent, ...]:
        """A recurrent layer for each cell. Only the first one is given the sequence, turned round to read it backwards."""
        cell = build(self.cell)
        cells = [build(spec) for spec in cell.cells] if isinstance(cell, StackedRNNCells) else [cell]
        outer = {name: getattr(self, name) for name in ("return_state", "stateful", "unroll")}
        layers = [c.layer(**outer, return_sequences=True) for c in cells if isinstance(c, Cell)]
        names = ("return_sequences", "go_backwards", "zero_output_for_mask")
        last = {name: getattr(self, name) for name in names}
        return (*layers[:-1], replace(layers[-1], **last))

    @property
    def single(self) -> Recurrent | None:
        """The recurrent layer, if there is one cell alone that is not in a stack."""
        return None if isinstance(build(self.cell), StackedRNNCells) else self.stack[0]

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for layer in self.stack for text in layer.caveats(version)))

    def remarks(self) -> tuple[str, ...]:
        return self.stack[0].remarks()

    # ---- variables

    def variables(self) -> tuple[Weight, ...]:
        if self.single:
            return self.single.variables()
        counts: Counter[str] = Counter()
        found: list[Weight] = []
        for i, layer in enumerate(self.stack):
            key = snake_case(f"{type(layer).__name__}Cell")
            path = ("cell", "cells", f"{key}_{counts[key]}" if counts[key] else key)
            counts[key] += 1
            found += (replace(w, name=f"{i}/{w.name}", path=path) for w in layer.variables())
        return tuple(found)

    def axis_sizes(self) -> dict[str, int]:
        if self.single:
            return self.single.axis_sizes()
        return {f"{i}/{axis}": size for i, layer in enumerate(self.stack) for axis, size in layer.axis_sizes().items()}

    # ---- graph

    def shape(self, inputs: tuple[Shape, ...]) -> Shape | tuple[Shape, ...]:
        shapes = [layer.shape(inputs[:1]) for layer in self.stack]
        if not self.return_state:
            return shapes[-1]
        return (shapes[-1][0], *(state for shape in shapes for state in shape[1:]))  # type: ignore[index, return-value]

    def output_count(self) -> int:
        return 1 + sum(layer.state_count for layer in self.stack if self.return_state)

    def may_mask(self, arriving: bool) -> bool:
        return arriving and self.return_sequences

    def carries_mask(self, output: int) -> bool:
        return output == 0

    def arrange(self, arrival: Arrival) -> Arranged:
        return arrange_sequence(arrival, self.output_count())

    def torch(self, site: Site) -> Form:
        if self.single:
            return self.single.torch(site)
        flip = ".flip(1)" if self.go_backwards else ""
        mask, states = mask_token(site), state_tokens(site)
        mask = mask and f"{mask}{flip}"
        if len(states) not in (0, sum(layer.state_count for layer in self.stack)):
            raise UnknownLayerError(f"layer {quote(site.name)} receives {len(states)} states")
        sequence = f"%0{flip}"
        texts: list[str] = []
        before: list[str] = []
        snippets: list[str] = []
        ends: list[str] = []
        carries: list[Carry] = []
        for i, layer in enumerate(self.stack):
            text, needed = layer.constructor(site.stored[f"{i}/kernel"][0], bool(mask))
            texts.append(text)
            snippets += needed
            mine, states = states[: layer.state_count], states[layer.state_count :]
            call = layer.call(sequence, tuple(f"{token}[None]" for token in mine), mask, f"%self[{i}]")
            lines, (sequence, *end) = layer.results(call, mask_token(site), f"cell_{i}_")
            before += lines
            ends += end
            carries += self.cell_carries(site, i, layer)
            if not lines and i + 1 < len(self.stack):
                before.append(f"%cell_{i} = {sequence}")
                sequence = f"%cell_{i}"
        leaving = "%m0" if site.masks[0] and self.return_sequences else ""
        module = f"nn.ModuleList([{', '.join(texts)}])"
        return Form((sequence, *ends), module, tuple(before), tuple(carries), tuple(snippets), leaving)

    def cell_carries(self, site: Site, place: int, layer: Recurrent) -> tuple[Carry, ...]:
        """How the variables of one cell fill its module; only the first cell takes the features themselves."""
        own = {n.removeprefix(f"{place}/"): s for n, s in site.stored.items() if n.startswith(f"{place}/")}
        orders = site.orders if place == 0 else tuple(replace(order, flat=()) for order in site.orders)
        return tuple(
            Carry(
                tuple(f"{place}/{v}" for v in carry.variables),
                carry.moves,
                tuple(f"{place}.{p}" for p in carry.parameters),
            )
            for carry in layer.carries(replace(site, stored=own, orders=orders))
        )
