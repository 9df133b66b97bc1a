"""Part b: looking at a large file takes no time, and no torch."""

from __future__ import annotations

import sys

from measured import Options, Row, alternate, median_seconds, run
from vgg16_file import vgg16_file

SECONDS = 0.5
MODULES = ("torch", "keras", "tensorflow")

LOADED = f"""
import runpy, sys
try:
    runpy.run_module("regraft", run_name="__main__", alter_sys=True)
except SystemExit as end:
    if end.code:
        raise
print("loaded:", *(name for name in {MODULES!r} if name in sys.modules))
"""


def measure(options: Options) -> list[Row]:
    """Time of ``regraft inspect``, and which large packages it imports."""
    command = ["inspect", str(vgg16_file(options.work))]
    runs = alternate({"inspect": [sys.executable, "-m", "regraft", *command]}, options.repeats)["inspect"]
    loaded = run([sys.executable, "-c", LOADED, *command]).output.rpartition("loaded:")[2].split()
    return [
        Row("b", "inspect, time", median_seconds(runs), SECONDS, "s", {"seconds": [run.seconds for run in runs]}),
        Row("b", f"inspect, imports of {', '.join(MODULES)}", len(loaded), 0, "", {"loaded": loaded}),
    ]
