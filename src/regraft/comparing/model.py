"""The Keras model as a flat graph that can be changed in one place and run, wholly or in part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef, all_refs, refs_in
from regraft.comparing.written import OVERLAY
from regraft.emit.inlining import inlined
from regraft.emit.module import emit
from regraft.errors import RegraftError
from regraft.layers.activations import BUILT_IN
from regraft.layers.base import ALIASES, CATALOGUE, build
from regraft.layers.binding import Binding, Bound
from regraft.stepwise import subject_of
from regraft.verify.trace import emitted
from regraft.weights import WeightTree

#: Layers whose activation comes last and can be a step of its own.
ACTIVATED = frozenset(
    "Dense Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D DepthwiseConv2D "
    "SeparableConv1D SeparableConv2D EinsumDense".split()
)
Variables = Mapping[str, Mapping[str, Bound]]
Values = dict[TensorRef, np.ndarray]


class CannotRunError(RegraftError):
    """A model with a mistake in it does not hold together."""


@dataclass(frozen=True)
class Edited(Bound):
    """A variable with other numbers than the file's."""

    edit: Callable[[np.ndarray], np.ndarray] = lambda array: array

    def read(self) -> np.ndarray:
        """The variable as changed."""
        return np.ascontiguousarray(self.edit(super().read()))


