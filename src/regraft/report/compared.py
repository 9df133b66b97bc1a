"""What a comparison of two models has to say: where they part, why, and the line to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from regraft.report.as_json import as_json
from regraft.report.grafted import DifferenceRow
from regraft.report.value import ChoiceRow, VerificationRow

SCHEMA = "regraft-comparison/1"

Status = Literal["equal", "different", "partly compared", "cannot compare"]
#: What a cause rests on: the Keras formula with the mistake in it gives the module's numbers; the settings of both sides
#: as they ran; or the parameters of both sides.
Evidence = Literal["values", "settings", "weights"]
NOT_VERIFIED = VerificationRow("not verified")


@dataclass(frozen=True)
class ComparedRow:
    """
    One layer of the Keras model and its counterpart.

    Attributes:
        layer: Name in Keras; of an activation that belongs to a layer, the layer's with ``(relu)`` behind it.
        type: Keras class.
        module: Path of the PyTorch module in which the counterpart ran; empty if it has none.
        where: ``net.py:41``, the line that made it; empty if not known.
        how: What made the two a pair: ``values``, ``structure``, ``mistake`` (equal once a known mistake is put in), or
            empty: no counterpart.
        shape: Of the output in Keras order, batch first.
        error: Largest difference as it comes, relative to the largest value; None if there is no counterpart.
        alone: The same with the module's own input put into the Keras layer, so that only what is wrong here shows.
        ok: Whether the layer by itself is right; None if that is not known.
        note: What is special about this row.
    """

    layer: str
    type: str
    module: str = ""
    where: str = ""
    how: str = ""
    shape: tuple[int, ...] = ()
    error: float | None = None
    alone: float | None = None
    ok: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class DivergenceRow:
    """
    A layer whose input is equal on both sides and whose output is not: the fault lies in it.

    Attributes:
        layer: Name in Keras.
        type: Keras class.
        module: Path of the PyTorch module; empty if not known.
        where: ``net.py:41``; empty if not known.
        input_error: Largest difference of what enters, relative to the largest value.
        output_error: The same of what leaves; None if it has no counterpart of its shape.
    """

    layer: str
    type: str
    module: str
    where: str
    input_error: float
    output_error: float | None


@dataclass(frozen=True)
class CauseRow:
    """
    One mistake of the PyTorch side.

    Attributes:
        layer: Name in Keras.
        module: Path of the PyTorch module; empty if not known.
        where: ``net.py:41``; empty if not known.
        what: The kind of mistake in a few words, ``padding side``: one of ``regraft.comparing.mistakes``.
        words: What the module does, and what Keras does.
        evidence: What says so.
        before: Difference between the module's numbers and the Keras layer as it is, relative to the largest value.
        after: The same with the mistake put into the Keras layer; at rounding, the mistake explains all of it.
        change: The line to change, as code where it can be said as code.
    """

    layer: str
    module: str
    where: str
    what: str
    words: str
    evidence: Evidence
    before: float | None = None
    after: float | None = None
    change: str = ""


@dataclass(frozen=True)
class WeightRow:
    """
    A parameter of the module that is not what the file says it should be.

    Attributes:
        parameter: Key of the state dict.
        variables: Paths in the Keras file that belong there.
        error: Largest difference, relative to the largest value.
        how: What it is instead, where that is known: ``transposed``, ``the numbers of conv3``; else empty.
    """

    parameter: str
    variables: tuple[str, ...]
    error: float | None
    how: str = ""


@dataclass(frozen=True)
class ComparisonReport:
    """
    Everything that a comparison of a Keras model and a PyTorch module has to say.

    Attributes:
        keras: The Keras file, as the user named it.
        torch: The module, as the user named it.
        inputs: Shapes of what both ran on, as the module takes them.
        status: ``equal``: every output is; ``partly compared``: no difference was found, and something was not reached.
        outputs: Largest difference of each output in float64, relative to its largest value; None if it has no counterpart.
        rows: Every layer, in the order in which the Keras model runs.
        first: The first layer that differs; None if none does.
        causes: In the same order, the first divergent layer's first.
        differences: Settings that differ, and make no difference on these inputs.
        weights: Parameters that are not those of the file.
        problems: Why nothing could be compared.
        notes: What was tried, and what a person should know.
        choices: Of an architecture that was recovered, because nobody stated it.
        verification: The Keras side as regraft reads it, against the real Keras.
        tolerance: Relative difference up to which two tensors are equal.
    """

    regraft: str
    keras: str
    torch: str
    status: Status
    inputs: tuple[tuple[int, ...], ...] = ()
    outputs: tuple[float | None, ...] = ()
    rows: tuple[ComparedRow, ...] = ()
    first: DivergenceRow | None = None
    causes: tuple[CauseRow, ...] = ()
    differences: tuple[DifferenceRow, ...] = ()
    weights: tuple[WeightRow, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    choices: tuple[ChoiceRow, ...] = ()
    verification: VerificationRow = NOT_VERIFIED
    tolerance: float = 1e-6
    schema: str = SCHEMA

    @property
    def unsettled(self) -> tuple[ChoiceRow, ...]:
        """The choices of the Keras side that nobody has stated, and that may be wrong."""
        return tuple(row for row in self.choices if row.label in ("assumed", "open"))

    @property
    def exit_code(self) -> int:
        """0 equal, 1 different, 2 nothing could be compared, 3 compared in part, or with an architecture nobody stated."""
        if self.status == "different" or self.verification.status == "different":
            return 1
        if self.status == "equal" and self.unsettled:
            return 3
        return {"equal": 0, "cannot compare": 2}.get(self.status, 3)

    def to_json(self) -> str:
        """The report as JSON, ASCII only, keys as the attributes here."""
        return as_json(self, exit_code=self.exit_code)
