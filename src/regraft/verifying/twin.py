"""The Keras model converted in memory, and the files of a result checked in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from regraft.blueprint import Blueprint, Choice
from regraft.emit.leaving_out import emit_leaving_out
from regraft.emit.module import Module
from regraft.errors import NoArchitectureError, OutputError
from regraft.layers.binding import Binding, bind
from regraft.layers.theano import kernel_choice
from regraft.report.verified import ParameterRow
from regraft.stated import Shapes, architecture_text, parsed
from regraft.verification import state_of, subject_of
from regraft.verify import Subject
from regraft.verify.difference import difference
from regraft.verify.trace import tensors
from regraft.verifying.folder import Folder
from regraft.weights import WeightTree, check_checksums, read

MOST_ROWS = 200
#: In a file that ends with the self-test.
SELFTEST = '["--selftest"]'


@dataclass(frozen=True)
class Twin:
    """
    The Keras model as a module of ours.

    Attributes:
        config: Its own architecture JSON; None where the result's blueprint stands for it.
        stated: Whether its architecture is stated, by the file, beside it or by what the user built.
    """

    tree: WeightTree
    blueprint: Blueprint
    binding: Binding
    module: Module
    config: str | None
    stated: bool


def twin_of(file: Path, architecture: str | None, folder: Folder, input_shape: Shapes | None = None) -> Twin:
    """
    Convert a file in memory, as ``convert`` does.

    Args:
        file: What ``convert`` reads.
        architecture: The JSON beside it.
        folder: The result: how its code ends, and its architecture for a file of weights that has none.
        input_shape: What the architecture leaves open.

    Raises:
        NoArchitectureError: The file holds weights only, and the result has no blueprint.
    """
    tree = read(file)
    check_checksums(file)
    config = architecture_text(tree, architecture)
    if config is not None:
        plan = parsed(config, tree, architecture, input_shape)
    elif folder.blueprint is not None:
        plan = folder.blueprint
    else:
        raise NoArchitectureError(
            f"{file} holds weights only, so there is no model to compare with: give its architecture with --architecture"
        )
    if tree.dialect == "arrays" and config is None:
        from regraft.recovery import regrouped

        tree = regrouped(tree, plan)
    if choice := kernel_choice(plan, tree, None):
        plan = replace(plan, choices=(*plan.choices, choice))
    plan, binding, module = emit_leaving_out(
        plan, lambda p: bind(p, tree=tree), "a check", folder.weights[0].name, selftest=SELFTEST in folder.source
    )
    return Twin(tree, plan, binding, module, config, config is not None)


def subject_for(twin: Twin, state: Path | None) -> Subject:
    """The twin's code with the parameters of a file, or with those of the Keras model."""
    return subject_of(
        twin.module,
        twin.blueprint,
        twin.binding,
        twin.tree,
        twin.config,
        state=state,
        keras_reads=twin.tree.dialect != "arrays",
    )


def parameter_rows(twin: Twin, weights: Path) -> tuple[ParameterRow, ...]:
    """
    Parameters of a file that are not those of the Keras model, in the order of its layers.

    Raises:
        OutputError: Names or shapes do not fit the code.
    """
    stored: Mapping[str, Any] = tensors(weights)
    wanted = state_of(twin.module)
    missing, more = sorted(wanted.keys() - stored.keys()), sorted(stored.keys() - wanted.keys())
    if missing or more:
        words = [f"it lacks {', '.join(missing[:6])}"] * bool(missing) + [
            f"it has {', '.join(more[:6])} besides"
        ] * bool(more)
        raise OutputError(f"{weights}: does not fit the model.py beside it: {'; '.join(words)}")
    rows: list[ParameterRow] = []
    for transfer in twin.module.transfers:
        for name in transfer.parameters:
            ours, theirs = stored[name].numpy(), wanted[name]
            if ours.shape != theirs.shape:
                raise OutputError(f"{weights}: {name} is {ours.shape}, expected {theirs.shape}")
            if not np.array_equal(ours, theirs, equal_nan=True):
                error = difference(ours, theirs).error
                rows.append(ParameterRow(name, transfer.layer, error if np.isfinite(error) else None))
    return tuple(rows[:MOST_ROWS])


def unsettled(blueprint: Blueprint) -> tuple[Choice, ...]:
    """Choices that nobody stated."""
    return tuple(choice for choice in blueprint.choices if choice.label in ("open", "assumed"))