@dataclass(frozen=True)
class Model:
    """
    A graph without models inside it, its activations as steps of their own, with its variables.

    Attributes:
        blueprint: The graph.
        variables: By layer and name.
        tree: The file.
        given: Tensors that are not computed, but stated.
    """

    blueprint: Blueprint
    variables: Variables
    tree: WeightTree

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The calls in running order."""
        return self.blueprint.ordered_calls

    @cached_property
    def masked(self) -> bool:
        """Whether a layer makes a mask, which goes past the tensors."""
        with OVERLAID():
            return any(not s.unknown and build(s).may_mask(arriving=False) for s in self.blueprint.layers)

    @cached_property
    def needed(self) -> frozenset[tuple[str, int]]:
        """The calls, as layer and number, that an output rests on; a mistake may leave others behind."""
        makers = {(call.layer, call.call): call for call in self.calls}
        todo = [(ref.layer, ref.call) for ref in self.blueprint.outputs]
        found = set[tuple[str, int]]()
        while todo:
            key = todo.pop()
            if key in found or key not in makers:
                continue
            found.add(key)
            todo += [(ref.layer, ref.call) for ref in all_refs(makers[key])]
        return frozenset(found)

    def spec(self, call: Call) -> LayerSpec:
        """The layer of a call."""
        return self.blueprint.by_name[call.layer]

    def with_layer(self, name: str, **config: object) -> Model:
        """One layer with other settings."""
        spec = self.blueprint.by_name[name]
        return self.with_spec(replace(spec, config={**spec.config, **config}))  # type: ignore[dict-item]

    def with_spec(self, spec: LayerSpec) -> Model:
        """One layer as another."""
        layers = tuple(spec if old.name == spec.name else old for old in self.blueprint.layers)
        return replace(self, blueprint=replace(self.blueprint, layers=layers))

    def edited(self, layer: str, edits: Mapping[str, Callable[[np.ndarray], np.ndarray]]) -> Model:
        """One layer with other numbers in some of its variables, which keep their shapes."""
        own = dict(self.variables.get(layer, {}))
        for name, edit in edits.items():
            old = own[name]
            was = old.edit if isinstance(old, Edited) else None
            both = edit if was is None else lambda array, was=was, edit=edit: edit(was(array))
            own[name] = Edited(old.sources, old.moves, old.shape, both)
        return replace(self, variables={**self.variables, layer: own})

    def named_anew(self, spec: LayerSpec) -> LayerSpec:
        """A layer under a name that none has yet: one that is called twice may have the same mistake at each call."""
        name = spec.name
        while name in self.blueprint.by_name:
            name += "+"
        return replace(spec, name=name)

    def before(self, call: Call, spec: LayerSpec, number: int = 0) -> Model:
        """Another layer in front of one input of a call."""
        spec = self.named_anew(spec)
        ref = call.inputs[number]
        inputs = tuple(TensorRef(spec.name) if i == number else r for i, r in enumerate(call.inputs))
        return self.with_calls(
            (spec,), (Call(spec.name, (ref,)), replace(call, inputs=inputs)), {(call.layer, call.call)}
        )

    def alone(self, call: Call) -> tuple[Model, Call]:
        """One call of a shared layer as a layer of its own, with the same variables; and that call."""
        name = f"{call.layer}/{call.call}"
        own = replace(call, layer=name, call=0)
        found = self.rewired({TensorRef(call.layer, call.call): TensorRef(name)})
        taken = next(c for c in found.calls if (c.layer, c.call) == (call.layer, call.call))
        own = replace(own, inputs=taken.inputs, arguments=taken.arguments)
        found = found.with_calls((replace(self.spec(call), name=name),), (own,), {(call.layer, call.call)})
        if call.layer in self.variables:
            found = replace(found, variables={**found.variables, name: self.variables[call.layer]})
        return found, own

    def behind(self, ref: TensorRef, spec: LayerSpec) -> Model:
        """Another layer behind a tensor, for all that take it."""
        spec = self.named_anew(spec)
        new = TensorRef(spec.name)
        calls = tuple(moved(call, {ref: new}) for call in self.calls)
        outputs = tuple(new if r == ref else r for r in self.blueprint.outputs)
        layers = (*self.blueprint.layers, spec)
        return replace(
            self,
            blueprint=replace(
                self.blueprint,
                layers=layers,
                calls=(*calls, Call(spec.name, (ref,))),
                outputs=outputs,
                sequential=False,
            ),
        )

    def with_calls(self, specs: Sequence[LayerSpec], calls: Sequence[Call], instead: set[tuple[str, int]]) -> Model:
        """Some calls instead of others."""
        kept = [call for call in self.calls if (call.layer, call.call) not in instead]
        layers = (*self.blueprint.layers, *specs)
        return replace(self, blueprint=replace(self.blueprint, layers=layers, calls=(*kept, *calls), sequential=False))

    def rewired(self, ways: Mapping[TensorRef, TensorRef]) -> Model:
        """Some tensors instead of others, wherever they are taken."""
        calls = tuple(moved(call, ways) for call in self.calls)
        outputs = tuple(ways.get(ref, ref) for ref in self.blueprint.outputs)
        return replace(self, blueprint=replace(self.blueprint, calls=calls, outputs=outputs, sequential=False))

    def given(self, ref: TensorRef, name: str, shape: Sequence[int]) -> Model:
        """A tensor of this shape that is stated and no longer computed: an input more, at the end."""
        found = self.rewired({ref: TensorRef(name)})
        entry = LayerSpec(name, "InputLayer", {"batch_shape": (None, *shape[1:])})
        blueprint = found.blueprint
        return replace(
            found,
            blueprint=replace(
                blueprint, layers=(*blueprint.layers, entry), inputs=(*blueprint.inputs, TensorRef(name))
            ),
        )

    def part(self, calls: Sequence[Call], known: Values) -> tuple[Model, list[np.ndarray]]:
        """Some calls as a model of their own, and what enters it."""
        made = {(call.layer, call.call) for call in calls}
        entering = list(
            dict.fromkeys(ref for call in calls for ref in all_refs(call) if (ref.layer, ref.call) not in made)
        )
        names = {ref: TensorRef(f"entering_{i}") for i, ref in enumerate(entering)}
        arrays = [known[ref] for ref in entering]
        entries = tuple(
            LayerSpec(names[ref].layer, "InputLayer", {"batch_shape": (None, *array.shape[1:])})
            for ref, array in zip(entering, arrays, strict=True)
        )
        own = tuple(moved(call, names) for call in calls)
        needed = {call.layer for call in own}
        layers = (*entries, *(spec for spec in self.blueprint.layers if spec.name in needed))
        taken = {(ref.layer, ref.call) for call in own for ref in all_refs(call)}
        outputs = tuple(TensorRef(c.layer, c.call) for c in own if (c.layer, c.call) not in taken)
        outputs = outputs or tuple(TensorRef(c.layer, c.call) for c in own[-1:])
        blueprint = replace(
            self.blueprint, layers=layers, calls=own, inputs=tuple(names.values()), outputs=outputs, sequential=False
        )
        variables = {name: own for name, own in self.variables.items() if name in needed}
        return replace(self, blueprint=blueprint, variables=variables), arrays

    def run(self, inputs: Sequence[np.ndarray]) -> Values:
        """
        Every tensor in float64 and in Keras order.

        Raises:
            CannotRunError: The graph does not hold together, or does not run.
        """
        values: Values = dict(zip(self.blueprint.inputs, inputs, strict=True))
        try:
            with OVERLAID():
                binding = Binding(self.variables)
                module = emit(self.blueprint, binding, "a comparison")
                twin = emitted(subject_of(self.blueprint, binding, module, self.tree))
                ran = twin.run(
                    inputs,
                    lambda spot, array: values.__setitem__(
                        TensorRef(spot.path, spot.calls[-1], spot.index), np.array(array)
                    ),
                )
                twin.recorder.start(lambda *_: None)  # it lives on in a cycle, and would hold every tensor
        except (RegraftError, ValueError, IndexError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise CannotRunError(f"{type(error).__name__}: {error}") from error
        if ran.outputs is None:
            raise CannotRunError(ran.placeholder or ran.crash)
        values |= dict(zip(self.blueprint.outputs, ran.outputs, strict=True))
        return values


def OVERLAID() -> ExitStack:  # noqa: N802 - a context that stands for a constant
    """While it is open, forms written out for a comparison are layers."""
    stack = ExitStack()
    stack.enter_context(CATALOGUE.laid_over({**CATALOGUE.above, **OVERLAY}))
    stack.enter_context(ALIASES.laid_over({**ALIASES.above, **{name: name for name in OVERLAY}}))
    return stack


def moved(call: Call, ways: Mapping[TensorRef, TensorRef]) -> Call:
    """A call that takes other tensors."""
    if not any(ref in ways for ref in all_refs(call)):
        return call
    arguments = {name: rerouted(value, ways) for name, value in call.arguments.items()}
    return replace(call, inputs=tuple(ways.get(ref, ref) for ref in call.inputs), arguments=arguments)


def rerouted(value: object, ways: Mapping[TensorRef, TensorRef]) -> object:
    """Tensors inside an argument."""
    if isinstance(value, TensorRef):
        return ways.get(value, value)
    if isinstance(value, Mapping):
        return {name: rerouted(item, ways) for name, item in value.items()}
    return tuple(rerouted(item, ways) for item in value) if isinstance(value, tuple) else value


def flat_model(blueprint: Blueprint, variables: Variables, tree: WeightTree) -> Model:
    """A model without models inside it, and with activations as steps of their own."""
    while name := next(
        (s.name for s in blueprint.layers if not s.unknown and isinstance(s.config.get("blueprint"), Blueprint)), ""
    ):
        blueprint, variables = inlined(blueprint, variables, name)
    return Model(apart(blueprint), variables, tree)


def apart(blueprint: Blueprint) -> Blueprint:
    """The same with the activations of dense and convolutional layers as layers of their own."""
    layers: list[LayerSpec] = []
    ways: dict[TensorRef, TensorRef] = {}
    more: list[Call] = []
    for spec in blueprint.layers:
        function = spec.config.get("activation")
        plain = isinstance(function, LayerSpec) or function in BUILT_IN
        if spec.unknown or spec.type not in ACTIVATED or not plain or function == "linear":
            layers.append(spec)
            continue
        layers.append(replace(spec, config={**spec.config, "activation": "linear"}))
        if isinstance(function, LayerSpec):
            own = replace(function, name=f"{spec.name} ({function.type})")
        else:
            own = LayerSpec(f"{spec.name} ({function})", "Activation", {"activation": function})
        layers.append(own)
        for call in blueprint.calls:
            if call.layer == spec.name:
                ways[TensorRef(spec.name, call.call)] = TensorRef(own.name, call.call)
                more.append(Call(own.name, (TensorRef(spec.name, call.call),), call.call))
    calls = tuple(moved(call, ways) for call in blueprint.calls)
    outputs = tuple(ways.get(ref, ref) for ref in blueprint.outputs)
    return replace(blueprint, layers=tuple(layers), calls=(*calls, *more), outputs=outputs, sequential=False)


__all__ = ["CannotRunError", "Edited", "Model", "Values", "all_refs", "flat_model", "refs_in"]
