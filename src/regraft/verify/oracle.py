"""
The real Keras, in a process of its own.

TensorFlow is slow to import, may crash on odd models, and must not see our process: so one worker process holds
Keras 3 and tf-keras, takes one model after the other, and is started again after a crash. It talks in lines of
JSON over its standard input and output; arrays travel as ``.npy`` files in a temporary folder.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

from regraft.verify.graph_run import GraphTensors
from regraft.verify.oracle_process import KerasError, WorkerProcess
from regraft.verify.seen import Seen, Stream
from regraft.verify.subject import Spot

LibraryName = Literal["keras", "tf_keras"]

DTYPES = ("float32", "float64")
INSTALL = "install the extra that holds it: pip install 'regraft[oracle]'"


@dataclass(frozen=True)
class Loaded:
    """What Keras read from the original file: number of variables, and those that differ from our reading, with why."""

    count: int
    mismatches: tuple[str, ...]


@dataclass(frozen=True)
class Saved:
    """
    A model that the worker made and saved.

    Attributes:
        file: A ``.keras`` file, an ``.h5`` file, or a file of weights; None of a SavedModel that holds a graph only.
        architecture: The JSON beside a file of weights, else None.
        library: Which Keras made it: ``keras`` or ``tf_keras``.
        notes: What a person should know of how it came about.
    """

    file: Path | None
    architecture: str | None
    library: str
    notes: tuple[str, ...]


def saved(answer: Mapping[str, Any]) -> Saved:
    """The worker's answer."""
    file = Path(answer["file"]) if answer.get("file") else None
    return Saved(file, answer.get("architecture"), str(answer.get("library", "")), tuple(answer["notes"]))


def absent(library: LibraryName) -> str:
    """What is missing to run a library, in words; empty if nothing. Nothing is imported for the answer."""
    needed = {"keras": ("keras", "tensorflow"), "tf_keras": ("tf_keras", "tensorflow")}[library]
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        names = " and ".join({"tf_keras": "tf-keras"}.get(name, name) for name in missing)
        return f"{names} is not installed; {INSTALL}"
    if library == "keras":
        try:
            found = version("keras")
        except PackageNotFoundError:
            return ""
        if found.split(".")[0] < "3":
            return f"keras {found} is installed, this model needs keras 3; {INSTALL}"
    return ""


