"""What a graft has to say: which variable went where, what differs, what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from regraft.report.as_json import as_json
from regraft.report.value import ChoiceRow, SelfCheckRow, VerificationRow

SCHEMA = "regraft-graft/1"

#: ``filled``: the weights fit by name and shape, and nothing says what the file's model computes.
NOT_VERIFIED = VerificationRow("not verified")
Status = Literal["equal", "different", "filled", "does not fit"]


@dataclass(frozen=True)
class TensorRow:
    """One way: variables by path in the file, moves in words, parameters of the module by key."""

    variables: tuple[str, ...]
    moves: str
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class PairRow:
    """
    A layer of the file and a module of the user's.

    Attributes:
        layer: Name of the layer in Keras.
        module: Path of the module.
        how: What made them a pair.
        tensors: The ways of the layer's variables.
        error: Largest difference of their results in float64, relative to the largest value; None if not compared.
        alone: The same with everything in front of them put right.
    """

    layer: str
    module: str
    how: str
    tensors: tuple[TensorRow, ...]
    error: float | None = None
    alone: float | None = None


@dataclass(frozen=True)
class DifferenceRow:
    """
    A setting that weights do not carry, and that differs.

    Attributes:
        where: In the user's module.
        layer: In Keras.
        expected: As in Keras.
        found: As in the user's module.
        effect: Largest difference that it makes at its place, relative to the largest value there; None if not measured.
        fix: The line to change, or empty.
        fixed: Whether it was set on the module.
    """

    where: str
    layer: str
    what: str
    expected: str
    found: str
    effect: float | None = None
    fix: str = ""
    fixed: bool = False


@dataclass(frozen=True)
class GraftReport:
    """
    Everything a graft has to say.

    Attributes:
        file: The weights file.
        target: The module, as the user named it.
        dialect: Of the file.
        keras_version: As stored, or empty.
        architecture: ``the file``, the name of the JSON beside it, ``recovered``, or ``none`` where names alone decided.
        tried_on: Shapes of the example that both modules ran on, batch first, as the module takes them.
        pairs: In the order in which the user's module runs.
        differences: In the same order.
        ties: Modules that structure does not tell apart, with what decided.
        lone_layers: Layers of the file without a module.
        lone_modules: Modules without a layer.
        unfilled: Parameters that kept the values they had.
        problems: Why the weights do not fit.
        explanation: An alignment of file and module, and the likely cause, in lines; empty if everything fits.
        outputs: Largest difference of each output in float64, relative to its largest value.
        first: The first module that differs, or empty.
        verification: The file's own model as regraft reads it, against the real Keras.
        choices: Of an architecture that was recovered.
        statistics: The self-check of the file's model.
        settings: Lines of Python that set on a ``model`` what ``--fix`` has set here: the state dict does not hold it.
    """

    regraft: str
    file: str
    target: str
    dialect: str
    keras_version: str
    architecture: str
    status: Status
    variables: int
    parameters: int
    tried_on: tuple[tuple[int, ...], ...] = ()
    pairs: tuple[PairRow, ...] = ()
    differences: tuple[DifferenceRow, ...] = ()
    ties: tuple[tuple[tuple[str, ...], str], ...] = ()
    lone_layers: tuple[str, ...] = ()
    lone_modules: tuple[str, ...] = ()
    unfilled: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    explanation: tuple[str, ...] = ()
    outputs: tuple[float | None, ...] = ()
    first: str = ""
    verification: VerificationRow = NOT_VERIFIED
    choices: tuple[ChoiceRow, ...] = ()
    statistics: SelfCheckRow | None = None
    notes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    schema: str = SCHEMA

    @property
    def unsure(self) -> tuple[ChoiceRow, ...]:
        """What the architecture rests on and nobody has stated."""
        return tuple(row for row in self.choices if row.label in ("open", "assumed"))

    @property
    def contradicted(self) -> tuple[str, ...]:
        """Where the file's own statistics say that an architecture which nobody stated is wrong."""
        if self.architecture != "recovered" or self.statistics is None:
            return ()
        return tuple(row.layer for row in self.statistics.layers if row.verdict == "contradicts")

    @property
    def exit_code(self) -> int:
        """0 done and equal, 1 something computes another function, 2 the weights do not fit, 3 done but not certain."""
        if self.status == "does not fit":
            return 2
        if self.status == "different" or self.verification.status == "different" or self.contradicted:
            return 1
        return 3 if self.status == "filled" or self.unsure or self.unfilled or self.settings else 0

    def to_json(self) -> str:
        """The report as JSON, ASCII only, keys as the attributes here."""
        return as_json(self, exit_code=self.exit_code)
