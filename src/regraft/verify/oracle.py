"""
The real Keras, in a process of its own.

TensorFlow is slow to import, may crash on odd models, and must not see our process: so one worker process holds
Keras 3 and tf-keras, takes one model after the other, and is started again after a crash. It talks in lines of
JSON over its standard input and output; arrays travel as ``.npy`` files in a temporary folder.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

import regraft
from regraft.errors import OracleError
from regraft.verify.subject import Spot

LibraryName = Literal["keras", "tf_keras"]

#: What the worker may know about this machine: enough to start Python, nothing else.
PASSED_ON = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "LANG",
    "LC_ALL",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "TMPDIR",
    "TEMP",
)
PASSED_ON_PREFIXES = ("OMP_", "MKL_", "TF_NUM_")
SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONUNBUFFERED": "1",
    "PYTHONIOENCODING": "utf-8",
}
INSTALL = "install the extra that holds it: pip install 'regraft[oracle]'"


class KerasError(OracleError):
    """Keras itself refused: the worker is alive, and another model, file or input may still pass."""


@dataclass(frozen=True)
class Loaded:
    """What Keras read from the original file: number of variables, and those that differ from our reading, with why."""

    count: int
    mismatches: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """
    Every tensor of one run, on disk.

    Attributes:
        folder: Where ``<dtype>-<n>.npy`` lie.
        spots: Number of each tensor.
        dtypes: In which dtypes the model ran: float32, and float64 unless TensorFlow lacks an operation for it.
        notes: What Keras could not do, in words.
    """

    folder: Path
    spots: Mapping[Spot, int]
    dtypes: tuple[str, ...]
    notes: tuple[str, ...]

    def read(self, spot: Spot, dtype: str) -> np.ndarray:
        """One tensor, in Keras order; mapped, not loaded."""
        return np.load(self.folder / f"{dtype}-{self.spots[spot]}.npy", mmap_mode="r", allow_pickle=False)

    def drop(self, dtype: str) -> None:
        """Delete the tensors of one dtype."""
        for path in self.folder.glob(f"{dtype}-*.npy"):
            path.unlink()


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


@dataclass
class Oracle:
    """
    A worker process and its temporary folder; a context manager, good for any number of models.

    Args:
        timeout: Seconds that one step (build, load, run) may take before the worker is ended.
    """

    timeout: float = 600.0
    process: subprocess.Popen[str] | None = field(default=None, init=False, repr=False)
    answers: queue.Queue[str | None] = field(default_factory=queue.Queue, init=False, repr=False)
    home: Path | None = field(default=None, init=False, repr=False)
    count: int = field(default=0, init=False, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker and delete its folder."""
        self.stop()
        if self.home is not None:
            shutil.rmtree(self.home, ignore_errors=True)
            self.home = None

    def stop(self) -> None:
        """End the worker; the next step starts a new one."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()
            self.process = None

    # ---- steps

    def build(self, library: LibraryName, config: Mapping[str, Any], shapes: Sequence[Sequence[int | None]]) -> str:
        """
        Build a model in float64 and float32; the one before it is gone.

        Args:
            library: Which Keras.
            config: Its JSON, already found harmless (``allowed.objections``); the worker looks again.
            shapes: Of the model's inputs, batch first, for a Sequential model that does not say.

        Returns:
            Which Keras it is: ``keras 3.15.1, tensorflow 2.21.0``.

        Raises:
            KerasError: Keras does not build it.
            OracleError: The worker crashed or took too long.
        """
        path = self.folder() / "config.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        shapes = [list(shape) for shape in shapes]
        return str(self.ask({"do": "build", "library": library, "config": str(path), "shapes": shapes})["oracle"])

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
        answer = self.ask({"do": "load", "file": str(link), "variables": str(variables)})
        return Loaded(int(answer["count"]), tuple(answer["mismatches"]))

    def set(self, variables: Path) -> None:
        """Fill the model from our reading, written with its arrays."""
        self.ask({"do": "set", "variables": str(variables)})

    def run(self, arrays: Sequence[np.ndarray]) -> Seen:
        """
        Run the model on inputs in Keras order and keep every tensor.

        Raises:
            KerasError: Keras does not accept these inputs.
            OracleError: The worker crashed or took too long.
        """
        folder = self.folder()
        for number, array in enumerate(arrays):
            np.save(folder / f"input-{number}.npy", array, allow_pickle=False)
        answer = self.ask({"do": "run", "folder": str(folder), "inputs": len(arrays)})
        spots = {Spot(tuple(s["layers"]), tuple(s["calls"]), s["index"]): n for n, s in enumerate(answer["spots"])}
        return Seen(folder, spots, tuple(answer["dtypes"]), tuple(answer["notes"]))

    # ---- the process

    def folder(self) -> Path:
        """A new folder for the files of one step."""
        if self.home is None:
            self.home = Path(tempfile.mkdtemp(prefix="regraft-oracle-"))
        self.count += 1
        folder = self.home / str(self.count)
        folder.mkdir()
        return folder

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request and wait for the answer."""
        step = str(request["do"])
        process = self.process if self.process is not None and self.process.poll() is None else self.start()
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = self.answers.get(timeout=self.timeout)
        except queue.Empty:
            self.stop()
            raise OracleError(
                f"Keras needed more than {self.timeout:g} seconds to {step} the model and was stopped"
            ) from None
        except OSError:
            line = None
        if line is None:
            raise OracleError(self.crash(step))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise KerasError(f"Keras could not {step} the model: {answer['error']}")
        return answer

    def crash(self, step: str) -> str:
        """What can be said about a worker that ended by itself."""
        code = self.process.wait() if self.process is not None else None
        self.stop()
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        last = ""
        if self.home is not None and (log := self.home / "log.txt").exists():
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            last = ": " + " / ".join(lines[-3:])[-500:] if lines else ""
        return f"the process that runs Keras ended with {how} while it had to {step} the model{last}"

    def start(self) -> subprocess.Popen[str]:
        """Start a worker, with little of our environment."""
        self.stop()
        work = self.folder()
        assert self.home is not None
        kept = {k: v for k, v in os.environ.items() if k in PASSED_ON or k.startswith(PASSED_ON_PREFIXES)}
        source = str(Path(regraft.__file__).parents[1])
        paths = [source, *(p for p in kept.get("PYTHONPATH", "").split(os.pathsep) if p)]
        # Its home is the temporary folder: no settings of the user, and none left behind.
        env = {**kept, **SETTINGS, "PYTHONPATH": os.pathsep.join(paths), "HOME": str(work), "KERAS_HOME": str(work)}
        with (self.home / "log.txt").open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "regraft.verify.oracle_worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=env, cwd=work, text=True, encoding="utf-8",
            )  # fmt: skip
        self.answers = queue.Queue()
        threading.Thread(target=listen, args=(self.process, self.answers), daemon=True).start()
        return self.process


def listen(process: subprocess.Popen[str], answers: queue.Queue[str | None]) -> None:
    """Pass the worker's lines on; None says that it ended."""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            answers.put(line)
    except ValueError:
        pass  # the pipe was closed while we read it
    answers.put(None)
