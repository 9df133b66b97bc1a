"""``regraft inspect``."""

from __future__ import annotations

from regraft.cli.app import app
from regraft.cli.options import Switch
from regraft.cli.printing import write, write_with


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
