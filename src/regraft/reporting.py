"""Read, mapped and checked facts gathered into the Report value."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import regraft
from regraft import keras_config
from regraft.blueprint import Blueprint
from regraft.blueprint.words import words as words_of
from regraft.emit.module import Module
from regraft.emit.outputs import write_text
from regraft.emit.placeholder import placeholder_bound
from regraft.keras_config.dump import every_layer
from regraft.layers import ALIASES, FORBIDDEN, AxisOrder
from regraft.layers.binding import Binding
from regraft.layers.custom import current
from regraft.layers.custom_template import template
from regraft.layers.walk import model_shapes
from regraft.report import (
    CandidateRow,
    ChoiceRow,
    LayerRow,
    Port,
    Report,
    SelfCheckRow,
    Source,
    TransferRow,
    VerificationRow,
)
from regraft.report.graph import LABELS, graph_rows, labels_of
from regraft.weights import WeightTree

if TYPE_CHECKING:
    from regraft.recover.candidate import Candidate


def make_report(
    tree: WeightTree,
    blueprint: Blueprint,
    binding: Binding,
    module: Module,
    verification: VerificationRow,
    sha256: str,
    architecture: str | os.PathLike[str] | None,
    folder: Path,
    names: Sequence[str],
    candidates: Sequence[Candidate] = (),
    written: int = 1,
    statistics: SelfCheckRow | None = None,
    opened: VerificationRow | None = None,
    extra_notes: Sequence[str] = (),
    command: Sequence[str] = (),
) -> Report:
    """The report of one conversion; of ``candidates`` the first is what was converted, and ``written`` were written."""
    stored = list(tree.variables())
    used = {s.path for t in module.transfers for source in t.sources for s in source.sources}
    listed = [(v.path, reason) for v, reason in binding.unused]
    listed += [
        (v.path, "its layer needs it only in training")
        for v in stored
        if v.path not in used and v.path not in dict(listed)
    ]
    labels = labels_of([name for name, _ in every_layer(blueprint)], blueprint.choices)
    return Report(
        regraft=regraft.__version__,
        model=blueprint.name,
        source=source_of(tree, sha256, "recovered" if candidates else architecture),
        inputs=ports(blueprint, module, "inputs"),
        outputs=ports(blueprint, module, "outputs"),
        layers=layer_rows(blueprint, binding, labels),
        transfers=tuple(
            TransferRow(
                t.layer,
                tuple(v.path for s in t.sources for v in s.sources),
                t.words,
                t.parameters,
                t.shapes,
                tuple(v.shape for s in t.sources for v in s.sources),
            )
            for t in module.transfers
        ),
        variables_stored=len(stored),
        variables_used=sum(v.path in used for v in stored),
        variables_listed=tuple(listed),
        parameters_filled=sum(len(t.parameters) for t in module.transfers),
        verification=verification,
        choices=tuple(ChoiceRow(c.subject, c.value, c.candidates, c.label, c.evidence) for c in blueprint.choices),
        notes=(*tree.notes, *blueprint.notes, *binding.notes, *custom_notes(blueprint), *extra_notes),
        caveats=architecture_caveats(blueprint),
        candidates=candidate_rows(candidates, folder, written),
        statistics=statistics,
        opened=opened,
        next_step=custom_start(blueprint, binding),
        graph=graph_rows(blueprint, labels),
        command=tuple(command),
        files={name: str(folder / name) for name in names},
    )


def write_report(folder: Path, report: Report, code: str | None) -> None:
    """Write ``report.json`` and ``report.html``; ``code`` is the text of ``model.py``, if that was written."""
    from regraft.report.html import page  # templates, which only a conversion needs

    write_text(folder / "report.json", report.to_json(), force=True)
    write_text(folder / "report.html", page(report, code), force=True)


def candidate_rows(candidates: Sequence[Candidate], folder: Path, written: int) -> tuple[CandidateRow, ...]:
    """One row a candidate; all but the first say where they differ from it."""
    rows: list[CandidateRow] = []
    for number, candidate in enumerate(candidates, start=1):
        place = str(folder if number == 1 else folder / f"candidate_{number}")
        differs = differences(candidates[0].blueprint, candidate.blueprint) if number > 1 else ()
        where = place if number <= max(1, written) else ""
        rows.append(CandidateRow(candidate.share, candidate.family, candidate.proof, differs, where))
    return tuple(rows)


def differences(first: Blueprint, other: Blueprint) -> tuple[str, ...]:
    """Where a blueprint differs from another: settings, layers that only one has, edges."""
    found: list[str] = []
    for spec in other.layers:
        old = first.by_name.get(spec.name)
        if old is None or old.type != spec.type:
            found.append(f"{spec.name} is {spec.type}" if old is not None else f"{spec.name} ({spec.type}) is added")
            continue
        found += [
            f"{spec.name}.{key} = {words_of(value)}"
            for key, value in spec.config.items()
            if value != old.config.get(key)
        ]
    found += [f"{name} is left out" for name in first.by_name if name not in other.by_name]
    edges = {(call.layer, call.call): call.inputs for call in first.calls}
    for call in other.calls:
        before = edges.get((call.layer, call.call))
        if before is not None and before != call.inputs:
            found.append(f"{call.layer} takes {', '.join(ref.layer for ref in call.inputs)}")
    if first.outputs != other.outputs:
        found.append(f"outputs are {', '.join(ref.layer for ref in other.outputs)}")
    return tuple(found)


def architecture_caveats(blueprint: Blueprint) -> tuple[str, ...]:
    """What ``architecture.json`` cannot say."""
    missing = [spec for _, spec in every_layer(blueprint) if spec.unknown]
    note = (f"{len(missing)} of the layers are placeholders: there they stand without their settings",)
    custom = current()
    own = sorted({spec.type for _, spec in every_layer(blueprint) if custom and spec.type in custom.layers})
    words = (f"classes that Keras must be given as custom_objects: {', '.join(own)}",)
    return (note if missing else ()) + (words if own else ()) + keras_config.caveats(blueprint)


def custom_start(blueprint: Blueprint, binding: Binding) -> str:
    """The start of a file for ``--custom``, for the first placeholder that is no layer of Keras; else empty."""
    for spec in blueprint.layers:
        if spec.unknown and (spec.type == "Lambda" or spec.type not in {**ALIASES, **FORBIDDEN}):
            bound = placeholder_bound(binding.placeholders.get(spec.name, ()))
            return template(spec, {name: b.shape for name, b in bound.items()})
    return ""


def custom_notes(blueprint: Blueprint) -> tuple[str, ...]:
    """Which layers have their form from the user's file."""
    custom = current()
    if custom is None:
        return ()
    own = [f"{name} ({spec.type})" for name, spec in every_layer(blueprint) if spec.type in custom.layers]
    what = f"the PyTorch form of {', '.join(own)}" if own else "nothing of this model"
    return (f"{custom.path.name} (sha256 {custom.sha256[:12]}) gives {what}",)


