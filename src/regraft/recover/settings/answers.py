"""Answers that a user gives in words: ``conv2d_3.strides=2``, ``dense_1.activation=tanh``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any

from regraft.blueprint import Blueprint, Choice, LayerSpec, Setting
from regraft.blueprint.words import words
from regraft.errors import BlueprintError, RegraftError, quote
from regraft.layers.base import build, layer_class
from regraft.layers.settings import Reading
from regraft.layers.version import KerasVersion
from regraft.recover.draft import Draft, edited
from regraft.recover.question import Question
from regraft.recover.settings.literals import literal

STATED = "stated by the user"
LISTED = 24


def answered(draft: Draft, settings: Mapping[str, str]) -> Draft:
    """
    The draft with answers in place of questions.

    A question keeps the options that agree with an answer, and loses the settings that are answered; an answer that
    no option has is put in all the same. Each answer becomes a choice, ``proved``.

    Args:
        draft: With its questions.
        settings: Values by subject, ``layer.setting`` (``bidirectional.layer.activation`` inside a wrapper), as text.

    Raises:
        BlueprintError: For an unknown layer, an unknown setting or a value that the layer does not take, with what
            there is.
    """
    for subject, text in settings.items():
        blueprint, key = put(draft.blueprint, subject, text)
        before, value = value_at(draft.blueprint, key), value_at(blueprint, key)
        choices = [c for c in draft.choices if c.subject != ".".join(key)]
        stated = Choice(".".join(key), words(value), (words(value),), "proved", STATED)
        narrower = [narrowed(q, key, before, value) for q in draft.questions]
        questions = [q for q in narrower if any(option.edits for option in q.options)]
        draft = replace(draft, blueprint=blueprint, choices=(*choices, stated), questions=tuple(questions))
    return draft


def with_answer(blueprint: Blueprint, subject: str, text: str) -> Blueprint:
    """
    The blueprint with one setting given in words, as ``regraft.blueprint.words`` writes them.

    Raises:
        BlueprintError: As ``answered``.
    """
    return put(blueprint, subject, text)[0]


def narrowed(question: Question, key: tuple[str, str], before: Setting, value: Setting) -> Question:
    """
    A question without the setting ``key``, its options those that gave it ``value``, if there were any.

    An option that does not mention the setting leaves it as it was ``before``.
    """
    if not any(key in option.edits for option in question.options):
        return question
    agreeing = [o for o in question.options if same(o.edits.get(key, before), value)] or list(question.options)
    seen: list[Mapping[tuple[str, str], Setting]] = []
    options = []
    for option in agreeing:
        rest = {k: v for k, v in option.edits.items() if k != key}
        if rest not in seen:
            seen.append(rest)
            options.append(replace(option, edits=rest))
    label = question.label if len(options) > 1 or question.label == "proved" else "assumed"
    return Question(tuple(options), label)


def same(a: Setting, b: Setting) -> bool:
    """Whether two settings are equal; numbers up to what 32 bits hold."""
    if (
        isinstance(a, float | int)
        and isinstance(b, float | int)
        and not isinstance(a, bool)
        and not isinstance(b, bool)
    ):
        return math.isclose(a, b, rel_tol=1e-6)
    return a == b


def put(blueprint: Blueprint, subject: str, text: str) -> tuple[Blueprint, tuple[str, str]]:
    """The blueprint with one answer in it, and the layer and setting that it names."""
    names = sorted((spec.name for spec in blueprint.layers), key=len, reverse=True)
    name = next((n for n in names if subject.startswith(f"{n}.")), None)
    if name is None:
        listed = listing([spec.name for spec in blueprint.layers])
        raise BlueprintError(
            f"answer {quote(subject)}: no such layer. Write layer.setting=value; the layers are {listed}"
        )
    key = subject[len(name) + 1 :]
    spec = blueprint.by_name[name]
    owner, inner, path = inside(spec, key, subject)
    value = parsed(owner, inner, text, subject, version_of(blueprint))
    changed = edited(blueprint, {(name, path): value})
    try:
        if not spec.unknown:
            build(changed.by_name[name])
    except (RegraftError, ValueError, TypeError) as error:
        raise BlueprintError(
            f"answer {subject}={text}: layer {quote(name)} ({spec.type}) does not take it: {error}"
        ) from None
    return changed, (name, path)


def version_of(blueprint: Blueprint) -> KerasVersion:
    """The version whose words an answer uses."""
    return KerasVersion.parse(blueprint.keras_version or "3")


def inside(spec: LayerSpec, key: str, subject: str) -> tuple[LayerSpec, str, str]:
    """The layer that has a setting, the setting, and its path; a wrapper passes on what it does not have."""
    head, _, rest = key.partition(".")
    wrapped = spec.config.get(head)
    if rest and isinstance(wrapped, LayerSpec):
        owner, inner, path = inside(wrapped, rest, subject)
        return owner, inner, f"{head}.{path}"
    own = setting_names(spec)
    if key in own:
        return spec, key, key
    for holder in ("layer", "cell"):
        wrapped = spec.config.get(holder)
        if isinstance(wrapped, LayerSpec) and key.partition(".")[0] in setting_names(wrapped):
            owner, inner, path = inside(wrapped, key, subject)
            return owner, inner, f"{holder}.{path}"
    raise BlueprintError(
        f"answer {quote(subject)}: layer {quote(spec.name)} ({spec.type}) has no setting {quote(key)}; it has {listing(own)}"
    )


def setting_names(spec: LayerSpec) -> list[str]:
    """The settings a layer has, in its own order; for an unknown layer those it was given."""
    if spec.unknown:
        return list(spec.config)
    try:
        return [f.name for f in fields(layer_class(spec.type))]
    except RegraftError:
        return list(spec.config)


def listing(names: list[str]) -> str:
    """Names for a message, cut."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(quote(name)[1:-1] for name in names[:LISTED]) + more


