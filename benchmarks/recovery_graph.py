"""
A blueprint as its layers with variables, and between them expressions of layers without.

Nested models are opened, layers that do nothing at inference are left out, and an activation is the same whether it is
a setting or a layer of its own: two blueprints that mean the same give the same expressions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from regraft.blueprint import Blueprint, LayerSpec, TensorRef, all_refs
from regraft.blueprint.words import words
from regraft.layers.base import build

#: Layers that hand on what they get when the model is not being trained.
NOTHING = frozenset(
    "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout GaussianNoise "
    "ActivityRegularization Identity".split()
)
#: Merges whose inputs may stand in any order.
SYMMETRIC = frozenset("Add Multiply Average Maximum Minimum".split())
RECURRENT = frozenset("LSTM GRU SimpleRNN RNN Bidirectional CuDNNLSTM CuDNNGRU".split())
#: Settings that change nothing at inference.
INERT = frozenset("dropout recurrent_dropout momentum stateful unroll rate consume_less seed noise_shape".split())


@dataclass(frozen=True)
class Leaf:
    """A tensor that a layer with variables makes, or an input of the model (an empty layer name)."""

    layer: str
    index: int = 0


@dataclass(frozen=True)
class Op:
    """A layer without variables, or an activation, and what it receives."""

    name: str
    settings: tuple[tuple[str, str], ...]
    inputs: tuple[Expression, ...]


Expression = Leaf | Op
Key = tuple[str, tuple[int, ...]]


@dataclass
class Graph:
    """
    An opened blueprint.

    Attributes:
        specs: Every layer by its path, ``encoder/conv2d``, in the order in which layers run.
        calls: What each call of a layer with variables receives, by layer path.
        outputs: What leaves the model.
        weightless: What each layer without variables is, by layer path: the value of its first call.
    """

    specs: dict[str, LayerSpec] = field(default_factory=dict)
    calls: dict[str, list[tuple[Expression, ...]]] = field(default_factory=dict)
    outputs: tuple[Expression, ...] = ()
    weightless: dict[str, Expression] = field(default_factory=dict)

    @property
    def edges(self) -> set[tuple[str, str]]:
        """From which layer with variables (empty: an input) to which (``output``: an output), each pair once."""
        found = {
            (leaf, name)
            for name, calls in self.calls.items()
            for call in calls
            for value in call
            for leaf in leaves(value)
        }
        return found | {(leaf, "output") for value in self.outputs for leaf in leaves(value)}


def graph_of(blueprint: Blueprint) -> Graph:
    """Open a blueprint."""
    graph = Graph()
    entering: dict[TensorRef, Expression] = {ref: Leaf("", i) for i, ref in enumerate(blueprint.inputs)}
    graph.outputs = walk(graph, blueprint, "", entering)
    return graph


def walk(graph: Graph, blueprint: Blueprint, prefix: str, known: dict[TensorRef, Expression]) -> tuple[Expression, ...]:
    """Run through one model; ``known`` holds its inputs and receives every tensor."""
    for call in blueprint.ordered_calls:
        spec = blueprint.by_name[call.layer]
        path = f"{prefix}{call.layer}"
        graph.specs[path] = spec
        inputs = tuple(known[ref] for ref in all_refs(call))
        inner = spec.config.get("blueprint")
        if spec.type == "Functional" and isinstance(inner, Blueprint):
            entering: dict[TensorRef, Expression] = dict(zip(inner.inputs, inputs, strict=False))
            values = walk(graph, inner, f"{path}/", entering)
        elif has_variables(spec):
            graph.calls.setdefault(path, []).append(inputs)
            count = 1 if spec.unknown else build(spec).output_count()
            values = tuple(activated(spec, Leaf(path, i)) for i in range(count))
        else:
            value = applied(spec, inputs)
            graph.weightless.setdefault(path, value)
            count = 1 if spec.unknown else build(spec).output_count()
            values = (value, *(Op("output", (("index", str(i)),), (value,)) for i in range(1, count)))
        for index, value in enumerate(values):
            known[TensorRef(call.layer, call.call, index)] = value
    return tuple(known[ref] for ref in blueprint.outputs)


def has_variables(spec: LayerSpec) -> bool:
    """Whether a layer holds variables; a layer nobody knows may."""
    return bool(spec.unknown) or bool(build(spec).variables())


def applied(spec: LayerSpec, inputs: tuple[Expression, ...]) -> Expression:
    """The expression of a layer without variables."""
    if spec.type in NOTHING:
        return inputs[0]
    activation = as_activation(spec)
    if activation is not None:
        return with_activation(activation, inputs[0])
    settings = tuple(sorted((key, words(value)) for key, value in spec.config.items() if key not in INERT))
    if spec.type in SYMMETRIC:
        inputs = tuple(sorted(inputs, key=repr))
    return Op(spec.type, settings, inputs)


def activated(spec: LayerSpec, value: Expression) -> Expression:
    """What leaves a layer with variables: its own activation included."""
    if spec.type in RECURRENT:
        return value
    wrapped = spec.config.get("layer")
    inner = wrapped if isinstance(wrapped, LayerSpec) else spec
    return with_activation(activation_name(inner.config.get("activation")), value)


def with_activation(activation: tuple[str, str], value: Expression) -> Expression:
    """An activation on top of a value; ``linear`` is none."""
    name, parameters = activation
    if name == "linear":
        return value
    return Op(name, (("parameters", parameters),) if parameters else (), (value,))


def activation_name(value: object) -> tuple[str, str]:
    """Name and parameters of an ``activation`` setting."""
    if isinstance(value, LayerSpec):
        return as_activation(value) or (value.type, words(value))
    if value == "leaky_relu":
        return "leaky_relu", "0.2"
    return str(value or "linear"), ""


def as_activation(spec: LayerSpec) -> tuple[str, str] | None:
    """Name and parameters of a layer that is an activation; None for all others."""
    config = spec.config
    match spec.type:
        case "Activation":
            return activation_name(config.get("activation"))
        case "LeakyReLU":
            return "leaky_relu", str(config.get("negative_slope"))
        case "ReLU":
            top, slope, threshold = (config.get(k) for k in ("max_value", "negative_slope", "threshold"))
            if threshold or (slope and top is not None):
                return "relu", f"{top}, {slope}, {threshold}"
            if slope:
                return "leaky_relu", str(slope)
            return ("relu", "") if top is None else ("relu6", "") if top == 6 else ("relu", str(top))
        case "ELU":
            return ("elu", "") if config.get("alpha") == 1 else ("elu", str(config.get("alpha")))
        case "Softmax":
            return ("softmax", "") if config.get("axis") in (-1, None) else ("softmax", words(config["axis"]))
        case _:
            return None


def leaves(value: Expression) -> Iterator[str]:
    """The layers with variables (empty: an input) that a value comes from, each once."""
    seen: set[int] = set()
    found: dict[str, None] = {}
    todo = [value]
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Leaf):
            found[value.layer] = None
        else:
            todo += value.inputs
    yield from found


def renamed(value: Expression, names: Mapping[str, str]) -> Expression:
    """The expression with other names for its layers; unknown ones get a question mark."""
    if isinstance(value, Leaf):
        return Leaf(names.get(value.layer, f"?{value.layer}") if value.layer else "", value.index)
    inputs = tuple(renamed(item, names) for item in value.inputs)
    return Op(value.name, value.settings, tuple(sorted(inputs, key=repr)) if value.name in SYMMETRIC else inputs)


def skeleton(value: Expression) -> Expression:
    """Where values come from and how they meet: layers with one input, and all settings, are left aside."""
    if isinstance(value, Leaf):
        return value
    inputs = tuple(skeleton(item) for item in value.inputs)
    if len(inputs) == 1:
        return inputs[0]
    return Op(value.name, (), tuple(sorted(inputs, key=repr)) if value.name in SYMMETRIC else inputs)


def brief(value: Expression, depth: int = 4) -> str:
    """
    An expression in a few words.

    >>> brief(Op("relu", (), (Op("MaxPooling2D", (("pool_size", "2, 2"),), (Leaf("conv2d"),)),)))
    'relu of MaxPooling2D of conv2d'
    """
    if isinstance(value, Leaf):
        return (value.layer or f"input {value.index + 1}") + (
            f" output {value.index + 1}" if value.layer and value.index else ""
        )
    if not depth:
        return "..."
    return f"{value.name} of {' and '.join(brief(item, depth - 1) for item in value.inputs)}"


def difference(expected: Expression, found: Expression) -> str:
    """Where two expressions differ first, seen from the end; empty if they do not."""
    if expected == found:
        return ""
    if isinstance(expected, Op) and isinstance(found, Op) and expected.name == found.name:
        before, after = dict(expected.settings), dict(found.settings)
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                return f"{expected.name} {key}: expected {before.get(key)}, found {after.get(key)}"
        if len(expected.inputs) == len(found.inputs):
            pairs = zip(expected.inputs, found.inputs, strict=True)
            return next((text for ours, theirs in pairs if (text := difference(ours, theirs))), "")
    return f"expected {brief(expected)}, found {brief(found)}"
