"""Graphs as drafts: blueprints, with what was decided about their edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp

from regraft.blueprint import Blueprint, Call, Choice, Label, LayerSpec, TensorRef
from regraft.recover.draft import Draft, Hints
from regraft.recover.grouping import completed, part_spec, version_of
from regraft.recover.part import Grouping, Part
from regraft.recover.question import times
from regraft.recover.wiring.entries import input_specs
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.graph import Graph, Node

#: From this margin in nats on, a decision counts as supported.
MARGIN = 3.0
#: Candidates of a choice that are less likely than the best by more than this are not named.
NAMED = 8.0


def draft_of(
    graph: Graph,
    graphs: Sequence[Graph],
    grouping: Grouping,
    facts: Mapping[str, Fact],
    inner: Mapping[str, Blueprint],
    hints: Hints,
    *,
    sequential: bool,
) -> Draft:
    """A draft of one graph; ``graphs`` are its rivals, itself among them."""
    entries = input_specs(graph, facts, hints)
    parts = {part.name: part for part in grouping.parts}
    layers = tuple(spec_for(node, parts.get(node.name), entries, inner, grouping) for node in graph.nodes)
    calls = tuple(call for node in graph.nodes if node.type != "InputLayer" for call in calls_of(node))
    given = states_taken(graph)
    layers = tuple(giving_states(spec) if spec.name in given else spec for spec in layers)
    inputs = tuple(TensorRef(name) for name in entries)
    outputs = tuple(TensorRef(name) for name in graph.outputs)
    name = grouping.tree.model_name or ("sequential" if sequential else "model")
    version = grouping.tree.keras_version
    blueprint = Blueprint(name, layers, calls, inputs, outputs, sequential, version, (), graph.notes)
    choices = (*type_choices(graph, parts), *edge_choices(graph, graphs, grouping))
    return Draft(grouping, blueprint, graph.cost, choices)


def calls_of(node: Node) -> list[Call]:
    """The calls of one layer."""
    places = node.places or ((0, 0),) * len(node.inputs)
    refs = [TensorRef(source, call, index) for source, (call, index) in zip(node.inputs, places, strict=True)]
    size = len(refs) // node.calls
    return [Call(node.name, tuple(refs[i * size : (i + 1) * size]), i) for i in range(node.calls)]


def states_taken(graph: Graph) -> frozenset[str]:
    """The recurrent layers whose states something takes."""
    return frozenset(
        source for node in graph.nodes for source, (_, index) in zip(node.inputs, node.places, strict=False) if index
    )


def giving_states(spec: LayerSpec) -> LayerSpec:
    """A recurrent layer that gives its states."""
    return replace(spec, config={**spec.config, "return_state": True})


def spec_for(
    node: Node, part: Part | None, entries: Mapping[str, LayerSpec], inner: Mapping[str, Blueprint], grouping: Grouping
) -> LayerSpec:
    """The layer of one node."""
    if node.name in entries:
        return entries[node.name]
    if node.name in inner:
        return LayerSpec(node.name, "Functional", {"blueprint": inner[node.name]})
    version = version_of(grouping.tree)
    if part is None or part.type != node.type:
        settings = part.settings if part is not None and not part.type else {}
        return completed(node.name, node.type, settings, version)
    return part_spec(part, version)


def type_choices(graph: Graph, parts: Mapping[str, Part]) -> list[Choice]:
    """Types that wiring decided: of layers whose name says nothing, and of those that it put in."""
    found: list[Choice] = []
    for node in graph.nodes:
        part = parts.get(node.name)
        if part is not None and not part.type and node.type:
            rivals = (node.type, *(other for other in part.others if other != node.type))
            evidence = f"its place: it takes {len(node.inputs)} tensors" if len(node.inputs) > 1 else "its place"
            found.append(Choice(f"{node.name}.type", node.type, rivals, "assumed", evidence))
        elif node.made and node.type != "InputLayer":
            evidence = node.why or "the file lists no layers without variables; channels ask for it"
            found.append(Choice(f"{node.name}.type", node.type, (node.type,), "assumed", evidence))
    return found


def edge_choices(graph: Graph, graphs: Sequence[Graph], grouping: Grouping) -> list[Choice]:
    """What each layer takes, where that is not the only possibility, and one choice for all other edges."""
    found: list[Choice] = []
    agreed = 0
    for node in graph.nodes:
        if not node.inputs:
            continue
        own = ", ".join(node.inputs)
        costs: dict[str, float] = {own: graph.cost}
        for other in graphs:
            rival = other.by_name.get(node.name)
            if rival is not None and rival.inputs:
                said = ", ".join(rival.inputs)
                costs[said] = min(other.cost, costs.get(said, other.cost))
        if node.name in graph.broken:
            evidence = "no tensor has the shape that its variables need; it is taken to follow the layer before it"
            found.append(Choice(f"{node.name}.input", own, tuple(costs), "open", evidence))
            continue
        likely = sorted((c, said) for said, c in costs.items() if c <= graph.cost + NAMED or said == own)
        if len(likely) == 1 and not node.why:
            agreed += 1
            continue
        found.append(
            Choice(f"{node.name}.input", own, tuple(said for _, said in likely), *reason(graph, likely, node, grouping))
        )
    if agreed:
        searched = graph.sure or (grouping.complete and len(graphs) > 1)
        # A list that may lack sums is sure of its edges only where it is a chain and all graphs agree.
        sure = grouping.ordered and not graph.cut and (searched or agreed == len(graph.nodes) - 1)
        label: Label = "supported" if sure else "assumed"
        evidence = (
            "channels, ranks and the order of the file leave nothing else that is likely; "
            "a layer that is used twice would not show"
        )
        found.append(Choice("edges", f"{agreed} layers with one possible input", (), label, evidence))
    return found


def reason(graph: Graph, likely: Sequence[tuple[float, str]], node: Node, grouping: Grouping) -> tuple[Label, str]:
    """How sure an edge is, and why."""
    if len(likely) == 1:
        return "assumed", node.why
    own = graph.cost
    best = min(c for c, _ in likely)
    share = exp(best - own) / sum(exp(best - c) for c, _ in likely)
    margin = min((c - own for c, said in likely if said != ", ".join(node.inputs)), default=0.0)
    text = f"{times(margin)} likelier than the next possibility, by channels, order and what is usual (probability {share:.2f})"
    sure = margin >= MARGIN and grouping.ordered and grouping.complete
    return ("supported" if sure else "assumed"), f"{node.why}; {text}" if node.why else text
