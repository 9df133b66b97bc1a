"""A candidate beside the original: which layer is which, edges, choices, and what was wrong first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.recovery_graph import (
    INERT,
    RECURRENT,
    Expression,
    Graph,
    Leaf,
    Op,
    activation_name,
    as_activation,
    difference,
    graph_of,
    leaves,
    renamed,
    skeleton,
)
from benchmarks.recovery_matching import contents, correspondence
from benchmarks.recovery_run import TOLERANCE, CannotRunError, error_of, runner
from benchmarks.recovery_settings import MISSING, parted, setting_at, spec_at, with_setting
from benchmarks.recovery_truth import Truth
from benchmarks.stripping import Original

from regraft.blueprint import Blueprint, Choice, LayerSpec
from regraft.blueprint.words import words
from regraft.layers.binding import Binding

Verdict = Literal["right", "wrong", "unmatched"]


@dataclass(frozen=True)
class Judged:
    """
    One choice of a candidate: its kind (``strides``), label, and whether it is that of the original.

    ``effect`` says that it is right in effect only: another value than the original's, with the same function.
    """

    subject: str
    kind: str
    label: str
    verdict: Verdict
    value: str
    truth: str = ""
    effect: bool = False


@dataclass(frozen=True)
class Found:
    """
    What the original has.

    Attributes:
        layer: Its path; empty if there is no such layer.
        value: Of the setting; for an activation that is a layer of its own that layer.
        own: Whether it is a setting of that very layer, so that another value can be tried in its place.
    """

    layer: str
    value: object
    own: bool = True


class Judge:
    """Compares candidates with one original."""

    def __init__(self, original: Original, truth: Truth, *, named: bool = True) -> None:
        self.original, self.truth, self.named = original, truth, named
        self.graph = graph_of(original.blueprint)
        self.contents = contents(original.blueprint, original.binding)
        self.tried: dict[tuple[str, str, str], bool] = {}

    def names(self, blueprint: Blueprint, binding: Binding, graph: Graph) -> dict[str, str]:
        """The original's path of every layer of a candidate; layers without variables by name, else by place."""
        names = correspondence(self.contents, contents(blueprint, binding), named=self.named)
        free = dict(self.graph.weightless)
        for path in graph.weightless if self.named else ():
            if path in free and family(graph.specs[path]) == family(self.graph.specs[path]):
                names[path] = path
                free.pop(path)
        for path, value in graph.weightless.items():
            if path in names:
                continue
            sources = frozenset(names.get(leaf, leaf) for leaf in leaves(value))
            kind = family(graph.specs[path])
            here = (
                p for p, v in free.items() if family(self.graph.specs[p]) == kind and frozenset(leaves(v)) == sources
            )
            found = next(here, None)
            if found is not None:
                names[path] = found
                free.pop(found)
        return names

    def edges(self, graph: Graph, names: Mapping[str, str]) -> tuple[int, int]:
        """How many edges between layers with variables are right, and of how many."""
        ours = {
            (names.get(a, f"?{a}") if a else a, names.get(b, f"?{b}") if b != "output" else b) for a, b in graph.edges
        }
        theirs = self.graph.edges
        return len(ours & theirs), max(len(ours), len(theirs))

    def choices(self, candidate: Blueprint, names: Mapping[str, str], graph: Graph, *, equal: bool) -> list[Judged]:
        """Every choice, judged; what differs without changing the function is right."""
        return [self.choice(choice, candidate, names, graph, equal=equal) for choice in candidate.choices]

    def choice(
        self, choice: Choice, candidate: Blueprint, names: Mapping[str, str], graph: Graph, *, equal: bool
    ) -> Judged:
        """One choice."""
        layer, key = parted(choice.subject, [*graph.specs, *(s.name for s in candidate.layers)])
        kind = key.rpartition(".")[2] if layer else choice.subject
        judged = Judged(choice.subject, kind, choice.label, "unmatched", choice.value)
        if key == "input" or choice.subject == "edges":
            asked = [layer] if layer else self.without_choice(candidate, graph)
            return replace(judged, verdict="right" if equal else self.inputs_right(asked, names, graph))
        value = setting_at(spec_at(candidate, layer), key) if layer else MISSING
        truth = self.truth_of(layer, key, names, candidate, graph) if layer else None
        if truth is not None:
            judged = replace(judged, truth=shown(truth.value))
            if same(truth.value, value):
                return replace(judged, verdict="right")
            if equal or (truth.own and self.alike(truth.layer, key, value)):
                return replace(judged, verdict="right", effect=True)
            return replace(judged, verdict="wrong")
        return replace(judged, verdict="right") if equal else judged

    def truth_of(
        self, layer: str, key: str, names: Mapping[str, str], candidate: Blueprint, graph: Graph
    ) -> Found | None:
        """What the original has where a choice of a candidate stands; None if that place is not in the original."""
        name = self.name_of(layer, names, candidate)
        spec = spec_at(self.original.blueprint, name) if name else None
        if spec is None:
            # A layer that was put where the original has none, between layers that are the original's: that is wrong.
            value = graph.weightless.get(layer)
            known = value is not None and all(leaf in names or not leaf for leaf in leaves(value))
            return Found("", "no such layer", own=False) if known else None
        if key == "type":
            return Found(name, spec.type, own=False)
        if key == "activation" and spec.type not in RECURRENT:
            if name in self.graph.calls:
                return self.activation_behind(name, graph, layer)
            return Found(name, spec, own=spec.type == "Activation")
        value = setting_at(spec, key)
        return None if value is MISSING else Found(name, value)

    def name_of(self, layer: str, names: Mapping[str, str], candidate: Blueprint) -> str:
        """The original's layer for one of a candidate: inputs by name or number."""
        entering = [ref.layer for ref in candidate.inputs]
        if layer not in entering:
            return names.get(layer, "")
        there = [ref.layer for ref in self.original.blueprint.inputs]
        place = entering.index(layer)
        if self.named and layer in self.graph.specs | dict.fromkeys(there):
            return layer
        return there[place] if place < len(there) else ""

    def without_choice(self, candidate: Blueprint, graph: Graph) -> list[str]:
        """The layers whose inputs no choice of their own names; ``edges`` speaks of them all."""
        asked = {parted(c.subject, graph.specs)[0] for c in candidate.choices if c.subject.endswith(".input")}
        return [name for name in graph.calls if name not in asked]

    def inputs_right(self, layers: Sequence[str], names: Mapping[str, str], graph: Graph) -> Verdict:
        """Whether what enters some layers comes from where it does in the original, pools and activations left aside."""
        for layer in layers:
            name = names.get(layer)
            if name is None:
                known = all(leaf in names or not leaf for leaf in leaves(graph.weightless.get(layer, Leaf(""))))
                return "wrong" if known and layer in graph.weightless else "unmatched"
            if layer in graph.calls:
                ours = [tuple(skeleton(renamed(v, names)) for v in call) for call in graph.calls[layer]]
                theirs = [tuple(skeleton(v) for v in call) for call in self.graph.calls[name]]
            else:
                ours = [(skeleton(renamed(graph.weightless[layer], names)),)]
                theirs = [(skeleton(self.graph.weightless[name]),)]
            if sorted(ours, key=repr) != sorted(theirs, key=repr):
                return "wrong"
        return "right"

    def activation_behind(self, name: str, graph: Graph, layer: str) -> Found:
        """
        The activation of a layer; that of the layer behind it where it has none.

        A candidate for a file without weightless layers puts it into the layer, one that knows them beside it.
        """
        own = setting_at(spec_at(self.original.blueprint, name), "activation")
        theirs = setting_at(graph.specs.get(layer), "activation")
        if activation_name(own)[0] != "linear" or activation_name(theirs)[0] == "linear":
            return Found(name, own)
        behind = {op.name for op in operations(self.graph) if op.inputs == (Leaf(name),)}
        return Found(name, next(iter(behind)), own=False) if len(behind) == 1 else Found(name, own)

    def alike(self, layer: str, key: str, value: object) -> bool:
        """Whether the original with this setting in place of its own computes the same."""
        if value is MISSING or key == "type":
            return False
        mark = (layer, key, words(value))  # type: ignore[arg-type]
        if mark not in self.tried:
            try:
                other = with_setting(self.truth.blueprint, layer, key, value)  # type: ignore[arg-type]
                run = runner(other, self.original.binding)
                pairs = zip(self.truth.inputs, self.truth.expected, strict=True)
                self.tried[mark] = all(error_of(run(given), wanted) <= TOLERANCE for given, wanted in pairs)
            except (CannotRunError, KeyError):
                self.tried[mark] = False
        return self.tried[mark]

    def reason(self, graph: Graph, names: Mapping[str, str]) -> str:
        """What is wrong first, in the order in which the original runs."""
        back = {theirs: ours for ours, theirs in names.items()}
        for name, calls in self.graph.calls.items():
            ours = back.get(name)
            if ours is None:
                return f"{name} ({self.graph.specs[name].type}): no layer holds its arrays"
            found = [tuple(renamed(v, names) for v in call) for call in graph.calls[ours]]
            if len(found) != len(calls):
                return f"{name}: called {len(found)} times instead of {len(calls)}"
            for expected, call in zip(calls, found, strict=True):
                text = differing(expected, call)
                if text:
                    return f"input of {name}: {text}"
            text = self.settings_of(name, self.graph.specs[name], graph.specs[ours])
            if text:
                return f"{name}.{text}"
        found = tuple(renamed(value, names) for value in graph.outputs)
        text = differing(self.graph.outputs, found)
        return f"output: {text}" if text else "nothing is different in the graph"

    def settings_of(self, name: str, expected: LayerSpec, found: LayerSpec) -> str:
        """The first setting that differs and matters."""
        if expected.type != found.type:
            return f"type: expected {expected.type}, found {found.type}"
        keys = [
            k for k in expected.config if k not in INERT and not (k == "activation" and expected.type not in RECURRENT)
        ]
        for key in keys:
            ours, theirs = found.config.get(key), expected.config[key]
            if isinstance(ours, LayerSpec) and isinstance(theirs, LayerSpec) and ours.type == theirs.type:
                pairs = [(f"{key}.{k}", ours.config.get(k), v) for k, v in theirs.config.items() if k not in INERT]
            else:
                pairs = [(key, ours, theirs)]
            for at, mine, wanted in pairs:
                if words(mine) != words(wanted) and not self.alike(name, at, mine):
                    return f"{at}: expected {words(wanted)}, found {words(mine)}"
        return ""


