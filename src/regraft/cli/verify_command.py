"""``regraft verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from regraft.cli.app import app
from regraft.cli.options import Custom, Shapes, Switch
from regraft.cli.printing import complain, progress_bar, write, write_with


@app.command
def verify(
    out: Path,
    /,
    *,
    against: Annotated[str, Parameter(metavar="MODEL")],
    samples: Annotated[list[Path] | None, Parameter(negative="", metavar="NPY")] = None,
    architecture: Annotated[str | None, Parameter(metavar="JSON")] = None,
    input_shape: Shapes = None,
    precision: Literal["both", "float64", "float32"] = "both",
    low_memory: Switch = False,
    custom: Custom = None,
    patience: float = 120.0,
    quiet: Switch = False,
    json: Switch = False,
    all: Switch = False,
    debug: Switch = False,
) -> int:
    """Check an earlier result against a Keras model that you name, layer by layer: also after you edited or trained it.

    Args:
        out: The folder that regraft convert wrote. A model.py that was edited is run, because you name the folder.
        against: A Keras file; my_model.py:build or my_model.py:build(num_classes=7), a function of yours that returns a Keras
            model, imported in the process that runs Keras because you name it; or the folder of a SavedModel. Of one that
            holds a graph only, TensorFlow runs the graph, unless an operation in it can touch files, processes or Python.
        samples: What both run on: one .npy for each input, in Keras order, batch first. By default seeded random numbers.
        architecture: The architecture as JSON (model.to_json()), for a file that holds weights only.
        input_shape: Shape of one input in Keras order, without the batch axis, where the model leaves it open: 64,64,1.
        precision: In what both run. float64 decides; float32 is what users will see.
        low_memory: Let Keras run layer by layer, so that neither process holds all activations. Takes somewhat longer.
        custom: A Python file of yours that declares layers of yours in PyTorch. It is imported because you name it.
        patience: How long to look for causes where the two differ, in seconds.
        quiet: Print errors only.
        json: Print the report as JSON, and nothing else.
        all: Show every layer, every setting and every parameter that differs.
        debug: Show where in the program an error arose.
    """
    del debug
    from regraft.verifying.run import verify_folder

    with progress_bar(quiet=quiet) as bar:
        report = verify_folder(
            out,
            against,
            architecture=architecture,
            input_shape=tuple(input_shape) if input_shape else None,
            samples=tuple(samples or ()),
            precision=precision,
            low_memory=low_memory,
            custom=custom,
            seconds=patience,
            progress=bar,
        )
    if json:
        write(report.to_json())
    elif not quiet:
        from regraft.report.verified_terminal import show

        write_with(lambda console: show(report, console, everything=all))
    if quiet and report.exit_code in (1, 2):
        first = f", first at layer {report.first!a:.200}" if report.first else ""
        complain("CheckFailed", f"{out} against {against}: {report.status}{first}.")
    return report.exit_code
