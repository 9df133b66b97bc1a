"""
How fast regraft is, as ratios measured in one run, and how much memory it takes.

    python benchmarks/speed.py [--only a,b,c] [--repeats 5] [--work DIR] [--json OUT]

Exit code 1 if a limit is broken, or could not be measured because a peer is not installed (``scripts/bench peers``).
``--work DIR`` keeps the input files there, for the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import runtime
import speed_convert
import speed_inspect
from measured import Options, Row, table

PARTS = {"a": speed_convert.measure, "b": speed_inspect.measure, "c": runtime.measure}


def main() -> int:
    """Measure the parts asked for; print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, by letter, with commas between")
    parser.add_argument("--repeats", type=int, default=5, help="runs behind each median")
    parser.add_argument("--work", type=Path, help="folder for files of about 2 GB; a temporary one by default")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every single value there")
    arguments = parser.parse_args()
    letters = arguments.only.split(",")
    if unknown := set(letters) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory() if arguments.work is None else nullcontext(arguments.work) as folder:
        work = Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        rows = [row for letter in letters for row in PARTS[letter](Options(work, arguments.repeats))]
    print(table(rows))
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"machine": machine(), "rows": [said(row) for row in rows]}, indent=1) + "\n"
        )
    return 0 if all(row.kept for row in rows) else 1


def said(row: Row) -> dict[str, object]:
    """A row for the JSON file."""
    return {**asdict(row), "kept": row.kept}


def machine() -> dict[str, object]:
    """Where the numbers come from."""
    return {"system": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()}


if __name__ == "__main__":
    sys.exit(main())
