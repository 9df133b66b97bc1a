"""Questions about the functions of outputs and of factors of products."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from regraft.recover.question import Option, Question, share, sorted_question
from regraft.recover.settings import conventions, zero_sum
from regraft.recover.settings.conventions import Convention
from regraft.recover.settings.evidence import Answer
from regraft.recover.settings.functions import available
from regraft.recover.settings.hidden import edits
from regraft.recover.settings.names import factors
from regraft.recover.settings.scene import Scene
from regraft.recover.settings.slots import Slot, passed
from regraft.recover.settings.surroundings import NORMS, PASSIVE, core

#: Functions an output may have.
OUTPUTS = (
    "softmax",
    "sigmoid",
    "linear",
    "tanh",
    "relu",
    "softplus",
    "elu",
    "exponential",
    "hard_sigmoid",
    "softsign",
    "selu",
)
#: A convention that leaves less than this to its favourite is split: nobody can tell.
SPLIT = 0.70
UPWARD = ("UpSampling", "Transpose")


def ask(scene: Scene, slots: Sequence[Slot]) -> list[Question]:
    """A question for each output, or one for several of the same kind."""
    kinds: dict[object, list[Slot]] = {}
    for slot in slots:
        key = (
            slot.role,
            scene.units(slot.layer),
            core(scene.blueprint.by_name[slot.layer]).type,
            slot.named,
            tuple(factors(slot.layer)),
        )
        kinds.setdefault(key, []).append(slot)
    return [question(scene, group, len(slots)) for group in kinds.values()]


def question(scene: Scene, slots: Sequence[Slot], outputs: int) -> Question:
    """The question of outputs of one kind: all have the same function, or one of them has another."""
    ranked = [priced(scene, slot, outputs) for slot in slots]
    functions = [f for f in OUTPUTS if available(f, scene.version)]
    options: list[Option] = []
    for function in functions:
        cost = sum(prices[function] for prices, _ in ranked) - (len(slots) - 1) * min(ranked[0][0].values())
        change = {k: v for slot in slots for k, v in edits(scene, slot, Answer(function)).items()}
        options.append(Option(cost, change, ranked[0][1][function]))
    best = min(options, key=lambda option: option.cost)
    if len(slots) > 1:
        for slot, (prices, why) in zip(slots, ranked, strict=True):
            for function in functions:
                change = {**best.edits, **edits(scene, slot, Answer(function))}
                if change != best.edits:
                    options.append(
                        Option(best.cost + 1.5 + prices[function] - min(prices.values()), change, why[function])
                    )
    found = sorted_question(options, "assumed")
    return found if share(found) >= SPLIT else Question(found.options, "open")


def priced(scene: Scene, slot: Slot, outputs: int) -> tuple[dict[str, float], dict[str, str]]:
    """What every function costs for one output, and why it may be it."""
    table = conventions.GATES if slot.role == "gate" else table_of(scene, slot, outputs)
    told, why = ({}, "") if slot.role == "gate" else zero_sum.nats(scene.stored(maker(scene, slot)))
    change = factors(slot.layer)
    prices: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for function in OUTPUTS:
        prices[function] = table.cost(function) + told.get(function, 0.0) - log(change.get(function, 1.0))
        if slot.named:
            prices[function] = min(prices[function] + 3.0, 12.0) if slot.named != function else 0.1
        reasons[function] = table.evidence(function) + (f"; {why}" if why else "")
        if slot.named == function:
            reasons[function] = f"the layer's name says {function}"
        elif function in change:
            reasons[function] += "; the layer's name suggests it" if change[function] > 1 else ""
    classifies = min(prices, key=lambda f: prices[f]) in ("softmax", "sigmoid") and not explicit_layer(scene, slot)
    if slot.role == "head" and classifies and recent(scene):
        prices["linear"] = min(prices["linear"], -log(conventions.LOGITS))
    if explicit_layer(scene, slot):
        # Nobody adds a layer that does nothing, and few add one for what Dense can do itself.
        prices["linear"] += -log(conventions.EXPLICIT_LINEAR * 10)
    return prices, reasons


def recent(scene: Scene) -> bool:
    """Whether the file was written by TensorFlow 2 or Keras 3, whose losses take logits."""
    return (
        scene.version is not None
        and not scene.version.before(2, 2, 4)
        and (scene.version.tf or scene.version.major >= 3)
    )


def explicit_layer(scene: Scene, slot: Slot) -> bool:
    """Whether the function stands in a layer of its own."""
    return core(scene.blueprint.by_name[slot.layer]).type == "Activation"


def maker(scene: Scene, slot: Slot) -> str:
    """The layer with weights that makes the values of an output."""
    if not explicit_layer(scene, slot):
        return slot.layer
    before = scene.around.before(slot.layer, PASSIVE | NORMS)
    return before[0].name if before else slot.layer


def table_of(scene: Scene, slot: Slot, outputs: int) -> Convention:
    """The convention that an output falls under."""
    heads = conventions.HEADS
    layer = maker(scene, slot)
    spec = core(scene.blueprint.by_name[layer])
    units = scene.units(layer) or 0
    if "Conv" in spec.type and not any(name.startswith("Global") for name in passed_on(scene, layer)):
        return heads["several 4" if units == 4 else "several"] if detects(scene, units, outputs) else maps(scene, units)
    if len(scene.weighted) == 1:
        return heads["alone 1" if units == 1 else "alone"]
    if outputs > 1:
        several = {1: "several 1", 4: "several 4"}.get(units, "several" if units < 10 else "many")
        return heads[several]
    if units == 1:
        return heads[f"1 {scene.kind}"]
    if units == 2:
        return heads["2"]
    if units >= 10:
        return heads["code" if scene.kind == "dense" and units == entering(scene) else "many"]
    return heads["few dense" if scene.kind == "dense" else "few"]


def detects(scene: Scene, units: int, outputs: int) -> bool:
    """Whether a map is one of several that say what is where: classes, and the four numbers of a box."""
    upward = any(word in name for name in scene.types for word in UPWARD)
    return outputs > 1 and units in (2, 4) and not upward


def passed_on(scene: Scene, layer: str) -> frozenset[str]:
    """Types of the passive layers between a layer and the output."""
    return passed(scene, layer) | frozenset(
        core(s).type for s in scene.blueprint.layers if core(s).type in PASSIVE and leads(scene, layer, s.name)
    )


def leads(scene: Scene, layer: str, other: str) -> bool:
    """Whether a passive layer takes what another one gives, past passive layers and functions."""
    return any(spec.name == layer for spec in scene.around.before(other, PASSIVE | NORMS | {"Activation"}))


def maps(scene: Scene, units: int) -> Convention:
    """The convention for an output that is a map."""
    heads = conventions.HEADS
    upward = any(word in name for name in scene.types for word in UPWARD)
    first = scene.blueprint.by_name[scene.weighted[0]] if scene.weighted else None
    if units in (1, 3) and upward and first is not None and core(first).type == "Dense":
        return heads["map generated"]
    if not upward and (len(scene.weighted) <= 2 or units >= 32):
        return heads["features"]
    return heads["map 1" if units == 1 else "map 3" if units == 3 else "map"]


def entering(scene: Scene) -> int | None:
    """How many numbers the first layer of a dense network takes."""
    kernel = scene.stored(scene.weighted[0]).get("kernel") if scene.weighted else None
    return kernel.shape[0] if kernel is not None and kernel.ndim == 2 and len(scene.weighted) > 2 else None
