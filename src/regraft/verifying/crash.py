"""A result whose code raises: the submodule at which it leaves the Keras model, from both runs up to there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import regraft
from regraft.graft.watching import defined_at, prepared, shown
from regraft.grafting.source import Converted, wide
from regraft.report.compared import CauseRow, ComparisonReport, DivergenceRow
from regraft.verify.difference import difference

TOLERANCE = 1e-6
Step = tuple[str, Any, np.ndarray]


def crashed(
    source: Converted, module: Any, inputs: Sequence[Any], error: str, against: str, out: str
) -> ComparisonReport:
    """
    The report on a module that raises on inputs that the Keras model takes.

    Args:
        source: The Keras model as a module of ours.
        module: That of the result.
        inputs: Tensors as both take them.
        error: What it raised.
        against: The Keras model, as the user named it.
        out: The module, as the user named it.
    """
    theirs = {path: (part, array) for path, part, array in steps(source.twin.model, inputs)}
    twin = prepared(module)
    first, cause = DivergenceRow("the model as a whole", "", "", "", 0.0, None), None
    for path, part, array in steps(twin, inputs):
        if path not in theirs:
            continue
        keras, wanted = theirs[path]
        off = difference(array, wanted).error
        if off > TOLERANCE:
            where = shown(defined_at(module, path))
            first = DivergenceRow(path, type(keras).__name__, path, where, 0.0, off if np.isfinite(off) else None)
            words = f"gives {array.shape}" if array.shape != wanted.shape else "gives other numbers"
            words += (
                f" as {part}; the model has {keras}"
                if repr(part) != repr(keras)
                else ", with the settings that it should have"
            )
            change = f"self.{path} = nn.{keras}" if repr(part) != repr(keras) else ""
            cause = CauseRow(path, path, where, "setting", words, "settings", None, None, change)
            break
    notes = () if cause else ("no submodule differs before the error: look at the lines of forward between them",)
    return ComparisonReport(
        regraft=regraft.__version__, keras=against, torch=out, status="different", first=first,
        inputs=tuple(tuple(tensor.shape) for tensor in inputs), causes=() if cause is None else (cause,),
        problems=(error,), notes=notes,
    )  # fmt: skip


def steps(module: Any, inputs: Sequence[Any]) -> list[Step]:
    """What every innermost submodule gives, in the order in which they run, until the module returns or raises."""
    found: list[Step] = []
    handles: list[Any] = []
    for path, part in module.named_modules():
        if path and not any(part.children()):
            handles.append(part.register_forward_hook(taker(found, path)))
    try:
        module(*wide(inputs))
    except Exception as error:
        del error  # where it arose is what was found until then
    finally:
        for handle in handles:
            handle.remove()
    return found


def taker(found: list[Step], path: str) -> Any:
    """A hook that keeps what a submodule gives."""

    def take(part: Any, _: Any, result: Any) -> None:
        if hasattr(result, "detach"):
            found.append((path, part, np.array(result.detach().numpy())))

    return take
