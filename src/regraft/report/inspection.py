"""The one Inspection value: what a file is and holds, what is known of its model and what is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from regraft.report.as_json import as_json

SCHEMA = "regraft-inspection/1"

TypeSource = Literal["architecture", "group name", "default name", ""]
"""Where a layer's type comes from: stated, from the class in the group's name, guessed from a default layer name."""


@dataclass(frozen=True)
class InspectedVariable:
    """
    One stored array.

    Attributes:
        path: Where it lies in the file.
        name: As the file calls it.
        label: What it is, as far as the file says: ``kernel``, ``cell/0``.
        shape: As stored, in Keras order.
        dtype: Of the decoded array.
        stored: How it lies in the file where that differs from ``dtype``, else empty.
        parameters: Number of elements.
    """

    path: str
    name: str
    label: str
    shape: tuple[int, ...]
    dtype: str
    stored: str
    parameters: int


@dataclass(frozen=True)
class InspectedLayer:
    """
    What the file stores for one layer, nested groups included.

    Attributes:
        key: Name of its group in the file.
        name: The layer's name in Keras, or empty where the file lost it.
        type: Its class, or empty where the file does not say.
        type_source: Where ``type`` comes from.
    """

    key: str
    name: str
    path: str
    type: str
    type_source: TypeSource
    variables: tuple[InspectedVariable, ...]
    parameters: int


@dataclass(frozen=True)
class ModelInput:
    """An input of the model as the architecture states it: batch first, Keras order; ``None`` varies or is unknown."""

    name: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Architecture:
    """
    What the architecture JSON inside the file says at a glance.

    Attributes:
        model_class: ``Sequential``, ``Functional``, ``Model``, or the name of a class of the author's own.
        layers: Number of layers at the top level, layers without variables included.
        custom: Layers whose meaning is code that no file holds, as (name, class): Lambda, and the author's own.
        problem: Why it could not be read, or empty.
    """

    model_class: str
    layers: int
    inputs: tuple[ModelInput, ...] = ()
    custom: tuple[tuple[str, str], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Inspection:
    """
    Everything that can be said of a file without reading its arrays.

    Attributes:
        file: As the user named it.
        bytes: Size on disk; of a folder or a sharded model, of all its files.
        container: ``HDF5 file``, ``Keras archive (.keras)`` ...
        kind: ``whole model`` if the architecture is inside, ``weights only`` if not.
        dialect: Short name of the layout, for programs; ``layout`` is the same in words.
        order_source: Where the order of ``layers`` comes from; ``order`` is the same in words.
        model_name: Name of the model, or empty.
        architecture: At a glance, or None in a weights-only file.
        layers: One entry a layer group, in the file's order.
        own: Variables of the model itself, outside the layers.
        variables: How many variables there are.
        parameters: How many numbers they hold.
        ignored: Paths passed over, each with the reason: optimizer state, metrics.
        known: What the file says of the model.
        unknown: What it does not say and a conversion would need.
        next_step: What to do now, in words.
        next_command: The same as a command line.
    """

    regraft: str
    file: str
    bytes: int
    container: str
    kind: Literal["whole model", "weights only"]
    dialect: str
    layout: str
    keras_version: str
    backend: str
    order_source: str
    order: str
    model_name: str
    architecture: Architecture | None
    layers: tuple[InspectedLayer, ...]
    own: tuple[InspectedVariable, ...]
    variables: int
    parameters: int
    ignored: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    known: tuple[str, ...]
    unknown: tuple[str, ...]
    next_step: str
    next_command: str
    schema: str = field(default=SCHEMA)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The types of the variables, each once, in the order of their first use."""
        every = [v for layer in self.layers for v in layer.variables] + list(self.own)
        return tuple(dict.fromkeys(f"{v.dtype} ({v.stored})" if v.stored else v.dtype for v in every))

    def to_json(self) -> str:
        """The inspection as JSON, ASCII only, keys as the attributes here."""
        return as_json(self)
