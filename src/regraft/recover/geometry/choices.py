"""What was decided, in words: labels from how much dearer every other value is, with and without the facts of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from regraft.blueprint import Choice, Label, Setting
from regraft.blueprint.words import words
from regraft.recover.geometry.alternatives import WORTH_ASKING
from regraft.recover.geometry.lattice import INFINITE, Assignment, Lattice, Step, best_with
from regraft.recover.geometry.plan import MARGIN_UNSIZED, Plan
from regraft.recover.geometry.roles import is_pool
from regraft.recover.geometry.ways import Fixed, Way, least
from regraft.recover.question import Option, Question, sorted_question, times

#: A value is supported if every other one costs so much more than without the facts, in nats.
GAIN = 1.5
#: Below this the values are about equally likely.
EVEN = 0.7
#: Settings that a layer cannot be built without are choices even where one value remains.
ALWAYS = frozenset({"target_shape", "dims", "n", "batch_shape", "return_sequences", "layer.return_sequences"})

#: Settings with endless possible values, of which few are tried: not supported by the lack of others.
FREE = frozenset({"target_shape", "dims", "n"})

Values = dict[tuple[str, str], dict[Setting, float]]


@dataclass(frozen=True)
class Verdicts:
    """
    The least cost of every value of every setting.

    Attributes:
        told: With all facts.
        usual: With habits alone: as if no array said how long its axis must be, and nothing had to be joined.
        slack: Values that are missing cost more by so much, if they fit at all.
        cut: Whether the search had to leave out states.
    """

    told: Values
    usual: Values
    slack: float
    cut: bool = False

    def margin(self, name: str, key: str, value: Setting) -> float:
        """By how much the next best value is dearer, in nats."""
        return margin(self.told.get((name, key), {}), value)

    def gain(self, name: str, key: str, value: Setting) -> float:
        """How much of the margin comes from facts."""
        found = self.margin(name, key, value)
        known = self.usual.get((name, key), {})
        # Values that were not met on the way cost more than anything that was followed.
        return min(found, self.slack) - min(margin(known, value), self.slack) if value in known else found


def margin(costs: Mapping[Setting, float], value: Setting) -> float:
    """By how much the cheapest other value is dearer than this one."""
    others = [cost for other, cost in costs.items() if other != value]
    return min(others) - costs[value] if others and value in costs else INFINITE


def least_costs(found: Sequence[tuple[Lattice, float]]) -> Values:
    """For every setting and value the least cost over several searches, each with a cost of its own."""
    values: Values = {}
    for lattice, extra in found:
        for name, costs in best_with(lattice).items():
            for (_, edits), cost in costs.items():
                for key, value in edits:
                    known = values.setdefault((name, key), {})
                    known[value] = min(known.get(value, INFINITE), cost + extra)
    return values


def usual_costs(problems: Sequence[tuple[Sequence[Step], float]]) -> Values:
    """For every setting and value the least cost by habits alone, over several habits, each with a cost of its own."""
    values: Values = {}
    for steps, extra in problems:
        paid: set[str] = set()
        total = extra + sum(least(step.ways) for step in steps if not step.shared)
        for step in steps:
            if step.name in paid or not isinstance(step.ways, Fixed):
                continue
            paid.add(step.name)
            base = total - (0.0 if step.shared else least(step.ways))
            for way in step.ways.found:
                for key, value in way.edits:
                    known = values.setdefault((step.name, key), {})
                    known[value] = min(known.get(value, INFINITE), base + way.cost)
    return values


def choices_of(
    plan: Plan, lattice: Lattice, assignment: Assignment, told: Verdicts, questions: Sequence[Question]
) -> list[Choice]:
    """One choice for every setting that was not the only one possible."""
    asked = {subject for question in questions for option in question.options for subject in option.edits}
    found: dict[str, Choice] = {}
    for step, edge in zip(lattice.steps, assignment.edges, strict=True):
        way = edge.group[0]
        if way.kind:
            continue
        for key, value in way.edits:
            costs = told.told.get((step.name, key), {})
            subject = f"{step.name}.{key}"
            usual = getattr(plan.graph.layers[step.name], key, None) == value
            only = len(costs) < 2 and usual and key not in ALWAYS
            if (step.name, key) in asked or subject in found or only:
                continue
            if key == "batch_shape" and step.name in plan.stated:
                found[subject] = stated_choice(plan, step.name, value)
                continue
            found[subject] = choice_of(plan, step.name, key, value, told)
    formats = [plan.format_choice] if plan.format_choice is not None else []
    return [*formats, *found.values()]


def stated_choice(plan: Plan, name: str, value: Setting) -> Choice:
    """The shape of an input that the user gave; of several inputs nobody has said which is which."""
    given = {repr(dict(way.edits).get("batch_shape")) for layer in plan.stated for way in plan.entries[layer]}
    alike = len(given) == 1
    reason = "stated by the user" if alike else "stated by the user, in the order in which the file has the inputs"
    return Choice(f"{name}.batch_shape", words(value), (words(value),), "proved" if alike else "assumed", reason)


def choice_of(plan: Plan, name: str, key: str, value: Setting, told: Verdicts) -> Choice:
    """The choice about one setting."""
    costs = told.told.get((name, key), {})
    others = sorted((other for other in costs if other != value), key=costs.__getitem__)
    margin, gain = told.margin(name, key, value), told.gain(name, key, value)
    best = min(costs, key=costs.__getitem__) == value if costs else True
    # A pool of another size may give the same map: little but convention speaks for one of them.
    pooled = is_pool(plan.graph.spec(name).type) and key in ("pool_size", "padding")
    needed = MARGIN_UNSIZED if pooled else plan.margin
    label, reason = labelled(margin, gain, best=best, needed=needed, cut=told.cut)
    if key == "batch_shape" and has_open_axes(value):
        label, reason = "open", "nothing in the file depends on the sizes that are left open"
    elif key in FREE and label == "supported":
        label, reason = "assumed", f"the squarest way to fit what comes behind: {reason}"
    if f"{name}.{key}" in plan.answers:
        label, reason = "proved", "stated by the user"
    candidates = tuple(dict.fromkeys(map(words, (value, *others[:7]))))
    return Choice(f"{name}.{key}", words(value), candidates, label, reason)


def labelled(margin: float, gain: float, *, best: bool, needed: float, cut: bool) -> tuple[Label, str]:
    """The label and the reason for it; ``needed`` is the margin from which on a value is supported."""
    if not best:
        return "assumed", "goes with the other settings of this candidate"
    if cut:
        return "assumed", "convention: there were too many combinations of sizes to follow all"
    if margin == INFINITE and gain >= GAIN:
        return "supported", "no other value tried lets all arrays and sums fit at a comparable cost"
    if margin >= needed and gain >= GAIN:
        return "supported", f"every other value is {times(margin)} less likely, most of it because sizes must fit"
    if margin == INFINITE:
        return "assumed", "convention: other values are far less usual"
    if margin < EVEN:
        return "open", f"another value is nearly as likely ({times(margin)} less)"
    return "assumed", f"convention: every other value is {times(margin)} less likely"


def has_open_axes(shape: Setting) -> bool:
    """Whether a shape leaves an axis open behind the batch."""
    return isinstance(shape, tuple) and None in shape[1:]


def questions_of(assignment: Assignment, lattice: Lattice) -> list[Question]:
    """Settings that change no size: the ways of one layer that lead to the same shapes."""
    found: list[Question] = []
    asked: set[str] = set()
    for step, edge in zip(lattice.steps, assignment.edges, strict=True):
        best = edge.group[0]
        ways = [way for way in edge.group if way.cost - best.cost < WORTH_ASKING and not way.kind]
        if len(ways) < 2 or step.name in asked or step.shared:
            continue
        asked.add(step.name)
        found.append(question_of(step.name, ways))
    return found


def question_of(name: str, ways: Sequence[Way]) -> Question:
    """One question about a layer; only the settings that differ are named."""
    differing = [key for key in dict(ways[0].edits) if len({words(dict(way.edits).get(key)) for way in ways}) > 1]
    least = ways[0].cost
    options = [
        Option(
            way.cost - least,
            {(name, key): dict(way.edits)[key] for key in differing if key in dict(way.edits)},
            f"convention: {times(way.cost - least)} less likely than the most frequent, with the same sizes",
        )
        for way in ways
    ]
    clear = ways[1].cost - least >= EVEN
    return sorted_question(options, "assumed" if clear else "open")
