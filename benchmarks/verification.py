"""
What verification costs, against one plain forward pass of both models on the same batch.

    python benchmarks/verification.py [--model ResNet50] [--size 224] [--repeats 5] [--low-memory] [--json OUT]

A model of keras.applications with random weights and random BatchNorm statistics is built in the process that holds
Keras, converted, and verified as ``regraft convert`` does. What counts: making the inputs, both models run with every
tensor kept, bringing the tensors over, comparing. What does not, and is reported beside it: starting the process,
building the model, reading, converting and loading it. The plain passes are float32, the median of several, each model in
a process of its own that does nothing else; float64 is compared with the same. Exit code 1 if the median over the
repeats is above 4 times (float32) or 10 times (float64) the two passes together; no limit holds with ``--low-memory``.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from regraft import keras_config
from regraft.emit.module import emit
from regraft.keras_config import parse
from regraft.layers.binding import bind
from regraft.verification import state_of
from regraft.verify import Oracle, Subject
from regraft.verify.how import How
from regraft.verify.inputs import cases
from regraft.verify.oracle_process import WorkerProcess
from regraft.verify.origin import resolved
from regraft.verify.routes import built_models
from regraft.verify.session import Session
from regraft.verify.trace import Emitted, emitted
from regraft.verify.verification import library_of
from regraft.weights import read

FORWARD = Path(__file__).with_name("verification_forward.py")
LIMITS = {"float32": 4.0, "float64": 10.0}


def build(name: str = "ResNet50", size: int = 224) -> Any:
    """The model; called in the process that holds Keras, as a function of a user is."""
    import keras

    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3))
    rng = np.random.default_rng(0)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if "variance" in weight.path:
            weight.assign(rng.uniform(0.3, 2.0, shape))
        elif "gamma" in weight.path:
            weight.assign(rng.uniform(0.5, 1.5, shape))
        elif "kernel" not in weight.path:
            weight.assign(rng.normal(0, 0.3, shape))
    return model


def subject_of(file: Path) -> Subject:
    """The file converted in memory."""
    tree = read(file)
    assert tree.config is not None
    blueprint = parse(tree.config, keras_version=tree.keras_version)
    binding = bind(blueprint, tree)
    module = emit(blueprint, binding, "a benchmark")
    return Subject(
        blueprint, binding, tree, file, tree.config, lambda part, version: keras_config.dump(part, version=version),
        module.source, module.probes, module.input_orders, module.output_orders, partial(state_of, module),
    )  # fmt: skip


def timed(step: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result."""
    start = time.perf_counter()
    result = step()
    return time.perf_counter() - start, result


class Clock:
    """Adds up the seconds that verification spends in one dtype: Keras and its files, our module and the comparison."""

    def __init__(self) -> None:
        self.spent: dict[str, dict[str, float]] = {dtype: defaultdict(float) for dtype in LIMITS}
        ask, run = WorkerProcess.ask, Emitted.run

        def timed_ask(worker: WorkerProcess, request: Any) -> Any:
            seconds, answer = timed(lambda: ask(worker, request))
            self.spent[request.get("dtype", "float32")]["Keras"] += (
                seconds if request["do"] in ("run", "rehearse") else 0.0
            )
            return answer

        def timed_run(twin: Emitted, *given: Any) -> Any:
            seconds, answer = timed(lambda: run(twin, *given))
            self.spent[twin.dtype]["ours and comparison"] += seconds
            return answer

        WorkerProcess.ask, Emitted.run = timed_ask, timed_run  # type: ignore[method-assign]

    def take(self) -> dict[str, dict[str, float]]:
        """What was spent since it was last taken."""
        taken = {dtype: dict(parts) for dtype, parts in self.spent.items()}
        for parts in self.spent.values():
            parts.clear()
        return taken


def verdict_of(session: Session, built: Any) -> Any:
    """Everything that is counted, and loading our module."""
    return session.compared(built, session.run_cases())


