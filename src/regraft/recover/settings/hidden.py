"""Questions about hidden activations: what the statistics tell, and what only the habit of the network says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, log

from regraft.blueprint import Setting
from regraft.recover.question import Option, Question, sorted_question
from regraft.recover.settings import conventions, habits, symmetry
from regraft.recover.settings.evidence import TRUST, Answer, Evidence, gather
from regraft.recover.settings.functions import available, written
from regraft.recover.settings.habits import Habit
from regraft.recover.settings.scene import Scene
from regraft.recover.settings.slots import BEHIND_SUM, Slot
from regraft.recover.settings.surroundings import RECURRENT, SUMS, core

#: Functions whose moments are compared; the others are rare, or too much like one of these.
COMPARED = (
    "relu", "linear", "tanh", "silu", "leaky 0.2", "gelu", "sigmoid", "elu", "selu", "leaky 0.3", "softplus",
)  # fmt: skip
#: In front of a normalisation, where ranges say most already; carrying them through costs ten times as much.
COMPARED_IN_FRONT = ("relu", "tanh")
#: Where there mostly is no function, the first so many are compared.
COMPARED_BEHIND = 5
#: Networks with more layers make up in places what is spared in functions: the first few, behind normalisations.
LARGE, COMPARED_LARGE = 200, 6
#: Places with a smaller share of no function at all have one as a rule.
RULE = 0.5
#: What a network does until its values say more.
LIKELY = Habit("relu", "relu", False, 0.0)
#: An option is supported by statistics if it is ahead of every other by this many nats, conventions included.
MARGIN = 4.0
#: Statistics that prefer one answer by less than this say nothing worth a question of its own.
TELLING = 2.0


def ask(scene: Scene, slots: Sequence[Slot]) -> list[Question]:
    """One question for all layers that share a habit, one for each that the statistics set apart."""
    if not slots:
        return []
    functions = tuple(f for f in conventions.FUNCTIONS if available(f, scene.version))
    large = len(scene.blueprint.layers) > LARGE
    compared = tuple(f for f in COMPARED[: COMPARED_LARGE if large else None] if f in functions)
    found = in_turns(scene, slots, compared)
    known = habits.habits(scene.kind, slots, functions, special(scene))

    def write(slot: Slot, answer: Answer) -> Mapping[tuple[str, str], Setting]:
        return edits(scene, slot, answer)

    told = [i for i, evidence in enumerate(found) if evidence.told]
    if told:
        known = posterior(known, [slots[i] for i in told], [found[i] for i in told])
    habit = min(known, key=lambda h: h.cost)
    slots = informed(slots, found)
    apart = [i for i in told if contradicts(slots[i], found[i], habit)]
    questions = [alone(slots[i], found[i], habit, functions, write, scene) for i in apart]
    shared = [i for i in range(len(slots)) if i not in apart]
    groups = split(shared, told, found, known, slots)
    for group in groups:
        these, evidence = [slots[i] for i in group], [found[i] for i in group]
        fresh = habits.habits(scene.kind, slots, functions, special(scene))
        prior = fresh if set(group) & set(told) else known

        def reason(
            slot: Slot,
            answer: Answer,
            of: Mapping[str, Evidence] = dict(zip([s.layer for s in these], evidence, strict=True)),
        ) -> str:
            words = of[slot.layer].words(answer)
            if of[slot.layer].told:
                return words
            return "; ".join(filter(None, [convention(scene, slot, answer, bool(told)), words]))

        question = habits.question(these, evidence, prior, functions, write, reason)
        # In networks for phones relu may end at 6, which no statistics of trained layers tell.
        sure = set(group) <= set(told) and ahead(question) >= MARGIN and "DepthwiseConv2D" not in scene.types
        questions.append(replace(question, label="supported" if sure else "assumed"))
    return questions


def special(scene: Scene) -> Mapping[str, float] | None:
    """The shares of functions in networks of a kind that has habits of its own."""
    if "AlphaDropout" in scene.types:
        return conventions.SELF_NORMALISING
    if "DepthwiseConv2D" in scene.types:
        return conventions.CAPPED
    branched = scene.types & (SUMS | {"Concatenate"})
    return conventions.AVERAGING if "AveragePooling2D" in scene.types and not branched else None


def in_turns(scene: Scene, slots: Sequence[Slot], functions: tuple[str, ...]) -> list[Evidence]:
    """
    Evidence for each slot: first those that have a function as a rule, then those behind sums, then the others.

    A BatchNorm behind two places tells them apart only if one of them is held still: places whose turn has not come
    have no function, those whose turn is over have their best one.
    """
    rule = [i for i, s in enumerate(slots) if s.linear < RULE and s.place != BEHIND_SUM]
    sums = [i for i, s in enumerate(slots) if s.linear < RULE and s.place == BEHIND_SUM]
    rest = [i for i, s in enumerate(slots) if s.linear >= RULE]
    found = [Evidence() for _ in slots]
    change: dict[tuple[str, str], Setting] = {}
    few = functions[:COMPARED_BEHIND]
    for group, compared in ((rule, functions), (sums, few), (rest, few)):
        these = [slots[i] for i in group]
        held = scene.changed(change)
        for i, evidence in zip(group, gather(held, these, compared, everywhere(scene, these, compared)), strict=True):
            found[i] = evidence
            if evidence.told:
                best = min(evidence.nats, key=lambda a: evidence.nats[a] + habits.prior(slots[i], a, LIKELY))
                change.update(edits(scene, slots[i], best))
            else:
                change.update(edits(scene, slots[i], LIKELY.answer(slots[i])))
    return [e if e.told else leaning(scene, slot, functions) for slot, e in zip(slots, found, strict=True)]


def leaning(scene: Scene, slot: Slot, functions: tuple[str, ...]) -> Evidence:
    """What the signs in the layer that makes the values of a slot say."""
    layer = slot.layer
    if (
        "activation" not in core(scene.blueprint.by_name[layer]).config
        or core(scene.blueprint.by_name[layer]).type == "Activation"
    ):
        before = scene.around.before(layer)
        if len(before) != 1 or slot.partner:
            return Evidence()
        layer = before[0].name
    if core(scene.blueprint.by_name[layer]).type in RECURRENT:
        return Evidence()
    nats, note = symmetry.nats(scene.stored(layer), functions)
    return Evidence({Answer(f): cost for f, cost in nats.items()}, note=note)


def edits(scene: Scene, slot: Slot, answer: Answer) -> dict[tuple[str, str], Setting]:
    """The settings that give a slot an answer."""
    function = written(answer.function, scene.version)
    if not slot.partner:
        return {(slot.layer, slot.key): function}
    here, there = ("linear", function) if answer.in_front else (function, "linear")
    return {(slot.layer, slot.key): here, (slot.partner, slot.partner_key): there}


def everywhere(
    scene: Scene, slots: Sequence[Slot], functions: Sequence[str]
) -> dict[Answer, dict[tuple[str, str], Setting]]:
    """For each answer the edits that put it into every slot."""
    answers = [Answer(f) for f in functions]
    if any(slot.partner for slot in slots) and len(scene.blueprint.layers) <= LARGE:
        answers += [Answer(f, True) for f in COMPARED_IN_FRONT if f in functions]
    found: dict[Answer, dict[tuple[str, str], Setting]] = {}
    for answer in answers:
        change: dict[tuple[str, str], Setting] = {}
        for slot in slots:
            own = Answer(answer.function, answer.in_front and bool(slot.partner))
            change.update(edits(scene, slot, own))
        found[answer] = change
    return found


def posterior(known: Sequence[Habit], slots: Sequence[Slot], found: Sequence[Evidence]) -> list[Habit]:
    """The habits with what the statistics of all slots say of them."""
    result: list[Habit] = []
    for habit in known:
        cost = habit.cost
        for slot, evidence in zip(slots, found, strict=True):
            cost -= log(sum(exp(-habits.prior(slot, a, habit) - n) for a, n in evidence.nats.items()))
        result.append(replace(habit, cost=cost))
    least = min(habit.cost for habit in result)
    return [replace(habit, cost=habit.cost - least) for habit in result]


def contradicts(slot: Slot, evidence: Evidence, habit: Habit) -> bool:
    """Whether a slot's own statistics want something else than the habit, conventions included."""
    own = habit.answer(slot)
    costs = {a: habits.prior(slot, a, habit) + n / TRUST for a, n in evidence.nats.items()}
    best = min(costs, key=lambda a: costs[a])
    return best != own and own in costs and costs[own] - costs[best] > TELLING


