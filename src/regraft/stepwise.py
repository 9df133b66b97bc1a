"""
Candidates run layer by layer: architectures of one file share most of their tensors, which are then computed once.

Each layer is emitted as a model of its own and runs in float32, which takes a fifth of the time of float64 where there
are convolutions. What comes out is good enough to refute a candidate, and to look again where it is near.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from regraft.blueprint import Blueprint, Call, LayerSpec, Shape, TensorRef
from regraft.emit.module import Module, emit
from regraft.errors import OutputError, RegraftError
from regraft.layers.base import build
from regraft.layers.binding import Binding, Bound, bind
from regraft.moments.memo import said
from regraft.recover.candidate import Ran
from regraft.verify import Subject
from regraft.verify.trace import Emitted, as_float32, emitted
from regraft.weights import WeightTree

#: Bytes of tensors that are kept; then those that were of least use go until half is left.
MOST_BYTES = 320 << 20
#: A tensor that is larger is not kept.
LARGE = MOST_BYTES // 16
#: Layers whose activation comes last, so that it can be a step of its own.
ACTIVATED = frozenset(
    "Dense Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D DepthwiseConv2D "
    "SeparableConv1D SeparableConv2D".split()
)
#: Files of more numbers run as a whole: every layer that differs would hold its numbers once more.
MOST_PARAMETERS = 100_000_000
#: Errors that a candidate which does not hold together may cause.
WRONG = (RegraftError, ValueError, IndexError, KeyError, TypeError)

Value = tuple[np.ndarray, ...] | str
Key = tuple[object, ...]


@dataclass
class Kept:
    """A result and how often it was of use."""

    value: Value
    size: int
    uses: int = 0


@dataclass(frozen=True)
class Seen:
    """What was found out of a layer."""

    spec: LayerSpec
    separable: bool
    parts: tuple[tuple[LayerSpec, str], ...]


@dataclass
class Stepwise:
    """Runs candidates in float32 and remembers what every layer gave; for one file."""

    numbers: dict[Key, int] = field(default_factory=dict)
    kept: dict[int, Kept] = field(default_factory=dict)
    modules: dict[Key, Emitted | str] = field(default_factory=dict)
    alive: dict[int, object] = field(default_factory=dict)
    specs: dict[int, Seen] = field(default_factory=dict)
    orders: dict[Key, list[Call]] = field(default_factory=dict)
    size: int = 0

    def __call__(self, blueprint: Blueprint, tree: WeightTree, inputs: Sequence[np.ndarray]) -> Ran | None:
        """
        Run a candidate; None if it can only run as a whole: masks and models inside it go past the tensors.

        Args:
            blueprint: The candidate.
            tree: Its variables.
            inputs: In Keras order, batch first. They must not change later.
        """
        if tree.parameter_count > MOST_PARAMETERS or len(inputs) != len(blueprint.inputs):
            return None
        try:
            if any(call.arguments for call in blueprint.calls) or not all(map(self.separable, blueprint.layers)):
                return None
            binding = bind(blueprint, tree)
        except WRONG as error:
            return Ran((), failure=f"{type(error).__name__}: {error}")
        keys: dict[tuple[str, int], int] = {}
        values: dict[tuple[str, int], tuple[np.ndarray, ...]] = {}
        for ref, array in zip(blueprint.inputs, inputs, strict=True):
            self.alive[id(array)] = array
            keys[ref.layer, ref.call] = self.number(("input", id(array)))
            values[ref.layer, ref.call] = (array,)
        needed = self.ancestors(blueprint)
        last = {(ref.layer, ref.call): call for call in needed for ref in call.inputs}
        leaving = {(ref.layer, ref.call) for ref in blueprint.outputs}
        for call in needed:
            at = (call.layer, call.call)
            entering = [(ref.layer, ref.call) for ref in call.inputs]
            missing = [ref for ref, key in zip(call.inputs, entering, strict=True) if key not in values]
            if missing:
                return None
            arrays = [values[key][ref.index] for ref, key in zip(call.inputs, entering, strict=True)]
            arriving = tuple((keys[key], ref.index) for ref, key in zip(call.inputs, entering, strict=True))
            spec, bound = blueprint.by_name[call.layer], binding.layers.get(call.layer, {})
            for part, words in self.parts(spec):
                own = bound if part.type == spec.type else {}
                self.alive |= {id(source): source for b in own.values() for source in b.sources}
                mark = (part.type, words, blueprint.keras_version, marks(own))
                keys[at] = self.number((*mark, arriving))
                made = self.result(keys[at], part, own, mark, arrays, blueprint, tree)
                if isinstance(made, str):
                    return Ran((), failure=f"{call.layer}: {made}")
                arrays, arriving = list(made), tuple((keys[at], i) for i in range(len(made)))
            values[at] = tuple(arrays)
            for key in entering:
                if last[key] is call and key not in leaving:
                    values.pop(key, None)
        return Ran(tuple(values[ref.layer, ref.call][ref.index] for ref in blueprint.outputs))

    def separable(self, spec: LayerSpec) -> bool:
        """Whether a layer is plain, so that tensors alone go through it: it is no model, and makes no mask."""
        known = self.specs.get(id(spec))
        if known is None or known.spec is not spec:
            plain = not (spec.unknown or "blueprint" in spec.config) and not build(spec).may_mask(arriving=False)
            known = Seen(spec, plain, tuple((part, said(part.config)) for part in parts(spec)) if plain else ())
            self.specs[id(spec)] = known
        return known.separable

    def parts(self, spec: LayerSpec) -> tuple[tuple[LayerSpec, str], ...]:
        """A separable layer, its activation apart where it comes last, each with its settings as text."""
        return self.specs[id(spec)].parts

    def ancestors(self, blueprint: Blueprint) -> list[Call]:
        """The calls that the outputs need, in order; candidates of one draft have the same."""
        key = ("calls", id(blueprint.calls), blueprint.outputs)
        if key not in self.orders:
            self.alive[id(blueprint.calls)] = blueprint.calls
            self.orders[key] = ancestors(blueprint)
        return self.orders[key]

    def number(self, key: Key) -> int:
        """One number for each key."""
        return self.numbers.setdefault(key, len(self.numbers))

    def result(
        self,
        key: int,
        spec: LayerSpec,
        bound: Mapping[str, Bound],
        mark: Key,
        arrays: Sequence[np.ndarray],
        of: Blueprint,
        tree: WeightTree,
    ) -> Value:
        """What a layer makes of arrays, or why it fails; remembered."""
        known = self.kept.get(key)
        if known is not None:
            known.uses += 1
            return known.value
        shapes = tuple((None, *array.shape[1:]) for array in arrays)
        named = (*mark, shapes, tuple(array.dtype.kind for array in arrays))
        if named not in self.modules:
            self.modules[named] = alone(spec, bound, shapes, of, tree)
        module = self.modules[named]
        made = module if isinstance(module, str) else outputs(module, arrays)
        size = 0 if isinstance(made, str) else sum(array.nbytes for array in made)
        if size <= LARGE:
            self.kept[key] = Kept(made, size)
            self.size += size
            if self.size > MOST_BYTES:
                self.forget()
        return made

    def forget(self) -> None:
        """Half of what is kept goes, what was of least use first."""
        for key in sorted(self.kept, key=lambda k: (self.kept[k].uses, k)):
            if self.size <= MOST_BYTES // 2:
                return
            self.size -= self.kept.pop(key).size


def ancestors(blueprint: Blueprint) -> list[Call]:
    """The calls that the outputs need, in order."""
    needed = {(ref.layer, ref.call) for ref in blueprint.outputs}
    found: list[Call] = []
    for call in reversed(blueprint.ordered_calls):
        if (call.layer, call.call) in needed:
            found.append(call)
            needed |= {(ref.layer, ref.call) for ref in call.inputs}
    return found[::-1]


def parts(spec: LayerSpec) -> tuple[LayerSpec, ...]:
    """A layer, its activation apart where it comes last."""
    function = spec.config.get("activation")
    if spec.type not in ACTIVATED or not isinstance(function, str) or function == "linear":
        return (spec,)
    plain = replace(spec, config={**spec.config, "activation": "linear"})
    return plain, LayerSpec(spec.name, "Activation", {"activation": function})


def marks(bound: Mapping[str, Bound]) -> Key:
    """Which stored arrays make the variables, and how."""
    return tuple((name, tuple(map(id, b.sources)), repr(b.moves), b.shape) for name, b in sorted(bound.items()))


def alone(
    spec: LayerSpec, bound: Mapping[str, Bound], shapes: Sequence[Shape], of: Blueprint, tree: WeightTree
) -> Emitted | str:
    """A layer as a model of its own in float32, or why there is none."""
    entries = tuple(LayerSpec(f"entering_{i}", "InputLayer", {"batch_shape": s}) for i, s in enumerate(shapes))
    inputs = tuple(TensorRef(entry.name) for entry in entries)
    own = replace(spec, name="step")
    try:
        leaving = tuple(TensorRef(own.name, 0, i) for i in range(build(own).output_count()))
        model = Blueprint(
            "step", (*entries, own), (Call(own.name, inputs),), inputs, leaving, keras_version=of.keras_version
        )
        binding = Binding({own.name: bound})
        return as_float32(emitted(subject_of(model, binding, emit(model, binding, "a layer"), tree, seen=False)))
    except WRONG as error:
        return f"{type(error).__name__}: {error}"


def outputs(module: Emitted, arrays: Sequence[np.ndarray]) -> Value:
    """What a layer alone makes of arrays, or how it fails."""
    try:
        ran = module.run(arrays, lambda *_: None)
    except ValueError as error:
        return f"ValueError: {error}"
    return ran.placeholder or ran.crash or "no outputs" if ran.outputs is None else ran.outputs


def subject_of(
    blueprint: Blueprint, binding: Binding, module: Module, tree: WeightTree, *, seen: bool = True
) -> Subject:
    """An emitted module as ``verify`` runs it, without files; its tensors can only be seen if they are to be ``seen``."""

    def state() -> dict[str, np.ndarray]:
        return {
            name: array
            for transfer in module.transfers
            for name, array in zip(transfer.parameters, transfer.read(), strict=True)
        }

    def regenerate(part: Blueprint, version: int) -> str:
        raise OutputError(f"no architecture is needed to run {part.name} for Keras {version}")

    return Subject(
        blueprint=blueprint,
        binding=binding,
        tree=tree,
        file=None,
        config=None,
        regenerate=regenerate,
        source=module.source,
        probes=module.probes if seen else (),
        input_orders=module.input_orders,
        output_orders=module.output_orders,
        state=state,
    )
