"""
What stored statistics say of each activation: ranges in front of a BatchNorm, and moments between two of them.

Every function is put into all open places at once and the moments are carried through the graph; a BatchNorm that comes
after a place then says how well the function fits there. Between two BatchNorms there is mostly one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from regraft.blueprint import Setting
from regraft.moments.norms import Norm, nats, norm
from regraft.moments.prediction import Prediction
from regraft.moments.propagate import predictions
from regraft.recover.draft import edited
from regraft.recover.settings.bounds import nats_in_front
from regraft.recover.settings.scene import TROUBLE, Scene
from regraft.recover.settings.slots import Slot
from regraft.recover.settings.surroundings import BATCH_NORMS, core

#: What moments err in, they err in alike all over a network (a short training leaves every moving average behind).
TRUST = 0.6
#: Functions that are not compared, and those that they are nearly like.
NEAR = {
    "relu6": ("relu",),
    "leaky 0.01": ("relu",),
    "leaky 0.1": ("relu", "leaky 0.2"),
    "hard_sigmoid": ("sigmoid",),
    "softmax": ("sigmoid",),
    "softsign": ("tanh",),
    "mish": ("silu",),
}
MAXIMA = frozenset({"MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D"})


@dataclass(frozen=True, order=True)
class Answer:
    """
    One answer for one slot.

    Attributes:
        function: Short name.
        in_front: Whether it stands in front of the normalisation, where the slot has a partner there.
    """

    function: str
    in_front: bool = False


@dataclass(frozen=True)
class Evidence:
    """
    What the statistics say about one slot.

    Attributes:
        nats: Cost of each answer, 0 for the best; answers that are missing cost as much as the mean.
        misfits: Misfit of each answer where one was computed, in standard deviations.
        norms: The BatchNorms that say it.
        note: The reason in words, where it is not a BatchNorm.
    """

    nats: Mapping[Answer, float] = field(default_factory=dict)
    misfits: Mapping[Answer, float] = field(default_factory=dict)
    norms: tuple[str, ...] = ()
    note: str = ""

    @property
    def told(self) -> bool:
        """Whether statistics say it, not only a tendency."""
        return bool(self.norms)

    @cached_property
    def mean(self) -> float:
        """What an answer costs of which nothing is known."""
        return sum(self.nats.values()) / len(self.nats)

    def cost(self, answer: Answer) -> float:
        """Nats of an answer; one that was not compared costs as much as those that are nearly the same function."""
        if not self.nats:
            return 0.0
        if answer in self.nats:
            return self.nats[answer]
        near = [self.nats[a] for f in NEAR.get(answer.function, ()) if (a := replace(answer, function=f)) in self.nats]
        return min(near) if near else self.mean

    def words(self, answer: Answer) -> str:
        """The reason in words, with figures; empty where nothing is known."""
        if not self.norms:
            return self.note
        where = f"{self.norms[0]}" + (f" and {len(self.norms) - 1} more" if len(self.norms) > 1 else "")
        rivals = {a: m for a, m in self.misfits.items() if a.function != answer.function}
        if answer in self.misfits and rivals:
            rival = min(rivals, key=lambda a: rivals[a])
            return (
                f"statistics of {where}: misfit {self.misfits[answer]:.3f} sd, "
                f"next {rival.function} {rivals[rival]:.3f} sd"
            )
        return f"the range of the statistics of {where}"


def gather(
    scene: Scene,
    slots: Sequence[Slot],
    functions: tuple[str, ...],
    edits: Mapping[Answer, Mapping[tuple[str, str], Setting]],
) -> list[Evidence]:
    """
    Evidence for each slot.

    Args:
        scene: The draft.
        slots: The places.
        functions: Short names to compare.
        edits: For each answer the settings that put it into all slots.
    """
    if not slots or not any(core(spec).type in BATCH_NORMS for spec in scene.blueprint.layers):
        return [Evidence() for _ in slots]
    norms = known_norms(scene)
    runs = Runs({answer: carried(scene, change) for answer, change in edits.items()}, slots)
    return [about(scene, slot, functions, norms, runs) for slot in slots]


class Runs:
    """
    What each answer predicts for each BatchNorm.

    Args:
        found: Predictions by answer and BatchNorm.
        slots: The places that were open.
    """

    def __init__(self, found: Mapping[Answer, Mapping[str, Prediction]], slots: Sequence[Slot]) -> None:
        self.found = found
        through = {name: p.through for run in found.values() for name, p in run.items()}
        place = {layer: i for i, slot in enumerate(slots) for layer in (slot.layer, slot.partner) if layer}
        self.behind: dict[int, list[str]] = {}
        self.shared: dict[str, int] = {}
        for name in sorted(through):
            passed = {place[layer] for layer in through[name] if layer in place}
            # A BatchNorm that several open places lead to speaks of all of them at once.
            self.shared[name] = len(passed)
            for i in passed:
                self.behind.setdefault(i, []).append(name)
        self.place = place

    def norms_behind(self, slot: Slot) -> list[str]:
        """The BatchNorms whose prediction depends on a slot."""
        return self.behind.get(self.place[slot.layer], [])

    def misfits(self, answers: Sequence[Answer], name: str) -> np.ndarray:
        """The misfit of each answer at one BatchNorm, NaN where there is no prediction."""
        found = (self.found.get(answer, {}).get(name) for answer in answers)
        return np.array([p.misfit if p is not None else np.nan for p in found])


def known_norms(scene: Scene) -> dict[str, Norm]:
    """The statistics of every BatchNorm."""
    found: dict[str, Norm] = {}
    for spec in scene.blueprint.layers:
        if core(spec).type in BATCH_NORMS:
            arrays = scene.stored(spec.name)
            if {"moving_mean", "moving_variance"} <= set(arrays):
                found[spec.name] = norm(arrays)
    return found


def carried(scene: Scene, change: Mapping[tuple[str, str], Setting]) -> dict[str, Prediction]:
    """Predictions with some settings changed, by BatchNorm; none where the graph does not hold together."""
    try:
        with np.errstate(all="ignore"):
            found = predictions(edited(scene.blueprint, change), scene.values, scene.shapes)
    except TROUBLE:
        return {}
    return {p.layer: p for p in found if p.known}


def about(
    scene: Scene,
    slot: Slot,
    functions: tuple[str, ...],
    norms: Mapping[str, Norm],
    runs: Runs,
) -> Evidence:
    """What the BatchNorms behind a slot, and the one in front of it where it has a partner, say about it."""
    answers = [Answer(f) for f in functions]
    if slot.partner:
        answers += [Answer(f, in_front=True) for f in functions if f != "linear"]
    total = dict.fromkeys(answers, 0.0)
    misfits: dict[Answer, list[float]] = {}
    said: dict[str, None] = {}
    for name, front in fronts(scene, slot, norms):
        raised = bool(scene.around.between(slot.partner if front else slot.layer, name) & MAXIMA)
        costs = nats_in_front(norms[name], functions, raised=raised)
        if any(costs.values()):
            said[name] = None
        for answer in answers:
            behind = answer.function if answer.in_front == front else "linear"
            total[answer] += costs[behind]
    for name in runs.norms_behind(slot):
        values = runs.misfits(answers, name)
        for answer, cost, value in zip(answers, nats(values) / runs.shared[name], values, strict=True):
            total[answer] += TRUST * float(cost)
            if np.isfinite(value):
                misfits.setdefault(answer, []).append(float(value))
        said[name] = None
    if not said:
        return Evidence()
    least = min(total.values())
    pooled = {answer: float(np.sqrt(np.mean(np.square(m)))) for answer, m in misfits.items()}
    return Evidence({answer: cost - least for answer, cost in total.items()}, pooled, tuple(said))


def fronts(scene: Scene, slot: Slot, norms: Mapping[str, Norm]) -> list[tuple[str, bool]]:
    """The BatchNorms right behind a slot, and behind its partner (True)."""
    found: list[tuple[str, bool]] = []
    for layer, front in ((slot.layer, False), (slot.partner, True)):
        if layer:
            found += [(s.name, front) for s in scene.around.behind(layer) if s is not None and s.name in norms]
    return found
