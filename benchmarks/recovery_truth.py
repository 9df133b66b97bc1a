"""The truth about a file: its architecture, and what it computes on random inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.pairs import architectures
from benchmarks.recovery_run import BATCH, Arrays, CannotRunError, Runner, inputs_for, runner, with_shapes
from benchmarks.stripping import Original

from regraft.blueprint import Blueprint, Shape
from regraft.errors import RegraftError
from regraft.layers.binding import bind
from regraft.layers.walk import input_shapes
from regraft.stated import read_blueprint
from regraft.verify.inputs import total_elements
from regraft.weights import read

#: Elements of all tensors together above which maps are made smaller, where the model takes smaller ones.
LARGE = 2**24
SMALLEST = 32


def original_of(file: Path, root: Path) -> Original | None:
    """
    A file with its architecture, from inside it or from a JSON beside it; None if there is none that fits.

    Raises:
        RegraftError: The file cannot be read.
    """
    tree = read(file)
    for architecture in [None] if tree.config is not None else architectures(file, root):
        try:
            blueprint = read_blueprint(tree, architecture, None)
            return Original(file, tree, blueprint, bind(blueprint, tree))
        except RegraftError:
            continue
    return None


def unknown_layers(blueprint: Blueprint) -> list[str]:
    """Layers that cannot be converted, in nested models too."""
    found: list[str] = []
    for spec in blueprint.layers:
        inner = spec.config.get("blueprint")
        found += [f"{spec.name} ({spec.type})"] if spec.unknown else []
        found += unknown_layers(inner) if isinstance(inner, Blueprint) else []
    return found


def trained_norm(original: Original) -> bool:
    """Whether any BatchNorm holds statistics that training made."""
    for bound in original.binding.layers.values():
        for name, variable in bound.items():
            if name.endswith("moving_mean") and np.abs(variable.read()).max(initial=0.0) > 1e-6:
                return True
    return False


@dataclass(frozen=True)
class Truth:
    """
    What a candidate is compared with.

    Attributes:
        blueprint: The original, on smaller maps where its own are very large and smaller ones do.
        run: It, running.
        inputs: Several sets of inputs.
        expected: Its outputs for them.
        note: What differs from the original, for the row.
    """

    blueprint: Blueprint
    run: Runner
    inputs: list[Arrays]
    expected: list[Arrays]
    note: str = ""


def truth_of(original: Original) -> Truth:
    """
    The original on random inputs.

    Raises:
        CannotRunError: It does not run.
    """
    own = input_shapes(original.blueprint)
    reason: CannotRunError | None = None
    for shapes in sizes_to_try(original.blueprint, own):
        blueprint = original.blueprint if shapes == own else with_shapes(original.blueprint, shapes)
        try:
            run = runner(blueprint, original.binding)
            inputs = inputs_for(blueprint, run)
            note = "" if shapes == own else f"compared on smaller maps: {shapes}"
            return Truth(blueprint, run, inputs, [run(case) for case in inputs], note)
        except CannotRunError as error:
            reason = error
    assert reason is not None
    raise reason


def sizes_to_try(blueprint: Blueprint, own: tuple[Shape, ...]) -> Iterator[tuple[Shape, ...]]:
    """Input shapes, the original's own last if they are very large."""
    known = [shape for shape in own if shape is not None]
    whole = len(known) == len(own) and all(None not in shape[1:] for shape in known)
    full = tuple((BATCH, *(n or 1 for n in shape[1:])) for shape in known)
    if whole and (total_elements(blueprint, full) or 0) > LARGE and any(len(shape) > 3 for shape in known):
        for divisor in (8, 4, 2):
            smaller = tuple(divided(shape, divisor) for shape in known)
            if smaller != own and (total_elements(blueprint, tuple((BATCH, *s[1:]) for s in smaller)) or 0) > 0:  # type: ignore[misc]
                yield smaller
    yield own


def divided(shape: tuple[int | None, ...], divisor: int) -> tuple[int | None, ...]:
    """A map with its sizes divided; of axes that cannot be, none is."""
    sizes = [n for n in shape[1:] if n is not None and n >= SMALLEST]
    possible = sizes and all(n % divisor == 0 and n // divisor >= SMALLEST for n in sizes)
    return tuple(n // divisor if possible and n is not None and n >= SMALLEST else n for n in shape)
