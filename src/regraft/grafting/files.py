"""The whole command: a file and a module's name become a state dict and a mapping; and the way back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from regraft.emit.atomic import replacing
from regraft.emit.outputs import write_text
from regraft.errors import OutputError, RegraftError, ShapeMismatchError
from regraft.graft.filling import load, save, tensor_of
from regraft.graft.libraries import TRANSFORMERS
from regraft.graft.target import load_target
from regraft.grafting.by_names import ByNames, graft_by_names, reason, report_by_names
from regraft.grafting.example import example_for
from regraft.grafting.explaining import explanation, unfit
from regraft.grafting.report import report_of
from regraft.grafting.result import Graft
from regraft.grafting.run import grafted, read_mapping
from regraft.grafting.source import Converted, File, converted, reader
from regraft.grafting.unrunnable import tried_on, unrunnable
from regraft.grafting.untraced import untraced
from regraft.report import SelfCheckRow, VerificationRow
from regraft.report.grafted import NOT_VERIFIED, GraftReport
from regraft.weights import check_checksums, read, write_variables
from regraft.writing import write_files

Progress = Callable[[str, int, int], None]
MAPPING = "mapping.toml"


def graft_file(
    weights: File,
    target: str,
    out: File | None = None,
    *,
    shapes: Sequence[tuple[int | None, ...]] = (),
    mapping: File | None = None,
    architecture: File | None = None,
    config: File | None = None,
    fix: bool = False,
    force: bool = False,
    verify: bool = True,
    progress: Progress | None = None,
) -> GraftReport:
    """
    Put the weights of a file onto a module that is named, and write its state dict with ``mapping.toml`` beside it.

    Args:
        weights: A Keras file.
        target: ``my_net.py:Net``, ``my_net.py:build(num_classes=7)``, ``torchvision:resnet50``, ``timm:resnetv2_50``,
            ``transformers:BertModel``, or the ``model.py`` that regraft wrote.
        out: The state dict, by default the file's name with ``.pth`` in the current folder.
        shapes: Of each input as the module takes it, batch first.
        mapping: A mapping to apply instead of looking for one.
        architecture: The architecture JSON, for a file that has none.
        config: The ``config.json`` of a model of transformers; by default the one beside the weights.
        fix: Set epsilon and momentum on the module where they differ.
        force: Replace results that are there already.
        verify: Check the file's own model against Keras, where that is installed.
        progress: Called with a word for the step, how much is done, and of how much (0 if that is not known).

    Returns:
        The report; nothing is written if the weights do not fit.

    Raises:
        RegraftError: The file or the target cannot be used.
    """
    path = Path(out) if out is not None else Path(Path(weights).name.split(".")[0] + ".pth")
    beside = path.with_name(MAPPING)
    same = mapping is not None and beside.exists() and beside.samefile(mapping)
    refuse(path, *(() if same else (beside,)), force=force)
    say = progress or (lambda *_: None)
    say("read the file and make the module", 0, 0)
    sizes = config_beside(weights, target) if config is None else Path(config)
    module = load_target(target, sizes)
    check_checksums(weights)
    tree = read(weights)
    why = reason(tree, target, architecture)
    named = graft_by_names(tree, module, floats(shapes), mapping) if why else None
    if named is not None and (not named.problems or target.startswith(f"{TRANSFORMERS}:")):
        return written(named, path, None if same else beside, target, why)
    source: Converted | None = None
    try:
        source = converted(tree, architecture, shapes)
        say("run both modules", 0, 0)
        found = run(source, module, target, shapes, mapping, fix=fix)
    except RegraftError as error:
        if named is not None:
            return report_by_names(named, target, notes=(why,))
        if source is not None:
            raise
        named = graft_by_names(tree, module, floats(shapes), mapping)
        if not named.complete:
            raise
        why = f"paired by names, for there is no other way: {error}"
        return written(named, path, None if same else beside, target, why)
    if (
        named is not None and not found.equal
    ):  # a recovered architecture that fits in full says more than names, else less
        return report_by_names(named, target, notes=(why,))
    stated = Path(architecture).name if architecture is not None else "the file"
    if not found.filled:
        return report_of(found, target, architecture=stated, explanation=explanation(found))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, force=True) as file:
        save(module, file)
    if not same:
        write_text(beside, found.mapping.to_toml(), force=True)
    verification, statistics = NOT_VERIFIED, None
    if verify and found.comparison is not None:
        verification, statistics = checked(source, architecture, progress)
    return report_of(
        found,
        target,
        architecture=stated,
        verification=verification,
        statistics=statistics,
        explanation=explanation(found),
        files={path.name: str(path), beside.name: str(beside)},
    )


def config_beside(weights: File, target: str) -> Path | None:
    """The ``config.json`` that lies beside the weights of a model of transformers, as its libraries put it there."""
    beside = Path(weights).parent / "config.json"
    return beside if target.startswith(f"{TRANSFORMERS}:") and beside.is_file() else None


def floats(shapes: Sequence[tuple[int | None, ...]]) -> tuple[Any, ...]:
    """Numbers of the shapes that the user gave, for a module of which nothing else is known."""
    rng = np.random.default_rng(0)
    whole = [tuple(size or 2 for size in shape) for shape in shapes]
    return tuple(tensor_of(rng.standard_normal(shape).astype("float32")) for shape in whole)


def written(found: ByNames, path: Path, mapping: Path | None, target: str, why: str) -> GraftReport:
    """What names gave, written as any graft is; nothing if it does not fit."""
    if found.problems:
        return report_by_names(found, target, notes=(why,))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, force=True) as file:
        save(found.module, file)
    if mapping is not None:
        write_text(mapping, found.mapping.to_toml(), force=True)
    files = {path.name: str(path), MAPPING: str(path.with_name(MAPPING))}
    return report_by_names(found, target, notes=(why,), files=files)


def refuse(*paths: Path, force: bool) -> None:
    """
    Say before any work is done that a result cannot be written.

    Raises:
        OutputError: There is such a file already, or a folder of that name.
    """
    for path in paths:
        if path.is_dir():
            raise OutputError(f"{path} is a folder: name the file to write with -o, such as {path / 'model.pth'}")
        if path.exists() and not force:
            raise OutputError(f"{path} exists: choose another place with -o, or replace it with --force")


def run(
    source: Converted,
    module: Any,
    target: str,
    shapes: Sequence[tuple[int | None, ...]],
    mapping: File | None,
    *,
    fix: bool,
) -> Graft:
    """
    The graft itself.

    Raises:
        OutputError: The module cannot be run on the example.
    """
    example = tried_on(source, shapes) if unrunnable(source) else example_for(source, shapes)
    try:
        return grafted(source, module, example, mapping, fix=fix)
    except ShapeMismatchError as error:
        raise ShapeMismatchError("\n  ".join((str(error), *unfit(source, module)))) from error
    except RegraftError:
        raise
    except Exception as error:
        if not shapes and (found := defined(source, module, example, mapping, error)) is not None:
            return found
        tried = " and ".join(str(tuple(tensor.shape)) for tensor in example)
        raise OutputError(
            "\n  ".join(
                (
                    f"{target} cannot be run on an input of shape {tried}: {type(error).__name__}: {error}. "
                    "Give the shape that it takes, batch first, with --input-shape N,C,H,W (once for each input)",
                    *unfit(source, module),
                )
            )
        ) from error


def defined(
    source: Converted, module: Any, example: Sequence[Any], mapping: File | None, error: Exception
) -> Graft | None:
    """
    The graft by order of definition, for a module that cannot be run on what the file's model takes.

    None unless every layer has its place and nothing but order tells none of them apart: then the shape of the example is
    what is wrong, or the module.
    """
    why = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
    found = untraced(source, module, example, None if mapping is None else read_mapping(mapping), why, runs=False)
    return None if found.problems or (found.grafting.ties and mapping is None) else found


def checked(
    source: Converted, architecture: File | None, progress: Progress | None
) -> tuple[VerificationRow, SelfCheckRow | None]:
    """The file's model against Keras where its architecture is stated, and against its own statistics."""
    from regraft.self_check import self_check
    from regraft.stated import architecture_text
    from regraft.verification import check

    statistics = self_check(source.blueprint, source.binding, measured=None, look_for_rivals=False)
    if not source.stated:
        return NOT_VERIFIED, statistics
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, source.blueprint, source.module, "pth", force=True, progress=None)
        own = architecture_text(source.tree, architecture)
        reads = source.tree.dialect != "arrays"
        row = check(
            folder, "pth", source.module, source.blueprint, source.binding, source.tree, own,
            progress=progress, keras_reads=reads,
        )  # fmt: skip
    return row, statistics


def reverse(state: File, mapping: File, weights: File, into: File, *, force: bool = False) -> int:
    """
    Write the parameters of a module back into a copy of the Keras file that they came from.

    Args:
        state: A state dict, as ``torch.save(model.state_dict(), path)`` writes it.
        mapping: The ``mapping.toml`` of the graft.
        weights: The Keras file that was grafted.
        into: Where the copy goes; it may be the file itself, with ``force``.
        force: Replace a file at ``into``.

    Returns:
        How many arrays differ from those of the Keras file; 0 for a module that was not trained.

    Raises:
        RegraftError: One of the files cannot be used, or they do not belong together.
    """
    plan = read_mapping(mapping)
    tree = read(weights)
    arrays = plan.variables(load(Path(state)), reader(tree))
    return write_variables(weights, into, arrays, force=force)
