"""``regraft convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from regraft.cli.app import app
from regraft.cli.options import Answers, Custom, Out, Shapes, Switch
from regraft.cli.printing import complain, progress_bar, write, write_with


@app.command
def convert(
    file: str,
    /,
    *,
    out: Out = None,
    architecture: Annotated[str | None, Parameter(metavar="JSON")] = None,
    blueprint: Annotated[str | None, Parameter(metavar="TOML")] = None,
    input_shape: Shapes = None,
    samples: Annotated[Path | None, Parameter(metavar="NPY")] = None,
    labels: Annotated[Path | None, Parameter(metavar="NPY")] = None,
    pairs: Annotated[tuple[Path, Path] | None, Parameter(metavar="NPY NPY", negative="")] = None,
    settings: Answers = None,
    candidates: int = 1,
    format: Literal["pth", "safetensors", "both", "keras"] = "pth",
    force: Switch = False,
    verify: Annotated[bool, Parameter(show_default=False)] = True,
    low_memory: Switch = False,
    selftest: bool | None = None,
    theano_kernels: bool | None = None,
    custom: Custom = None,
    quiet: Switch = False,
    json: Switch = False,
    all: Switch = False,
    debug: Switch = False,
) -> int:
    """Convert a Keras file to a PyTorch model. An architecture that is not in the file or beside it is recovered.

    Args:
        file: A .h5, .keras, .weights.h5, .weights.json or .npz file, or an unpacked .keras folder.
        out: Folder for the results; by default the file's name with _torch, in the current folder.
        architecture: The architecture as JSON (model.to_json()), for a file that holds weights only.
        blueprint: The blueprint.toml of an earlier conversion, edited by hand, in place of the architecture.
        input_shape: Shape of one input in Keras order, without the batch axis: 64,64,1. ? for an axis that varies. Once
            for each input.
        samples: Weights only: real inputs, to compare the model's statistics on them with the stored ones.
        labels: Weights only: the class number of each sample.
        pairs: Weights only: inputs, and the outputs that the original model gave for them. A proof.
        settings: Weights only: what you know, such as conv2d_3.strides=2. Repeatable.
        candidates: Weights only: how many of the likeliest architectures to write.
        format: How the weights are written; keras writes a .keras file that the Keras of today opens, and no code.
        force: Replace results that are there already.
        verify: Compare every layer with the real Keras, where it is installed. That is the default.
        low_memory: Let Keras run layer by layer for the comparison, so that neither process holds all activations.
        selftest: Write selftest.npz, with which python model.py --selftest checks itself on any machine. By default as
            verify: it needs torch here.
        theano_kernels: The convolution kernels were written by Theano, and are turned; by default the file says so.
        custom: A Python file of yours that declares layers of yours in PyTorch. It is imported because you name it.
        quiet: Print errors only.
        json: Print the report as JSON, and nothing else.
        all: Show everything with every layer, not one screen.
        debug: Show where in the program an error arose.
    """
    del debug
    from regraft.digest import Digest

    digest = Digest(file) if verify else None  # runs beside the imports
    from regraft.convert import convert as run
    from regraft.recover.beside import Beside

    with progress_bar(quiet=quiet) as bar:
        conversion = run(
            file,
            out,
            architecture=architecture,
            input_shape=tuple(input_shape) if input_shape else None,
            format=format,
            force=force,
            verify=verify,
            low_memory=low_memory,
            selftest=selftest,
            theano_kernels=theano_kernels,
            progress=bar,
            blueprint=blueprint,
            digest=digest,
            custom=custom,
            beside=Beside(samples, labels, pairs, dict(settings or ()), candidates),
        )
    report = conversion.report
    if json:
        write(report.to_json())
    elif not quiet:
        from regraft.report.screen import show_screen
        from regraft.report.terminal import show

        write_with(lambda console: show(report, console, everything=True) if all else show_screen(report, console))
    if quiet and report.exit_code == 1:
        first = report.verification.first_failure
        complain("CheckFailed", f"the result differs from Keras, first at layer {first!a:.200}. Do not use it.")
    return report.exit_code
