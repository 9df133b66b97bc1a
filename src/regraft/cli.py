"""
The command line.

Exit codes: 0 done and checked, 1 a check failed, 2 the input cannot be used, 3 done and something remains open.
What is slow to import is imported inside the commands: ``inspect`` needs numpy and h5py, and only a check needs torch.
"""

from __future__ import annotations

import json as jsonlib
import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter, Token

import regraft
from regraft.errors import FileError, NotKerasError, RegraftError
from regraft.report.printable import printable_lines

USAGE = 2
INTERRUPTED = 130  # what a shell says of a program that was stopped with Ctrl-C
ISSUES = "https://github.com/regraft/regraft/issues"
EXIT_CODES = (
    "Exit codes: 0 done and checked; 1 a check failed; 2 the input cannot be used, nothing is written; "
    "3 done, and something remains open or assumed (listed)."
)

app = App(
    name="regraft",
    help="Turns Keras weight files into PyTorch models you can read, load, train and trust.",
    version=regraft.__version__,
    help_format="plaintext",
    help_epilogue=EXIT_CODES,
)


def shapes_of(_: object, tokens: Sequence[Token]) -> list[tuple[int | None, ...]]:
    """One shape for each time the option is given."""
    return [shape_of(token.value) for token in tokens]


def shape_of(text: str) -> tuple[int | None, ...]:
    """
    ``64,64,1`` as axis lengths; ``?`` and ``none`` stand for an axis that varies.

    Raises:
        ValueError: If it is no list of such words.
    """
    words = [word.strip() for word in text.strip("() ").removesuffix(",").split(",")]
    axes: list[int | None] = []
    for word in words:
        if word.lower() in ("?", "none"):
            axes.append(None)
        elif word.isascii() and word.isdigit() and 0 < int(word[:20]) < 1 << 31:
            axes.append(int(word))
        else:
            raise ValueError("expected axis lengths without the batch axis, such as 64,64,1; ? is an axis that varies")
    return tuple(axes)


def answers_of(_: object, tokens: Sequence[Token]) -> dict[str, str]:
    """
    ``conv2d_3.strides=2`` as subject and value.

    Raises:
        ValueError: If it is something else.
    """
    answers: dict[str, str] = {}
    for token in tokens:
        subject, equals, value = token.value.partition("=")
        if not equals or "." not in subject:
            raise ValueError("expected <layer>.<setting>=<value>, such as conv2d_3.strides=2")
        answers[subject.strip()] = value.strip()
    return answers


Shapes = Annotated[
    list[tuple[int | None, ...]] | None,
    Parameter(converter=shapes_of, n_tokens=1, accepts_keys=False, negative="", metavar="SHAPE"),
]
Answers = Annotated[
    dict[str, str] | None,
    Parameter(
        name="--set", converter=answers_of, n_tokens=1, accepts_keys=False, negative="", metavar="LAYER.SETTING=VALUE"
    ),
]
Out = Annotated[Path | None, Parameter(alias="-o")]
Switch = Annotated[bool, Parameter(negative="", show_default=False)]


