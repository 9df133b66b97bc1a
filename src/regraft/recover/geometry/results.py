"""What the searches found, as drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from regraft.blueprint import Setting
from regraft.recover.draft import Draft, edited
from regraft.recover.geometry.alternatives import Chosen, sizes_question, structure, variants, varying
from regraft.recover.geometry.choices import Verdicts, choices_of, least_costs, questions_of, usual_costs
from regraft.recover.geometry.dilations import dilation_question
from regraft.recover.geometry.habits import Habit
from regraft.recover.geometry.lattice import Assignment, Lattice, assignments
from regraft.recover.geometry.plan import Plan
from regraft.recover.geometry.settling import put_in, settled

#: Drafts given back: as many ways to put in layers; and assignments of sizes that are looked at.
MOST, MOST_ASSIGNMENTS, MOST_FOUND = 12, 400, 2000


@dataclass(frozen=True)
class Fitted:
    """
    A lattice with the plan and habit it was made under.

    Attributes:
        plan: What was searched.
        habit: The habit.
        lattice: What was found.
        cost: Of the habit and the data format.
        hasty: Whether only the most usual settings were tried.
        excess: By how much the best assignment is dearer than the cheapest settings of every layer.
    """

    plan: Plan
    habit: Habit
    lattice: Lattice
    cost: float
    excess: float
    hasty: bool = False


@dataclass(frozen=True)
class Found:
    """
    One choice for every layer.

    Attributes:
        cost: In nats, that of its habit and data format included.
        assignment: The sizes.
        under: The search that found it.
        choice: The ways.
    """

    cost: float
    assignment: Assignment
    under: Fitted
    choice: Chosen


def drafts(draft: Draft, found: Sequence[Fitted]) -> list[Draft]:
    """The cheapest assignments of all searches, as drafts; none twice."""
    told = Verdicts(
        least_costs([(f.lattice, f.cost) for f in found]),
        usual_costs(
            [(f.lattice.steps, f.cost) for f in found if not f.hasty] or [(f.lattice.steps, f.cost) for f in found]
        ),
        min(f.lattice.slack for f in found),
        any(f.lattice.cut for f in found),
    )
    listed: list[tuple[float, Assignment, Fitted]] = []
    cheapest = min(f.lattice.best + f.cost for f in found)
    for one in found:
        for i, assignment in enumerate(assignments(one.lattice)):
            cost = assignment.cost + one.cost
            if i >= MOST_ASSIGNMENTS or cost > cheapest + one.lattice.slack:
                break
            listed.append((cost, assignment, one))
    # Of equal ones that of the wider search, which knows the alternatives.
    listed.sort(key=lambda item: (round(item[0], 6), item[2].hasty))
    groups: dict[object, list[Found]] = {}
    seen: set[str] = set()
    spread = (
        Found(price + one.cost, assignment, one, choice)
        for _, assignment, one in listed[:MOST_ASSIGNMENTS]
        for price, choice in variants(one.lattice, assignment)
        if price + one.cost <= cheapest + one.lattice.slack
    )
    for place in sorted(islice(spread, MOST_FOUND), key=lambda f: (round(f.cost, 6), f.under.hasty)):
        first = place.under.plan.graph.channels_first
        mark = repr([(name, ways[0].key) for name, ways in place.choice.items()]) + repr(first)
        if mark not in seen:
            seen.add(mark)
            groups.setdefault((first, structure(place.choice)), []).append(place)
    return [made_draft(draft, group, told) for group in list(groups.values())[:MOST]]


def made_draft(draft: Draft, group: Sequence[Found], told: Verdicts) -> Draft:
    """The draft with the settings of the best assignment of one structure, the others as a question."""
    one, assignment, best = group[0].under, group[0].assignment, group[0].choice
    edits: dict[tuple[str, str], Setting] = {
        (name, key): value for name, ways in best.items() if not ways[0].kind for key, value in ways[0].edits
    }
    blueprint = edited(one.plan.graph.blueprint, edits)
    first = {name: ways[0] for name, ways in best.items()}
    names = {slot: spec.name for slot, spec in put_in(blueprint, first).items()}
    if any(spec.type == "Slot" for spec in blueprint.layers):
        blueprint = settled(blueprint, first)
    layers = varying([found.choice for found in group])
    questions = [q for q in questions_of(assignment, one.lattice) if not layers & {k[0] for k in q.options[0].edits}]
    holes = dilation_question(one.plan, blueprint)
    if holes is not None:
        asked = {subject for question in questions for option in question.options for subject in option.edits}
        questions += [holes] if not asked & set(holes.options[0].edits) else []
    choices = choices_of(one.plan, one.lattice, assignment, told, questions)
    sizes = sizes_question([(found.cost, found.choice) for found in group], layers, names)
    return replace(
        draft,
        blueprint=blueprint,
        cost=draft.cost + group[0].cost,
        choices=(*draft.choices, *choices),
        questions=(*draft.questions, *([sizes] if sizes is not None else []), *questions),
    )
