"""Layers of one model to parts: those with variables first, then the others, whose type hangs on what is around."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from regraft.blueprint import LayerSpec, Setting
from regraft.layers import CATALOGUE, KerasVersion
from regraft.recover.grouping.deciding import decided
from regraft.recover.grouping.defaults import built_settings
from regraft.recover.grouping.names import type_of
from regraft.recover.grouping.subject import Subject
from regraft.recover.grouping.weightless import Surroundings, bare
from regraft.recover.part import Part

#: Spatial axes of what these types work on; of others the name says it.
SEQUENCES = frozenset({"LSTM", "GRU", "SimpleRNN", "Bidirectional", "Embedding", "RNN", "CuDNNLSTM", "CuDNNGRU"})
#: Notes of one kind that are listed before the rest is only counted.
MOST_NOTES = 20


def parts_of(
    subjects: Sequence[Subject], version: KerasVersion, *, ordered: bool
) -> tuple[tuple[Part, ...], list[str]]:
    """
    The parts in the order of the subjects, and notes.

    Args:
        subjects: All layers of one model.
        version: Of the Keras that wrote the file.
        ordered: Whether they stand in the order of the model.
    """
    notes: list[str] = []
    found: dict[int, Part] = {}
    for i, subject in enumerate(subjects):
        if subject.held.shapes:
            found[i], note = decided(subject)
            notes += [note] if note else []
    ranks = ranks_around([found.get(i) for i in range(len(subjects))])
    inputs = ordered and may_list_inputs(subjects, version)
    front = inputs  # so far there were only inputs
    for i, subject in enumerate(subjects):
        if i not in found:
            around = Surroundings(ranks[i], front=front, inputs=inputs)
            found[i], note = bare(subject, around)
            notes += [note] if note else []
        front = front and found[i].type == "InputLayer"
    parts = [found[i] for i in range(len(subjects))]
    if version.before(2):
        parts = in_one_order(parts)
    return tuple(buildable(part, version) for part in parts), shortened(notes)


def buildable(part: Part, version: KerasVersion) -> Part:
    """The part with everything that its layer needs."""
    if not part.type or part.type not in CATALOGUE:
        return part
    try:
        return replace(part, settings=dict(_built(part.type, tuple(part.settings.items()), version)))
    except TypeError:  # a wrapped layer cannot be a key of the cache
        return replace(part, settings=built_settings(part.type, part.settings, version))


@lru_cache(maxsize=4096)
def _built(type_name: str, settings: tuple[tuple[str, Setting], ...], version: KerasVersion) -> Mapping[str, Setting]:
    return built_settings(type_name, dict(settings), version)


def ranks_around(parts: Sequence[Part | None]) -> list[int]:
    """For every place the number of spatial axes of the maps there: of the last layer before that tells, else the next."""
    found: list[int] = []
    last = 0
    for part in parts:
        last = (rank_of(part) if part else 0) or last
        found.append(last)
    following = next((rank for rank in found if rank), 2)
    return [rank or following for rank in found]


def rank_of(part: Part) -> int:
    """Spatial axes that a layer works on; 0 if it does not tell."""
    if isinstance(inside := part.settings.get("layer"), LayerSpec):
        return rank_of(Part(part.group, inside.type))
    match = re.search(r"([123])D(Transpose)?$", part.type)
    return int(match[1]) if match else 1 if part.type in SEQUENCES else 0


def may_list_inputs(subjects: Sequence[Subject], version: KerasVersion) -> bool:
    """A functional model lists its inputs, and begins with one; Keras 0 knew no such layers."""
    if not subjects or version.before(1):
        return False
    first = subjects[0]
    if first.class_name:
        return type_of(first.class_name) == "InputLayer"
    return not first.held.shapes


def in_one_order(parts: Sequence[Part]) -> list[Part]:
    """
    Keras 0 and 1: kernels lie as ``dim_ordering`` says, and a model has the same for all its layers.

    Kernels that fit both orders, and layers without variables, follow the others.
    """
    stated = [order for part in parts if (order := part.settings.get("data_format"))]
    if not stated:
        return list(parts)
    order = max(sorted(set(map(str, stated))), key=stated.count)
    return [
        replace(part, settings={**part.settings, "data_format": order}) if follows(part) else part for part in parts
    ]


def follows(part: Part) -> bool:
    """Whether a layer without variables has a data format."""
    cls = CATALOGUE.get(part.type) if part.type else None
    return cls is not None and not cls.weights and cls.rank > 1 and "data_format" in cls.__dataclass_fields__


def shortened(notes: Sequence[str]) -> list[str]:
    """Not too many notes."""
    rest = len(notes) - MOST_NOTES
    return [*notes[:MOST_NOTES], f"and {rest} more layers whose names and shapes differ"] if rest > 0 else list(notes)
