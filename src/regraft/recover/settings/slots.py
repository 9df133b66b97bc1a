"""Where a graph holds activation functions that the file does not name, and what each place is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from regraft.blueprint import LayerSpec
from regraft.layers.base import Layer
from regraft.layers.time_distributed import TimeDistributed
from regraft.recover.settings import conventions
from regraft.recover.settings.names import function_in
from regraft.recover.settings.scene import Scene
from regraft.recover.settings.surroundings import ACTIVATIONS, BATCH_NORMS, NORMS, PASSIVE, RECURRENT, SUMS, core, path

Role = Literal["hidden", "head", "gate"]
Family = Literal["conv", "dense"]
BEHIND_SUM = "behind a sum"


@dataclass(frozen=True)
class Slot:
    """
    One activation function that is not stated.

    Attributes:
        layer: The layer that applies it.
        key: Its setting there, with dots into a wrapped layer.
        role: What its values are for.
        family: Of the layer that makes the values.
        linear: Share of such places that have no function at all.
        place: Where it stands, in words.
        alike: Slots with the same mark stand in the same kind of place and are likely to have the same function.
        named: The function that the layer's name states, or empty.
        partner: A layer in front of the normalisation, which may carry the function instead; empty if none may.
        partner_key: The setting of the partner.
        inserted: Whether the layer was put in, so that any function may stand there, also one that is a layer.
    """

    layer: str
    key: str
    role: Role
    family: Family
    linear: float
    place: str
    alike: tuple[object, ...] = ()
    named: str = ""
    partner: str = ""
    partner_key: str = ""
    inserted: bool = False


@dataclass(frozen=True)
class Settled:
    """A function that the graph decides: none, because an activation layer follows."""

    layer: str
    key: str
    reason: str


def find_slots(scene: Scene) -> tuple[list[Slot], list[Settled]]:
    """Every activation that is not stated, recurrent layers left out; and those that need no question."""
    slots: list[Slot] = []
    settled: list[Settled] = []
    partners = {partner: name for name, partner in scene.partners.items() if partner}
    for spec in scene.blueprint.layers:
        layer = scene.layers.get(spec.name)
        if layer is None or not scene.open(spec.name, path(spec, "activation")):
            continue
        inner = core(spec)
        if inner.type == "Activation":
            slots.append(explicit(scene, spec))
        elif has_function(layer) and spec.name not in partners:
            found = inline(scene, spec)
            (slots if isinstance(found, Slot) else settled).append(found)  # type: ignore[arg-type]
    return slots, settled


def has_function(layer: Layer) -> bool:
    """Whether a layer type applies an activation of its own, recurrent ones aside."""
    inner = layer.inner if isinstance(layer, TimeDistributed) else layer
    names = {f.name for f in fields(inner)}
    return "activation" in names and not hasattr(inner, "state_count") and type(inner).__name__ not in RECURRENT


def family_of(scene: Scene, spec: LayerSpec) -> Family:
    """Whether dense layers make the values, or convolutions."""
    if core(spec).type not in ACTIVATIONS:
        return "dense" if core(spec).type == "Dense" else "conv"
    makers = scene.around.before(spec.name, PASSIVE | NORMS | SUMS | {"Activation"})
    return "dense" if makers and core(makers[0]).type in RECURRENT | {"Dense"} else "conv"


def explicit(scene: Scene, spec: LayerSpec) -> Slot:
    """An activation layer of unknown function."""
    types = scene.around.types_behind(spec.name)
    role: Role = "head" if types == ("output",) else "gate" if types == ("Multiply",) else "hidden"
    before = {core(other).type for other in scene.around.before(spec.name)}
    linear, place = conventions.EXPLICIT_LINEAR, "an activation layer"
    partner = scene.partners.get(spec.name)
    if partner is not None:
        linear, place = (0.40, BEHIND_SUM) if before & SUMS else (0.06, "behind a BatchNorm")
    key = path(scene.blueprint.by_name[partner], "activation") if partner else ""
    alike = ("explicit", spec.type, tuple(sorted(before & (SUMS | NORMS))), types, bool(partner))
    return Slot(
        spec.name, path(spec, "activation"), role, family_of(scene, spec), linear, place, alike,
        function_in(spec.name), partner or "", key, partner is not None,
    )  # fmt: skip


def inline(scene: Scene, spec: LayerSpec) -> Slot | Settled:
    """The function of a layer with weights, judged by what follows it."""
    around, inner, key = scene.around, core(spec), path(spec, "activation")
    types = set(around.types_behind(spec.name))
    if types & ACTIVATIONS:
        return Settled(spec.name, key, f"a layer {min(types & ACTIVATIONS)} follows")
    role: Role = "hidden"
    linear, place = conventions.DEVIATION.shares["linear"], "a hidden layer"
    if types & NORMS:
        past = set(around.types_behind(spec.name, PASSIVE | NORMS))
        if past & ACTIVATIONS:
            return Settled(spec.name, key, "a normalisation and an activation layer follow")
        linear, place = before_norm(types, past)
    elif types == {"output"}:
        role, place = "head", "an output"
    elif types == {"Multiply"}:
        role, place = "gate", "a factor of a product"
    elif "output" in types:
        linear, place = 0.25, "an output that other layers take too"
    elif types & SUMS:
        linear, place = before_sum(scene, spec.name)
    elif types & {"Dot", "Functional"} or any(s is not None and s.unknown for s in around.behind(spec.name)):
        linear, place = conventions.BEFORE_OPERATION, "before an operation"
    elif "Concatenate" in types:
        linear, place = before_concatenate(scene, spec.name, inner.type)
    elif inner.type == "Dense" and "Reshape" in passed(scene, spec.name) and any("Conv" in t for t in types):
        linear, place = conventions.BEFORE_RESHAPE, "before a reshape to a map"
    elif inner.type.startswith("Depthwise") and any("Conv" in t for t in types):
        linear, place = 0.4, "a depthwise convolution before another"
    alike = (inner.type, inner.config.get("kernel_size"), tuple(sorted(types)), place)
    return Slot(spec.name, key, role, family_of(scene, spec), linear, place, alike, function_in(spec.name))


def before_norm(types: set[str], past: set[str]) -> tuple[float, str]:
    """In front of a normalisation that no activation layer follows."""
    if past <= SUMS | {"output"}:
        return 0.93, "before a normalisation and a sum"
    if types & BATCH_NORMS:
        return 0.10, "before a BatchNorm without an activation layer"
    return 0.45, "before a normalisation"


def before_sum(scene: Scene, layer: str) -> tuple[float, str]:
    """In front of a sum."""
    sums = [spec.name for spec in scene.around.behind(layer) if spec is not None and spec.type in SUMS]
    behind = {t for name in sums for t in scene.around.types_behind(name, PASSIVE | BATCH_NORMS)}
    if behind & ACTIVATIONS:
        return conventions.BEFORE_ACTIVATED_SUM, "before a sum with an activation"
    return conventions.BEFORE_SUM, "before a sum"


def before_concatenate(scene: Scene, layer: str, type_name: str) -> tuple[float, str]:
    """In front of a concatenation: a normalisation or an activation behind it does the work of all branches."""
    joins = [spec.name for spec in scene.around.behind(layer) if spec is not None and spec.type == "Concatenate"]
    behind = {t for name in joins for t in scene.around.types_behind(name, PASSIVE | {"Concatenate"})}
    if behind & (ACTIVATIONS | BATCH_NORMS):
        return 0.85, "before a concatenation that is normalised"
    return (0.70, "an upsampling before a concatenation") if type_name.endswith("Transpose") else (0.15, "a branch")


def passed(scene: Scene, layer: str) -> frozenset[str]:
    """Types of the passive layers right behind a layer."""
    goals = [spec.name for spec in scene.around.behind(layer) if spec is not None]
    return frozenset().union(*(scene.around.between(layer, goal) for goal in goals))
