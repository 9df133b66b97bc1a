"""How likely a tensor is to be used in several places: what the types around it say."""

from __future__ import annotations

from collections.abc import Sequence

from regraft.recover.wiring import prior
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.slots import Slot

ACTIVATIONS = frozenset("Activation ReLU LeakyReLU PReLU ELU Softmax ThresholdedReLU".split())
NORMALISATIONS = frozenset(
    "BatchNormalization LayerNormalization GroupNormalization SyncBatchNormalization RMSNormalization".split()
)
LINEAR = ("Conv", "Dense", "DepthwiseConv", "SeparableConv")


def kind(type_name: str) -> str:
    """The family of a type, as far as habits differ."""
    if type_name in ACTIVATIONS:
        return "activation"
    if type_name in NORMALISATIONS:
        return "normalisation"
    if type_name.startswith(LINEAR):
        return "linear"
    for word in ("GlobalAveragePooling", "GlobalMaxPooling"):
        if type_name.startswith(word):
            return "GlobalPooling"
    for word in ("Flatten", "Reshape", "Dropout"):
        if word in type_name:
            return word
    if "Padding" in type_name or "Cropping" in type_name:
        return "Padding"
    if "Pooling" in type_name:
        return "Pooling"
    return ""


def fork_cost(fact: Fact, consumers: Sequence[Slot]) -> float:
    """What it costs that one tensor has these consumers."""
    if len(consumers) < 2:
        return 0.0
    own = kind(fact.type)
    after = {kind(slot.type) for slot in consumers}
    merged = any(slot.role != "unary" for slot in consumers)
    if own == "linear" and after & {"normalisation", "activation"}:
        return prior.UNFINISHED
    if own == "normalisation" and "activation" in after:
        return prior.BEFORE_ACTIVATION
    cost = prior.FORK.get(own, 0.0)
    return cost if merged else min(cost, prior.FORK["Pooling"])


def identity_cost(fact: Fact, consumers: Sequence[Slot]) -> float:
    """
    What it costs that an identity starts behind the normalisation and activation that follow this layer.

    In networks that normalise before they convolve, the identity starts at the sum itself (He et al. 2016, "Identity
    mappings in deep residual networks"); behind a convolution it starts where its activation ends.
    """
    if kind(fact.type) in ("linear", "normalisation", "activation"):
        return 0.0
    behind = any(slot.forked and kind(slot.type) == "normalisation" for slot in consumers)
    return prior.BEHIND_PREACTIVATION if behind else 0.0


def forks(fact: Fact, consumers: Sequence[Slot]) -> bool:
    """Whether the identity around what comes after starts behind this layer; passed back along its chain."""
    own = kind(fact.type)
    if own == "activation":
        return any(slot.role in ("sum", "concat") and slot.taken for slot in consumers)
    return own == "normalisation" and any(slot.forked for slot in consumers)
