"""The type of a layer that holds arrays: the shapes must allow it, the class or the words of its name choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from regraft.blueprint import Label, LayerSpec
from regraft.errors import RegraftError, quote
from regraft.recover.grouping.fits import Fit, fits, fits_as, has_arrays
from regraft.recover.grouping.held import FOREIGN, weights_in
from regraft.recover.grouping.names import Hint, hints, type_of
from regraft.recover.grouping.subject import Subject
from regraft.recover.grouping.vectors import look, role_cost
from regraft.recover.part import Part
from regraft.weights import Variable

#: Types this much less likely than the chosen one are still listed beside it, in nats.
LISTED = 5.0
#: By so much the likeliest type must lead for its shapes alone to support it, in nats.
LEAD = 2.5
#: What one place further back in the list of a word's types costs.
STEP = 0.5
#: Vectors up to this size are read to tell their roles.
SMALL = 1 << 16
MODEL = "Functional"


def decided(subject: Subject) -> tuple[Part, str]:
    """The layer with its type, and a note where its name and its shapes contradict each other, or an empty one."""
    if subject.inner is not None or type_of(subject.class_name) == MODEL:
        return nested(subject), ""
    if subject.class_name:
        return by_class(subject)
    found = weighed(fits(subject.held), subject)
    if subject.custom:
        evidence = f"a class of the author's own, {quote(subject.group.key)}"
        return Part(subject.group, "", {}, "open", evidence, types_of(found)), ""
    if not found:
        return Part(subject.group, "", {}, "open", f"no layer of Keras has arrays {shapes_in(subject)}"), ""
    hint, by_words = worded(subject, found)
    if hint is None:
        note = contradiction(subject, found[0])
        return by_shape(subject, found), note
    chosen = by_words[0]
    sure = hint.meaning.label == "supported" or lead(found, chosen.type) >= LEAD
    label: Label = "supported" if sure and not foreign(subject) else "assumed"
    evidence = f"{quote(hint.word)} in its name, and its arrays are {shapes_in(subject)}"
    return part(subject, chosen, label, evidence, found), ""


def nested(subject: Subject) -> Part:
    """A model inside the model."""
    label: Label = "proved" if subject.certain else "supported" if subject.class_name else "assumed"
    count = len(subject.inner.parts) if subject.inner else 0
    evidence = f"its arrays belong to {count} layers" if count else "its name is that of a model"
    return Part(subject.group, MODEL, {}, label, evidence, (), subject.counter, subject.inner)


def by_class(subject: Subject) -> tuple[Part, str]:
    """The file names the class: it is taken if the shapes allow it, else the shapes decide."""
    named = type_of(subject.class_name)
    stated = "the file names its class" if subject.certain else "its name is the one that Keras makes for its class"
    own = weighed(fits_as(named, subject.held), subject)
    if own:
        return part(subject, own[0], "proved", f"{stated}, and its arrays fit: {shapes_in(subject)}", own), ""
    if not has_arrays(named) and not without_arrays(named):
        label: Label = "proved" if subject.certain else "supported"
        return Part(subject.group, named, {}, label, stated, (), subject.counter), ""
    found = weighed(fits(subject.held), subject)
    why = "cannot have the arrays" if has_arrays(named) else "has no variables, but here are the arrays"
    note = f"{quote(subject.group.key)}: by its name a {named}, which {why} {shapes_in(subject)}"
    if not found:
        evidence = f"its name says {named}, its shapes {shapes_in(subject)} fit no layer of Keras"
        return Part(subject.group, "", {}, "open", evidence, (named,)), note
    chosen = replace(by_shape(subject, found), label="assumed")
    return chosen, f"{note}; taken for a {chosen.type}"


def without_arrays(type_name: str) -> bool:
    """Whether layers of this type never hold variables; False for a type that is not in the catalogue."""
    from regraft.layers import CATALOGUE

    wrappers = ("Bidirectional", "TimeDistributed", "RNN", MODEL)
    return type_name in CATALOGUE and not CATALOGUE[type_name].weights and type_name not in wrappers


def by_shape(subject: Subject, found: Sequence[Fit]) -> Part:
    """The likeliest type among those that fit."""
    best = found[0]
    # A matrix alone is nearly any layer of the author's own.
    sure = lead(found, best.type) >= LEAD and len(subject.held.shapes) > 1 and not foreign(subject)
    label: Label = "supported" if sure else "assumed"
    return part(subject, best, label, f"its arrays are {shapes_in(subject)}", found)


def worded(subject: Subject, found: Sequence[Fit]) -> tuple[Hint | None, list[Fit]]:
    """The last word of the name that means a type which fits, and the fits it means, likeliest first."""
    said = hints(subject.words)
    outer = next((hint for hint in said if hint.meaning.types[0] == "TimeDistributed"), None)
    for hint in said:
        places = {t: i for rank in (3, 2, 1) for i, t in enumerate(hint.types(rank))}
        meant = sorted((f for f in found if f.type in places), key=lambda f: f.cost + STEP * places[f.type])
        if meant and outer is None:
            return hint, meant
        if meant and outer is not None:
            return outer, distributed(subject, meant[0].type)
    return (outer, distributed(subject, found[0].type)) if outer is not None else (None, [])


def distributed(subject: Subject, inner: str) -> list[Fit]:
    """The same arrays inside a TimeDistributed, a layer of type ``inner`` first."""
    found = fits_as("TimeDistributed", subject.held)
    return sorted(found, key=lambda f: isinstance(spec := f.settings["layer"], LayerSpec) and spec.type != inner)


def contradiction(subject: Subject, chosen: Fit) -> str:
    """A note if the name means a type with variables that the shapes exclude."""
    for hint in hints(subject.words):
        meant = [t for t in hint.types(2) if has_arrays(t)]
        if meant and hint.meaning.label == "supported":
            return f"{quote(subject.group.key)}: its name suggests {meant[0]}, its shapes {shapes_in(subject)} {chosen.type}"
    return ""


def part(subject: Subject, chosen: Fit, label: Label, evidence: str, found: Sequence[Fit]) -> Part:
    """The layer as a part."""
    near = [f for f in found if f.cost <= chosen.cost + LISTED]
    others = () if label == "proved" else types_of(near, chosen.type)
    return Part(subject.group, chosen.type, chosen.settings, label, evidence, others, subject.counter)


def types_of(found: Sequence[Fit], but: str = "") -> tuple[str, ...]:
    """The types of fits, each once, likeliest first."""
    return tuple(dict.fromkeys(f.type for f in found if f.type != but))


def lead(found: Sequence[Fit], type_name: str) -> float:
    """By how much the cheapest fit of a type leads before the cheapest of all others, in nats."""
    best = min(f.cost for f in found if f.type == type_name) if any(f.type == type_name for f in found) else 0.0
    return min((f.cost for f in found if f.type != type_name), default=best + 99.0) - best


def foreign(subject: Subject) -> bool:
    """Whether an array bears a name that no layer of Keras gives."""
    return FOREIGN in subject.held.roles


def shapes_in(subject: Subject) -> str:
    """The shapes, for a person."""
    shown = ", ".join(map(str, subject.held.shapes[:6]))
    return f"{shown}, ..." if len(subject.held.shapes) > 6 else shown


def weighed(found: Sequence[Fit], subject: Subject) -> Sequence[Fit]:
    """
    The fits with the values weighed in, where the file does not say which vector is which.

    Three vectors of a BatchNormalization lack gamma or beta, two vectors may be gamma and beta or mean and variance.
    """
    variables = weights_in(tuple(subject.group.walk()))
    if len(found) < 2 or any(subject.held.roles) or len(variables) != len(subject.held.shapes):
        return found
    if any(len(v.shape) != 1 or v.size > SMALL for v in variables):
        return found
    looks = [look(values) for v in variables if (values := read(v)) is not None]
    if len(looks) < len(variables):
        return found
    costs = [f.cost + sum(role_cost(r, s) for r, s in zip(f.arrays.split(), looks, strict=True)) for f in found]
    return sorted((replace(f, cost=cost) for f, cost in zip(found, costs, strict=True)), key=lambda f: f.cost)


def read(variable: Variable) -> np.ndarray | None:
    """The values, or None if they cannot be had: that is for those to report who need them all."""
    try:
        return variable.read()
    except (RegraftError, OSError, ValueError):
        return None
