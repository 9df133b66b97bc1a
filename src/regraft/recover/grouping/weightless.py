"""The type of a layer without variables: by its class if the file states one, else by the words of its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regraft.blueprint import Label, LayerSpec, Setting
from regraft.errors import quote
from regraft.layers.naming import snake_case
from regraft.recover.grouping.deciding import MODEL, nested
from regraft.recover.grouping.defaults import completed
from regraft.recover.grouping.fits import has_arrays
from regraft.recover.grouping.names import Hint, function_in, hints, is_operation, type_of
from regraft.recover.grouping.subject import Subject
from regraft.recover.grouping.words import MERGES, RANK
from regraft.recover.part import Part

#: Types with variables that some settings take away.
MAY_BE_BARE: Mapping[str, Mapping[str, Setting]] = {
    "LayerNormalization": {"scale": False, "center": False},
    "GroupNormalization": {"scale": False, "center": False},
}
#: What an author's own class or a Lambda layer of these words does can be said by a layer of Keras.
OPERATIONS = frozenset(
    {"Add", "Subtract", "Multiply", "Concatenate", "Reshape", "Permute", "Activation", "ReLU", "Softmax"}
)
#: What stands unnamed between layers with variables, likeliest first.
UNNAMED = ("Activation", "Dropout", "MaxPooling#D", "Flatten", "Add", "Concatenate", "Reshape", "ZeroPadding#D")


@dataclass(frozen=True)
class Surroundings:
    """
    Where a layer stands.

    Attributes:
        rank: Spatial axes of the maps around it.
        front: Whether it is the first layer of a functional model, or there are only inputs before it.
        inputs: Whether the model may list input layers; a Sequential does not.
    """

    rank: int
    front: bool
    inputs: bool


def bare(subject: Subject, around: Surroundings) -> tuple[Part, str]:
    """The layer with its type, and a note where its class should have variables, or an empty one."""
    if subject.inner is not None or type_of(subject.class_name) == MODEL:
        return nested(subject), ""
    if subject.class_name:
        return by_class(subject, around)
    if subject.custom:
        evidence = f"a class of the author's own, {quote(subject.group.key)}"
        found = (t for hint in hints(subject.group.key) for t in meant(hint, subject, around))
        return Part(subject.group, "", {}, "open", evidence, tuple(dict.fromkeys(found))), ""
    return by_words(subject, around), ""


def by_class(subject: Subject, around: Surroundings) -> tuple[Part, str]:
    """The file names the class."""
    named = type_of(subject.class_name)
    if named == "Merge":
        return Part(
            subject.group, "", {}, "open", "Merge of Keras 1, in a mode that its name does not tell", MERGES
        ), ""
    if named == "TimeDistributed":
        inside = inner_of(subject, around)
        evidence = f"the file names its class; the layer inside has no variables, taken for {inside.type}"
        label = "proved" if subject.certain or subject.counter else "supported"
        return Part(subject.group, named, {"layer": inside}, label, evidence, (), subject.counter), ""
    if has_arrays(named) and named not in MAY_BE_BARE:
        note = f"{quote(subject.group.key)}: by its name a {named}, but it holds no variables"
        return Part(subject.group, "", {}, "open", "its class needs variables, and here are none", (named,)), note
    sure = subject.certain or subject.counter or "_" in snake_case(subject.class_name)
    label: Label = "proved" if sure else "supported"
    stated = "the file names its class" if subject.certain else "its name is the one that Keras makes for its class"
    settings = MAY_BE_BARE.get(named, {}) or function_settings(named, subject.words)
    return Part(subject.group, named, settings, label, stated, (), subject.counter), ""


def function_settings(type_name: str, name: str) -> dict[str, Setting]:
    """The function of an Activation whose name speaks of one."""
    function = function_in(name) if type_name == "Activation" else ""
    return {"activation": function} if function else {}


def inner_of(subject: Subject, around: Surroundings) -> LayerSpec:
    """What a TimeDistributed without variables wraps: as its name says, else by convention what flattens maps, or a Dropout."""
    words = [t for hint in hints(subject.words) for t in hint.types(2) if not has_arrays(t) and t != "InputLayer"]
    for type_name in (*words, "Flatten" if around.rank > 1 else "Dropout"):
        settings = function_settings(type_name, subject.words)
        spec = completed(snake_case(type_name), type_name, settings, subject.held.version)
        if not spec.unknown:
            return spec
    raise AssertionError("Flatten and Dropout need no settings")


def by_words(subject: Subject, around: Surroundings) -> Part:
    """The author chose the name."""
    for hint in hints(subject.words):
        types = meant(hint, subject, around)
        if types:
            sure = hint.meaning.label == "supported" or (types[0] == "InputLayer" and around.front)
            label: Label = "supported" if sure and not is_operation(subject.words) else "assumed"
            settings = hint.meaning.settings if types[0] == hint.types(around.rank)[0] else {}
            settings = {**settings, **function_settings(types[0], subject.words)}
            others = (*types[1:], *(unnamed(around) if label == "assumed" else ()))
            others = tuple(t for t in dict.fromkeys(others) if t != types[0])
            return Part(subject.group, types[0], settings, label, f"{quote(hint.word)} in its name", others)
    if around.front and not is_operation(subject.words):
        evidence = "a model that is no Sequential begins with its inputs"
        others = tuple(t for t in unnamed(around) if t != "InputLayer")
        return Part(subject.group, "InputLayer", {}, "assumed", evidence, others)
    return Part(subject.group, "", {}, "open", "its name does not say what it is", unnamed(around))


def meant(hint: Hint, subject: Subject, around: Surroundings) -> tuple[str, ...]:
    """The types without variables that a word means here."""
    types = tuple(t for t in hint.types(around.rank) if not has_arrays(t))
    if is_operation(subject.words):
        return tuple(t for t in types if t in OPERATIONS)
    if "InputLayer" not in types:
        return types
    # Behind other layers, ``lstm_input`` is what goes into a layer, not into the model.
    feeds = not around.front and any("InputLayer" not in other.types(2) for other in hints(subject.words))
    return types if around.inputs and not feeds else tuple(t for t in types if t != "InputLayer")


def unnamed(around: Surroundings) -> tuple[str, ...]:
    """What may stand here."""
    types = (t.replace(RANK, str(around.rank)) for t in UNNAMED)
    return tuple(dict.fromkeys(("InputLayer", *types) if around.inputs else types))
