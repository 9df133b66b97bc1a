"""The one Report value: what was read, recovered, mapped and checked. Terminal, JSON and HTML only show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from regraft.report.as_json import as_json

SCHEMA = "regraft-report/1"

Status = Literal["equal", "different", "partly verified", "not verified"]


@dataclass(frozen=True)
class Source:
    """
    The input file.

    Attributes:
        sha256: Of the file; empty for a folder, and with ``--no-verify``, where reading the file twice is not wanted.
        kind: ``whole model`` if the architecture is inside, ``weights only`` if not.
        architecture: Where the architecture came from: ``the file``, the name of the JSON beside it, or ``recovered``.
    """

    file: str
    sha256: str
    bytes: int
    dialect: str
    keras_version: str
    backend: str
    kind: str
    architecture: str
    order_source: str


@dataclass(frozen=True)
class Port:
    """An input or output of the model: its shape in Keras, and in the emitted module, batch first; ``None`` varies."""

    name: str
    keras_shape: tuple[int | None, ...] | None
    torch_shape: tuple[int | None, ...] | None
    order: str


@dataclass(frozen=True)
class LayerRow:
    """
    One layer: type, output shape in Keras order, number of stored elements.

    Attributes:
        label: How sure its settings are: the weakest label of the choices about it.
        placeholder: Why it could not be converted, or empty.
    """

    name: str
    type: str
    output_shape: tuple[int | None, ...] | None
    parameters: int
    label: str = "proved"
    placeholder: str = ""


@dataclass(frozen=True)
class NodeRow:
    """
    One call of a layer: a node of the graph. The nodes stand in running order.

    Attributes:
        layer: Name of the layer; ``outer/inner`` inside a nested model.
        type: As in the catalogue, or as in the file where the catalogue lacks it.
        call: Which use of the layer it is, counted from 0.
        output_shape: Of its first output, in Keras order, batch first.
        inputs: What it takes, in order: for each tensor the place of the node that makes it, and which of its outputs.
        inside: Place of the nested model that holds it; None in the model itself. The layers of a model that is called
            several times stand inside its first call.
        outputs: Of a nested model: for each output the place of the inner node that makes it, and which of its outputs.
        settings: What the layer is set to, as name and words; at its first call only.
        label: As in ``LayerRow``.
        placeholder: As in ``LayerRow``.
    """

    layer: str
    type: str
    call: int
    output_shape: tuple[int | None, ...] | None
    inputs: tuple[tuple[int, int], ...] = ()
    inside: int | None = None
    outputs: tuple[tuple[int, int], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    label: str = "proved"
    placeholder: str = ""


@dataclass(frozen=True)
class TransferRow:
    """
    Variables, by path in the file, through moves in words into parameters of the module.

    Attributes:
        shapes: Of the parameters.
        stored: Shapes of the variables, as they lie in the file.
    """

    layer: str
    variables: tuple[str, ...]
    moves: str
    parameters: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    stored: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class ChoiceRow:
    """Something the file does not state, what was chosen, and why."""

    subject: str
    value: str
    candidates: tuple[str, ...]
    label: str
    evidence: str


@dataclass(frozen=True)
class CandidateRow:
    """
    One architecture that a weights-only file may have.

    Attributes:
        share: Its probability among those that were considered, as far as the costs behind it are right.
        family: The known architecture it is, or empty.
        proof: What proves it, or empty.
        differs: Where it differs from the first, as ``conv2d_3.strides = 2, 2``.
        folder: Where it was written, or empty.
    """

    share: float
    family: str
    proof: str
    differs: tuple[str, ...] = ()
    folder: str = ""


@dataclass(frozen=True)
class StatisticRow:
    """
    The stored statistics of one BatchNorm against those that the model predicts.

    Attributes:
        misfit: Root mean square of predicted minus stored mean, in units of the stored standard deviation; None where
            nothing could be predicted.
        verdict: ``fits``, ``doubtful``, ``contradicts`` or ``cannot tell``.
        note: From which layers it was predicted, or why it was not.
        channels: Number of channels that were compared.
        points: Of at most 64 of them, spread evenly: predicted mean, stored mean, stored standard deviation.
    """

    layer: str
    misfit: float | None
    verdict: str
    note: str = ""
    channels: int = 0
    points: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class SelfCheckRow:
    """
    The model against the statistics in its own file: a check that needs neither data nor Keras.

    Attributes:
        summary: One sentence.
        layers: One row a BatchNorm.
        inputs: How the inputs were scaled, as far as the first BatchNorm tells.
        better: Changes of the architecture that would fit the statistics better.
    """

    summary: str
    layers: tuple[StatisticRow, ...] = ()
    inputs: tuple[str, ...] = ()
    better: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckRow:
    """
    One layer compared with Keras on the same inputs.

    Attributes:
        error64: Largest difference in float64, relative to the largest value of the layer; None if not compared.
        error32: The same in float32.
        scale: Largest absolute value of the layer's output in Keras.
        ok: Whether both gates are passed.
        note: What is special about this comparison.
        limit64: What ``error64`` may be; None if not known.
        limit32: What ``error32`` may be.
    """

    layer: str
    type: str
    shape: tuple[int, ...]
    error64: float | None
    error32: float | None
    scale: float
    ok: bool
    note: str = ""
    limit64: float | None = None
    limit32: float | None = None


@dataclass(frozen=True)
class VerificationRow:
    """
    The check against the real Keras.

    Attributes:
        status: ``equal``, ``different``, ``partly verified`` (placeholders hide the rest) or ``not verified``.
        reason: Why it was not, or not wholly, verified.
        oracle: Which Keras, with its version.
        config_route: Whether Keras built the model from the file's own JSON or from ours.
        weights_route: Whether Keras loaded the file itself or got the arrays as we read them.
        inputs: The inputs that were tried, in words.
        gates: The limits, in words.
        first_failure: First layer that differs, in graph order; empty if none does.
    """

    status: Status
    reason: str = ""
    oracle: str = ""
    config_route: str = ""
    weights_route: str = ""
    inputs: tuple[str, ...] = ()
    layers: tuple[CheckRow, ...] = ()
    compared: int = 0
    total: int = 0
    first_failure: str = ""
    notes: tuple[str, ...] = ()
    gates: str = ""


@dataclass(frozen=True)
class Report:
    """
    Everything a conversion has to say.

    Attributes:
        opened: Of a ``.keras`` file that was written: whether the Keras of today opens it and computes the same.
        next_step: The start of a file for ``--custom``, where one would help.
        graph: Every call of every layer, those of nested models too.
        command: The words of the command that repeats this conversion.
    """

    regraft: str
    model: str
    source: Source
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    layers: tuple[LayerRow, ...]
    transfers: tuple[TransferRow, ...]
    variables_stored: int
    variables_used: int
    variables_listed: tuple[tuple[str, str], ...]
    parameters_filled: int
    verification: VerificationRow
    choices: tuple[ChoiceRow, ...] = ()
    notes: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    candidates: tuple[CandidateRow, ...] = ()
    statistics: SelfCheckRow | None = None
    opened: VerificationRow | None = None
    next_step: str = ""
    graph: tuple[NodeRow, ...] = ()
    command: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    schema: str = SCHEMA

    @property
    def placeholders(self) -> tuple[LayerRow, ...]:
        """The layers that could not be converted."""
        return tuple(row for row in self.layers if row.placeholder)

    @property
    def open_choices(self) -> tuple[ChoiceRow, ...]:
        """The choices that the file leaves open."""
        return tuple(row for row in self.choices if row.label == "open")

    @property
    def assumed_choices(self) -> tuple[ChoiceRow, ...]:
        """The choices of a recovered architecture that rest on convention alone; none where known outputs prove it."""
        proved = any(row.proof for row in self.candidates[:1])
        return tuple(row for row in self.choices if row.label == "assumed" and self.candidates and not proved)

    @property
    def exit_code(self) -> int:
        """
        0 done, 1 a check failed, 3 done but something remains open, unconverted or could only be checked in part.

        An architecture that was recovered and rests on assumptions is not done either: nobody has stated it.
        """
        statuses = {row.status for row in (self.verification, self.opened) if row is not None}
        if "different" in statuses:
            return 1
        partly = "partly verified" in statuses
        return 3 if partly or self.placeholders or self.open_choices or self.assumed_choices else 0

    def to_json(self) -> str:
        """The report as JSON, ASCII only, keys as the attributes here."""
        return as_json(self, exit_code=self.exit_code)