def differing(expected: Sequence[Expression], found: Sequence[Expression]) -> str:
    """The first difference between the inputs of two calls."""
    if len(expected) != len(found):
        return f"expected {len(expected)}, found {len(found)}"
    if len(expected) > 1 and sorted(map(repr, expected)) == sorted(map(repr, found)):
        return "" if list(expected) == list(found) else "in another order"
    return next((t for a, b in zip(expected, found, strict=True) if (t := difference(a, b))), "")


def operations(graph: Graph) -> Iterable[Op]:
    """Every layer without variables and every activation of a graph, parts of expressions included."""
    todo = [*graph.outputs, *(value for calls in graph.calls.values() for call in calls for value in call)]
    seen: set[int] = set()
    while todo:
        value = todo.pop()
        if id(value) not in seen and isinstance(value, Op):
            seen.add(id(value))
            yield value
            todo += value.inputs


def shown(value: object) -> str:
    """A setting of the original in words."""
    return value if isinstance(value, str) else words(value)  # type: ignore[arg-type]


def same(truth: object, value: object) -> bool:
    """Whether two settings are the same; an activation may be a layer."""
    if value is MISSING:
        return False
    if isinstance(truth, LayerSpec) and as_activation(truth) is not None:
        return as_activation(truth) == activation_name(value)
    return words(truth) == words(value)  # type: ignore[arg-type]


def family(spec: LayerSpec) -> str:
    """What a layer without variables does, in the rough: all activations, all pools are alike."""
    if as_activation(spec) is not None:
        return "activation"
    if "Pooling" in spec.type:
        return "global" if spec.type.startswith("Global") else "pool"
    return spec.type
