"""The process that holds the real Keras: started with little of our environment, asked in lines of JSON, ended."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import regraft
from regraft.errors import OracleError

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


#: Steps that need no model of an earlier one.
FIRST_STEPS = ("build", "custom", "open", "function", "saved_model", "graph")
#: What a step does, where its name does not say it.
WORDS = {
    "custom": "take what the file gives it",
    "function": "make the model from the function",
    "saved_model": "open the SavedModel",
    "graph": "run the graph of the SavedModel",
}


class KerasError(OracleError):
    """Keras itself refused: the worker is alive, and another model, file or input may still pass."""


@dataclass
class WorkerProcess:
    """
    A worker process and its temporary folder; started by the first request, and again by the next one after a crash.

    Attributes:
        timeout: Seconds that one request may take before the worker is ended.
        command: What runs the worker, after the interpreter.
    """

    timeout: float
    command: tuple[str, ...] = ("-P", "-m", "regraft.verify.oracle_worker")
    process: subprocess.Popen[str] | None = field(default=None, init=False, repr=False)
    answers: queue.Queue[str | None] = field(default_factory=queue.Queue, init=False, repr=False)
    home: Path | None = field(default=None, init=False, repr=False)
    count: int = field(default=0, init=False, repr=False)

    def close(self) -> None:
        """End the worker and delete its folder."""
        self.stop()
        if self.home is not None:
            shutil.rmtree(self.home, ignore_errors=True)
            self.home = None

    def stop(self) -> None:
        """End the worker; the next request starts a new one."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()
            self.process = None

    def folder(self) -> Path:
        """A new folder for the files of one step."""
        if self.home is None:
            self.home = Path(tempfile.mkdtemp(prefix="regraft-oracle-"))
        self.count += 1
        folder = self.home / str(self.count)
        folder.mkdir()
        return folder

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request and wait for the answer; a worker that ended holds no model, so only ``build`` starts anew."""
        step = str(request["do"])
        ended = self.process is not None and self.process.poll() is not None
        if ended and step not in FIRST_STEPS:
            raise OracleError(self.crash(step))
        process = self.start() if ended or self.process is None else self.process
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
            raise KerasError(f"Keras could not {WORDS.get(step, f'{step} the model')}: {answer['error']}")
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
                [sys.executable, *self.command],
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
