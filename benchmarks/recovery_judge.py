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
    activation_name,
    difference,
    graph_of,
    leaves,
    renamed,
)
from benchmarks.recovery_matching import contents, correspondence
from benchmarks.recovery_run import TOLERANCE, Arrays, CannotRunError, error_of, runner
from benchmarks.recovery_settings import MISSING, parted, setting_at, spec_at, with_setting
from benchmarks.stripping import Original

from regraft.blueprint import Blueprint, Choice, LayerSpec, Setting
from regraft.blueprint.words import words
from regraft.layers.binding import Binding

Verdict = Literal["right", "wrong", "unmatched"]


@dataclass(frozen=True)
class Judged:
    """One choice of a candidate: its kind (``strides``), label, and whether it is that of the original."""

    subject: str
    kind: str
    label: str
    verdict: Verdict
    value: str
    truth: str = ""


class Judge:
    """Compares candidates with one original."""

    def __init__(self, original: Original, inputs: Sequence[Arrays], expected: Sequence[Arrays]) -> None:
        self.original, self.inputs, self.expected = original, inputs, expected
        self.graph = graph_of(original.blueprint)
        self.contents = contents(original.blueprint, original.binding)
        self.tried: dict[tuple[str, str, str], bool] = {}

    def names(self, blueprint: Blueprint, binding: Binding, graph: Graph) -> dict[str, str]:
        """The original's path of every layer of a candidate; layers without variables by name, else by place."""
        names = correspondence(self.contents, contents(blueprint, binding))
        free = dict(self.graph.weightless)
        for path in graph.weightless:
            if path in free and same_type(graph.specs[path], self.graph.specs[path]):
                names[path] = path
                free.pop(path)
        for path, value in graph.weightless.items():
            if path in names:
                continue
            sources = frozenset(names.get(leaf, leaf) for leaf in leaves(value))
            kind = graph.specs[path]
            here = (
                p for p, v in free.items() if same_type(kind, self.graph.specs[p]) and frozenset(leaves(v)) == sources
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
        value = setting_at(spec_at(candidate, layer), key) if layer else None
        judged = Judged(choice.subject, kind, choice.label, "unmatched", choice.value)
        truth = self.truth_of(layer, key, names, candidate, graph)
        if truth is not None:
            shown = words(truth[2])
            judged = replace(judged, truth=shown)
            if shown == words(value) or self.alike(truth[0], truth[1], value):
                return replace(judged, verdict="right")
        if equal:
            return replace(judged, verdict="right")
        return replace(judged, verdict="wrong") if truth is not None else judged

    def truth_of(
        self, layer: str, key: str, names: Mapping[str, str], candidate: Blueprint, graph: Graph
    ) -> tuple[str, str, Setting] | None:
        """Layer, key and value of the original that a choice is about; None if there is no such thing."""
        if not layer:
            return None
        if layer in {ref.layer for ref in candidate.inputs}:
            place = [ref.layer for ref in candidate.inputs].index(layer)
            there = [ref.layer for ref in self.original.blueprint.inputs]
            name = layer if layer in there else there[place] if place < len(there) else ""
        else:
            name = names.get(layer, "")
        spec = spec_at(self.original.blueprint, name) if name else None
        if spec is None:
            return None
        if key == "type":
            return name, key, spec.type
        if key == "activation" and name in self.graph.calls and spec.type not in RECURRENT:
            return name, key, self.activation_behind(name, graph, layer)
        found = setting_at(spec, key)
        return None if found is MISSING else (name, key, found)

    def activation_behind(self, name: str, graph: Graph, layer: str) -> Setting:
        """
        The activation of a layer; that of the layer behind it where it has none.

        A candidate for a file without weightless layers puts it into the layer, one that knows them beside it.
        """
        own = setting_at(spec_at(self.original.blueprint, name), "activation")
        theirs = setting_at(graph.specs[layer], "activation") if layer in graph.specs else "linear"
        if activation_name(own)[0] != "linear" or activation_name(theirs)[0] == "linear":
            return own  # type: ignore[return-value]
        behind = {
            value.name
            for value in everything(self.graph)
            if not isinstance(value, str) and getattr(value, "inputs", None) and is_leaf_of(value, name)
        }
        return next(iter(behind)) if len(behind) == 1 else own  # type: ignore[return-value]

    def alike(self, layer: str, key: str, value: Setting | object) -> bool:
        """Whether the original with this setting in place of its own computes the same."""
        if value is MISSING or key == "type":
            return False
        mark = (layer, key, words(value))  # type: ignore[arg-type]
        if mark not in self.tried:
            try:
                other = with_setting(self.original.blueprint, layer, key, value)  # type: ignore[arg-type]
                run = runner(other, self.original.binding)
                pairs = zip(self.inputs, self.expected, strict=True)
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


def everything(graph: Graph) -> Iterable[Expression]:
    """Every expression of a graph, parts included."""
    todo = [*graph.outputs, *(value for calls in graph.calls.values() for call in calls for value in call)]
    seen: set[int] = set()
    while todo:
        value = todo.pop()
        if id(value) not in seen:
            seen.add(id(value))
            yield value
            todo += getattr(value, "inputs", ())


def is_leaf_of(value: Expression, name: str) -> bool:
    """Whether a value is something done to the output of that layer alone."""
    inputs = getattr(value, "inputs", ())
    return len(inputs) == 1 and getattr(inputs[0], "layer", None) == name


def same_type(first: LayerSpec, second: LayerSpec) -> bool:
    """Whether two layers without variables are of one type."""
    return first.type == second.type