def source_of(tree: WeightTree, sha256: str, architecture: str | os.PathLike[str] | None) -> Source:
    """The facts about the input file."""
    path = Path(tree.file)
    size = path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    return Source(
        file=tree.file,
        sha256=sha256,
        bytes=size,
        dialect=tree.dialect,
        keras_version=tree.keras_version,
        backend=tree.backend,
        kind="weights only" if tree.config is None else "whole model",
        architecture="the file" if architecture is None else Path(architecture).name,
        order_source=tree.order_source,
    )


def ports(blueprint: Blueprint, module: Module, side: str) -> tuple[Port, ...]:
    """Inputs or outputs with their shapes in both orders."""
    shapes = model_shapes(blueprint)
    refs = blueprint.inputs if side == "inputs" else blueprint.outputs
    orders = module.input_orders if side == "inputs" else module.output_orders
    return tuple(
        Port(ref.layer, shapes[ref], order.shape(shapes[ref]), words(order))
        for ref, order in zip(refs, orders, strict=True)
    )


def words(order: AxisOrder) -> str:
    """An axis order in words."""
    if order.is_keras:
        return "as in Keras"
    if order == AxisOrder.channels_first(len(order.axes)):
        return "channels first"
    return f"Keras axes {' '.join(map(str, order.axes))}"


def layer_rows(blueprint: Blueprint, binding: Binding, labels: Mapping[str, str]) -> tuple[LayerRow, ...]:
    """One row a layer, and one a placeholder inside a model or wrapper; a layer called several times shows its first output."""
    shapes = model_shapes(blueprint)
    rows: list[LayerRow] = []
    for spec in blueprint.layers:
        shape = next((s for ref, s in shapes.items() if ref.layer == spec.name), None)
        variables = binding.placeholders.get(spec.name) or [
            v for b in binding.layers.get(spec.name, {}).values() for v in b.sources
        ]
        label = labels.get(spec.name, LABELS[0])
        rows.append(LayerRow(spec.name, spec.type, shape, sum(v.size for v in variables), label, spec.unknown))
        inside = [(name, part) for name, part in every_layer(spec) if part.unknown and part is not spec]
        rows += [LayerRow(name, part.type, None, 0, placeholder=part.unknown) for name, part in inside]
    return tuple(rows)
