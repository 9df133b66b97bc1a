"""What later stages may change in a recognised architecture: its own layers, not the published ones."""

from __future__ import annotations

from dataclasses import replace

from regraft.recover.draft import Draft
from regraft.recover.question import Option, Question


def kept(draft: Draft, recognised: Draft) -> Draft:
    """
    A draft as a later stage left it, with the published layers as they were.

    Args:
        draft: What the stage made of ``recognised``.
        recognised: The draft that came from the library; its ``known`` layers keep their settings, and questions about
            them are dropped.
    """
    known = recognised.known
    if not known:
        return draft
    published = recognised.blueprint.by_name
    layers = tuple(published[s.name] if s.name in known and s.name in published else s for s in draft.blueprint.layers)
    questions = tuple(q for asked in draft.questions if (q := without(asked, known)) is not None)
    stated = set(recognised.choices)
    choices = tuple(c for c in draft.choices if c in stated or layer_of(c.subject, known) is None)
    return replace(
        draft,
        blueprint=replace(draft.blueprint, layers=layers),
        questions=questions,
        choices=choices,
        known=known,
        family=recognised.family,
    )


def without(question: Question, known: frozenset[str]) -> Question | None:
    """A question about the other layers only; None if it asks about published ones alone."""
    options: dict[tuple[object, ...], Option] = {}
    for option in question.options:
        edits = {key: value for key, value in option.edits.items() if key[0] not in known}
        same = tuple(sorted((layer, key, repr(value)) for (layer, key), value in edits.items()))
        if same not in options or option.cost < options[same].cost:
            options[same] = replace(option, edits=edits)
    if not any(option.edits for option in options.values()):
        return None
    return Question(tuple(sorted(options.values(), key=lambda option: option.cost)), question.label)


def layer_of(subject: str, known: frozenset[str]) -> str | None:
    """The published layer that a choice is about; layer names may hold dots themselves."""
    parts = subject.split(".")
    return next((name for i in range(len(parts)) if (name := ".".join(parts[: i + 1])) in known), None)