class Oracle:
    """
    Keras 3 and tf-keras, one model at a time; a context manager, good for any number of models.

    Args:
        timeout: Seconds that one step (build, load, set, run) may take before the worker is ended.
    """

    def __init__(self, *, timeout: float = 600.0) -> None:
        self.worker = WorkerProcess(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker and delete its folder."""
        self.worker.close()

    def folder(self) -> Path:
        """A new temporary folder, gone when the oracle is closed."""
        return self.worker.folder()

    def build(
        self,
        library: LibraryName,
        config: Mapping[str, Any],
        shapes: Sequence[Sequence[int | None]],
        *,
        standalone: bool = False,
        custom: bool = False,
    ) -> str:
        """
        Build a model in float64 and float32; the one before it is gone.

        Args:
            library: Which Keras.
            config: Its JSON, already found harmless (``allowed.objections``); the worker looks again.
            shapes: Of the model's inputs, batch first, for a Sequential model that does not say.
            custom: Whether the model may hold what the file of the last ``custom`` gave.
            standalone: tf-keras stands for the stand-alone Keras before 2.4, and does as that did where the two differ.

        Returns:
            Which Keras it is: ``keras 3.15.1, tensorflow 2.21.0``.

        Raises:
            KerasError: Keras does not build it.
            OracleError: The worker crashed or took too long.
        """
        path = self.folder() / "config.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        shapes = [list(shape) for shape in shapes]
        return str(
            self.worker.ask(
                {
                    "do": "build",
                    "library": library,
                    "config": str(path),
                    "shapes": shapes,
                    "standalone": standalone,
                    "custom": custom,
                }
            )["oracle"]
        )

    def custom(self, library: LibraryName, file: Path) -> frozenset[str]:
        """
        Import a file of the user into the worker; the names of the classes and functions that it gives to Keras.

        Raises:
            KerasError: The file's ``keras_objects`` fails.
        """
        return frozenset(self.worker.ask({"do": "custom", "library": library, "file": str(file.resolve())})["names"])

    def from_function(self, file: Path, call: str) -> Saved:
        """
        Import a Python file of the user into the worker, call a function of it, and save the model that it returns.

        Args:
            file: The file.
            call: The function, with plain arguments: ``build(num_classes=7)``.

        Raises:
            KerasError: The file or the function fails, or what it returns cannot be saved.
        """
        request = {"do": "function", "file": str(file.resolve()), "call": call, "cwd": str(Path.cwd())}
        request["folder"] = str(self.folder())
        return saved(self.worker.ask(request))

    def from_saved_model(self, folder: Path, custom: Path | None = None) -> Saved:
        """
        Open a SavedModel: built anew and saved where Keras' own description is inside, else looked at as a graph.

        No operation of its graph is run.

        Raises:
            KerasError: It cannot be read, or its graph names an operation that touches files or runs Python.
        """
        own = None if custom is None else str(custom.resolve())
        request = {"do": "saved_model", "model": str(folder.resolve()), "folder": str(self.folder()), "custom": own}
        return saved(self.worker.ask(request))

    def run_graph(self, model: Path, arrays: Sequence[np.ndarray], names: Sequence[str]) -> GraphTensors:
        """
        Run the signature of a SavedModel on inputs in Keras order, if nothing in its graph can do harm.

        Args:
            model: Its folder.
            arrays: The inputs.
            names: Their names in Keras, by which the signature may know them.

        Raises:
            KerasError: The graph is refused, or does not take these inputs.
        """
        folder = self.folder()
        for number, array in enumerate(arrays):
            np.save(folder / f"input-{number}.npy", array, allow_pickle=False)
        request = {"do": "graph", "model": str(model.resolve()), "folder": str(folder), "names": list(names)}
        answer = self.worker.ask(request)
        return GraphTensors(folder, answer["files"], answer["outputs"], str(answer["oracle"]))

    def open(self, file: Path, variables: Path, *, custom: bool = False) -> tuple[str, Loaded]:
        """
        Open a ``.keras`` file as a user of Keras 3 does; the model before is gone.

        Args:
            file: The file.
            variables: Our reading with its arrays, which the double precision copy of the model gets.
            custom: Whether the model may hold what the file of the last ``custom`` gave.

        Returns:
            Which Keras it is, and what it read that is not our reading.
        """
        request = {"do": "open", "file": str(file.resolve()), "variables": str(variables), "custom": custom}
        answer = self.worker.ask(request)
        return str(answer["oracle"]), Loaded(int(answer["count"]), tuple(answer["mismatches"]))

    def load(self, file: Path, name: str, variables: Path) -> Loaded:
        """
        Let Keras load a weights file itself, and compare what it read with our fingerprints.

        Args:
            file: The original file.
            name: What Keras must take it for: ``weights.h5``, ``model.weights.h5`` or ``model.keras``.
            variables: Our reading, as ``reading.write`` writes it.
        """
        link = self.folder() / name
        try:
            link.symlink_to(file.resolve())
        except OSError:
            shutil.copyfile(file, link)
        answer = self.worker.ask({"do": "load", "file": str(link), "variables": str(variables)})
        return Loaded(int(answer["count"]), tuple(answer["mismatches"]))

    def set(self, variables: Path) -> None:
        """Fill the model from our reading, written with its arrays."""
        self.worker.ask({"do": "set", "variables": str(variables)})

    def run(self, arrays: Sequence[np.ndarray], *, low_memory: bool = False, dtypes: Sequence[str] = DTYPES) -> Seen:
        """
        Run the model on inputs in Keras order and keep every tensor.

        Args:
            arrays: The inputs.
            low_memory: Run it once to see whether it takes the inputs, and again, call by call, as tensors are asked for.
            dtypes: In what it is run; the first has to succeed unless it is float64.

        Raises:
            KerasError: Keras does not accept these inputs.
            OracleError: The worker crashed or took too long.
        """
        folder = self.folder()
        for number, array in enumerate(arrays):
            np.save(folder / f"input-{number}.npy", array, allow_pickle=False)
        request = {"do": "rehearse" if low_memory else "run", "folder": str(folder), "inputs": len(arrays)}
        spots: dict[Spot, int] = {}
        done: list[str] = []
        notes: list[str] = []
        noise: dict[Spot, float] = {}
        for dtype in dtypes:
            answer = self.worker.ask({**request, "dtype": dtype})
            if "note" in answer:
                notes.append(answer["note"])
                continue
            spots = {Spot(tuple(s["layers"]), tuple(s["calls"]), s["index"]): n for n, s in enumerate(answer["spots"])}
            noise |= {spot: answer["noise"][str(n)] for spot, n in spots.items() if str(n) in answer["noise"]}
            done.append(dtype)
        if not done:
            raise KerasError(notes[0])
        if low_memory:
            return Stream(folder, spots, tuple(done), tuple(notes), noise, self.worker.ask, len(arrays))
        return Seen(folder, spots, tuple(done), tuple(notes), noise)


__all__ = ["DTYPES", "KerasError", "LibraryName", "Loaded", "Oracle", "Saved", "Seen", "absent"]