def plain(side: str, file: Path, inputs: Path, repeats: int) -> float:
    """Seconds of one plain pass of one side in float32, in a process of its own."""
    command = [sys.executable, str(FORWARD), side, str(file), str(inputs), str(repeats)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def megabytes(process: int, what: str) -> float:
    """Resident memory of a process on Linux: now (``VmRSS``), or at the most since it was reset (``VmHWM``)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def main() -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="ResNet50")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--low-memory", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with Oracle() as oracle, tempfile.TemporaryDirectory() as work:
        starting, _ = timed(lambda: oracle.custom("keras", write_empty(Path(work))))
        text = f"{Path(__file__).resolve()}:build(name={given.model!r}, size={given.size})"
        making, origin = timed(lambda: resolved(text, oracle=oracle).__enter__())
        converting, subject = timed(lambda: subject_of(origin.file))
        library = library_of(subject)
        routes = built_models(subject, subject.blueprint, library, oracle, [], lambda _: None)
        building, built = timed(lambda: next(routes))
        loading, _ = timed(lambda: emitted(subject))
        beside = {
            "starting Keras": starting, "the user's model": making, "converting": converting,
            "building it twice in Keras": building, "loading ours": loading,
        }  # fmt: skip
        inputs = Path(work) / "inputs.npy"
        making, case = timed(lambda: next(cases(subject.blueprint)))
        np.save(inputs, case.arrays[0].astype(np.float32))
        clock, ratios = Clock(), defaultdict(list)
        assert oracle.worker.process is not None
        processes = {"Keras": oracle.worker.process.pid, "ours": os.getpid()}
        gc.collect()
        peaks = {name: megabytes(process, "VmHWM") for name, process in processes.items()}
        before = {name: megabytes(process, "VmRSS") for name, process in processes.items()}
        for process in processes.values():
            Path(f"/proc/{process}/clear_refs").write_text("5")  # the most is counted from here on
        rows: list[dict[str, Any]] = []
        for number in range(given.repeats):
            forward = {side: plain(side, origin.file, inputs, 5) for side in ("keras", "torch")}
            session = Session(
                subject, subject.blueprint, library, oracle, 0, lambda _: None, 0, How(low_memory=given.low_memory)
            )
            whole, verdict = timed(partial(verdict_of, session, built))
            assert verdict.status == "equal", verdict.reason
            spent = clock.take()
            rest = making + max(0.0, whole - loading - sum(sum(parts.values()) for parts in spent.values()))
            for dtype, parts in spent.items():
                ratios[dtype].append((rest + sum(parts.values())) / sum(forward.values()))
            rows.append({"forward": forward, "spent": spent, "rest": rest})
            print(f"{number + 1}: plain {forward}; {spent}, rest {rest:.2f}", file=sys.stderr)
        most = {name: megabytes(process, "VmHWM") for name, process in processes.items()}
        memory = {name: (max(peaks[name], size), size - before[name]) for name, size in most.items()}
    found = {dtype: statistics.median(values) for dtype, values in ratios.items()}
    print(f"{given.model} {given.size}x{given.size}, {verdict.inputs[0]}: {verdict.reason}")
    for dtype, ratio in found.items():
        limit = "" if given.low_memory else f", at most {LIMITS[dtype]:g} x"
        print(f"{dtype}: {ratio:.2f} x one plain float32 pass of both models{limit}")
    print("beside it: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in beside.items()))
    told = (f"{name} {peak:,.0f} MB, {grown:,.0f} of them for the comparison" for name, (peak, grown) in memory.items())
    print(f"peak memory: {'; '.join(told)}")
    if given.json:
        given.json.write_text(json.dumps({"ratios": found, "beside": beside, "memory": memory, "rows": rows}, indent=1))
    return int(not given.low_memory and any(found[dtype] > limit for dtype, limit in LIMITS.items()))


def write_empty(folder: Path) -> Path:
    """A file of layers that declares next to nothing, so that the worker starts and imports Keras."""
    path = folder / "start.py"
    path.write_text('ACTIVATIONS = {"start": "{x}"}\n')
    return path


if __name__ == "__main__":
    sys.exit(main())
