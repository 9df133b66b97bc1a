"""The long run: so many configurations of every layer, and the summary of them for docs/layers.md."""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.conformance.drawing import types
from tests.conformance.keras_side import LibraryName, has
from tests.conformance.measuring import Measured, measure
from tests.conformance.overrides import KERAS_1, UNBUILDABLE, UNBUILDABLE_IN_2

from regraft.layers import CATALOGUE

SUMMARY = Path(__file__).parents[2] / "docs" / "conformance.json"


def main() -> int:
    """Run, print a line for each layer, and write the summary where all layers took part."""
    parser = argparse.ArgumentParser(prog="scripts/conformance", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="configurations a layer and Keras")
    parser.add_argument("--only", action="append", help="a layer type; may be given again")
    parser.add_argument("--library", choices=("keras", "tf_keras"), help="only one of the two")
    parser.add_argument(
        "--part", type=int, nargs=2, metavar=("N", "OF"), default=(1, 1), help="every OF-th layer from the N-th"
    )
    parser.add_argument("--summary", type=Path, default=SUMMARY, help="where it is written; rows that are there stay")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin no further layer after so many minutes")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    summary = json.loads(options.summary.read_text(encoding="utf-8")) if options.summary.exists() else {"layers": {}}
    start = time.monotonic()
    wrong = 0
    first, of = options.part
    for name, library in pairs((options.only or types())[first - 1 :: of]):
        if options.library not in (None, library):
            continue
        if options.minutes and time.monotonic() - start > 60 * options.minutes:
            print(f"stopped before {name} with {library}: the {options.minutes:g} minutes are over")
            break
        began = time.process_time()
        found = measure(name, library, options.count)
        wrong += len(found.wrong)
        print(f"{line(found)}, {time.process_time() - began:.0f} s", flush=True)
        print(*found.wrong, sep="\n", end="\n" if found.wrong else "", flush=True)
        if not options.only:
            summary["layers"].setdefault(name, {})[library] = row(found)
            summary |= {"keras": version("keras"), "tf_keras": version("tf_keras"), "tensorflow": tensorflow()}
            options.summary.write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{wrong} wrong, {(time.monotonic() - start) / 60:.1f} minutes")
    return int(wrong > 0)


def pairs(names: list[str]) -> Iterator[tuple[str, LibraryName]]:
    """Every layer with every Keras that can judge it."""
    for name in names:
        if name in KERAS_1 or name in UNBUILDABLE:
            continue
        if has("keras", CATALOGUE[name]):
            yield name, "keras"
        if has("tf_keras", CATALOGUE[name]) and name not in UNBUILDABLE_IN_2:
            yield name, "tf_keras"


def line(found: Measured) -> str:
    """One line of the log."""
    refused = f", {found.refused} refused" if found.refused else ""
    invalid = f", {found.invalid} not accepted by Keras" if found.invalid else ""
    worst = "float64 {:.1e}, float32 {:.1e}".format(*found.errors)
    return f"{found.name} {found.library}: {found.equal} equal{refused}{invalid}, {len(found.wrong)} wrong; {worst}"


def row(found: Measured) -> dict[str, Any]:
    """What the page shows."""
    wide, single = found.errors
    return {
        "equal": found.equal,
        "refused": found.refused,
        "wrong": len(found.wrong),
        "float64": float(f"{wide:.1e}"),
        "float32": float(f"{single:.1e}"),
    }


def tensorflow() -> str:
    """The version of TensorFlow, whatever its package is called."""
    import tensorflow as tf

    return str(tf.__version__)


if __name__ == "__main__":
    sys.exit(main())
