"""What the searches found, as drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from regraft.blueprint import Setting
from regraft.recover.draft import Draft, edited
from regraft.recover.geometry.choices import Verdicts, choices_of, least_costs, questions_of, usual_costs
from regraft.recover.geometry.dilations import dilation_question
from regraft.recover.geometry.habits import Habit
from regraft.recover.geometry.lattice import Assignment, Lattice, assignments
from regraft.recover.geometry.plan import Plan
from regraft.recover.geometry.settling import settled
from regraft.recover.geometry.ways import Way

#: Drafts given back.
MOST = 12


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
    listed: list[tuple[float, int, Assignment, Fitted]] = []
    cheapest = min(f.lattice.best + f.cost for f in found)
    for number, one in enumerate(found):
        for i, assignment in enumerate(assignments(one.lattice)):
            cost = assignment.cost + one.cost
            if i >= MOST or cost > cheapest + one.lattice.slack:
                break
            listed.append((cost, number, assignment, one))
    # Of equal ones that of the wider search, which knows the alternatives.
    listed.sort(key=lambda item: (round(item[0], 6), item[3].hasty))
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
    questions = questions_of(assignment, one.lattice)
    holes = dilation_question(one.plan, blueprint)
    if holes is not None:
        asked = {subject for question in questions for option in question.options for subject in option.edits}
        questions += [holes] if not asked & set(holes.options[0].edits) else []
    choices = choices_of(one.plan, one.lattice, assignment, told, questions)
    return replace(
        draft,
        blueprint=blueprint,
        cost=cost,
        choices=(*draft.choices, *choices),
        questions=(*draft.questions, *questions),
    )
