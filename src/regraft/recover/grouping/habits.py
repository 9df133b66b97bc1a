"""
What a network does once it does again: forms are counted in a first reading, and the second one expects them.

A network of two hundred convolutions hardly holds one transposed one, whatever shapes alone allow. With few layers
the general frequencies count, with many those of the network itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, lgamma, log

from regraft.recover.grouping.forms import FORMS, Form
from regraft.recover.grouping.reading import Layer

#: How many layers of a network weigh as much as what is known of networks in general.
GENERAL = 6.0


def priors(layers: Sequence[Layer] = ()) -> Mapping[Form, float]:
    """
    Minus the logarithm of how often each form occurs, in nats.

    Args:
        layers: Of a first reading of the same network; none for networks in general.
    """
    whole = sum(exp(-form.prior) for form in FORMS)
    counts = Counter(layer.form for layer in layers if layer.form is not None)
    total = sum(counts.values()) + GENERAL
    return {form: -log((counts[form] + GENERAL * exp(-form.prior) / whole) / total) for form in FORMS}


def together(layers: Sequence[Layer]) -> float:
    """
    Minus the logarithm of how likely a network has these forms, in whatever order, in nats.

    The marginal likelihood of a Dirichlet prior of weight ``GENERAL``: forms that repeat cost less and less, so a few
    forms used often are likelier than many forms used once.
    """
    whole = sum(exp(-form.prior) for form in FORMS)
    counts = Counter(layer.form for layer in layers if layer.form is not None)
    total = sum(counts.values())
    found = lgamma(GENERAL + total) - lgamma(GENERAL)
    for form, count in counts.items():
        weight = GENERAL * exp(-form.prior) / whole
        found -= lgamma(weight + count) - lgamma(weight)
    return found
