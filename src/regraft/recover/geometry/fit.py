"""The sizes of a wired draft: the search under every habit of Keras code, and what it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from regraft.blueprint import Blueprint, Choice, Setting, TensorRef
from regraft.errors import RegraftError
from regraft.recover.draft import Draft, Hints, edited
from regraft.recover.geometry import entries
from regraft.recover.geometry.borders import Borders, borders
from regraft.recover.geometry.choices import Verdicts, choices_of, least_costs, questions_of, usual_costs
from regraft.recover.geometry.graph import Graph, graph_of, with_format
from regraft.recover.geometry.habits import Habit, habits
from regraft.recover.geometry.lattice import INFINITE, Assignment, Lattice, assignments, search
from regraft.recover.geometry.roles import SUMS, is_growth, is_pool, kernel_side, roles
from regraft.recover.geometry.slots import settled, with_slots
from regraft.recover.geometry.steps import Plan, demands_of, steps
from regraft.recover.geometry.ways import Way, Workshop, least

#: Drafts given back.
MOST = 12
#: What a draft costs more if no sizes fit its arrays: it is almost surely wired wrongly.
UNFIT = 25.0
#: What channels first costs where nothing tells: 10 of the 563 pools and 1,570 convolutions counted state it.
CHANNELS_FIRST = 4.0
#: What is dearer than the best assignment by so many nats is not followed; less in networks of more calls than ``LONG``.
SLACK, SLACK_LONG, LONG = 9.0, 5.0, 100
#: Habits that are tried in long networks.
MOST_HABITS = 4
#: Settings that cost no more than this above the usual one are always tried.
LEAST_LIMIT = 5.0
#: Errors that absurd input may cause on the way; the draft is then given back as it was.
ABSURD = (RegraftError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class Effort:
    """
    How far a search goes.

    Attributes:
        limit: Settings of a layer that cost more than its cheapest by so much are not tried. What is found within the
            limit is the best of all.
        wide: Whether rare settings are tried: uneven strides, maps that are not square.
    """

    limit: float
    wide: bool = False


EFFORTS = (Effort(9.0), Effort(INFINITE, wide=True))


@dataclass(frozen=True)
class Fitted:
    """
    A lattice with the plan and habit it was made under.

    Attributes:
        plan: What was searched.
        habit: The habit.
        lattice: What was found.
        cost: Of the habit and the data format.
        excess: By how much the best assignment is dearer than the cheapest settings of every layer.
    """

    plan: Plan
    habit: Habit
    lattice: Lattice
    cost: float
    excess: float


def fit(draft: Draft, hints: Hints) -> list[Draft]:
    """
    Find the map sizes of a wired draft.

    Strides, paddings, dilations, pools, UpSampling, ZeroPadding, Cropping, Reshape, ``return_sequences``, the data
    format, and the input shapes where ``hints`` has none. If the file does not list layers without variables, pools,
    Flatten, global pools, Reshape and UpSampling are put in where sizes or ranks ask for them.

    Args:
        draft: With default settings wherever the file says nothing.
        hints: Input shapes and answers of the user.

    Returns:
        At most 12 drafts, best first. Their costs are those of the draft plus the nats of every setting; where nothing
        fits, the draft as it was, dearer, with an ``open`` choice.
    """
    try:
        return fitted(draft, hints)
    except ABSURD as error:
        return [unfit(draft, f"the sizes could not be searched: {type(error).__name__}")]


def unfit(draft: Draft, reason: str) -> Draft:
    """The draft as it was, with an open choice that says why."""
    choice = Choice("sizes of the maps", "as Keras' defaults have them", (), "open", reason)
    return replace(draft, cost=draft.cost + UNFIT, choices=(*draft.choices, choice))


def fitted(draft: Draft, hints: Hints) -> list[Draft]:
    """The best drafts, those of all data formats and habits together."""
    base = graph_of(draft.blueprint, draft.grouping.tree)
    slack = SLACK if len(base.calls) <= LONG else SLACK_LONG
    trained = has_statistics(base)
    # Where stored means will have a say, a first guess is enough to start from.
    found, failure = tried(base, draft, hints, Borders(), 1.0 if trained else slack)
    if not found:
        return [unfit(draft, f"no sizes fit: nothing that reaches layer {failure} has the shape that its arrays need")]
    if trained:
        seen = borders(drafts(draft, found)[0].blueprint, draft.grouping.tree)
        again, _ = tried(base, draft, hints, seen, slack)
        found = again or found
    return drafts(draft, found)


def has_statistics(graph: Graph) -> bool:
    """Whether there are BatchNorms whose means borders may have shifted."""
    return any("moving_mean" in shapes for shapes in graph.stored.values())


def tried(base: Graph, draft: Draft, hints: Hints, seen: Borders, slack: float) -> tuple[list[Fitted], str]:
    """The searches over all data formats, with rare settings only where nothing else will do."""
    failure, last = "", list[Fitted]()
    for effort in EFFORTS:
        plans = [(plan_of(graph, draft, hints, seen, wide=effort.wide), cost) for graph, cost in formats(base, hints)]
        found, failed = searched(plans, draft, effort, slack)
        failure, last = failure or failed, found or last
        if found and (len(base.calls) > LONG or min(one.excess for one in found) <= effort.limit):
            break
    return last, failure


def searched(
    plans: Sequence[tuple[Plan, float]], draft: Draft, effort: Effort, slack: float
) -> tuple[list[Fitted], str]:
    """The lattices of all habits that can compete, and the layer at which the first failed."""
    found: list[Fitted] = []
    failure = ""
    best = INFINITE
    limit = effort.limit if effort.wide else min(effort.limit, max(slack, LEAST_LIMIT))
    for plan, cost in plans:
        problems = [(habit, steps(plan, habit, limit)) for habit in plausible(plan, draft)]
        bounds = [cost + habit.cost + sum(least(s.ways) for s in problem if not s.shared) for habit, problem in problems]
        ranked = sorted(zip(problems, bounds, strict=True), key=lambda item: item[1])
        for (habit, problem), bound in ranked[:MOST_HABITS] if len(plan.graph.calls) > LONG else ranked:
            extra = cost + habit.cost
            if bound > best + slack:
                continue
            width = width_for(plan)
            if best == INFINITE:
                quick = search(problem, plan.shop, max(width // 8, 12))
                best = min(best, quick.best + extra)
            lattice = search(problem, plan.shop, width, best + slack - extra, slack)
            failure = failure or lattice.failure
            if not lattice.failure:
                best = min(best, lattice.best + extra)
                found.append(Fitted(plan, habit, lattice, extra, lattice.best + extra - min(bounds)))
    return found, failure


def formats(base: Graph, hints: Hints) -> list[tuple[Graph, float]]:
    """The data formats that may be, with their costs."""
    mapped = [name for name, layer in base.layers.items() if layer is not None and layer.rank >= 2]
    last = with_format(base, first=False)
    if not mapped:
        return [(last, 0.0)]
    first = with_format(base, first=True)
    if base.kernels_first is not None:
        return [(first, 0.0)] if base.kernels_first else [(last, 0.0)]
    fits = [fits_input(graph, hints) for graph in (last, first)]
    if not hints.input_shapes or not any(fits):
        return [(last, 0.0)]
    costs = [(last, 0.02), (first, CHANNELS_FIRST if all(fits) else 0.02)]
    return [pair for pair, fit_here in zip(costs, fits, strict=True) if fit_here]


def fits_input(graph: Graph, hints: Hints) -> bool:
    """Whether the channels of the given inputs are those that the first layers take."""
    demands = demands_of(graph)
    for ref, hint in zip(graph.blueprint.inputs, hints.input_shapes, strict=False):
        for _, need in entries.needs(graph, ref, demands):
            if need.rank >= 4 and not need.allows((None, *hint)):
                return False
    return True


def plan_of(graph: Graph, draft: Draft, hints: Hints, seen: Borders, *, wide: bool) -> Plan:
    """Everything the searches over one graph share."""
    # Places for layers that may be put in hide what a layer is joined with, so roles are told without them.
    told = roles(graph)
    if not draft.grouping.complete:
        graph = replace(graph, blueprint=with_slots(graph))
    demands = demands_of(graph)
    exact = any(fixes_size(graph, name) for name in graph.layers)
    sized = exact or bool(seen.sites)
    refs = graph.blueprint.inputs
    stated = hints.input_shapes if len(hints.input_shapes) == len(refs) else (None,) * len(refs)
    known = [entries.entry(graph, ref, demands, hint) for ref, hint in zip(refs, stated, strict=True)]
    unknown = sum(not e.stated and (e.shape is None or None in e.shape[1:]) for e in known)
    ways = {
        ref.layer: entries.ways(e, sized=sized, several=unknown > 1, wide=wide, exact=exact)
        for ref, e in zip(refs, known, strict=True)
    }
    return Plan(graph, demands, told, ways, hints.settings or {}, wide, Workshop(), seen)


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
    found = habits(
        convolutions=convolutions,
        pools=sum(map(is_pool, types)),
        rank=max(set(ranks), key=ranks.count) if ranks else 1,
        grows=any(map(is_growth, types)),
        slots=slots > 0 and not draft.grouping.complete,
        plain=not any(t in SUMS or t.startswith(("Depthwise",)) for t in types),
    )
    return sorted(found, key=lambda habit: habit.cost)


def width_for(plan: Plan) -> int:
    """How many states are kept: fewer in long networks, where they cost most."""
    calls = max(len(plan.graph.calls), 1)
    entering = max((len(ways) for ways in plan.entries.values()), default=1)
    width = max(30, min(400, 16_000 // calls))
    return max(width, min(entering * 2, 60_000 // calls))


def drafts(draft: Draft, found: Sequence[Fitted]) -> list[Draft]:
    """The cheapest assignments of all searches, as drafts; none twice."""
    told = Verdicts(
        least_costs([(f.lattice, f.cost) for f in found]), usual_costs([(f.lattice.steps, f.cost) for f in found]),
        min(f.lattice.slack for f in found),
        any(f.lattice.cut for f in found),
    )
    listed: list[tuple[float, int, Assignment, Fitted]] = []
    cheapest = min(f.lattice.best + f.cost for f in found)
    for number, one in enumerate(found):
        for i, assignment in enumerate(assignments(one.lattice)):
            cost = assignment.cost + one.cost
            if i >= MOST or cost > cheapest + one.lattice.slack:
                break
            listed.append((cost, number, assignment, one))
    listed.sort(key=lambda item: item[0])
    made: list[Draft] = []
    seen: set[str] = set()
    for cost, _, assignment, one in listed:
        if len(made) >= MOST:
            break
        new = made_draft(draft, one, assignment, told, draft.cost + cost)
        mark = repr(new.blueprint.layers) + repr(new.blueprint.calls)
        if mark not in seen:
            seen.add(mark)
            made.append(new)
    return made


def made_draft(draft: Draft, one: Fitted, assignment: Assignment, told: Verdicts, cost: float) -> Draft:
    """The draft with the settings of one assignment."""
    chosen: dict[str, Way] = {}
    for step, edge in zip(one.lattice.steps, assignment.edges, strict=True):
        chosen.setdefault(step.name, edge.group[0])
    edits: dict[tuple[str, str], Setting] = {
        (name, key): value for name, way in chosen.items() if not way.kind for key, value in way.edits
    }
    blueprint = edited(one.plan.graph.blueprint, edits)
    if any(spec.type == "Slot" for spec in blueprint.layers):
        blueprint = settled(blueprint, chosen)
    questions = questions_of(one.plan, assignment, one.lattice)
    choices = choices_of(one.plan, one.lattice, assignment, told, questions)
    return replace(
        draft,
        blueprint=blueprint,
        cost=cost,
        choices=(*draft.choices, *choices),
        questions=(*draft.questions, *questions),
    )


__all__ = ["Blueprint", "Mapping", "TensorRef", "fit"]
