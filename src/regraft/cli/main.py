"""From the arguments to an exit code; whatever goes wrong becomes a message."""

from __future__ import annotations

import json as jsonlib
import sys
import traceback
from collections.abc import Sequence

from cyclopts import CycloptsError

from regraft.cli import compare_command, convert_command, graft_command, inspect_command, verify_command
from regraft.cli.app import app
from regraft.cli.printing import complain, described, headline, message, write
from regraft.errors import RegraftError

USAGE = 2
INTERRUPTED = 130  # what a shell says of a program that was stopped with Ctrl-C
ERROR_SCHEMA = "regraft-error/1"
ISSUES = "https://github.com/regraft/regraft/issues"
#: Importing them declares them.
COMMANDS = (inspect_command, convert_command, graft_command, compare_command, verify_command)


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
            write(
                jsonlib.dumps({"schema": ERROR_SCHEMA, "error": described(error)}, indent=1, ensure_ascii=True) + "\n"
            )
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
