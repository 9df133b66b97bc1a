"""LSTMs whose products are convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from regraft.blueprint import LayerSpec, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.activations import activated, activation_caveats, keras_name
from regraft.layers.activations import activation as function_name
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.recurrent import grouped, mask_token, state_tokens
from regraft.layers.settings import Reading, positive, setting, sizes
from regraft.layers.spatial import KERNEL_AXES, MapShape, data_format, gathered, spread
from regraft.layers.stored import Origin, Stored
from regraft.layers.time_distributed import order_of_sequence
from regraft.layers.version import KerasVersion
from regraft.layers.window import dilated, number, option, padded, slid, window_padding
from regraft.layout import Flip, Layout, Stack

GATES = 4
#: Keras 1 wrote the gates i, c, f, o, each with kernel, recurrent kernel and bias.
KERAS_1_GATES = (0, 2, 1, 3)


@dataclass(frozen=True, kw_only=True)
class ConvLSTM(Layer, abstract=True):
    """
    ``(batch, time, *map, cin) -> (batch, *new map, filters)``, or with time if ``return_sequences``; states h and c.

    One convolution makes the gates i, f, c, o of every step of the input, another adds what the state says; that one
    keeps the size of the map. A stateful layer starts from zero states at every call of the emitted module.
    Masked steps keep the states, and repeat the output before them.
    """

    masks: ClassVar = "own"
    axis_order: ClassVar = "keras"
    #: All that there may be; ``variables`` knows their axes.
    weights: ClassVar = tuple(Weight(name, "... -> ...") for name in ("kernel", "recurrent_kernel", "bias"))
    call_arguments: ClassVar[tuple[str, ...]] = ("sequences", "initial_state", "mask", "training")
    #: Settings of Keras 1 that together are ``kernel_size``.
    kernel_keys: ClassVar[tuple[str, ...]] = ()

    filters: int = setting(old=("nb_filter",), parse=positive)
    kernel_size: tuple[int, ...] = setting(old=("nb_row", "nb_col"), parse=sizes)
    strides: tuple[int, ...] = setting(1, old=("subsample",), parse=sizes)
    padding: str = setting("valid", old=("border_mode",), parse=window_padding)
    data_format: str = setting("channels_last", old=("dim_ordering",), parse=data_format, before={(2, 0, 0): None})
    dilation_rate: tuple[int, ...] = setting(1, parse=sizes)
    activation: str | LayerSpec = setting("tanh", parse=function_name)
    recurrent_activation: str | LayerSpec = setting(
        "sigmoid", old=("inner_activation",), parse=function_name, before={(3, 0, 0): "hard_sigmoid"}
    )
    use_bias: bool = setting(True)
    return_sequences: bool = setting(False)
    return_state: bool = setting(False)
    go_backwards: bool = setting(False)
    stateful: bool = setting(False)
    unroll: bool = setting(False, keras=False)
    zero_output_for_mask: bool = setting(False, keras=False)
    dropout: float = setting(0.0, old=("dropout_W",), parse=lambda v, _: float(v or 0))
    recurrent_dropout: float = setting(0.0, old=("dropout_U",), parse=lambda v, _: float(v or 0))

    def __post_init__(self) -> None:
        spread(self, "kernel_size", "strides", "dilation_rate")

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        found = super().from_keras(gathered(reading, "kernel_size", cls.kernel_keys))
        if found.padding == "causal":
            raise UnknownLayerError(f"{cls.__name__} with causal padding")
        return found

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        return {
            **config,
            **{name: keras_name(config[name], version) for name in ("activation", "recurrent_activation")},
        }

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        both = (self.activation, self.recurrent_activation)
        found = tuple(dict.fromkeys(text for value in both for text in activation_caveats(value, version)))
        late = "it is stateful in Keras; the emitted module starts every call from zero states"
        return (*found, late) if self.stateful else found

    # ---- variables

    def variables(self) -> tuple[Weight, ...]:
        axes = KERNEL_AXES[self.rank]
        # PyTorch pads an even kernel unevenly only with a warning: a module in front of the convolution does it.
        state = "state" if all(k % 2 for k in self.kernel_size) else "state.1"
        found = (
            Weight("kernel", f"{axes} maps gates -> gates maps {axes}", torch="input.weight", path=("cell",)),
            Weight(
                "recurrent_kernel",
                f"{axes} filters gates -> gates filters {axes}",
                torch=f"{state}.weight",
                path=("cell",),
            ),
            Weight("bias", "gates -> gates", torch="input.bias", path=("cell",)),
        )
        return found if self.use_bias else found[:2]

    def axis_sizes(self) -> dict[str, int]:
        axes = dict(zip(KERNEL_AXES[self.rank].split(), self.kernel_size, strict=True))
        return {**axes, "filters": self.filters, "gates": GATES * self.filters}

    def stored(self, stored: Stored) -> Mapping[str, Origin]:
        origins = dict(super().stored(stored))
        flip = (Flip(tuple(range(self.rank))),) if stored.theano else ()
        apart = self.gates_apart(stored)
        axes = KERNEL_AXES[self.rank]
        for place, name in enumerate(("kernel", "recurrent_kernel", "bias")):
            if name not in origins:
                continue
            moves: list[Any] = []
            if apart:
                first = self.data_format == "channels_first" and place < 2
                moves = [*([Layout(f"cout cin {axes} -> {axes} cin cout")] if first else []), Stack(-1, GATES)]
                origins[name] = Origin(tuple(3 * gate + place for gate in KERAS_1_GATES))
            origins[name] = replace(origins[name], moves=(*moves, *(flip if place < 2 else ())))
        return origins

    def gates_apart(self, stored: Stored) -> bool:
        """Whether the file holds every gate apart, as Keras 1 does."""
        return stored.version.before(2) and len(stored.shapes) == 3 * GATES

    def stored_flags(self, stored: Stored) -> tuple[bool, ...]:
        return (True,) * (3 * GATES) if self.gates_apart(stored) else super().stored_flags(stored)

    # ---- graph

    def shape(self, inputs: tuple[Shape, ...]) -> Shape | tuple[Shape, ...]:
        given = inputs[0]
        step = MapShape.of(None if given is None else (given[0], *given[2:]), self.rank, self.data_format)
        window = dilated(self.kernel_size, self.dilation_rate)
        state = step.resized(slid(step.sizes, window, self.strides, self.padding), self.filters)
        assert state is not None
        output = (state[0], None if given is None else given[1], *state[1:]) if self.return_sequences else state
        return (output, state, state) if self.return_state else output

    def output_count(self) -> int:
        return 3 if self.return_state else 1

    def may_mask(self, arriving: bool) -> bool:
        return arriving and self.return_sequences

    def carries_mask(self, output: int) -> bool:
        return output == 0

    def arrange(self, arrival: Arrival) -> Arranged:
        """Batch and time in front, then the channels, then the map."""
        last = self.data_format == "channels_last"
        step = (AxisOrder.channels_first if last else AxisOrder.keras)(self.rank + 2)
        sequence = order_of_sequence(step)
        inputs = tuple(
            sequence if i == 0 else step if len(o.axes) == self.rank + 2 else o for i, o in enumerate(arrival.orders)
        )
        outputs = (sequence if self.return_sequences else step, step, step)
        return Arranged(inputs, outputs[: self.output_count()])

    def state_convolution(self, gates: int) -> str:
        """The convolution of the state, which keeps the size of its map."""
        kind, sides = (
            f"nn.Conv{self.rank}d({self.filters}, {gates}, {number(self.kernel_size)}",
            [k - 1 for k in self.kernel_size],
        )
        if all(side % 2 == 0 for side in sides):
            return f"{kind}{option('padding', [side // 2 for side in sides], 0)}, bias=False)"
        amounts = [amount for side in reversed(sides) for amount in (side // 2, side - side // 2)]
        return f"nn.Sequential(nn.ZeroPad{self.rank}d({tuple(amounts)}), {kind}, bias=False))"

    def torch(self, site: Site) -> Form:
        *_, channels, gates = site.stored["kernel"]
        order = site.orders[0]
        shape = order.shape(site.inputs[0])
        known = (None,) * self.rank if shape is None or site.dynamic else shape[3:]
        window = dilated(self.kernel_size, self.dilation_rate)
        pad = padded(self.padding, known, window, self.strides)
        x = pad.x if not pad.snippets else f"{pad.x.replace('%0', '%0.flatten(0, 1)')}.unflatten(0, %0.shape[:2])"
        kind = f"nn.Conv{self.rank}d"
        bias = "" if self.use_bias else ", bias=False"
        given = f"{option('stride', self.strides)}{pad.argument}{option('dilation', self.dilation_rate)}{bias}"
        arguments = [f"{kind}({channels}, {gates}, {number(self.kernel_size)}{given})", self.state_convolution(gates)]
        snippets = ["ConvLSTM", *pad.snippets]
        for name, usual in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
            value = getattr(self, name)
            if value != usual:
                text, needed = activated("x", value, AxisOrder.channels_first(self.rank + 2))
                called = text.removesuffix("(x)")
                arguments.append(f"{name}={called if called != text else f'lambda x: {text}'}")
                snippets += needed
        mask, states = mask_token(site), state_tokens(site)
        if len(states) not in (0, 2):
            raise UnknownLayerError(f"layer {quote(site.name)} receives {len(states)} states, not 2")
        if mask and self.zero_output_for_mask:
            arguments.append("zero_output_for_mask=True")
        flip = ".flip(1)" if self.go_backwards else ""
        inner = [f"{x}{flip}", *([grouped(states)] if states else []), *([f"mask={mask}{flip}"] if mask else [])]
        call = f"%self({', '.join(inner)})"
        last = "" if self.return_sequences else "[:, -1]"
        leaving = "%m0" if site.masks[0] and self.return_sequences else ""
        module = f"ConvLSTM({', '.join(arguments)})"
        if not self.return_state:
            return Form((f"{call}[0]{last}",), module, snippets=tuple(snippets), mask=leaving)
        before = (f"%sequence, (%h, %c) = {call}",)
        return Form((f"%sequence{last}", "%h", "%c"), module, before, snippets=tuple(snippets), mask=leaving)


@dataclass(frozen=True, kw_only=True)
class ConvLSTM1D(ConvLSTM):
    """
    ``(batch, time, w, cin) -> (batch, new_w, filters)``.

    Keras: ``keras/src/layers/rnn/conv_lstm1d.py``; PyTorch: two ``torch.nn.Conv1d`` and a loop over time.
    """

    rank: ClassVar = 1


@dataclass(frozen=True, kw_only=True)
class ConvLSTM2D(ConvLSTM):
    """
    ``(batch, time, h, w, cin) -> (batch, new_h, new_w, filters)``.

    Keras: ``keras/src/layers/rnn/conv_lstm2d.py``; PyTorch: two ``torch.nn.Conv2d`` and a loop over time.
    """

    rank: ClassVar = 2
    kernel_keys: ClassVar = ("nb_row", "nb_col")


@dataclass(frozen=True, kw_only=True)
class ConvLSTM3D(ConvLSTM):
    """
    ``(batch, time, d, h, w, cin) -> (batch, new_d, new_h, new_w, filters)``.

    Keras: ``keras/src/layers/rnn/conv_lstm3d.py``; PyTorch: two ``torch.nn.Conv3d`` and a loop over time.
    """

    rank: ClassVar = 3
