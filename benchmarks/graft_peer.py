"""The cases by weightbridge 0.0.4, used as its documentation says."""

from __future__ import annotations

import contextlib
import io
import signal
import time
from collections.abc import Generator
from typing import Any

import torch
from benchmarks.graft_case import Case
from benchmarks.graft_judge import FAILED, REFUSED, SILENT, Made, Outcome, fresh, judged, near

#: Seconds after which it is stopped.
LIMIT = 300


def installed() -> bool:
    """Whether weightbridge is there."""
    try:
        import weightbridge  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport]
    except ImportError:
        return False
    return True


@contextlib.contextmanager
def stopped_after(seconds: int) -> Generator[None]:
    """A TimeoutError after so long."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"stopped after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def weightbridge(case: Case, made: Made) -> Outcome:
    """The case by weightbridge. It knows no differences of settings, so what it fills it takes for right."""
    import weightbridge as peer  # pyright: ignore[reportMissingImports]

    module = fresh(case)
    wanted = {key: tensor.numpy() for key, tensor in module.state_dict().items() if "num_batches" not in key}
    printed = io.StringIO()
    start = time.perf_counter()
    try:
        with stopped_after(LIMIT), contextlib.redirect_stdout(printed):
            state = peer.adapt(
                made.arrays, wanted, in_format="tensorflow", out_format="pytorch", in_separator="/", out_separator="."
            )
            tensors = {key: torch.as_tensor(array) for key, array in state.items()}
            missing = set(module.load_state_dict(tensors, strict=False).missing_keys)
    except ValueError as error:
        told = f"{error}: {len([line for line in printed.getvalue().splitlines() if line.startswith('    ')])} tensors"
        return Outcome(REFUSED, told, time.perf_counter() - start)
    except Exception as error:
        return Outcome(FAILED, f"{type(error).__name__}: {error}", time.perf_counter() - start)
    seconds = time.perf_counter() - start
    assert all("num_batches" in key for key in missing)
    verdict = judged(case, module, made, "", equal=True)
    told = (
        "the weights are right, nothing is said of the mistake"
        if near(case.mend(module), made, case.tolerance)
        else "wrong weights"
    )
    return Outcome(verdict, told if verdict == SILENT else "", seconds)
