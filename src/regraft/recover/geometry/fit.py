"""The sizes of a wired draft: the search under every habit of Keras code, and what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from regraft.blueprint import Choice
from regraft.errors import RegraftError
from regraft.layers.inputs import InputLayer
from regraft.recover.draft import Draft, Hints
from regraft.recover.geometry.borders import Borders, borders
from regraft.recover.geometry.graph import Graph, completed, graph_of
from regraft.recover.geometry.habits import Habit
from regraft.recover.geometry.lattice import INFINITE
from regraft.recover.geometry.plan import Plan
from regraft.recover.geometry.planning import formats, plan_of, plausible, width_for
from regraft.recover.geometry.results import Fitted, drafts
from regraft.recover.geometry.search import search
from regraft.recover.geometry.steps import steps
from regraft.recover.geometry.ways import Way, Ways, fixed, least, within

#: What a draft costs more if no sizes fit its arrays: it is almost surely wired wrongly.
UNFIT = 25.0


#: What is dearer than the best assignment by so many nats is not followed; less in networks of more calls than ``LONG``.
SLACK, SLACK_LONG, LONG = 9.0, 5.0, 100


#: Rare settings are tried in networks of at most so many calls.
WIDE_UP_TO = 60
#: Habits that are tried in long networks.
MOST_HABITS = 4


#: What is first tried are settings within so many nats of the usual one.
USUAL = 1.2
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
    """The draft as it was, complete enough to be built, with an open choice that says why."""
    choice = Choice("sizes of the maps", "as Keras' defaults have them", (), "open", reason)
    return replace(
        draft, blueprint=completed(draft.blueprint), cost=draft.cost + UNFIT, choices=(*draft.choices, choice)
    )


def fitted(draft: Draft, hints: Hints) -> list[Draft]:
    """The best drafts, those of all data formats and habits together."""
    base = graph_of(draft.blueprint, draft.grouping.tree)
    slack = SLACK if len(base.calls) <= LONG else SLACK_LONG
    blocked = contradiction(base, draft, hints)
    if blocked:
        return [unfit(draft, f"whatever the sizes: what reaches layer {blocked} has not the channels that it takes")]
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


def contradiction(base: Graph, draft: Draft, hints: Hints) -> str:
    """A layer that cannot take what reaches it under any sizes, because ranks or channels are wrong; mostly empty."""
    plan = plan_of(formats(base, hints)[0], draft, hints, Borders(), wide=False)
    if any(spec.type in ("Reshape", "Permute", "RepeatVector", "Slot") for spec in plan.graph.blueprint.layers):
        return ""
    problem = [replace(step, ways=open_sizes(step.ways)) if not step.inputs else step for step in steps(plan, Habit())]
    return search(problem, plan.shop, 16).failure


def open_sizes(ways: Ways) -> Ways:
    """The shapes of an input with every axis open."""

    def opened(way: Way) -> Way:
        shape = getattr(way.layer, "batch_shape", None)
        if shape is None:
            return way
        return Way(way.edits, way.cost, InputLayer(batch_shape=(None,) * len(shape)))

    return fixed({way.edits: opened(way) for way in ways(())}.values())


def has_statistics(graph: Graph) -> bool:
    """Whether there are BatchNorms whose means borders may have shifted."""
    return any("moving_mean" in shapes for shapes in graph.stored.values())


def tried(base: Graph, draft: Draft, hints: Hints, seen: Borders, slack: float) -> tuple[list[Fitted], str]:
    """The searches over all data formats, with rare settings only where nothing else will do."""
    failure, last = "", list[Fitted]()
    # Rare settings multiply the states; in long networks that takes too long.
    for effort in EFFORTS[:1] if len(base.calls) > WIDE_UP_TO else EFFORTS:
        plans = [(plan_of(one, draft, hints, seen, wide=effort.wide), one.cost) for one in formats(base, hints)]
        found, failed = searched(plans, draft, effort, slack)
        failure, last = failure or failed, found or last
        if found and min(one.excess for one in found) <= effort.limit:
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
        bounds = [
            cost + habit.cost + sum(least(s.ways) for s in problem if not s.shared) for habit, problem in problems
        ]
        ranked = sorted(zip(problems, bounds, strict=True), key=lambda item: item[1])
        for (habit, problem), bound in ranked[:MOST_HABITS] if len(plan.graph.calls) > LONG else ranked:
            extra = cost + habit.cost
            if bound > best + slack:
                continue
            width = width_for(plan)
            if best == INFINITE:
                # The usual settings of every layer leave few states, so that no input size is lost among them.
                usual = [replace(step, ways=within(step.ways, USUAL) if step.inputs else step.ways) for step in problem]
                quick = search(usual, plan.shop, max(width, 1500), slack=slack)
                best = min(best, quick.best + extra)
                if not quick.failure:
                    found.append(Fitted(plan, habit, quick, extra, quick.best + extra - min(bounds), hasty=True))
            lattice = search(problem, plan.shop, width, best + slack - extra, slack)
            failure = failure or lattice.failure
            if not lattice.failure:
                best = min(best, lattice.best + extra)
                found.append(Fitted(plan, habit, lattice, extra, lattice.best + extra - min(bounds)))
    return found, failure
