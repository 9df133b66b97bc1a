"""
A Keras model that the user names: a file, a function of theirs that builds it, or a SavedModel folder.

Whatever it is, it ends as a file that ``convert`` reads; only a SavedModel that holds nothing but a graph does not.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from regraft.errors import ConfigError, FileError, OutputError
from regraft.named_call import split_call
from regraft.verify.oracle import Oracle

Kind = Literal["file", "function", "SavedModel", "graph"]
EXPECTED = (
    "expected a Keras file, a SavedModel folder, or a function of yours, such as my_model.py:build(num_classes=7)"
)
GRAPH = "saved_model.pb"


@dataclass(frozen=True)
class Origin:
    """
    A Keras model, ready to be read.

    Attributes:
        text: What the user named.
        kind: ``file``; ``function`` of the user, ``SavedModel`` of tf-keras, both saved to ``file``; or ``graph``: a
            SavedModel that holds a graph only.
        file: What ``convert`` reads; None of a graph.
        architecture: The architecture beside it, or None.
        notes: How the file came about, in words.
        oracle: The process that holds Keras; started when it is first needed.
        graph: The folder of a SavedModel that holds a graph only, else None.
    """

    text: str
    kind: Kind
    file: Path | None
    architecture: str | None
    notes: tuple[str, ...]
    oracle: Oracle
    graph: Path | None = None


@contextmanager
def resolved(
    text: str | os.PathLike[str],
    architecture: str | os.PathLike[str] | None = None,
    oracle: Oracle | None = None,
    custom: Path | None = None,
) -> Generator[Origin]:
    """
    The Keras model that a text names.

    Args:
        text: A file or folder as ``convert`` reads it; ``module.py:build`` or ``module.py:build(num_classes=7)``, a
            function that returns a Keras or tf-keras model, imported in the worker process only, because the user
            names it; or the folder of a SavedModel.
        architecture: Keras JSON beside a file of weights.
        oracle: A running worker to use and leave running; without it one is started when needed, and ended.
        custom: The user's file whose ``keras_objects`` a SavedModel may name.

    Yields:
        The model. Files that were made for it are gone when the oracle is closed.

    Raises:
        OutputError: The text names nothing.
        FileError: The Python file, or the SavedModel, cannot be read.
        OracleError: The function fails, or gives no model that can be saved.
    """
    with Oracle() if oracle is None else nullcontext(oracle) as worker:
        yield origin_of(str(text), None if architecture is None else str(architecture), worker, custom)


def origin_of(text: str, architecture: str | None, oracle: Oracle, custom: Path | None = None) -> Origin:
    """The model that a text names, by what lies there."""
    path = Path(text)
    place, colon, call = text.partition(".py:")
    if colon and not path.exists():
        refuse_architecture(text, architecture)
        return from_function(text, Path(f"{place}.py"), call, oracle)
    if path.suffix == ".py":
        raise OutputError(f"{text}: which function builds the model? {EXPECTED}")
    if path.is_dir() and (path / GRAPH).is_file():
        refuse_architecture(text, architecture)
        return from_saved_model(text, path, oracle, custom)
    return Origin(text, "file", path, architecture, (), oracle)


def refuse_architecture(text: str, architecture: str | None) -> None:
    """An architecture belongs to a file of weights."""
    if architecture is not None:
        raise ConfigError(f"--architecture is for a file of weights; {text} has its own")


def from_function(text: str, path: Path, call: str, oracle: Oracle) -> Origin:
    """Let the worker call a function of the user, and save the model that it returns."""
    split_call(call, EXPECTED)
    if not path.is_file():
        raise FileError(path, "there is no such file.", hint=f"{EXPECTED[0].upper()}{EXPECTED[1:]}.")
    found = oracle.from_function(path, call)
    note = f"{text} was imported and called in the process that runs Keras; it gave a model of {found.library}"
    return Origin(text, "function", found.file, found.architecture, (note, *found.notes), oracle)


def from_saved_model(text: str, path: Path, oracle: Oracle, custom: Path | None) -> Origin:
    """Let the worker open a SavedModel: as a file where Keras' own description is inside, else as a graph."""
    found = oracle.from_saved_model(path, custom)
    if found.file is None:
        return Origin(text, "graph", None, None, found.notes, oracle, path)
    return Origin(text, "SavedModel", found.file, found.architecture, found.notes, oracle)


__all__ = ["Origin", "origin_of", "resolved"]
