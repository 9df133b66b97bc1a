"""Which data formats, inputs and habits are tried for a draft, and how widely."""

from __future__ import annotations

from dataclasses import dataclass, replace

from regraft.blueprint import Choice, Label
from regraft.recover.draft import Draft, Hints
from regraft.recover.geometry import entries
from regraft.recover.geometry.borders import Borders
from regraft.recover.geometry.budget import Budget
from regraft.recover.geometry.graph import Graph, with_format
from regraft.recover.geometry.habits import SUMS_POOLED, SUMS_POOLED_SEPARABLE, Habit, habits
from regraft.recover.geometry.plan import Plan, demands_of
from regraft.recover.geometry.roles import SUMS, is_growth, is_pool, kernel_side, roles
from regraft.recover.geometry.slots import with_slots
from regraft.recover.geometry.ways import Workshop

#: What channels first costs where nothing tells: 10 of the 563 pools and 1,570 convolutions counted state it.
CHANNELS_FIRST = 4.0


@dataclass(frozen=True)
class Format:
    """
    One data format for all layers with maps.

    Attributes:
        graph: The draft in it.
        cost: In nats.
        choice: Why, where it is not simply that of Keras.
    """

    graph: Graph
    cost: float = 0.0
    choice: Choice | None = None


def formats(base: Graph, hints: Hints) -> list[Format]:
    """The data formats that may be."""
    last, first = with_format(base, first=False), with_format(base, first=True)
    if not any(layer is not None and layer.rank >= 2 for layer in base.layers.values()):
        return [Format(last)]
    if base.kernels_first is not None:
        reason = "Keras 1 stores kernels in the order of its maps, and here the filters come first"
        return (
            [Format(first, 0.0, format_choice("channels_first", (), "supported", reason))]
            if base.kernels_first
            else [Format(last)]
        )
    fits = [fits_input(graph, hints) for graph in (last, first)]
    if not hints.input_shapes or not any(fits):
        return [Format(last)]
    if not all(fits):
        reason = "the first axis of the input has the length that the first kernels take, the last has not"
        choice = format_choice("channels_first", (), "supported", reason)
        return [Format(last)] if fits[0] else [Format(first, 0.0, choice)]
    names = ("channels_last", "channels_first")
    choices = [
        format_choice(n, names, "assumed", "the first and the last axis of the input are equally long") for n in names
    ]
    return [Format(last, 0.02, choices[0]), Format(first, CHANNELS_FIRST, choices[1])]


def format_choice(name: str, names: tuple[str, ...], label: Label, reason: str) -> Choice:
    """The choice of a data format, one for the whole network."""
    others = tuple(other for other in names if other != name)
    return Choice("data_format", name, (name, *others), label, reason)


def fits_input(graph: Graph, hints: Hints) -> bool:
    """Whether the channels of the given inputs are those that the first layers take."""
    demands = demands_of(graph)
    for ref, hint in zip(graph.blueprint.inputs, hints.input_shapes, strict=False):
        for _, need in entries.needs(graph, ref, demands):
            if need.rank >= 4 and not need.allows((None, *hint)):
                return False
    return True


def plan_of(format: Format, draft: Draft, hints: Hints, seen: Borders, budget: Budget, *, wide: bool) -> Plan:
    """Everything the searches over one graph share."""
    graph = format.graph
    # Places for layers that may be put in hide what a layer is joined with, so roles are told without them.
    told = roles(graph)
    refs = graph.blueprint.inputs
    stated = hints.input_shapes if len(hints.input_shapes) == len(refs) else (None,) * len(refs)
    if not draft.grouping.complete:
        shapes = {ref: (None, *shape) for ref, shape in zip(refs, stated, strict=True) if shape is not None}
        graph = replace(graph, blueprint=with_slots(graph, demands_of(graph), shapes, hints.output_shapes))
    demands = demands_of(graph)
    exact = any(fixes_size(graph, name) for name in graph.layers)
    sized = exact or bool(seen.sites)
    known = [entries.entry(graph, ref, demands, hint) for ref, hint in zip(refs, stated, strict=True)]
    unknown = sum(not e.stated and (e.shape is None or None in e.shape[1:]) for e in known)
    ways = {
        ref.layer: entries.ways(e, sized=sized, several=unknown > 1, wide=wide, exact=exact)
        for ref, e in zip(refs, known, strict=True)
    }
    return Plan(
        graph,
        demands,
        told,
        ways,
        hints.settings or {},
        wide,
        Workshop(budget=budget),
        seen,
        frozenset(ref.layer for ref, e in zip(refs, known, strict=True) if e.stated),
        format.choice,
        hints.output_shapes,
    )


def fixes_size(graph: Graph, name: str) -> bool:
    """Whether a layer can tell map sizes: what becomes a vector, and slopes or targets with a shape."""
    spec = graph.spec(name)
    if spec.type == "Slot":
        return spec.config.get("role") == "vector"
    if spec.type == "PReLU":
        return any(n > 1 for n in graph.stored.get(name, {}).get("alpha", ())[:-1])
    return spec.type in ("Flatten", "Reshape", "Permute", "LayerNormalization")


def plausible(plan: Plan, draft: Draft) -> list[Habit]:
    """The habits that are tried."""
    graph = plan.graph
    types = [spec.type for spec in graph.blueprint.layers]
    ranks = [layer.rank for layer in graph.layers.values() if layer is not None and layer.rank]
    # Between branches that are added the sums decide, not the habit.
    free = [name for name, role in plan.roles.items() if not role.inside and not role.after_sums]
    convolutions = sum(kernel_side(graph, name) > 1 for name in free)
    slots = sum(s.type == "Slot" and s.config.get("role") == "resize" for s in graph.blueprint.layers)
    pooling = any(s.type == "Slot" and s.config.get("role") == "pooled" for s in graph.blueprint.layers)
    # A map that is made of a vector grows, whether or not the file lists what makes it grow.
    decodes = any(s.type == "Slot" and s.config.get("role") == "map" for s in graph.blueprint.layers)
    inside = [graph.spec(name).type for name, role in plan.roles.items() if role.inside and role.window > 1]
    separable = bool(inside) and all(kind.startswith("Separable") for kind in inside)
    found = habits(
        convolutions=convolutions,
        pools=sum(map(is_pool, types)),
        rank=max(set(ranks), key=ranks.count) if ranks else 1,
        grows=any(map(is_growth, types)) or decodes,
        slots=slots > 0 and not draft.grouping.complete,
        plain=not any(t in SUMS or t.startswith(("Depthwise",)) for t in types),
        returns=returns_channels(graph),
        summed=(SUMS_POOLED_SEPARABLE if separable else SUMS_POOLED) if pooling else 0.0,
        code=any(map(is_growth, types)) and "Concatenate" not in types and not any(t in SUMS for t in types),
    )
    return sorted(found, key=lambda habit: habit.cost)


def returns_channels(graph: Graph) -> bool:
    """Whether the last convolution of a chain gives as many channels as the first one takes."""
    kernels = [graph.stored.get(c.layer, {}).get("kernel", ()) for c in graph.calls]
    maps = [kernel for kernel in kernels if len(kernel) >= 3]
    return len(maps) > 2 and all(len(k) >= 3 for k in kernels if len(k) > 1) and maps[0][-2] == maps[-1][-1]


def width_for(plan: Plan) -> int:
    """How many states are kept: fewer in long networks, where they cost most."""
    calls = max(len(plan.graph.calls), 1)
    entering = max((len(ways) for ways in plan.entries.values()), default=1)
    width = max(30, min(400, 16_000 // calls))
    return max(width, min(entering * 2, 60_000 // calls))
