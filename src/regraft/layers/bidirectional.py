"""A recurrent layer in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from regraft.blueprint import LayerSpec, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, Weight, build, spec_of
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.recurrent import Recurrent, arrange_sequence, grouped, mask_token, state_tokens
from regraft.layers.settings import Reading, setting
from regraft.layers.stored import Origin, Stored
from regraft.layers.version import KerasVersion
from regraft.layout import Move

PARTS = ("forward", "backward")
#: How the outputs of both directions are merged, by ``merge_mode``.
MERGED = {
    "concat": "torch.cat([{0}, {1}], dim=-1)",
    "sum": "{0} + {1}",
    "mul": "{0} * {1}",
    "ave": "({0} + {1}) / 2",
}


def recurrent(value: Any, reading: Reading) -> LayerSpec | None:
    """The wrapped layer; only LSTM, GRU and SimpleRNN have two directions here."""
    if value is None:
        return None
    spec = reading.layer(value)
    if not isinstance(build(spec), Recurrent):
        raise UnknownLayerError(f"a Bidirectional around {quote(spec.type)}")
    return spec


def merge_mode(value: Any, _: Reading) -> str | None:
    """One of Keras' merge modes; None gives two outputs."""
    if value is not None and value not in MERGED:
        raise UnknownLayerError(f"merge_mode {quote(value)}")
    return value


