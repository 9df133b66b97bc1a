"""Which of several published architectures with the same shapes it is: names, listed layers, values, and how common."""

from __future__ import annotations

import re

import numpy as np

from regraft.blueprint import Blueprint, LayerSpec
from regraft.recover.families.align import Alignment
from regraft.recover.families.cuts import bottlenecks
from regraft.recover.families.library import Index, Member

#: Packages whose architectures other authors build too, with other settings.
COMMON = frozenset({"keras-unet-collection", "csbdeep", "stardist"})
#: Nats for packages that are met less often than keras.applications of today; an estimate, ten to one for the rest.
PACKAGES = {"keras.applications": 0.0, "keras-applications": 1.0}
PACKAGE = 2.3
#: Nats for a layer with another name, for a place with other layers without variables, and the most for each.
NAME, LAYERS, MOST = 1.0, 3.0, 12.0
#: Nats for a width that was never published, and for every layer of the file's own.
WIDTH, OWN = 3.0, 1.5
#: Nats for a form of an architecture that is asked for by an argument.
VARIANT = 0.7
#: The form that a model has for its published weights: values tell it, and it is not rarer than the other.
PRETRAINED = "pretrained"
#: The form that a model has without its top, where that is not a part of it with its top.
BODY = "without top"
#: The form that other input channels than three bring about by themselves.
OTHER_CHANNELS = "input channels other than 3"
#: Nats for an architecture that is cut off, and for an end from which the published graph goes on without variables.
CUT, BEHIND = 2.0, 1.0
#: Nats for a Normalization layer whose values contradict the form.
VALUES = 2.3


def distinct(alignment: Alignment) -> bool:
    """Whether the shapes alone name the family; plain U-Nets have the shapes of other authors' U-Nets, so names must agree."""
    if alignment.member.package.split(" ")[0] not in COMMON:
        return True
    named = any(unit.part is not None for unit in alignment.matched)
    return named and 2 * renamed(alignment) <= len(alignment.matched)


def cost(alignment: Alignment, index: Index, different: int) -> float:
    """Minus the logarithm of its probability against other readings of the same shapes, in nats."""
    member = alignment.member
    total = PACKAGES.get(member.package.split(" ")[0], PACKAGE)
    asked = [word for word in member.variant.split(", ") if word not in ("", OTHER_CHANNELS, PRETRAINED, BODY)]
    total += VARIANT * bool(asked) + WIDTH * (alignment.by == "width")
    total += OWN * (len(alignment.before) + len(alignment.after))
    total += min(MOST, LAYERS * different)
    if any(unit.part is not None for unit in alignment.matched):
        total += min(MOST, NAME * renamed(alignment))
    if alignment.end is not None:
        total += CUT + BEHIND * behind(alignment)
    elif not alignment.with_top and any(is_body_of(other, member) for other in index.members):
        total += VARIANT
    return total + VALUES * contradicted(alignment)


def is_body_of(other: Member, member: Member) -> bool:
    """Whether one architecture is the other without its top, where that is more than a part of it."""
    words = [word for word in member.variant.split(", ") if word]
    return (other.package, other.family) == (member.package, member.family) and other.variant.split(", ") == [
        *words,
        BODY,
    ]


def behind(alignment: Alignment) -> int:
    """How many single tensors the published graph makes of the end of a cut one before it has variables again."""
    places = bottlenecks(alignment.member)
    refs = [ref for ref, length in places if length == len(alignment.matched)]
    return len(refs) - 1 - refs.index(alignment.end) if alignment.end in refs else 0


def renamed(alignment: Alignment) -> int:
    """How many layers with variables bear another name than the published one; of default names the counter may differ."""
    pairs = zip((u.name for u in alignment.matched), alignment.member.names, strict=False)
    return sum(stem(ours) != stem(theirs) for ours, theirs in pairs)


def stem(name: str) -> str:
    """A default name without its counter, any other name as it is: Keras counts on through a session."""
    match = re.fullmatch(r"(conv2d|dense|batch_normalization|separable_conv2d|depthwise_conv2d|layer_normalization|"
                         r"normalization|conv2d_transpose)(_\d+)?", name)  # fmt: skip
    return match[1] if match else name


def contradicted(alignment: Alignment) -> bool:
    """Whether stored values, or the number of channels that enter, say otherwise than the form."""
    first = next((s for unit in alignment.matched for s in unit.shapes if len(s) == 4), ())
    if OTHER_CHANNELS in alignment.member.variant and first[2:3] == (3,):
        return True
    return normalises_otherwise(alignment)


def normalises_otherwise(alignment: Alignment) -> bool:
    """
    Whether a stored normalisation of the input says otherwise than the form.

    EfficientNet built for its published weights has a second scaling behind a Normalization with the mean of ImageNet;
    built without, the Normalization holds zeros and ones until it is adapted
    (``keras/src/applications/efficientnet.py``).
    """
    if not alignment.member.family.startswith("EfficientNetB"):
        return False
    for unit, name in zip(alignment.matched, alignment.member.names, strict=False):
        if name.startswith("normalization") and len(unit.arrays) == 3 and unit.shapes[0] == (3,):
            mean = unit.arrays[0].read()
            published = np.allclose(mean, (0.485, 0.456, 0.406), atol=1e-3)
            return published != (alignment.member.variant.startswith(PRETRAINED))
    return False


def function_of(blueprint: Blueprint) -> object:
    """What two blueprints with the same variables have in common if they compute the same, whatever their layers are called."""
    place = {spec.name: i for i, spec in enumerate(blueprint.layers)}
    return (
        tuple((spec.type, repr(sorted(settled(spec).items(), key=lambda item: item[0]))) for spec in blueprint.layers),
        tuple(
            (place[c.layer], c.call, tuple((place[r.layer], r.call, r.index) for r in c.inputs))
            for c in blueprint.calls
        ),
    )


def settled(spec: LayerSpec) -> dict[str, object]:
    """
    The settings that matter.

    The last axis of a map is its fourth, momentum serves training only, and the size that an architecture was published
    for is not that of the file.
    """
    shape = spec.config.get("batch_shape")
    if spec.type == "InputLayer" and isinstance(shape, tuple):
        return {"rank": len(shape), "channels": shape[-1]}
    config: dict[str, object] = {key: value for key, value in spec.config.items() if key != "momentum"}
    if spec.type == "BatchNormalization" and config.get("axis") == 3:
        config["axis"] = -1
    return config
