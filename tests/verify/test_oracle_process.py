"""The worker process: crashes, waits and what it may know, with small scripts in the place of Keras."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from regraft.errors import OracleError
from regraft.verify import oracle as oracle_module
from regraft.verify.oracle import Oracle, absent
from regraft.verify.oracle_process import KerasError, WorkerProcess

ECHO = """
import json, os, sys
for line in sys.stdin:
    print(json.dumps({"got": json.loads(line), "env": dict(os.environ)}), flush=True)
"""
CRASH = "import os,sys\nsys.stdin.readline()\nsys.stderr.write('out of luck\\n')\nsys.stderr.flush()\nos.abort()"
EXIT = "import sys\nsys.stdin.readline()\nsys.exit(7)"
REFUSE = 'import sys\nfor line in sys.stdin: print(\'{"error": "ValueError: no such layer"}\', flush=True)'
SLEEP = "import time\ntime.sleep(60)"


@pytest.fixture
def started() -> Iterator[list[WorkerProcess]]:
    """Workers that are closed after the test."""
    workers: list[WorkerProcess] = []
    yield workers
    for worker in workers:
        worker.close()


def worker(started: list[WorkerProcess], script: str, timeout: float = 20.0) -> WorkerProcess:
    """A worker that runs a script."""
    started.append(WorkerProcess(timeout, ("-c", script)))
    return started[-1]


def test_a_request_is_answered_and_the_worker_stays(started: list[WorkerProcess]) -> None:
    process = worker(started, ECHO)
    assert process.ask({"do": "one"})["got"] == {"do": "one"}
    first = process.process
    assert process.ask({"do": "two"})["got"] == {"do": "two"}
    assert process.process is first


def test_the_worker_knows_little_of_this_machine(started: list[WorkerProcess], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    env = worker(started, ECHO).ask({"do": "look"})["env"]
    assert "secret" not in json.dumps(env)
    assert (env["KERAS_BACKEND"], env["CUDA_VISIBLE_DEVICES"]) == ("tensorflow", "")
    assert env["HOME"] == env["KERAS_HOME"] != str(Path.home())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (CRASH, r"ended with signal 6 while it had to build the model: out of luck"),
        (EXIT, r"ended with exit code 7 while it had to build the model"),
    ],
)
def test_a_crash_is_an_oracle_error_that_says_at_which_step(
    started: list[WorkerProcess], script: str, words: str
) -> None:
    with pytest.raises(OracleError, match=words) as error:
        worker(started, script).ask({"do": "build"})
    assert not isinstance(error.value, KerasError)


def test_after_a_crash_the_next_request_starts_a_new_worker(started: list[WorkerProcess]) -> None:
    process = worker(started, EXIT)
    with pytest.raises(OracleError):
        process.ask({"do": "build"})
    process.command = ("-c", ECHO)
    assert process.ask({"do": "build"})["got"] == {"do": "build"}


def test_a_worker_that_ended_between_two_steps_is_missed_at_the_second(started: list[WorkerProcess]) -> None:
    """A new worker would not have the model that the first one built."""
    process = worker(started, ECHO)
    process.ask({"do": "build"})
    assert process.process is not None
    process.process.kill()
    process.process.wait()
    with pytest.raises(OracleError, match="ended with signal 9 while it had to run the model"):
        process.ask({"do": "run"})


def test_a_worker_that_takes_too_long_is_ended(started: list[WorkerProcess]) -> None:
    process = worker(started, SLEEP, timeout=0.5)
    with pytest.raises(OracleError, match=r"more than 0\.5 seconds to run the model"):
        process.ask({"do": "run"})
    assert process.process is None


def test_what_keras_refuses_is_told_apart_from_a_crash(started: list[WorkerProcess]) -> None:
    process = worker(started, REFUSE)
    with pytest.raises(KerasError, match="Keras could not load the model: ValueError: no such layer"):
        process.ask({"do": "load"})
    assert process.process is not None


def test_closing_leaves_no_folder(started: list[WorkerProcess]) -> None:
    process = worker(started, ECHO)
    process.ask({"do": "one"})
    home = process.home
    assert home is not None
    assert home.is_dir()
    process.close()
    assert not home.exists()


@pytest.mark.parametrize(
    ("library", "installed", "version", "words"),
    [
        ("keras", {"keras", "tensorflow"}, "3.15.1", ""),
        ("keras", set(), "3.15.1", "keras and tensorflow is not installed; install the extra"),
        ("keras", {"keras", "tensorflow"}, "2.15.0", "keras 2.15.0 is installed, this model needs keras 3"),
        ("tf_keras", {"keras", "tensorflow"}, "3.15.1", "tf-keras is not installed; install the extra"),
        ("tf_keras", {"tf_keras", "tensorflow"}, "3.15.1", ""),
    ],
)
def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, library: str, installed: set[str], version: str, words: str
) -> None:
    monkeypatch.setattr(oracle_module, "find_spec", lambda name: name if name in installed else None)
    monkeypatch.setattr(oracle_module, "version", lambda _: version)
    found = absent(library)  # type: ignore[arg-type]
    assert found.startswith(words) if words else found == ""


def test_an_oracle_that_was_never_asked_starts_nothing() -> None:
    with Oracle() as oracle:
        pass
    assert oracle.worker.process is None
    assert oracle.worker.home is None
