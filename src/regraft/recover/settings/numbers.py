"""Questions about settings that a network mostly has the same everywhere: epsilons, slopes, limits, groups, axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from math import log

from regraft.blueprint import LayerSpec, Setting
from regraft.layers.base import layer_class
from regraft.layers.settings import version_default
from regraft.layers.version import KerasVersion
from regraft.recover.question import Option, Question, share, sorted_question
from regraft.recover.settings import conventions
from regraft.recover.settings.conventions import Convention
from regraft.recover.settings.evidence import Answer, gather
from regraft.recover.settings.scene import Scene
from regraft.recover.settings.slots import Slot
from regraft.recover.settings.surroundings import BATCH_NORMS, core, path

#: What a name of a table means as settings.
RESCALED = {
    "1/255": (1 / 255, 0.0), "1/127.5 - 1": (1 / 127.5, -1.0), "1/128 - 1": (1 / 128, -1.0), "255": (255.0, 0.0),
    "1": (1.0, 0.0), "1/256": (1 / 256, 0.0), "1/127.5": (1 / 127.5, 0.0),
}  # fmt: skip
#: Layers with another value than the rest of their kind cost so much more; up to so many are tried apart.
APART, MOST_SINGLE = 2.5, 12
MARGIN = 4.0


def ask(scene: Scene) -> list[Question]:
    """All questions of this kind, one for each setting of each layer type."""
    found = [
        of_values(scene, BATCH_NORMS, "epsilon", epsilons(scene)),
        of_values(scene, {"LayerNormalization"}, "epsilon", conventions.LAYER_NORM_EPSILON),
        of_values(scene, {"GroupNormalization"}, "epsilon", conventions.LAYER_NORM_EPSILON),
        of_values(scene, {"LeakyReLU"}, "negative_slope", slopes(scene), moments="leaky "),
        of_values(scene, {"ReLU"}, "max_value", limits(scene)),
        of_values(scene, {"ELU"}, "alpha", conventions.ELU_ALPHAS),
        of_values(scene, {"Softmax"}, "axis", conventions.SOFTMAX_AXES),
        of_values(scene, {"UpSampling2D"}, "interpolation", conventions.INTERPOLATIONS),
        of_values(scene, {"Masking"}, "mask_value", conventions.MASK_VALUES),
        groups(scene),
        rescalings(scene),
        products(scene),
    ]
    return [question for question in found if question is not None]


def layers_of(scene: Scene, types: set[str] | frozenset[str], setting: str) -> list[LayerSpec]:
    """The layers of some types, wrapped ones too, whose setting is open."""
    specs = [s for s in scene.blueprint.layers if core(s).type in types and s.name in scene.layers]
    return [s for s in specs if scene.open(s.name, path(s, setting))]


def default_of(spec: LayerSpec, setting: str, version: KerasVersion | None) -> Setting:
    """The default of the version that wrote the file."""
    field = next(f for f in fields(layer_class(core(spec).type)) if f.name == setting)
    return version_default(field, version or KerasVersion(3))


def value_of(text: str, default: Setting) -> Setting:
    """A value of a table: ``default``, ``none``, a number, or a word."""
    if text in ("default", "none"):
        return default if text == "default" else None
    try:
        return int(text) if isinstance(default, int) else float(text)
    except ValueError:
        return text


def of_values(
    scene: Scene, types: set[str] | frozenset[str], setting: str, table: Convention, moments: str = ""
) -> Question | None:
    """One question: all layers of a type have the same value, or one of them has another."""
    specs = layers_of(scene, types, setting)
    if not specs:
        return None
    default = default_of(specs[0], setting, scene.version)
    values = {text: value_of(text, default) for text in table.shares}
    texts = [t for i, t in enumerate(values) if values[t] not in [values[u] for u in list(values)[:i]]]
    told, why = statistics(scene, specs, texts, moments) if moments else ({}, "")
    every: dict[str, dict[tuple[str, str], Setting]] = {
        text: {(s.name, path(s, setting)): values[text] for s in specs} for text in texts
    }
    cost = {text: table.cost(text) + told.get(text, 0.0) for text in texts}
    options = [Option(cost[t], every[t], table.evidence(t) + (f"; {why}" if t in told and why else "")) for t in texts]
    best = min(texts, key=lambda t: cost[t])
    if 1 < len(specs) <= MOST_SINGLE:
        for spec in specs:
            key = (spec.name, path(spec, setting))
            options += [
                Option(cost[t] + APART, {**every[best], key: values[t]}, f"{spec.name} apart from the others")
                for t in texts
                if t != best
            ]
    return labelled(sorted_question(options, "assumed"), bool(told))


def labelled(question: Question, told: bool) -> Question:
    """The question with its label: statistics with a margin, a convention, or one that is split."""
    lead = question.options[1].cost - question.options[0].cost if len(question.options) > 1 else 99.0
    if told and lead >= MARGIN:
        return Question(question.options, "supported")
    return question if share(question) >= 0.6 else Question(question.options, "open")


def statistics(
    scene: Scene, specs: Sequence[LayerSpec], texts: Sequence[str], prefix: str
) -> tuple[dict[str, float], str]:
    """What BatchNorm statistics say of a slope, over all layers together."""
    names = tuple(f"{prefix}{text}" for text in texts)
    key = "negative_slope"
    slots = [Slot(s.name, path(s, key), "hidden", "conv", 0.0, "an activation layer") for s in specs]
    change: dict[Answer, Mapping[tuple[str, str], Setting]] = {
        Answer(name): {(slot.layer, slot.key): float(text) for slot in slots}
        for name, text in zip(names, texts, strict=True)
    }
    found = [e for e in gather(scene, slots, names, change) if e.nats]
    if not found:
        return {}, ""
    total = {text: sum(e.cost(Answer(name)) for e in found) for name, text in zip(names, texts, strict=True)}
    least = min(total.values())
    return {text: cost - least for text, cost in total.items()}, f"statistics of {len(found)} places agree"


def epsilons(scene: Scene) -> Convention:
    """BatchNormalization: the default changed twice within Keras 1, whose files do not say which it was."""
    old = scene.version == KerasVersion(1)
    return conventions.BATCH_NORM_EPSILON_1 if old else conventions.BATCH_NORM_EPSILON


def slopes(scene: Scene) -> Convention:
    """LeakyReLU: generative networks and those of images write 0.2, detectors 0.1, others keep the default of 0.3."""
    table = conventions.LEAKY_SLOPES
    if scene.kind == "conv" and not any("Pooling" in name for name in scene.types):
        # Convolutions without pools, leaky: the two halves of a generative network, whose recipe says 0.2.
        return Convention({**table.shares, "0.2": 0.72, "0.3": 0.18}, table.count, table.what)
    if "Embedding" in scene.types or scene.kind == "dense":
        return Convention({**table.shares, "0.3": 0.50, "0.2": 0.38}, table.count, table.what)
    return table


def limits(scene: Scene) -> Convention:
    """ReLU: capped at 6 where depthwise convolutions show a network for phones."""
    table = conventions.RELU_LIMITS
    if "DepthwiseConv2D" in scene.types:
        return Convention({"none": 0.55, "6.0": 0.44}, table.count, table.what)
    return table


def groups(scene: Scene) -> Question | None:
    """GroupNormalization: numbers of groups that divide the channels of every layer."""
    specs = layers_of(scene, {"GroupNormalization"}, "groups")
    counts = [scene.stored(s.name).get("gamma", scene.stored(s.name).get("beta")) for s in specs]
    channels = [int(c.shape[0]) for c in counts if c is not None and c.ndim == 1]
    if not specs:
        return None
    options: list[Option] = []
    for text in conventions.GROUPS.shares:
        value = 32 if text == "default" else int(text)
        if all(c % value == 0 for c in channels):
            change: dict[tuple[str, str], Setting] = {(s.name, path(s, "groups")): value for s in specs}
            options.append(
                Option(conventions.GROUPS.cost(text), change, f"it divides the channels {sorted(set(channels))}")
            )
    if len(set(channels)) == 1:
        change = {(s.name, path(s, "groups")): channels[0] for s in specs}
        options.append(Option(-log(0.05), change, "one group a channel: instance normalisation"))
    return sorted_question(options, "open") if options else None


def rescalings(scene: Scene) -> Question | None:
    """Rescaling: what brings bytes to 0..1 or -1..1."""
    specs = layers_of(scene, {"Rescaling"}, "scale")
    if not specs:
        return None
    options = [
        Option(
            conventions.RESCALINGS.cost(text),
            {(s.name, path(s, key)): value for s in specs for key, value in (("scale", scale), ("offset", offset))},
            conventions.RESCALINGS.evidence(text),
        )
        for text, (scale, offset) in RESCALED.items()
    ]
    return sorted_question(options, "assumed")


def products(scene: Scene) -> Question | None:
    """Dot: the last axes, or those that attention written by hand contracts; with or without lengths taken out."""
    specs = layers_of(scene, {"Dot"}, "axes")
    if not specs:
        return None
    ranks = {rank for spec in specs for rank in ranks_of(scene, spec.name)}
    axes: dict[Setting, float] = {-1: 0.55, (2, 1): 0.20, (1, 1): 0.15, (1, 2): 0.05, (2, 2): 0.05}
    # Vectors have one axis to sum.
    if ranks == {2}:
        axes = {1: 1.0}
    options = [
        Option(
            -log(share_of * part),
            {(s.name, path(s, key)): value for s in specs for key, value in (("axes", axis), ("normalize", normal))},
            "assumed for scalar products",
        )
        for axis, share_of in axes.items()
        for normal, part in ((False, 0.75), (True, 0.25))
    ]
    return sorted_question(options, "assumed" if ranks == {2} else "open")


def ranks_of(scene: Scene, layer: str) -> set[int]:
    """Ranks of what enters a layer, the batch included; 0 where it is not known."""
    entering = [ref for call in scene.blueprint.calls if call.layer == layer for ref in call.inputs]
    shapes = [scene.shapes.get(ref) for ref in entering]
    return {len(shape) if shape is not None else 0 for shape in shapes}