@dataclass(frozen=True, kw_only=True)
class Bidirectional(Layer):
    """
    A recurrent layer and its twin that reads the sequence backwards, their outputs merged.

    The backward sequence is turned round before it is merged; without ``return_sequences`` both give the output of the
    step they read last. Masked steps give zeros if sequences are returned, else the last valid output.
    Two equal layers become one module with ``bidirectional=True``, different ones stand side by side.
    Keras: ``keras/src/layers/rnn/bidirectional.py``; PyTorch: ``torch.nn.LSTM`` and its kin.
    """

    masks: ClassVar = "own"
    axis_order: ClassVar = "keras"
    flat: ClassVar = "absorb"
    call_arguments: ClassVar = Recurrent.call_arguments

    layer: LayerSpec = setting(parse=recurrent)
    merge_mode: str | None = setting("concat", parse=merge_mode)
    backward_layer: LayerSpec | None = setting(None, parse=recurrent)
    #: Stand-alone Keras repeated the output at masked steps, as the wrapped layer does by itself.
    zero_masked_sequences: bool = setting(True, keras=False)

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        found = replace(super().from_keras(reading), zero_masked_sequences=not reading.version.standalone)
        forward, backward = found.directions
        if forward.go_backwards == backward.go_backwards:
            raise UnknownLayerError("both layers of the Bidirectional read in the same direction")
        common = ("return_sequences", "return_state", "stateful")
        if any(getattr(forward, name) != getattr(backward, name) for name in common):
            raise UnknownLayerError("the layers of the Bidirectional differ in what they return")
        return found

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        return config if self.backward_layer else {k: v for k, v in config.items() if k != "backward_layer"}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        found = dict.fromkeys(text for layer in self.directions for text in layer.caveats(version))
        if not self.zero_masked_sequences and self.directions[0].return_sequences:
            found[
                "masked steps repeat the output before them in the Keras that wrote the file, and are zero in later ones"
            ] = None
        return tuple(found)

    def remarks(self) -> tuple[str, ...]:
        return build(self.layer).remarks()

    def in_keras_3(self) -> tuple[Layer, Mapping[str, tuple[Move, ...]]]:
        specs, moves = [self.layer, self.backward_layer], {}
        for place, part in enumerate(PARTS):
            spec = specs[place] or self.layer
            layer, own = build(spec).in_keras_3()
            moves |= {f"{part}/{name}": found for name, found in own.items()}
            if specs[place] is not None:
                specs[place] = spec_of(spec.name, layer, trainable=spec.trainable)
        return replace(self, layer=specs[0], backward_layer=specs[1]), moves

    @property
    def directions(self) -> tuple[Recurrent, Recurrent]:
        """The forward and the backward layer, as Bidirectional runs them."""
        forward = build(self.layer)
        assert isinstance(forward, Recurrent)
        backward = replace(forward, go_backwards=not forward.go_backwards)
        if self.backward_layer is not None:
            given = build(self.backward_layer)
            assert isinstance(given, Recurrent)
            backward = given
        if not self.zero_masked_sequences:
            return forward, backward
        zero = forward.return_sequences
        return replace(forward, zero_output_for_mask=zero), replace(backward, zero_output_for_mask=zero)

    @property
    def single(self) -> bool:
        """Whether both directions fit into one module."""
        forward, backward = self.directions
        return backward.go_backwards and backward == replace(forward, go_backwards=True)

    # ---- variables

    def variables(self) -> tuple[Weight, ...]:
        return tuple(
            weight.inside(part, f"{part}_layer")
            for part, layer in zip(PARTS, self.directions, strict=True)
            for weight in layer.variables()
        )

    def axis_sizes(self) -> dict[str, int]:
        return {
            f"{part}/{axis}": size
            for part, layer in zip(PARTS, self.directions, strict=True)
            for axis, size in layer.axis_sizes().items()
        }

    def halves(self, stored: Stored) -> tuple[Stored, Stored]:
        """What the file holds for each direction: first everything of the forward layer."""
        forward, backward = self.directions
        middle = len(stored.shapes) // 2 if type(forward) is type(backward) else len(forward.stored_flags(stored))
        return replace(stored, shapes=stored.shapes[:middle]), replace(stored, shapes=stored.shapes[middle:])

    def stored(self, stored: Stored) -> Mapping[str, Origin]:
        origins: dict[str, Origin] = {}
        start = 0
        for part, layer, half in zip(PARTS, self.directions, self.halves(stored), strict=True):
            for name, origin in layer.stored(half).items():
                origins[f"{part}/{name}"] = Origin(tuple(start + place for place in origin.places), origin.moves)
            start += len(layer.stored_flags(half))
        return origins

    def stored_flags(self, stored: Stored) -> tuple[bool, ...]:
        halves = zip(self.directions, self.halves(stored), strict=True)
        return tuple(flag for layer, half in halves for flag in layer.stored_flags(half))

    # ---- graph

    def shape(self, inputs: tuple[Shape, ...]) -> Shape | tuple[Shape, ...]:
        forward, backward = self.directions
        shapes = [layer.shape(inputs[:1]) for layer in (forward, backward)]
        first, second = ((s[0], s[1:]) if forward.return_state else (s, ()) for s in shapes)  # type: ignore[index]
        outputs = (first[0], second[0])
        if self.merge_mode is not None:
            units = forward.units + backward.units if self.merge_mode == "concat" else forward.units
            outputs = ((*first[0][:-1], units),)  # type: ignore[index]
        found = (*outputs, *first[1], *second[1])
        return found if len(found) > 1 else found[0]  # type: ignore[return-value]

    def output_count(self) -> int:
        states = sum(layer.state_count for layer in self.directions if layer.return_state)
        return (1 if self.merge_mode else 2) + states

    def may_mask(self, arriving: bool) -> bool:
        return self.directions[0].may_mask(arriving)

    def carries_mask(self, output: int) -> bool:
        return output < (1 if self.merge_mode else 2)

    def arrange(self, arrival: Arrival) -> Arranged:
        return arrange_sequence(arrival, self.output_count())

    def torch(self, site: Site) -> Form:
        mask = mask_token(site)
        states = state_tokens(site)
        expected = sum(layer.state_count for layer in self.directions)
        if len(states) not in (0, expected):
            raise UnknownLayerError(f"layer {quote(site.name)} receives {len(states)} states, not {expected}")
        one = self.single and not (mask and self.directions[1].zeroes_other_steps)
        form = self.one_module(site, mask, states) if one else self.two_modules(site, mask, states)
        return replace(form, mask="%m0" if site.masks[0] and self.directions[0].return_sequences else "")

    def carries(self, site: Site, part: str, parameters: str) -> tuple[Carry, ...]:
        """How the variables of one direction fill its parameters; ``{}`` stands for the parameter's own name."""
        layer = self.directions[PARTS.index(part)]
        own = {name.removeprefix(f"{part}/"): s for name, s in site.stored.items() if name.startswith(f"{part}/")}
        return tuple(
            Carry(
                tuple(f"{part}/{v}" for v in carry.variables),
                carry.moves,
                tuple(parameters.format(p) for p in carry.parameters),
            )
            for carry in layer.carries(replace(site, stored=own))
        )

    def one_module(self, site: Site, mask: str, states: tuple[str, ...]) -> Form:
        """PyTorch's ``bidirectional=True``: the backward parameters end in ``_reverse``, their outputs come in order."""
        layer = self.directions[0]
        text, snippets = layer.constructor(site.stored["forward/kernel"][0], bool(mask), "bidirectional=True")
        carries = (*self.carries(site, "forward", "{}"), *self.carries(site, "backward", "{}_reverse"))
        count = layer.state_count
        pairs = tuple(f"torch.stack([{states[i]}, {states[i + count]}])" for i in range(count)) if states else ()
        call = layer.call("%0", pairs, mask)
        whole = self.merge_mode == "concat" and layer.return_sequences
        if whole and not layer.return_state:
            return Form((f"{call}[0]",), text, (), carries, snippets)
        letters = tuple(f"%{letter}" for letter in "hc"[:count])
        before = [f"%both, {grouped(letters)} = {call}"] if layer.return_state else []
        outputs = ("%both",)
        if not whole:
            both = "%both" if layer.return_state else f"{call}[0]"
            before.append(f"%ahead, %back = {both}.chunk(2, dim=-1)")
            outputs = self.merged(
                *(("%ahead", "%back") if layer.return_sequences else ("%ahead[:, -1]", "%back[:, 0]"))
            )
        ends = tuple(f"{letter}[{i}]" for i in (0, 1) for letter in letters) if layer.return_state else ()
        return Form((*outputs, *ends), text, tuple(before), carries, snippets)

    def two_modules(self, site: Site, mask: str, states: tuple[str, ...]) -> Form:
        """Two modules; the one that reads backwards gets the sequence turned round, and so does the mask."""
        texts: list[str] = []
        snippets: list[str] = []
        before: list[str] = []
        sequences: list[str] = []
        ends: list[str] = []
        carries: list[Carry] = []
        for part, layer in zip(PARTS, self.directions, strict=True):
            text, needed = layer.constructor(site.stored[f"{part}/kernel"][0], bool(mask))
            texts.append(f'"{part}_layer": {text}')
            snippets += needed
            carries += self.carries(site, part, f"{part}_layer.{{}}")
            flip = ".flip(1)" if layer.go_backwards else ""
            mine, states = states[: layer.state_count], states[layer.state_count :]
            given = tuple(f"{token}[None]" for token in mine)
            call = layer.call(f"%0{flip}", given, mask and f"{mask}{flip}", f'%self["{part}_layer"]')
            lines, (sequence, *end) = layer.results(call, mask, "ahead_" if part == "forward" else "back_")
            before += lines
            sequences.append(f"{sequence}.flip(1)" if part == "backward" and layer.return_sequences else sequence)
            ends += end
        module = f"nn.ModuleDict({{{', '.join(texts)}}})"
        return Form((*self.merged(*sequences), *ends), module, tuple(before), tuple(carries), tuple(snippets))

    def merged(self, ahead: str, back: str) -> tuple[str, ...]:
        """The outputs of both directions in one, or side by side."""
        return (ahead, back) if self.merge_mode is None else (MERGED[self.merge_mode].format(ahead, back),)
