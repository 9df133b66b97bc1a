"""How the real Keras gets architecture and weights: from the user's file where that is safe, else from our reading."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from regraft.blueprint import Blueprint
from regraft.errors import RegraftError
from regraft.layers import KerasVersion
from regraft.verify.allowed import objections, stripped
from regraft.verify.custom_config import for_keras
from regraft.verify.oracle import KerasError, LibraryName, Oracle
from regraft.verify.reading import decoded, turned, write
from regraft.verify.subject import Subject

FROM_FILE, REGENERATED = "file", "regenerated"
BY_KERAS, BY_US = "loaded by Keras", "set from our reading"


@dataclass(frozen=True)
class Built:
    """A filled Keras model: which Keras, both routes, and what Keras read by itself."""

    oracle: str
    config: str
    weights: str
    compared: int = 0
    mismatches: tuple[str, ...] = ()


def built_models(
    subject: Subject,
    blueprint: Blueprint,
    library: LibraryName,
    oracle: Oracle,
    notes: list[str],
    say: Callable[[str], None],
) -> Iterator[Built]:
    """
    Filled models in the oracle, the most independent of our own work first; the caller stops at the first that runs.

    Args:
        subject: The conversion.
        blueprint: What of its blueprint can be checked.
        library: Which Keras.
        oracle: The worker.
        notes: Receives why a route was not taken.
        say: Told what happens next.
    """
    custom = subject.custom
    names = objects_known(subject, library, oracle)
    shapes: list[Any] = [blueprint.by_name[ref.layer].config.get("batch_shape") for ref in blueprint.inputs]
    standalone = KerasVersion.parse(blueprint.keras_version).standalone
    for route, config in configs(subject, blueprint, library, notes, names):
        say(f"building the model in {library.replace('_', '-')}, architecture: {route}")
        try:
            description = oracle.build(library, config, shapes, standalone=standalone, custom=custom is not None)
            weights, count, mismatches = fill(subject, blueprint, library, oracle, notes, say)
        except KerasError as error:
            notes.append(" ".join(str(error).split()))
            continue
        yield Built(description, route, weights, count, mismatches)


def objects_known(subject: Subject, library: LibraryName, oracle: Oracle) -> frozenset[str]:
    """The names of what the user's file gives to Keras; none without such a file."""
    if subject.custom is None or not subject.custom.keras:
        return frozenset()
    return oracle.custom(library, subject.custom.path)


def configs(
    subject: Subject,
    blueprint: Blueprint,
    library: LibraryName,
    notes: list[str],
    names: frozenset[str] = frozenset(),
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The file's own configuration if nothing in it is unknown, then the one written from the blueprint."""
    version = KerasVersion.parse(blueprint.keras_version).major
    if blueprint is subject.blueprint and subject.config and version >= 2:
        own = for_keras(parsed(subject.config), subject.custom, names)
        if isinstance(own, dict) and "class_name" in own:
            wrong = objections(own, names)
            if not wrong:
                yield FROM_FILE, own
            else:
                notes.append(f"the file's own architecture was not given to Keras: it names {', '.join(wrong[:5])}")
    try:
        again = parsed(subject.regenerate(blueprint, 3 if library == "keras" else 2))
        again = for_keras(again, subject.custom, names)
    except RegraftError as error:
        notes.append(" ".join(str(error).split()))
        return
    if wrong := objections(again, names):
        notes.append(f"the architecture was not given to Keras: it names {', '.join(wrong[:5])}")
        return
    yield REGENERATED, again


def parsed(text: str) -> Any:
    """JSON text, stripped of what inference does not need; None if it is no JSON, which its own reader reports."""
    try:
        return stripped(json.loads(text))
    except (ValueError, RecursionError):
        return None


def fill(
    subject: Subject,
    blueprint: Blueprint,
    library: LibraryName,
    oracle: Oracle,
    notes: list[str],
    say: Callable[[str], None],
) -> tuple[str, int, tuple[str, ...]]:
    """
    Bring the weights into the model: by Keras' own loader from the original file, else from our reading.

    Returns:
        The route, the number of variables that both read, and those that differ.
    """
    name, why = file_name(subject, blueprint)
    if subject.file is not None and name:
        say("Keras loads the weights")
        try:
            loaded = oracle.load(subject.file, name, write(blueprint, subject.binding, oracle.folder(), arrays=False))
        except KerasError as error:
            notes.append(f"{error}; it has the weights from our reading instead")
        else:
            return BY_KERAS, loaded.count, loaded.mismatches
    else:
        notes.append(f"Keras has the weights from our reading: {why}")
    say("setting the weights in Keras")
    oracle.set(write(blueprint, subject.binding, oracle.folder(), arrays=True))
    return BY_US, 0, ()


def file_name(subject: Subject, blueprint: Blueprint) -> tuple[str, str]:
    """Under which name Keras loads the original file as what it is; else why it cannot."""
    tree, file = subject.tree, subject.file
    if blueprint is not subject.blueprint:
        return "", "the model has layers that cannot be converted"
    if file is None or not file.is_file() or file.suffix == ".json":
        return "", "there is no one file of weights that Keras could load"
    if tree.dialect in {"checkpoint-h5", "keras-0"}:
        return "", f"it does not read files of the dialect {tree.dialect} any more"
    if turned(subject.binding):
        return "", "the file was written by Theano, whose kernels are turned by 180 degrees"
    if decoded(subject.binding):
        return "", "the file holds quantised weights"
    if zipfile.is_zipfile(file):
        return "model.keras", ""
    return ("model.weights.h5" if tree.dialect == "keras-3" else "weights.h5"), ""