def alone(
    slot: Slot, evidence: Evidence, habit: Habit, functions: Sequence[str], write: habits.Write, scene: Scene
) -> Question:
    """The question of one slot that its statistics set apart; by itself they count in full."""
    options = [
        Option(
            habits.prior(slot, answer, habit) + evidence.cost(answer) / TRUST,
            write(slot, answer),
            evidence.words(answer) or convention(scene, slot, answer, True),
        )
        for answer in habits.answers_for(slot, functions)
    ]
    found = sorted_question(options, "assumed")
    return replace(found, label="supported" if ahead(found) >= MARGIN else "assumed")


def informed(slots: Sequence[Slot], found: Sequence[Evidence]) -> list[Slot]:
    """The slots, those without statistics of their own knowing what others of their kind of place turned out to be."""
    kinds: dict[object, list[bool]] = {}
    for slot, evidence in zip(slots, found, strict=True):
        if evidence.told:
            best = min(evidence.nats, key=lambda a: evidence.nats[a] + habits.prior(slot, a, LIKELY))
            kinds.setdefault((slot.place, slot.family), []).append(best.function == "linear")
    result: list[Slot] = []
    for slot, evidence in zip(slots, found, strict=True):
        votes = kinds.get((slot.place, slot.family), [])
        # Laplace's rule, so that two of two are no certainty.
        share = (sum(votes) + 1) / (len(votes) + 2)
        knows = not evidence.told and len(votes) > 1
        result.append(replace(slot, linear=min(max(share, slot.linear / 10), 0.97)) if knows else slot)
    return result


def split(
    shared: Sequence[int], told: Sequence[int], found: Sequence[Evidence], known: Sequence[Habit], slots: Sequence[Slot]
) -> list[list[int]]:
    """Slots with statistics apart from those without, where the habit is clear; else all together."""
    with_statistics = [i for i in shared if i in set(told)]
    without = [i for i in shared if i not in set(told)]
    ranked = sorted(habit.cost for habit in known)
    clear = len(ranked) < 2 or ranked[1] - ranked[0] >= TELLING
    groups = [with_statistics, without] if clear else [list(shared)]
    return [group for group in groups if group]


def ahead(question: Question) -> float:
    """By how many nats the best option leads."""
    options = question.options
    return options[1].cost - options[0].cost if len(options) > 1 else 99.0


def convention(scene: Scene, slot: Slot, answer: Answer, told: bool) -> str:
    """Why a slot has an answer that no statistics speak of."""
    if slot.named == answer.function:
        return f"the layer's name says {slot.named}"
    if told:
        return "as the other layers of the network"
    table = conventions.HABITS["dense" if slot.family == "dense" and scene.kind == "conv" else scene.kind]
    return f"{slot.place}; {table.evidence(answer.function)}"
