"""What LSTM, GRU and SimpleRNN have in common: one cell that runs along ``(batch, time, features)``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from regraft.blueprint import LayerSpec, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.activations import activated, activation, activation_caveats, keras_name
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import Reading, positive, setting
from regraft.layers.stored import Origin, Stored
from regraft.layers.version import KerasVersion
from regraft.layout import Fill, Stack


def refuse_true(value: Any, _: Reading) -> bool:
    """A setting whose effect we do not write, so that it may only be false."""
    if value:
        raise UnknownLayerError("time comes before the batch (time_major=True)")
    return False


@dataclass(frozen=True, kw_only=True)
class Recurrent(Layer, abstract=True):
    """
    Base of the recurrent layers.

    Where PyTorch's own module is exact it is used; a mask or other activations take the twin from the snippets,
    a subclass of PyTorch's module with the same parameters. At a masked step Keras keeps the states, and repeats the
    output before it (zeros before the first valid step); see ``keras/src/backend/tensorflow/rnn.py``.

    A stateful layer starts from zero states at every call of the emitted module, as Keras does at the first call and
    after ``reset_states``; to go on from the states before, they must be carried by the caller.
    """

    masks: ClassVar = "own"
    axis_order: ClassVar = "keras"
    flat: ClassVar = "absorb"
    #: Names of the positional arguments of ``call``.
    call_arguments: ClassVar[tuple[str, ...]] = ("sequences", "initial_state", "mask", "training")
    #: PyTorch's module, and its twin in the snippets.
    stock: ClassVar[str]
    twin: ClassVar[str]
    #: Number of blocks along the axis ``gates``.
    gate_count: ClassVar[int] = 1
    #: Number of states.
    state_count: ClassVar[int] = 1
    #: Keras 1 stored every gate apart; the places of today's gates among them.
    keras_1_gates: ClassVar[tuple[int, ...]] = (0,)

    units: int = setting(old=("output_dim",), parse=positive)
    activation: str | LayerSpec = setting("tanh", parse=activation)
    use_bias: bool = setting(True)
    return_sequences: bool = setting(False)
    return_state: bool = setting(False)
    go_backwards: bool = setting(False)
    stateful: bool = setting(False)
    unroll: bool = setting(False)
    zero_output_for_mask: bool = setting(False)
    dropout: float = setting(0.0, old=("dropout_W",), parse=lambda v, _: float(v or 0))
    recurrent_dropout: float = setting(0.0, old=("dropout_U",), parse=lambda v, _: float(v or 0))
    time_major: bool = setting(False, parse=refuse_true, keras=False)
    #: Keras 1 stored the gates together only with ``consume_less="gpu"``.
    consume_less: str = setting("", keras=False)

    # ---- configuration

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        if constants := reading.config.get("num_constants"):
            raise UnknownLayerError(f"a recurrent layer with {quote(constants)} constants")
        return super().from_keras(reading)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        names = [name for name in ("activation", "recurrent_activation") if name in config]
        return {**config, **{name: keras_name(config[name], version) for name in names}}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        found = tuple(text for value in self.activations.values() for text in activation_caveats(value, version))
        if self.stateful:
            found += ("it is stateful in Keras; the emitted module starts every call from zero states",)
        return found

    @property
    def activations(self) -> dict[str, str | LayerSpec]:
        """The activations by the name of their setting."""
        return {name: value for name in ("activation", "recurrent_activation") if (value := getattr(self, name, None))}

    # ---- variables

    def axis_sizes(self) -> dict[str, int]:
        return {"units": self.units, "gates": self.gate_count * self.units}

    def gates_apart(self, stored: Stored) -> bool:
        """Whether the file holds kernel, recurrent kernel and bias of every gate apart, as Keras 1 does."""
        return (
            self.gate_count > 1 and stored.version.major < 2 and self.consume_less != "gpu" and len(stored.shapes) != 3
        )

    def stored(self, stored: Stored) -> Mapping[str, Origin]:
        if not self.gates_apart(stored):
            return super().stored(stored)
        stack = (Stack(-1, self.gate_count),)
        return {
            w.name: Origin(tuple(3 * gate + i for gate in self.keras_1_gates), stack)
            for i, w in enumerate(self.variables())
        }

    def stored_flags(self, stored: Stored) -> tuple[bool, ...]:
        return (True,) * (3 * self.gate_count) if self.gates_apart(stored) else super().stored_flags(stored)

    def carries(self, site: Site) -> tuple[Carry, ...]:
        """How the variables fill a module of one direction."""
        zeros = Carry((), (Fill((self.gate_count * self.units,), 0.0),), ("bias_hh_l0",))
        return (*self.carry(site), *((zeros,) if self.use_bias else ()))

    # ---- graph

    def shape(self, inputs: tuple[Shape, ...]) -> Shape | tuple[Shape, ...]:
        batch, time = (None, None) if inputs[0] is None else inputs[0][:2]
        output = (batch, time, self.units) if self.return_sequences else (batch, self.units)
        return (output, *((batch, self.units),) * self.state_count) if self.return_state else output

    def output_count(self) -> int:
        return 1 + self.state_count if self.return_state else 1

    def may_mask(self, arriving: bool) -> bool:
        return arriving and self.return_sequences

    def carries_mask(self, output: int) -> bool:
        return output == 0

    def arrange(self, arrival: Arrival) -> Arranged:
        return arrange_sequence(arrival, self.output_count())

    def is_stock(self, masked: bool) -> bool:
        """Whether PyTorch's own module does the same."""
        defaults = {"activation": "tanh", "recurrent_activation": "sigmoid"}
        return not masked and all(defaults[name] == value for name, value in self.activations.items())

    @property
    def zeroes_other_steps(self) -> bool:
        """
        Whether Keras sets other steps to zero than those that were masked.

        It unrolls a sequence that is read backwards with the mask turned round, but sets to zero with the mask as it is
        (``rnn`` in ``keras/src/backend/tensorflow/rnn.py`` and ``tf_keras/src/backend.py``); we do the same.
        """
        return self.unroll and self.go_backwards and self.zero_output_for_mask and self.return_sequences

    def options(self) -> tuple[str, ...]:
        """Constructor arguments that PyTorch's own module takes too."""
        return () if self.use_bias else ("bias=False",)

    def stock_options(self) -> tuple[str, ...]:
        """Constructor arguments that only PyTorch's own module takes."""
        return ()

    def twin_options(self, masked: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Constructor arguments that only the twin takes, and the snippets they need."""
        found: list[str] = []
        snippets: list[str] = []
        for name, value in self.activations.items():
            if value != {"activation": "tanh", "recurrent_activation": "sigmoid"}[name]:
                text, needed = activated("x", value, AxisOrder.keras(2))
                called = text.removesuffix("(x)")
                found.append(f"{name}={called if called != text else f'lambda x: {text}'}")
                snippets += needed
        if self.zero_output_for_mask and masked and not self.zeroes_other_steps:
            found.append("zero_output_for_mask=True")
        return tuple(found), tuple(snippets)

    def constructor(self, cin: int, masked: bool, *extra: str) -> tuple[str, tuple[str, ...]]:
        """The module of this layer, and the snippets it needs."""
        arguments = (str(cin), str(self.units), *self.options(), "batch_first=True", *extra)
        if self.is_stock(masked):
            return f"{self.stock}({', '.join((*arguments, *self.stock_options()))})", ()
        own, snippets = self.twin_options(masked)
        return f"{self.twin}({', '.join((*arguments, *own))})", (self.twin, *snippets)

    def call(self, sequence: str, states: tuple[str, ...], mask: str, module: str = "%self") -> str:
        """
        The call of the module.

        Args:
            sequence: The input, already in the order in which it is walked through.
            states: The initial states, each with its axis of directions, or none.
            mask: The mask, or empty.
            module: What is called.
        """
        arguments = [sequence]
        if states:
            arguments.append(grouped(states))
        return f"{module}({', '.join((*arguments, *((f'mask={mask}',) if mask else ())))})"

    def results(self, call: str, mask: str, prefix: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
        """
        Statements before the outputs, and the outputs: the sequence or its last step, then the states if asked for.

        ``mask`` is that of the layer, not turned round, and ``prefix`` begins the names of local variables.
        """

        def output(sequence: str) -> str:
            zeroed = (
                f"torch.where({mask}[..., None], {sequence}, 0.0)" if mask and self.zeroes_other_steps else sequence
            )
            return zeroed if self.return_sequences else f"{sequence}[:, -1]"

        if not self.return_state:
            return (), (output(f"{call}[0]"),)
        states = tuple(f"%{prefix}{letter}" for letter in "hc"[: self.state_count])
        return (f"%{prefix}sequence, {grouped(states)} = {call}",), (
            output(f"%{prefix}sequence"),
            *(f"{s}[0]" for s in states),
        )

    def torch(self, site: Site) -> Form:
        mask = mask_token(site)
        text, snippets = self.constructor(site.stored["kernel"][0], bool(mask))
        states = tuple(f"{token}[None]" for token in state_tokens(site))
        if len(states) not in (0, self.state_count):
            raise UnknownLayerError(f"layer {quote(site.name)} receives {len(states)} states, not {self.state_count}")
        flip = ".flip(1)" if self.go_backwards else ""
        before, outputs = self.results(self.call(f"%0{flip}", states, mask and f"{mask}{flip}"), mask)
        leaving = "%m0" if site.masks[0] and self.return_sequences else ""
        return Form(outputs, text, before, self.carries(site), snippets, leaving)


def grouped(names: tuple[str, ...]) -> str:
    """One expression as it is, several as a tuple."""
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def arrange_sequence(arrival: Arrival, outputs: int) -> Arranged:
    """Everything in Keras order, but the features of the sequence may be a flattened map in PyTorch order."""
    keras = tuple(AxisOrder.keras(len(order.axes)) for order in arrival.orders)
    first = AxisOrder(keras[0].axes, arrival.orders[0].flat)
    return Arranged((first, *keras[1:]), (keras[0],) * outputs)


def mask_token(site: Site) -> str:
    """
    The mask that the layer sees, or nothing.

    Keras 3 hands on the mask that comes with a sequence only where the sequence is the one tensor of the call; beside
    an ``initial_state`` the mask must be an argument too (``Layer.__call__`` in ``keras/src/layers/layer.py``).
    """
    places = site.argument_places
    hidden = places.get("initial_state") and not places.get("mask")
    return "%m0" if site.masks[0] and not hidden else ""


def state_tokens(site: Site) -> tuple[str, ...]:
    """The initial states: inputs after the first (Keras 1 and 2), or the argument ``initial_state`` (Keras 3)."""
    named = site.argument_places
    count = len(site.inputs) - sum(map(len, named.values()))
    return tuple(f"%{i}" for i in (*range(1, count), *named.get("initial_state", ())))


__all__ = ["Recurrent", "Weight", "arrange_sequence", "mask_token", "state_tokens"]
