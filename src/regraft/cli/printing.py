"""What the program writes: results on the output, complaints on the error output."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

from regraft.errors import FileError, NotKerasError
from regraft.report.printable import printable_lines

if TYPE_CHECKING:
    from regraft.report.progress import Bar


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


def progress_bar(*, quiet: bool) -> Bar:
    """The progress of a command, on the error output where that is a terminal."""
    from regraft.report.progress import Bar

    if quiet or not sys.stderr.isatty():
        return Bar(None)
    from regraft.report.console import console_for

    return Bar(console_for(sys.stderr))


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
