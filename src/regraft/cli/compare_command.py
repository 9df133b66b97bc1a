"""``regraft compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.cli.app import app
from regraft.cli.options import Custom, Shapes, Switch
from regraft.cli.printing import complain, progress_bar, write, write_with

Paths = Annotated[list[Path] | None, Parameter(negative="", metavar="NPY")]


@app.command
def compare(
    keras: str,
    target: str,
    /,
    *,
    weights: Annotated[Path | None, Parameter(alias="-w", metavar="PTH")] = None,
    samples: Paths = None,
    input_shape: Shapes = None,
    architecture: Annotated[str | None, Parameter(metavar="JSON")] = None,
    config: Annotated[Path | None, Parameter(metavar="JSON")] = None,
    custom: Custom = None,
    tolerance: float = 1e-6,
    patience: float = 120.0,
    verify: Annotated[bool, Parameter(show_default=False)] = True,
    quiet: Switch = False,
    json: Switch = False,
    all: Switch = False,
    debug: Switch = False,
) -> int:
    """Find where your PyTorch model parts from the Keras model, why, and the line to change.

    Args:
        keras: A Keras file, the folder of a SavedModel, or my_model.py:build: a function of yours that returns a Keras model,
            imported because you name it.
        target: Your module: my_net.py:Net, my_net.py:build(num_classes=7), torchvision:resnet50, or a model.py that regraft
            wrote. A .py file is imported because you name it.
        weights: The module's own state dict, .pth or .safetensors; by default the model.pth beside a model.py, else the
            parameters that the module makes itself.
        samples: What both run on: one .npy for each input, in Keras order, batch first. By default seeded random numbers.
        input_shape: Shape of one input as the module takes it, with the batch: 2,3,224,224. Once for each input; by default
            that of the Keras model, channels first.
        architecture: The architecture as JSON (model.to_json()), for a file that holds weights only.
        config: The config.json of a model of transformers.
        custom: A Python file of yours that declares layers of yours in PyTorch. It is imported because you name it.
        tolerance: Largest difference of two tensors that are equal, relative to the largest value; both run in float64.
        patience: How long to look for causes, in seconds.
        verify: Check the Keras side against the real Keras, where it is installed. That is the default.
        quiet: Print errors only.
        json: Print the report as JSON, and nothing else.
        all: Show every layer, every cause and every parameter that differs.
        debug: Show where in the program an error arose.
    """
    del debug
    from regraft.comparing.run import compare_files
    from regraft.layers.custom import active, load

    with progress_bar(quiet=quiet) as bar, active(load(custom)):
        report = compare_files(
            keras,
            target,
            weights=weights,
            samples=tuple(samples or ()),
            shapes=tuple(input_shape or ()),
            architecture=architecture,
            config=config,
            tolerance=tolerance,
            seconds=patience,
            verify=verify,
            progress=bar,
        )
    if json:
        write(report.to_json())
    elif not quiet:
        from regraft.report.compared_terminal import show

        write_with(lambda console: show(report, console, everything=all))
    if quiet and report.exit_code in (1, 2):
        first = f", first at {report.first.layer}" if report.first is not None else ""
        complain("CheckFailed", f"the two models are not equal: {report.status}{first}.")
    return report.exit_code
