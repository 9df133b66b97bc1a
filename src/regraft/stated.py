"""The architecture that is stated: inside the file, in a JSON beside it, or in a blueprint that a person edited."""

from __future__ import annotations

import os
from pathlib import Path

from regraft import keras_config
from regraft.blueprint import Blueprint, Choice
from regraft.blueprint.toml import from_toml
from regraft.errors import BlueprintError, ConfigError, NoArchitectureError
from regraft.weights import WeightTree, read_architecture

Shapes = tuple[int | None, ...] | tuple[tuple[int | None, ...], ...]

#: Nothing in a list of arrays says which layer an array belongs to: equal shapes in another order would not show.
DEALT = Choice(
    "assignment",
    "in the order of the list",
    (),
    "open",
    "the arrays are taken as model.get_weights() gives them; equal shapes in another order would not show",
)


def read_blueprint(
    tree: WeightTree, architecture: str | os.PathLike[str] | None, input_shape: Shapes | None
) -> Blueprint:
    """
    The architecture that is stated, in the file or beside it.

    Raises:
        NoArchitectureError: There is none.
    """
    text = architecture_text(tree, architecture)
    if text is None:
        raise NoArchitectureError(f"{tree.file} holds weights only, and no architecture was given beside it")
    return parsed(text, tree, architecture, input_shape)


def read_toml(path: str | os.PathLike[str]) -> Blueprint:
    """A blueprint that a person edited; what it says counts as stated."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BlueprintError(f"{path}: cannot be read: {error}") from error
    plan = from_toml(text)
    plan.check()
    return plan


def parsed(
    text: str, tree: WeightTree, architecture: str | os.PathLike[str] | None, input_shape: Shapes | None
) -> Blueprint:
    """The architecture from the JSON beside the file, else from the file itself."""
    shapes = all_shapes(input_shape)
    if len(shapes) > 1:
        raise ConfigError("several input shapes are for files without architecture; this one has it")
    source = str(architecture) if architecture is not None else tree.file
    shape = shapes[0] if shapes else None
    return keras_config.parse(text, source=source, keras_version=tree.keras_version, input_shape=shape)


def all_shapes(given: Shapes | None) -> tuple[tuple[int | None, ...], ...]:
    """One shape, or one an input, as a tuple of shapes."""
    if given is None:
        return ()
    if given and isinstance(given[0], tuple):
        return given  # type: ignore[return-value]
    return (given,)  # type: ignore[return-value]


def architecture_text(tree: WeightTree, architecture: str | os.PathLike[str] | None) -> str | None:
    """The architecture JSON: the one beside the file, else the one inside, else None."""
    return read_architecture(architecture) if architecture is not None else tree.config