def parsed(spec: LayerSpec, setting: str, text: str, subject: str, version: KerasVersion) -> Setting:
    """
    An answer as the layer's own reader understands it: ``2`` is ``(2, 2)`` for the strides of a Conv2D.

    Raises:
        BlueprintError: If the value is not of the setting's kind.
    """
    value = literal(text)
    if spec.unknown:
        return value
    cls = layer_class(spec.type)
    field = next(f for f in fields(cls) if f.name == setting)
    today = field.default if field.default is not MISSING else spec.config.get(setting)
    kind = today if today is not None else spec.config.get(setting)
    wrong = (
        (isinstance(kind, bool) and not isinstance(value, bool))
        or (isinstance(kind, float) and (isinstance(value, bool) or not isinstance(value, int | float | None)))
        or (isinstance(value, tuple | float) and isinstance(kind, str))
    )
    if wrong:
        raise BlueprintError(f"answer {subject}={text}: expected {kind_words(kind)}, found {quote(text)}")
    parse = field.metadata.get("parse")
    if isinstance(value, LayerSpec) or parse is None:
        return float(value) if isinstance(kind, float) and isinstance(value, int) else value
    try:
        return parse(to_json(value), reading(cls, version))
    except (RegraftError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BlueprintError(
            f"answer {subject}={text}: {spec.type} does not take {quote(text)} as {setting}: {error}"
        ) from None


def kind_words(kind: Setting) -> str:
    """What a setting takes, in words."""
    return "true or false" if isinstance(kind, bool) else "a number" if isinstance(kind, float) else "a word"


def to_json(value: Setting) -> Any:
    """A value as it would stand in a Keras config: lists, not tuples."""
    return [to_json(item) for item in value] if isinstance(value, tuple) else value


def reading(cls: type, version: KerasVersion) -> Reading:
    """What the readers of settings may ask for; wrapped layers are not given in words."""

    def refuse(_: Any) -> Any:
        raise BlueprintError("a layer or a model cannot be given in words")

    # Names that only a catalogue of today knows are wanted too: hard_sigmoid_keras2 and hard_sigmoid are both told apart.
    return Reading(version, {}, refuse, refuse, getattr(cls, "rank", 0))


def value_at(blueprint: Blueprint, key: tuple[str, str]) -> Setting:
    """The value of a setting, wrapped layers included."""
    config = blueprint.by_name[key[0]].config
    *outer, last = key[1].split(".")
    for name in outer:
        inner = config[name]
        assert isinstance(inner, LayerSpec)
        config = inner.config
    return config.get(last)


__all__ = ["answered", "with_answer"]