@app.command
def inspect(file: str, /, *, json: Switch = False, all: Switch = False, debug: Switch = False) -> int:
    """Say what a file is: dialect, Keras version, layers, parameters, what is known and what is not.

    Args:
        file: A Keras file, or what should be one.
        json: Print it for programs, also what is wrong with a file.
        all: Show every layer, however many there are.
        debug: Show where in the program an error arose.
    """
    del debug
    from regraft.inspection import inspect as look

    found = look(file)
    if json:
        write(found.to_json())
        return 0
    from regraft.report.inspection_terminal import show

    write_with(lambda console: show(found, console, everything=all))
    return 0


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
    format: Literal["pth", "safetensors", "both"] = "pth",
    force: Switch = False,
    verify: Annotated[bool, Parameter(show_default=False)] = True,
    theano_kernels: bool | None = None,
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
        format: How the weights are written.
        force: Replace results that are there already.
        verify: Compare every layer with the real Keras, where it is installed. That is the default.
        theano_kernels: The convolution kernels were written by Theano, and are turned; by default the file says so.
        quiet: Print errors only.
        json: Print the report as JSON, and nothing else.
        all: Show every layer, not the worst and the failing ones alone.
        debug: Show where in the program an error arose.
    """
    del debug
    from regraft.digest import Digest

    digest = Digest(file) if verify else None  # runs beside the imports
    from regraft.convert import convert as run
    from regraft.recover.beside import Beside
    from regraft.report.progress import Bar

    console = None
    if not quiet and sys.stderr.isatty():
        from regraft.report.console import console_for

        console = console_for(sys.stderr)
    with Bar(console) as bar:
        conversion = run(
            file,
            out,
            architecture=architecture,
            input_shape=tuple(input_shape) if input_shape else None,
            format=format,
            force=force,
            verify=verify,
            theano_kernels=theano_kernels,
            progress=bar,
            blueprint=blueprint,
            digest=digest,
            beside=Beside(samples, labels, pairs, settings or {}, candidates),
        )
    report = conversion.report
    if json:
        write(report.to_json())
    elif not quiet:
        from regraft.report.terminal import show

        write_with(lambda console: show(report, console, everything=all))
    if quiet and report.exit_code == 1:
        first = report.verification.first_failure
        complain("CheckFailed", f"the result differs from Keras, first at layer {first!a:.200}. Do not use it.")
    return report.exit_code


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Args:
        argv: The arguments without the program's name; by default those of this process.

    Returns:
        The exit code. A mistake of the program itself counts as 2 as well, and says that it is one.
    """
    tokens = list(sys.argv[1:] if argv is None else argv)
    try:
        command, bound, _ = app.parse_args(tokens, exit_on_error=False)
    except CycloptsError:
        return USAGE  # cyclopts has said what is wrong with the arguments
    options = bound.arguments
    try:
        return command(*bound.args, **bound.kwargs) or 0
    except KeyboardInterrupt:
        complain("interrupted", "Stopped before the end; no file is left half written.")
        return INTERRUPTED
    except (RegraftError, OSError, MemoryError) as error:
        if options.get("json"):
            write(jsonlib.dumps({"error": described(error)}, indent=1, ensure_ascii=True) + "\n")
        complain(headline(error), message(error))
        trace = traceback.format_exc()
    except Exception as error:
        where = "" if options.get("debug") else "\n--debug shows where it arose."
        what = f"{type(error).__name__}: {error}"
        complain("internal error", f"{what}\nThis is a bug in regraft. Please report it: {ISSUES}{where}")
        trace = traceback.format_exc()
    if options.get("debug"):
        complain("", trace)
    return USAGE


def message(error: Exception) -> str:
    """What an error says: where and why on one line, what to do on the next."""
    if isinstance(error, FileError) and error.hint:
        return f"{str(error).removesuffix(error.hint).rstrip()}\n{error.hint}"
    return str(error) or type(error).__name__


def headline(error: Exception) -> str:
    """The type of an error, and of a file that is not Keras' what it is."""
    name = type(error).__name__
    return f"{name} ({error.kind})" if isinstance(error, NotKerasError) else name


def described(error: Exception) -> dict[str, Any]:
    """An error for programs: its type and message, of a file also kind, reason, path inside and hint."""
    found: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, FileError):
        found |= {"file": error.file, "reason": error.reason, "path": error.path, "hint": error.hint}
    if isinstance(error, NotKerasError):
        found["kind"] = error.kind
    return found


def complain(title: str, text: str) -> None:
    """Say something on the error output; text from files cannot steer the terminal."""
    lines = printable_lines(text)
    head = [f"regraft: {line}" for line in printable_lines(title)] if title else []
    print("\n".join([*head, *(f"  {line}" for line in lines)]), file=sys.stderr)


def write_with(draw: Any) -> None:
    """Lay something out for the terminal that the output is, and write it in one go."""
    from regraft.report.console import console_for

    console = console_for(sys.stdout)
    with console.capture() as captured:
        draw(console)
    write(re.sub(r" +$", "", captured.get(), flags=re.MULTILINE))


def write(text: str) -> None:
    """Write to the output, in whatever encoding it has; a reader that has left (``| head``) is no error."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
