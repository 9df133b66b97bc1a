"""
The whole pipeline: a file becomes a checked PyTorch model.

    read -> WeightTree, parse or recover -> Blueprint, bind -> variables meet layers, emit -> model.py and transfer plan,
    write -> the files, verify -> one check a layer, report.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from regraft.back_to_keras import FILE, revived
from regraft.blueprint import Blueprint
from regraft.digest import Digest
from regraft.emit.leaving_out import emit_leaving_out
from regraft.emit.module import Module
from regraft.emit.outputs import Format, refuse_overwriting, weight_files
from regraft.layers.binding import Binding, bind
from regraft.layers.custom import Custom, active
from regraft.layers.custom import load as load_custom
from regraft.layers.theano import kernel_choice
from regraft.report import Report, SelfCheckRow, VerificationRow
from regraft.report.command import convert_command
from regraft.reporting import make_report, write_report
from regraft.stated import DEALT, Shapes, all_shapes, architecture_text, parsed, read_toml
from regraft.weights import WeightTree, check_checksums, read
from regraft.writing import SELFTEST, about, loaded_from, text_files, write_candidate, write_files

if TYPE_CHECKING:
    import numpy as np

    from regraft.recover.beside import Beside
    from regraft.recover.candidate import Candidate
    from regraft.verify import Oracle

Progress = Callable[[str, int, int], None]
UNCHECKED = VerificationRow("not verified", reason="not verified against Keras: --no-verify was given")


@dataclass(frozen=True)
class Conversion:
    """
    What a conversion gives.

    Attributes:
        report: Everything that was read, mapped and checked; ``report.exit_code`` as on the command line.
        module: The emitted module: ``source`` is the text of ``model.py``, ``transfers`` fill its parameters.
        blueprint: The architecture.
        folder: Where the files lie.
        binding: The stored variables of every layer.
        tree: The weight tree of the file.
        config: The architecture JSON that was converted, from the file or from beside it; None for an edited blueprint.
        format: How the weights were written.
        candidates: Where the architecture was recovered: what else it may be, best first; the first is this one.
        custom: The user's file whose layers it holds.
    """

    report: Report
    module: Module
    blueprint: Blueprint
    folder: Path
    binding: Binding
    tree: WeightTree
    config: str | None
    format: Format
    candidates: tuple[Candidate, ...] = ()
    custom: Custom | None = None


def convert(
    file: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    architecture: str | os.PathLike[str] | None = None,
    input_shape: Shapes | None = None,
    format: Format = "pth",
    force: bool = False,
    verify: bool = True,
    theano_kernels: bool | None = None,
    progress: Progress | None = None,
    oracle: Oracle | None = None,
    blueprint: str | os.PathLike[str] | None = None,
    digest: Digest | None = None,
    beside: Beside | None = None,
    custom: str | os.PathLike[str] | Custom | None = None,
    low_memory: bool = False,
    selftest: bool | None = None,
) -> Conversion:
    """
    Convert a Keras file; where it has no architecture, inside or beside it, that is recovered first.

    Args:
        file: ``.h5``, ``.hdf5``, ``.weights.h5``, ``.keras``, an unpacked ``.keras`` folder, a ``.weights.json``, or
            an ``.npz`` of the arrays.
        out: Folder for the results; by default the file's name with ``_torch`` in the current folder.
        architecture: Keras JSON beside a weights-only file.
        input_shape: Shape of one input in Keras order without the batch axis, for example ``(64, 64, 1)``; None for
            an axis that varies; a tuple of shapes where there are several inputs. Fills what the architecture leaves open.
        format: ``pth``, ``safetensors`` or ``both``; or ``keras``: a ``.keras`` file for the Keras of today.
        force: Replace results that are there already.
        verify: Compare every layer with the real Keras, where one is installed.
        theano_kernels: Whether convolution kernels were written by Theano and are turned by 180 degrees; None asks
            the file.
        progress: Called with a word for the step, how much is done, and of how much (0 if that is not known).
        oracle: A running Keras process to use for the check, for many conversions in a row.
        blueprint: A ``blueprint.toml`` of an earlier conversion, edited by hand, in place of the architecture.
        digest: The SHA-256 of the file, where its computation was started before.
        beside: What you have beside a weights-only file: samples, known outputs, answers.
        custom: A Python file of yours that declares layers, as ``docs/custom-layers.md`` shows; it is imported.
        low_memory: Let Keras run layer by layer for the comparison, so that neither process holds all activations.
        selftest: Write ``selftest.npz``, with which ``model.py`` checks itself anywhere (``docs/selftest.md``). It needs
            torch here, so by default it is written where ``verify`` is on.

    Returns:
        The conversion; activations of the module run channels first, its ports say how.

    Raises:
        FileError: The file cannot be read as Keras weights.
        ConfigError: The architecture cannot be understood.
        ShapeMismatchError: Architecture and variables do not fit each other.
        OutputError: The folder holds results already.
    """
    own_layers = load_custom(custom)
    with active(own_layers):
        folder = Path(out) if out is not None else default_folder(file)
        tested = (verify if selftest is None else selftest) and format != "keras"
        names = (*text_files(format), *weight_files(format))
        refuse_overwriting(folder, (*names, SELFTEST), force=force)
        digest = digest or (Digest(file) if verify else None)
        source = tree = read(file)
        check_checksums(file)
        candidates: tuple[Candidate, ...] = ()
        if blueprint is not None:
            plan = read_toml(blueprint)
            if tree.dialect == "arrays":
                from regraft.recovery import regrouped

                tree = regrouped(tree, plan)
        elif (own := architecture_text(tree, architecture)) is not None:
            plan = parsed(own, tree, architecture, input_shape)
            if tree.dialect == "arrays" and len({v.shape for v in tree.own}) < len(tree.own):
                plan = replace(plan, choices=(*plan.choices, DEALT))
        else:
            from regraft.recovery import recovered  # half of the project, which a file with an architecture spares

            candidates = recovered(tree, all_shapes(input_shape), beside, progress)
            plan, tree = candidates[0].blueprint, candidates[0].tree
        if choice := kernel_choice(plan, tree, theano_kernels):
            plan = replace(plan, choices=(*plan.choices, choice))
        bound = partial(bind, tree=tree, theano_kernels=theano_kernels)
        plan, binding, module = emit_leaving_out(plan, bound, about(tree), loaded_from(format), selftest=tested)
        back = revived(plan, binding) if format == "keras" else None
        extra_notes = back.notes if back is not None else ()
        write_files(folder, plan, module, format, force=force, progress=progress, back=back)
        for number, candidate in enumerate(candidates[1 : beside.candidates if beside else 1], start=2):
            write_candidate(folder / f"candidate_{number}", candidate, format, force=force)
        own = None if blueprint is not None else architecture_text(tree, architecture)
        verification = UNCHECKED
        if verify:
            from regraft.verification import check  # what it needs takes a while to import

            verification = check(
                folder,
                format,
                module,
                plan,
                binding,
                tree,
                own,
                oracle=oracle,
                progress=progress,
                keras_reads=source.dialect != "arrays",
                low_memory=low_memory,
            )
        if tested:
            from regraft.selftest import write_selftest  # torch takes a while to import

            tested, note = write_selftest(
                folder, format, module, plan, verification, recovered=bool(candidates), force=force
            )
            extra_notes += (note,) if note else ()
        opened = None
        if verify and back is not None:
            from regraft.verification import check_opened

            opened = check_opened(
                folder / FILE, back, module, tree, oracle=oracle, progress=progress, low_memory=low_memory
            )
        given = blueprint if blueprint is not None else architecture
        statistics = (
            statistics_of(plan, binding, tree, beside, rivals=bool(candidates)) if verify or candidates else None
        )
        sha256 = digest.hex() if digest else ""
        report = make_report(
            source,
            plan,
            binding,
            module,
            verification,
            sha256,
            given,
            folder,
            (*names, SELFTEST) if tested else names,
            candidates=candidates,
            written=beside.candidates if beside else 1,
            statistics=statistics,
            opened=opened,
            extra_notes=extra_notes,
            command=convert_command(
                file,
                folder,
                paths={
                    "--architecture": architecture,
                    "--blueprint": blueprint,
                    "--custom": own_layers.path if own_layers else None,
                    **(beside.paths if beside else {}),
                },
                input_shapes=all_shapes(input_shape),
                settings=beside.settings if beside else None,
                candidates=beside.candidates if beside else 1,
                format=format,
                switches={
                    "verify": None if verify else False,
                    "selftest": selftest,
                    "theano-kernels": theano_kernels,
                },
            ),
        )
        write_report(folder, report, None if format == "keras" else module.source)
        return Conversion(report, module, plan, folder, binding, tree, own, format, candidates, own_layers)


def statistics_of(
    blueprint: Blueprint, binding: Binding, tree: WeightTree, beside: Beside | None, *, rivals: bool
) -> SelfCheckRow | None:
    """The model against the BatchNorm statistics in its file; it reads every array, which a quick conversion spares."""
    from regraft.self_check import self_check

    measured = measured_on(beside, blueprint, tree)
    return self_check(blueprint, binding, measured=measured, look_for_rivals=bool(rivals or measured))


def measured_on(
    beside: Beside | None, blueprint: Blueprint, tree: WeightTree
) -> dict[str, tuple[np.ndarray, np.ndarray]] | None:
    """Mean and variance of what reaches every BatchNorm on the samples beside the file; None without samples."""
    if beside is None or beside.samples is None:
        return None
    from regraft.recovery import load_arrays, statistics_on

    return statistics_on(blueprint, tree, load_arrays(beside.samples))


def default_folder(file: str | os.PathLike[str]) -> Path:
    """``digits.weights.h5`` goes to ``digits_torch`` in the current folder."""
    return Path(Path(file).name.split(".")[0] + "_torch")


__all__ = ["Binding", "Conversion", "Progress", "convert"]
