"""A graft as the value that terminal and JSON show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import regraft
from regraft.graft.comparing import Comparison
from regraft.graft.mapping import Entry
from regraft.graft.setting import lines
from regraft.grafting.result import Graft
from regraft.report import ChoiceRow, SelfCheckRow, VerificationRow
from regraft.report.grafted import NOT_VERIFIED, DifferenceRow, GraftReport, PairRow, Status, TensorRow


def report_of(
    graft: Graft,
    target: str,
    *,
    architecture: str = "the file",
    verification: VerificationRow = NOT_VERIFIED,
    statistics: SelfCheckRow | None = None,
    explanation: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
) -> GraftReport:
    """
    Everything that a graft has to say.

    Args:
        graft: The graft.
        target: The module as the user named it.
        architecture: Where it came from, if it was stated.
        verification: The file's model against Keras.
        statistics: The self-check of the file's model.
        explanation: Of a mismatch, in lines.
        files: What was written, by name.
    """
    tree, blueprint, found = graft.source.tree, graft.source.blueprint, graft.grafting
    compared = graft.comparison
    status: Status = "does not fit" if compared is None else "equal" if compared.equal else "different"
    if graft.unknown and graft.filled:
        status = "filled"
    written = [] if not graft.filled else [key for entry in graft.mapping.entries for key in entry.parameters if key]
    return GraftReport(
        regraft=regraft.__version__,
        file=tree.file,
        target=target,
        dialect=tree.dialect,
        keras_version=tree.keras_version,
        architecture=architecture if graft.stated else "recovered",
        status=status,
        variables=len({path for entry in graft.mapping.entries for path in (*paths_of(entry), *folded(entry))})
        if written
        else 0,
        parameters=len(written),
        tried_on=tuple(tuple(tensor.shape) for tensor in graft.example),
        pairs=pair_rows(graft),
        differences=difference_rows(graft),
        ties=found.ties,
        lone_layers=found.lone_source,
        lone_modules=found.lone_target,
        unfilled=unfilled(graft, written) if graft.filled else (),
        problems=() if graft.filled else found.problems,
        explanation=tuple(explanation),
        outputs=() if compared is None else compared.outputs,
        first=first_of(compared),
        verification=verification,
        choices=tuple(ChoiceRow(c.subject, c.value, c.candidates, c.label, c.evidence) for c in blueprint.choices),
        statistics=statistics,
        notes=(
            *tree.notes,
            *graft.unknown,
            *graft.against,
            *graft.notes,
        ),
        settings=lines(graft.fixed, graft.module),
        files=files or {},
    )


def first_of(compared: Comparison | None) -> str:
    """The first module that differs; the output where it alone does."""
    if compared is None or compared.equal:
        return ""
    return compared.first.pair.target if compared.first is not None else "the output"


def pair_rows(graft: Graft) -> tuple[PairRow, ...]:
    """One row a pair, with the ways of its variables."""
    entries = {key: entry for entry in graft.mapping.entries for key in entry.parameters if key}
    errors = {} if graft.comparison is None else {unit.pair.target: unit for unit in graft.comparison.units}
    rows: list[PairRow] = []
    for pair in graft.grafting.pairs:
        found = list({id(e): e for way in pair.carried if (e := entries.get(way.target)) is not None}.values())
        layer = next((entry.layer for entry in found if entry.layer), pair.source)
        unit = errors.get(pair.target)
        tensors = tuple(tensor_row(entry) for entry in found)
        told = (None, None) if unit is None else (unit.error, unit.alone)
        rows.append(PairRow(layer, pair.target, pair.how, tensors, *told))
    return tuple(rows)


def tensor_row(entry: Entry) -> TensorRow:
    """One entry of the mapping in words."""
    moves = [move.words for source in entry.sources for move in source.moves] + [move.words for move in entry.moves]
    moves += [move.words for key in entry.parameters for move in entry.then.get(key, ())]
    less = [f"less {path}" for stored in entry.less.values() for path in stored]
    return TensorRow(paths_of(entry), "; ".join([*moves, *less]), tuple(key for key in entry.parameters if key))


def folded(entry: Entry) -> tuple[str, ...]:
    """Variables that a parameter was moved by."""
    return tuple(path for paths in entry.less.values() for path in paths)


def paths_of(entry: Entry) -> tuple[str, ...]:
    """The stored variables of an entry."""
    return tuple(path for source in entry.sources for path in source.paths)


def difference_rows(graft: Graft) -> tuple[DifferenceRow, ...]:
    """Every difference, with what it does at its own place."""
    compared = graft.comparison
    effects = {} if compared is None else compared.effects
    fixed = set(map(id, graft.fixed))
    return tuple(
        DifferenceRow(d.where, d.layer, d.what, d.expected, d.found, effects.get(d.place), d.fix, id(d) in fixed)
        for d in graft.grafting.differences
    )


def unfilled(graft: Graft, written: Sequence[str]) -> tuple[str, ...]:
    """Parameters of the module that nothing was written to; a count of batches is none."""
    known = set(written)
    return tuple(
        key for key in graft.module.state_dict() if key not in known and not key.endswith("num_batches_tracked")
    )
