"""The self-test that travels with an emitted module: recorded here, compared by ``python model.py --selftest`` anywhere."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

import regraft
from regraft.blueprint import Blueprint
from regraft.emit.atomic import replacing
from regraft.emit.module import Module
from regraft.emit.outputs import Format, weight_files
from regraft.keras_config.dump import every_layer
from regraft.report import VerificationRow
from regraft.verify.recorded import Recorded, record

FILE = "selftest.npz"
#: The date of the entries, so that the same conversion gives the same bytes.
DATE = (1980, 1, 1, 0, 0, 0)


def write_selftest(
    folder: Path,
    format: Format,
    module: Module,
    blueprint: Blueprint,
    verification: VerificationRow,
    *,
    recovered: bool = False,
    force: bool = False,
) -> tuple[bool, str]:
    """
    Record what ``model.py`` computes, and write it beside it.

    Args:
        folder: Where ``model.py`` and its weights lie.
        format: How the weights were written.
        module: What was written.
        blueprint: The architecture.
        verification: Whether what is recorded was checked against Keras, which the file says.
        recovered: Whether the architecture was recovered, which it says too: Keras had it from us then.
        force: Replace one that is there already.

    Returns:
        Whether it was written; and what the report should say of it: why there is none, or what it cannot compare.
    """
    found: Recorded | str
    if any(spec.unknown for _, spec in every_layer(blueprint)):
        found = "a layer has no PyTorch form yet, so the model does not run"
    elif not module.selftest:
        found = "your file has something called digests or selftest, which are names of the test: rename it"
    else:
        found = record(module.source, folder / weight_files(format)[0], blueprint, module.input_orders)
    if isinstance(found, str):
        return False, f"no {FILE} was written: {found}"
    with replacing(folder / FILE, force=force) as file:
        file.write(packed(found, reference(verification, recovered=recovered)))
    return True, note(found)


def note(found: Recorded) -> str:
    """What the self-test compares by name and shape only, and why; empty if nothing."""
    if found.unsteady:
        first, *others = found.unsteady
        more = f" and {len(others)} more" if others else ""
        return f"{FILE} has no numbers of {first}{more}: they are random, or decided by the rounding of float32"
    without = sum(row.numbers is None for row in found.rows)
    return f"{FILE} has no numbers of {without} of its {len(found.rows)} tensors: there are too many" if without else ""


def packed(found: Recorded, reference: str) -> bytes:
    """
    A self-test as an ``.npz``: its inputs as arrays, and ``expected.json``.

    The JSON holds ``rows`` (name, shape, numbers, allowed difference), how many bytes of each array are its numbers, and
    two parts of the sentence that a passed test prints.
    """
    arrays = {f"input_{i}": np.ascontiguousarray(array) for i, array in enumerate(found.inputs)}
    facts = {
        "regraft": regraft.__version__,
        "reference": reference,
        "what": found.words,
        "inputs": [(name, str(array.dtype), array.shape, array.nbytes) for name, array in arrays.items()],
    }
    rows = ((row.name, row.shape, row.numbers, row.allowed) for row in found.rows)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, array in arrays.items():
            stored = io.BytesIO()
            np.save(stored, array, allow_pickle=False)
            add(archive, f"{name}.npy", stored.getvalue())
        add(archive, "expected.json", as_json(facts, rows).encode("ascii"))
    return target.getvalue()


def add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """One entry, compressed, without the time of writing."""
    archive.writestr(zipfile.ZipInfo(name, DATE), data, zipfile.ZIP_DEFLATED, 9)


def as_json(facts: Mapping[str, object], rows: Iterable[tuple[object, ...]]) -> str:
    """JSON with a line for each fact and each row, so that two of them can be compared."""
    lines = [f'"{key}": {json.dumps(value)},\n' for key, value in facts.items()]
    return "{\n" + "".join(lines) + '"rows": [\n' + ",\n".join(map(json.dumps, rows)) + "\n]\n}\n"


def reference(verification: VerificationRow, *, recovered: bool = False) -> str:
    """Whether Keras computes the same, in words."""
    keras = verification.oracle.split(",")[0] or "Keras"
    words = {
        "equal": f"checked against {keras} at conversion",
        "partly verified": f"partly checked against {keras} at conversion",
        "different": f"which differed from {keras} at conversion",
        "not verified": "not checked against Keras at conversion",
    }[verification.status]
    return f"{words}; the architecture was recovered" if recovered else words
