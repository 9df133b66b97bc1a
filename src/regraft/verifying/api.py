"""``regraft.verify``: of a conversion in hand, or of a folder that an earlier one wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from regraft.convert import Conversion
from regraft.errors import OutputError
from regraft.report import VerificationRow
from regraft.report.verified import VerifiedReport
from regraft.verification import verify as verify_conversion
from regraft.verify import Oracle
from regraft.verify.how import How, Precision
from regraft.verifying.run import File, verify_folder

Progress = Callable[[str, int, int], None]
Samples = np.ndarray | File | Sequence[File | np.ndarray]


@overload
def verify(
    result: Conversion,
    *,
    oracle: Oracle | None = None,
    progress: Progress | None = None,
    precision: Precision = "both",
    low_memory: bool = False,
) -> VerificationRow: ...
@overload
def verify(
    result: File,
    *,
    against: File,
    samples: Samples | None = None,
    oracle: Oracle | None = None,
    progress: Progress | None = None,
    precision: Precision = "both",
    low_memory: bool = False,
    **more: Any,
) -> VerifiedReport: ...
def verify(
    result: Conversion | File,
    *,
    against: File | None = None,
    samples: Samples | None = None,
    oracle: Oracle | None = None,
    progress: Progress | None = None,
    precision: Precision = "both",
    low_memory: bool = False,
    **more: Any,
) -> VerificationRow | VerifiedReport:
    """
    Compare a result with the real Keras, layer by layer.

    Args:
        result: What ``convert`` gave, or the folder that it wrote.
        against: Of a folder: a Keras file, ``module.py:build``, or the folder of a SavedModel.
        samples: Of a folder: inputs in Keras order, batch first; an array or ``.npy`` file, or one for each input.
        oracle: A running Keras process to use and leave running, for many verifications in a row.
        progress: Called with a word for the step, how much is done, and of how much.
        precision: ``both``, ``float64`` or ``float32``.
        low_memory: Let Keras run layer by layer, so that neither process holds all activations.
        more: Of a folder: what ``verifying.verify_folder`` takes besides.

    Returns:
        Of a conversion the verdict with one row a tensor; of a folder the report that the command prints.

    Raises:
        OutputError: A folder without ``against``, or a conversion with it.
    """
    if isinstance(result, Conversion):
        if against is not None or samples is not None or more:
            raise OutputError(
                "a Conversion is compared with its own file: give the folder to compare with another model"
            )
        return verify_conversion(result, oracle=oracle, progress=progress, how=How(None, precision, low_memory))
    if against is None:
        raise OutputError(f"{result}: compared with which Keras model? Give it as against=")
    arrays: Sequence[Any] = [] if samples is None else list(samples) if isinstance(samples, list | tuple) else [samples]
    return verify_folder(
        result,
        against,
        samples=arrays,
        oracle=oracle,
        progress=progress,
        precision=precision,
        low_memory=low_memory,
        **more,
    )
