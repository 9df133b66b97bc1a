"""Questions about Embedding layers that mask their zeros, where a layer behind takes masks."""

from __future__ import annotations

from math import log

import numpy as np

from regraft.blueprint import LayerSpec, Setting
from regraft.recover.question import Option, Question, sorted_question
from regraft.recover.settings import conventions
from regraft.recover.settings.scene import Scene
from regraft.recover.settings.surroundings import core

#: The default initializer of Embedding draws from [-0.05, 0.05] (``keras/src/initializers``, ``uniform``).
INITIAL = 0.05


def ask(scene: Scene) -> list[Question]:
    """One question for each Embedding whose mask would change what a layer behind does."""
    specs = [s for s in scene.blueprint.layers if s.type == "Embedding" and scene.open(s.name, "mask_zero")]
    return [question(scene, spec) for spec in specs if spec.name in scene.layers and reaches(scene, spec.name)]


def reaches(scene: Scene, layer: str) -> bool:
    """Whether a mask would reach a layer that acts on it."""
    todo, seen = [layer], {layer}
    while todo:
        for spec in scene.around.following(todo.pop()):
            if spec is None or spec.name in seen:
                continue
            seen.add(spec.name)
            found = scene.layers.get(spec.name)
            if found is None or found.masks == "drop":
                continue
            if found.masks == "own" and core(spec).type not in {
                "Embedding",
                "Masking",
                "Dense",
                "Rescaling",
                "Identity",
            }:
                return True
            todo.append(spec.name)
    return False


def question(scene: Scene, spec: LayerSpec) -> Question:
    """With a mask the row of the padding is never trained: it stays as it was drawn."""
    table = conventions.MASK_ZERO
    costs = {value: table.cost(str(value).lower()) for value in (False, True)}
    told = trained_row(scene.stored(spec.name).get("embeddings"))
    if told == "trained":
        costs[True] += 6.0
    elif told == "untouched":
        costs[False] -= log(0.4)
    why = {
        "trained": "; row 0 was trained, which a mask would prevent",
        "untouched": "; row 0 is as it was drawn while others were trained: masked, or never used",
    }.get(told, "")
    options: list[Option] = []
    for value, cost in costs.items():
        change: dict[tuple[str, str], Setting] = {(spec.name, "mask_zero"): value}
        options.append(Option(cost, change, table.evidence(str(value).lower()) + why))
    return sorted_question(options, "supported" if told == "trained" else "open")


def trained_row(embeddings: np.ndarray | None) -> str:
    """
    What became of row 0: ``trained``, ``untouched`` while others were trained, or empty.

    Judged only where the table was drawn from the default range: many rows still lie within it.
    """
    if embeddings is None or embeddings.ndim != 2 or len(embeddings) < 4 or not np.isfinite(embeddings).all():
        return ""
    largest = np.abs(embeddings).max(axis=1)
    inside = largest <= INITIAL
    if not inside[0]:
        return "trained" if inside[1:].mean() > 0.1 else ""
    return "untouched" if (~inside[1:]).mean() > 0.2 and largest[0] > 0 else ""
