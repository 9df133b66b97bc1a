"""A result against a SavedModel that holds a graph only: its signature is run, and the tensors inside are looked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import regraft
from regraft.blueprint import Blueprint
from regraft.comparing.finding import Index, placed
from regraft.errors import ConfigError
from regraft.graft.filling import tensor_of
from regraft.graft.loading import load_into
from regraft.graft.target import load_target
from regraft.graft.watching import Watched, prepared, watch
from regraft.report import CheckRow, VerificationRow
from regraft.report.verified import VerifiedReport
from regraft.verify.difference import difference
from regraft.verify.graph_run import GraphTensors
from regraft.verify.inputs import cases
from regraft.verify.origin import Origin
from regraft.verify.precision import FLOAT32_ALONE
from regraft.verify.samples import checked, sample_case
from regraft.verifying.folder import Folder
from regraft.verifying.scopes import tensors_of

CODE = "a graph has no layers: its tensors were looked for among those of the result, by their numbers"
#: Layers without an operation at inference.
NOTHING_TO_DO = frozenset(
    "InputLayer Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianNoise GaussianDropout AlphaDropout "
    "ActivityRegularization Identity".split()
)
GATES = f"float32 in TensorFlow: max|d| <= {FLOAT32_ALONE:g} max|y|"


def verify_against_graph(
    folder: Folder, origin: Origin, samples: Sequence[np.ndarray], say: Callable[[str, int, int], None]
) -> VerifiedReport:
    """
    Run both on the same inputs, and compare outputs, and every tensor of the graph that has the name of a layer.

    Raises:
        ConfigError: The folder has no ``blueprint.toml`` that says what the inputs are.
    """
    blueprint = folder.blueprint
    assert origin.graph is not None
    if blueprint is None:
        reason = "which says what its inputs are and which layers there are"
        raise ConfigError(
            f"{folder.path}: a SavedModel with a graph only is compared with the help of blueprint.toml, {reason}"
        )
    case = sample_case(blueprint, samples) if samples else next(cases(blueprint), None)
    if case is None:
        raise ConfigError(f"{folder.path}: the shape of an input is unknown: give inputs with --samples")
    if samples:
        checked(blueprint, samples)
    say("run the graph", 0, 0)
    theirs = origin.oracle.run_graph(origin.graph, case.arrays, [ref.layer for ref in blueprint.inputs])
    say("run the result", 0, 0)
    module = load_target(str(folder.path / "model.py"))
    notes = load_into(module, folder.weights[0])
    inputs = as_module_takes(folder, case.arrays)
    try:
        rows = layer_rows(blueprint, theirs, watch(prepared(module), inputs))
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        words = f"the result's code raised {type(error).__name__}: {str(error)[:300]}"
        rows = [CheckRow("(the result)", "output", (), None, None, 0.0, False, words)]
    return VerifiedReport(
        regraft.__version__, str(folder.path), origin.text, origin.kind, "with a graph", CODE,
        verdict(rows, theirs, blueprint, case.words), notes=(*origin.notes, *folder.notes, *notes),
    )  # fmt: skip


def as_module_takes(folder: Folder, arrays: Sequence[np.ndarray]) -> list[Any]:
    """
    Inputs in Keras order as the module takes them, as ``report.json`` says.

    Raises:
        ConfigError: It does not say it.
    """
    if len(folder.orders) != len(arrays):
        raise ConfigError(f"{folder.path}: report.json does not say how the module takes its {len(arrays)} inputs")
    found: list[Any] = []
    for array, words in zip(arrays, folder.orders, strict=True):
        axes: tuple[int, ...] | None = None
        if words == "channels first":
            axes = (0, array.ndim - 1, *range(1, array.ndim - 1))
        elif words.startswith("Keras axes "):
            axes = tuple(int(word) for word in words.removeprefix("Keras axes ").split() if word.isdigit())
        if axes is not None and sorted(axes) != list(range(array.ndim)):
            raise ConfigError(f"{folder.path}: report.json has an axis order that is none: {words!a:.80}")
        single = array.astype(np.float32) if array.dtype.kind == "f" else array
        found.append(tensor_of(np.ascontiguousarray(single if axes is None else single.transpose(axes))))
    return found


def verdict(rows: Sequence[CheckRow], theirs: GraphTensors, blueprint: Blueprint, inputs: str) -> VerificationRow:
    """What was compared as part of a report."""
    layers = {spec.name for spec in blueprint.layers if spec.type not in NOTHING_TO_DO}
    missed = sorted(layers - {row.layer for row in rows})
    failed = next((row for row in rows if not row.ok), None)
    notes = [f"{len(rows)} tensors of the graph were compared, out of {len(theirs.names)} that depend on the input"]
    notes += [f"not found on both sides: {', '.join(missed[:12])}"] if missed else []
    if failed is not None:
        status, reason = (
            "different",
            f"{failed.layer} is the first that differs from the graph{f': {failed.note}' if failed.note else ''}",
        )
    elif missed:
        status, reason = (
            "partly verified",
            f"the outputs are equal, and {len(missed)} layers were not found on both sides",
        )
    else:
        status, reason = "equal", f"all {len(rows)} tensors equal those of the graph"
    return VerificationRow(
        status, reason, theirs.oracle, "the SavedModel's graph", "the SavedModel's variables", (inputs,), tuple(rows),
        len(rows), len(rows) + len(missed), "" if failed is None else failed.layer, tuple(notes), GATES,
    )  # fmt: skip


def layer_rows(blueprint: Blueprint, theirs: GraphTensors, ours: Watched) -> list[CheckRow]:
    """
    One row for every layer call whose last tensor in the graph is one of the result's.

    A tensor that is not found may have no counterpart: the result pads inside a convolution where the model has a layer.
    Where the outputs differ, the first layer behind the last one that was found is where the two part.
    """
    index = Index(ours, FLOAT32_ALONE)
    calls = [call.layer for call in blueprint.ordered_calls if blueprint.by_name[call.layer].type != "InputLayer"]
    rows: list[CheckRow] = []
    lost: CheckRow | None = None
    for number, names in tensors_of(theirs.names, calls).items():
        spec, array = blueprint.by_name[calls[number]], theirs.read(names[-1])
        scale = float(np.abs(array).max()) if array.size else 0.0
        if scale == 0.0:
            continue  # zeros are found anywhere
        found = index.find(array)
        if found is not None:
            rows.append(CheckRow(spec.name, spec.type, array.shape, None, found.error, scale, True))
            lost = None
        elif lost is None:
            note = f"{names[-1].rpartition('StatefulPartitionedCall/')[2]} is none of the result's tensors"
            lost = CheckRow(spec.name, spec.type, array.shape, None, None, scale, False, note)
    outputs = output_rows(theirs, ours)
    parts = lost is not None and not all(row.ok for row in outputs)
    return [*rows, *([lost] if lost is not None and parts else []), *outputs]


def output_rows(theirs: GraphTensors, ours: Watched) -> list[CheckRow]:
    """One row for every output of the signature, with the nearest of the result's outputs of its size."""
    rows: list[CheckRow] = []
    for name in theirs.outputs:
        array = theirs.read(name)
        near = [placed(array, out) for out in ours.outputs if out.size == array.size]
        errors = [difference(out, array.astype(np.float64)).error for out in near]
        error = min(errors, default=np.inf)
        note = "" if errors else "the result returns nothing of its size"
        scale = float(np.abs(array).max()) if array.size else 0.0
        rows.append(
            CheckRow(
                f"(output {name})", "output", array.shape, None, finite(error), scale, error <= FLOAT32_ALONE, note
            )
        )
    return rows


def finite(value: float) -> float | None:
    """None for what JSON does not have."""
    return value if np.isfinite(value) else None
