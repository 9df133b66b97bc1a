"""The sizes of a wired draft: the search under every habit of Keras code, and what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from regraft.blueprint import Choice, LayerSpec
from regraft.errors import RegraftError
from regraft.layers.inputs import InputLayer
from regraft.recover.draft import Draft, Hints
from regraft.recover.geometry.borders import Borders, borders
from regraft.recover.geometry.budget import Budget
from regraft.recover.geometry.graph import Graph, completed, graph_of
from regraft.recover.geometry.habits import Habit
from regraft.recover.geometry.lattice import INFINITE, Lattice, Step
from regraft.recover.geometry.plan import Plan
from regraft.recover.geometry.planning import formats, plan_of, plausible, width_for
from regraft.recover.geometry.results import Fitted, drafts
from regraft.recover.geometry.search import search
from regraft.recover.geometry.steps import steps
from regraft.recover.geometry.ways import Way, Ways, fixed, least, within

#: What a draft costs more if no sizes fit its arrays: it cannot run, so that any that can comes first.
UNFIT = 100.0


#: What is dearer than the best assignment by so many nats is not followed; less in networks of more calls than ``LONG``.
SLACK, SLACK_LONG, LONG = 9.0, 5.0, 100


#: Rare settings are tried in networks of at most so many calls.
WIDE_UP_TO = 60
#: Habits that are tried in long networks.
MOST_HABITS = 4
#: The same where rare settings are tried: they are rare under every habit.
MOST_HABITS_WIDE = 2


#: States after which no more habits are tried: arrays that hardly any sizes fit have no end of them.
MOST_STATES, STATES_PER_CALL = 40_000, 200


#: What is first tried are settings within so many nats of the usual one.
USUAL = 1.2
#: Settings that cost no more than this above the usual one are always tried.
LEAST_LIMIT = 5.0


#: Why a draft has no sizes where the work ended before any were found.
OUT_OF_WORK = "no sizes were found before the search was ended: so many ways to fit these arrays are no network's"


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


#: What is followed without a first guess, above the cheapest settings of every layer, one after another.
LEVELS = (9.0, 14.0, 20.0, 30.0, INFINITE)
#: The same for rare settings: what needs several of them is wired wrongly, more likely than not.
LEVELS_WIDE = (9.0, 14.0, 20.0)
#: The same in long networks, where the first levels hardly ever suffice.
LEVELS_LONG = (20.0, INFINITE)
#: States kept while only the most usual settings are tried.
WIDTH_USUAL = 1500
#: Rare settings count where they are not dearer than usual ones by more.
NEARLY = 2.0


EFFORTS = (Effort(9.0), Effort(INFINITE, wide=True))


def fit(draft: Draft, hints: Hints, budget: Budget | None = None) -> list[Draft]:
    """
    Find the map sizes of a wired draft.

    Strides, paddings, dilations, pools, UpSampling, ZeroPadding, Cropping, Reshape, ``return_sequences``, the data
    format, and the input shapes where ``hints`` has none. If the file does not list layers without variables, pools,
    Flatten, global pools, Reshape and UpSampling are put in where sizes or ranks ask for them.

    Args:
        draft: With default settings wherever the file says nothing.
        hints: Input shapes and answers of the user.
        budget: What is left of the work for all drafts of a file.

    Returns:
        At most 12 drafts, best first. Their costs are those of the draft plus the nats of every setting; where nothing
        fits, the draft as it was, dearer, with an ``open`` choice.
    """
    try:
        return fitted(draft, hints, budget or Budget())
    except ABSURD as error:
        return [unfit(draft, f"the sizes could not be searched: {type(error).__name__}")]


def unfit(draft: Draft, reason: str) -> Draft:
    """The draft as it was, complete enough to be built, with an open choice that says why."""
    choice = Choice("sizes of the maps", "as Keras' defaults have them", (), "open", reason)
    return replace(
        draft, blueprint=completed(draft.blueprint), cost=draft.cost + UNFIT, choices=(*draft.choices, choice)
    )


def fitted(draft: Draft, hints: Hints, budget: Budget) -> list[Draft]:
    """The best drafts, those of all data formats and habits together."""
    base = graph_of(draft.blueprint, draft.grouping.tree)
    slack = SLACK_LONG if is_long(base) else SLACK
    blocked = contradiction(base, draft, hints, budget)
    if blocked:
        return [unfit(draft, f"whatever the sizes: what reaches layer {blocked} has not the channels that it takes")]
    trained, habits = has_statistics(base), likely(base, draft, hints, budget, slack)
    # Where stored means will have a say, a first guess is enough to start from.
    found, failure = tried(base, draft, hints, Borders(), budget, 1.0 if trained else slack, habits)
    if not found and budget.spent:
        return [unfit(draft, OUT_OF_WORK)]
    if not found:
        return [unfit(draft, f"no sizes fit: nothing that reaches layer {failure} has the shape that its arrays need")]
    if trained:
        seen = borders(drafts(draft, found)[0].blueprint, draft.grouping.tree)
        again, _ = tried(base, draft, hints, seen, budget, slack, habits)
        found = again or found
    return drafts(draft, found)


def contradiction(base: Graph, draft: Draft, hints: Hints, budget: Budget) -> str:
    """A layer that cannot take what reaches it under any sizes, because ranks or channels are wrong; mostly empty."""
    plan = plan_of(formats(base, hints)[0], draft, hints, Borders(), budget, wide=False)
    if any(deals_anew(spec) for spec in plan.graph.blueprint.layers):
        return ""
    problem = [replace(step, ways=open_sizes(step.ways)) if not step.inputs else step for step in steps(plan, Habit())]
    found = search(problem, plan.shop, 16)
    return "" if found.cut else found.failure


def deals_anew(spec: LayerSpec) -> bool:
    """Whether what leaves a layer, or one that may be put in a place, can have other channels whatever the sizes."""
    slot = spec.type == "Slot" and spec.config.get("role") in ("turn", "map", "sequence")
    return slot or spec.type in ("Reshape", "Permute", "RepeatVector")


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


def tried(
    base: Graph, draft: Draft, hints: Hints, seen: Borders, budget: Budget, slack: float, habits: Sequence[Habit] = ()
) -> tuple[list[Fitted], str]:
    """The searches over all data formats, with rare settings only where nothing else will do."""
    failure, every, best = "", list[Fitted](), INFINITE
    # Rare settings multiply the states; in long networks that takes too long.
    for effort in EFFORTS[:1] if len(base.calls) > WIDE_UP_TO else EFFORTS:
        plans = [(plan_of(one, draft, hints, seen, budget, wide=effort.wide), one.cost) for one in formats(base, hints)]
        # Rare settings must beat what the usual ones have found, or come near.
        found, failed = searched(plans, draft, effort, slack, best + NEARLY, habits)
        failure, every = failure or failed, every + found
        best = min((one.lattice.best + one.cost for one in every), default=INFINITE)
        if every and min(one.excess for one in every) <= effort.limit:
            break
    return every, failure


def likely(graph: Graph, draft: Draft, hints: Hints, budget: Budget, slack: float) -> list[Habit]:
    """The habits of a long network under which its layers may cost least; none for others, where all are tried."""
    if not is_long(graph):
        return []
    plan = plan_of(formats(graph, hints)[0], draft, hints, Borders(), budget, wide=False)
    problems = [problem(plan, habit, 0.0, max(slack, LEAST_LIMIT)) for habit in plausible(plan, draft)]
    return [one.habit for one in sorted(problems, key=lambda one: one.bound)[:MOST_HABITS]]


def is_long(graph: Graph) -> bool:
    """Whether trying everything would take too long."""
    return len(graph.calls) > LONG


def searched(
    plans: Sequence[tuple[Plan, float]],
    draft: Draft,
    effort: Effort,
    slack: float,
    most: float,
    habits: Sequence[Habit] = (),
) -> tuple[list[Fitted], str]:
    """The lattices of all habits that can compete below a cost, and the layer at which the first failed."""
    limit = effort.limit if effort.wide else min(effort.limit, max(slack, LEAST_LIMIT))
    problems = [problem(plan, habit, cost, limit) for plan, cost in plans for habit in habits or plausible(plan, draft)]
    problems.sort(key=lambda one: one.bound)
    floor = problems[0].bound
    states = most_states(problems)
    for one in problems:
        lattice = one.quick(slack, most)
        if not lattice.failure:
            return competing(problems, one.fitted(lattice, floor, hasty=True), slack, most, floor)
        states -= visited(lattice)
        if states < 0:
            break
    # Without a first guess more and more is followed, so that few sizes are where the arrays leave a likely way.
    failure, states = "", most_states(problems)
    if effort.wide:
        problems = problems[:MOST_HABITS_WIDE]
    for level in LEVELS_WIDE if effort.wide else LEVELS_LONG if is_long(plans[0][0].graph) else LEVELS:
        for one in problems:
            lattice = one.search(min(floor + level, most), slack) if one.bound <= min(floor + level, most) else None
            if lattice is not None and not lattice.failure:
                return competing(problems, one.fitted(lattice, floor, hasty=True), slack, most, floor)
            failure = failure or (lattice.failure if lattice is not None else "")
            states -= 0 if lattice is None else visited(lattice)
            if states < 0:
                return [], failure
        if floor + level >= most:
            break
    return [], failure


def competing(
    problems: Sequence[Problem], first: Fitted, slack: float, most: float, floor: float
) -> tuple[list[Fitted], str]:
    """What all habits find that is hardly dearer than the best, given a first guess."""
    found, best, states = [first], first.lattice.best + first.cost, most_states(problems)
    for one in problems:
        limit = min(best + slack, most)
        if one.bound <= limit:
            lattice = one.search(limit, slack)
            states -= visited(lattice)
            if not lattice.failure:
                best = min(best, lattice.best + one.extra)
                found.append(one.fitted(lattice, floor))
            if states < 0:
                break
    return found, ""


def most_states(problems: Sequence[Problem]) -> int:
    """How many states are visited under all habits together, about."""
    return max(MOST_STATES, STATES_PER_CALL * len(problems[0].steps))


def visited(lattice: Lattice) -> int:
    """How many states a search has visited."""
    return sum(map(len, lattice.before))


@dataclass(frozen=True)
class Problem:
    """
    The search under one habit.

    Attributes:
        plan: What all searches of a data format share.
        habit: The habit.
        steps: The calls.
        extra: Cost of the habit and the data format.
        bound: What every assignment costs at least.
    """

    plan: Plan
    habit: Habit
    steps: Sequence[Step]
    extra: float
    bound: float

    def search(self, most: float, slack: float) -> Lattice:
        """What ends below a cost."""
        return search(self.steps, self.plan.shop, width_for(self.plan), most - self.extra, slack)

    def quick(self, slack: float, most: float) -> Lattice:
        """The most usual settings alone: they leave few states, so that no input size is lost among them."""
        usual = [replace(step, ways=within(step.ways, USUAL) if step.inputs else step.ways) for step in self.steps]
        width = max(width_for(self.plan), WIDTH_USUAL)
        return search(usual, self.plan.shop, width, most - self.extra, slack)

    def fitted(self, lattice: Lattice, floor: float, *, hasty: bool = False) -> Fitted:
        """What was found, with the price of the habit."""
        return Fitted(self.plan, self.habit, lattice, self.extra, lattice.best + self.extra - floor, hasty)


def problem(plan: Plan, habit: Habit, cost: float, limit: float) -> Problem:
    """The search under one habit; settings that cost more than the cheapest of a layer by ``limit`` are left out."""
    found = steps(plan, habit, limit)
    extra = cost + habit.cost
    return Problem(plan, habit, found, extra, extra + sum(least(step.ways) for step in found if not step.shared))
