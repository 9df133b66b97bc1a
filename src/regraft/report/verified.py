"""What the check of an earlier result has to say: how it was compared with a Keras model, and where it differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from regraft.report.as_json import as_json
from regraft.report.compared import ComparisonReport
from regraft.report.value import ChoiceRow, Status, VerificationRow

SCHEMA = "regraft-verification/1"

#: How the result was compared: its own files layer by layer; as another model, by the numbers of its tensors; or the same
#: with the graph of a SavedModel.
Route = Literal["layer by layer", "by values", "with a graph"]


@dataclass(frozen=True)
class SettingRow:
    """
    A setting or connection in which the result's blueprint differs from the model.

    Attributes:
        subject: ``conv2d_3.activation``, as ``--set`` takes it.
        here: Value in the result's ``blueprint.toml``.
        there: Value in the Keras model.
        label: How sure it was, where it was a choice: ``assumed``, ``open`` and so on; empty where it was stated.
        training: Whether it matters only in training.
    """

    subject: str
    here: str
    there: str
    label: str = ""
    training: bool = False


@dataclass(frozen=True)
class ParameterRow:
    """
    A parameter of the result that is not what the Keras model has.

    Attributes:
        parameter: Key of the state dict.
        layer: Keras layer.
        error: Largest difference, relative to the largest value; None if the shapes differ.
    """

    parameter: str
    layer: str
    error: float | None


@dataclass(frozen=True)
class VerifiedReport:
    """
    Everything that the check of an earlier result has to say.

    Attributes:
        out: The folder of the result, as the user named it.
        against: The Keras model, as the user named it.
        kind: What that is: ``file``, ``function``, ``SavedModel`` or ``graph``.
        route: How the two were compared.
        code: Whether the result's code is what regraft writes for this model, in words.
        verification: The result against the real Keras; by values, the model as regraft reads it against the real Keras.
        comparison: The result against the model as regraft reads it, where they are not the same code.
        settings: Where the result's blueprint differs from the model.
        parameters: Parameters with other numbers.
        choices: What the result assumes or leaves open, and this check did not settle.
        command: What to run to get it right; empty if nothing is wrong, or that is not known.
        notes: How the Keras model came about, and what else a person should know.
    """

    regraft: str
    out: str
    against: str
    kind: str
    route: Route
    code: str
    verification: VerificationRow
    comparison: ComparisonReport | None = None
    settings: tuple[SettingRow, ...] = ()
    parameters: tuple[ParameterRow, ...] = ()
    choices: tuple[ChoiceRow, ...] = ()
    command: str = ""
    notes: tuple[str, ...] = ()
    schema: str = SCHEMA

    @property
    def status(self) -> Status:
        """The verdict on the result: what was not compared is never called equal."""
        if self.comparison is None:
            return self.verification.status
        if self.comparison.status == "different":
            return "different"
        if self.comparison.status == "cannot compare" or self.verification.status in ("not verified", "different"):
            return "not verified"
        both = self.comparison.status == "equal" and self.verification.status == "equal"
        return "equal" if both and not self.loose else "partly verified"

    @property
    def loose(self) -> bool:
        """Whether a layer of the Keras model has no counterpart in the result by which it could be compared."""
        rows = () if self.comparison is None else self.comparison.rows
        return any(row.ok is not True for row in rows)

    @property
    def first(self) -> str:
        """The first layer that differs; empty if none does."""
        if self.comparison is None:
            return self.verification.first_failure
        return "" if self.comparison.first is None else self.comparison.first.layer

    @property
    def exit_code(self) -> int:
        """0 equal, 1 different, 2 nothing could be compared, 3 compared in part, or on an architecture that was assumed."""
        code = {"equal": 0, "different": 1, "not verified": 2}.get(self.status, 3)
        return 3 if code == 0 and self.choices else code

    def to_json(self) -> str:
        """The report as JSON, ASCII only, keys as the attributes."""
        return as_json(self, status=self.status, exit_code=self.exit_code)
