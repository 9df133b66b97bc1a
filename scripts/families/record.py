"""What the generating scripts hand over: one JSON line a model, with its architecture and the shapes of its variables."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Record:
    """
    One published model, built without weights.

    Attributes:
        package: As it is installed and cited, ``keras.applications``.
        version: Of the package.
        family: Name of the model there.
        variant: Which of its forms, in words; empty for the default.
        config: ``model.to_json()``.
        shapes: For every layer with variables the shapes in stored order: trainable ones first.
        body: ``model.to_json()`` of the same model without its top, or empty if there is none.
        body_shapes: Shapes of the variables of that model.
        classes: Layers whose shapes follow the number of classes, where they are not the top alone.
        resized: ``model.to_json()`` at other input sizes; settings that differ follow the input size.
        preprocessing: What is done to an image before it enters, in plain words.
        inputs: Constraints on the input, in plain words.
    """

    package: str
    version: str
    family: str
    variant: str
    config: str
    shapes: dict[str, list[list[int]]]
    body: str = ""
    body_shapes: dict[str, list[list[int]]] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    resized: list[str] = field(default_factory=list)
    preprocessing: str = ""
    inputs: str = ""


def shapes_of(model: Any) -> dict[str, list[list[int]]]:
    """Shapes of the variables of every layer that has some, in the order in which HDF5 files of Keras store them."""
    found: dict[str, list[list[int]]] = {}
    for layer in model.layers:
        stored = [*layer.trainable_weights, *layer.non_trainable_weights]
        kept = [w for w in stored if "seed" not in w.name]
        if kept:
            found[layer.name] = [[int(size) for size in w.shape] for w in kept]
    return found


def write(path: Path, records: list[Record]) -> None:
    """One JSON line a record."""
    path.write_text("".join(json.dumps(asdict(record)) + "\n" for record in records), encoding="utf-8")


def read(path: Path) -> list[Record]:
    """The records of one file."""
    return [Record(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
