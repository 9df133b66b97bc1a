"""``regraft graft``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.cli.app import app
from regraft.cli.options import Custom, Out, Shapes, Switch
from regraft.cli.printing import complain, progress_bar, write, write_with
from regraft.errors import OutputError


@app.command
def graft(
    weights: str,
    target: str = "",
    /,
    *,
    out: Out = None,
    input_shape: Shapes = None,
    mapping: Annotated[Path | None, Parameter(metavar="TOML")] = None,
    architecture: Annotated[str | None, Parameter(metavar="JSON")] = None,
    config: Annotated[Path | None, Parameter(metavar="JSON")] = None,
    custom: Custom = None,
    fix: Switch = False,
    reverse: Switch = False,
    into: Annotated[Path | None, Parameter(metavar="H5")] = None,
    source: Annotated[Path | None, Parameter(name="--from", metavar="H5")] = None,
    force: Switch = False,
    verify: Annotated[bool, Parameter(show_default=False)] = True,
    quiet: Switch = False,
    json: Switch = False,
    all: Switch = False,
    debug: Switch = False,
) -> int:
    """Put Keras weights onto the PyTorch module you already have, and say what differs.

    Args:
        weights: A Keras file; with --reverse, the module's state dict.
        target: The module: my_net.py:Net, my_net.py:build(num_classes=7), torchvision:resnet50, timm:resnetv2_50,
            transformers:BertModel, or a model.py that regraft wrote. A .py file is imported because you name it.
        out: The state dict to write, by default the file's name with .pth; mapping.toml goes beside it.
        input_shape: Shape of one input as the module takes it, with the batch: 2,3,224,224. Once for each input; by default
            that of the Keras model, channels first.
        mapping: A mapping.toml, edited by hand, to apply; with --reverse, that of the graft.
        architecture: The architecture as JSON (model.to_json()), for a file that holds weights only.
        config: The config.json of a model of transformers, by default the one beside its weights.
        custom: A Python file of yours that declares layers of yours in PyTorch. It is imported because you name it.
        fix: Set epsilon and momentum on the module where they differ from Keras.
        reverse: Write the parameters of a state dict back into Keras weights.
        into: With --reverse: the Keras file to write. If it exists and --from is not given, its arrays are replaced.
        source: With --reverse: the Keras file that was grafted, of which --into becomes a copy with new numbers.
        force: Replace results that are there already.
        verify: Check the file's own model against the real Keras, where it is installed. That is the default.
        quiet: Print errors only.
        json: Print the report as JSON, and nothing else.
        all: Show every pair and every difference.
        debug: Show where in the program an error arose.
    """
    del debug
    if reverse:
        return back(weights, mapping, source, into, force=force, quiet=quiet)
    if not target:
        raise OutputError("name the module: regraft graft WEIGHTS my_net.py:Net")
    from regraft.grafting.files import graft_file
    from regraft.layers.custom import active, load

    with progress_bar(quiet=quiet) as bar, active(load(custom)):
        report = graft_file(
            weights,
            target,
            out,
            shapes=tuple(input_shape or ()),
            mapping=mapping,
            architecture=architecture,
            config=config,
            fix=fix,
            force=force,
            verify=verify,
            progress=bar,
        )
    if json:
        write(report.to_json())
    elif not quiet:
        from regraft.report.grafted_terminal import show

        write_with(lambda console: show(report, console, everything=all))
    if quiet and report.exit_code in (1, 2):
        complain("CheckFailed", f"the module does not compute what the file's model does: {report.status}.")
    return report.exit_code


def back(state: str, mapping: Path | None, source: Path | None, into: Path | None, *, force: bool, quiet: bool) -> int:
    """The way back into Keras weights."""
    if mapping is None or into is None:
        raise OutputError("--reverse takes --mapping mapping.toml and --into weights.h5")
    from regraft.grafting.files import reverse

    if source is None and not into.exists():
        raise OutputError(f"{into} does not exist: name the Keras file that was grafted with --from")
    changed = reverse(state, mapping, source or into, into, force=force or source is None)
    if not quiet:
        have = "1 array has" if changed == 1 else f"{changed} arrays have"
        write(f"{into}: {have} new numbers, every other byte is as it was.\n")
    return 0
