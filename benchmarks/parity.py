"""
Every Keras file under a folder converted, and compared layer by layer with the real Keras.

    python benchmarks/parity.py DIR [--json OUT] [--only TEXT] [--custom benchmarks/corpus_layers.py]

A file counts if it carries its architecture, or if a JSON beside it is that architecture (see ``pairs``). One row a
file, then the totals: converted and equal, converted with placeholders, refused with reason, not verified, WRONG.
Exit code 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from benchmarks.pairs import architectures, weight_files

from regraft.convert import convert
from regraft.errors import NotKerasError, RegraftError
from regraft.layers.custom import Custom, load
from regraft.report import Report
from regraft.verify import Oracle
from regraft.weights import read

EQUAL, PLACEHOLDERS, REFUSED, UNVERIFIED, WRONG = (
    "converted and equal",
    "converted with placeholders",
    "refused with reason",
    "converted, not verified",
    "WRONG",
)
NO_ARCHITECTURE, NOT_KERAS = "no architecture given", "not Keras weights"
VERDICTS = (EQUAL, PLACEHOLDERS, REFUSED, UNVERIFIED, WRONG, NO_ARCHITECTURE, NOT_KERAS)


@dataclass(frozen=True)
class Row:
    """One file: the verdict, how many tensors were compared, the worst errors relative to each layer's scale."""

    file: str
    verdict: str
    compared: int = 0
    total: int = 0
    error64: float | None = None
    error32: float | None = None
    seconds: float = 0.0
    reason: str = ""
    oracle: str = ""
    config: str = ""
    weights: str = ""


def judge(file: Path, root: Path, oracle: Oracle, custom: Custom | None = None) -> Row:
    """Convert one file and compare it; nothing that goes wrong stops the others."""
    started = time.perf_counter()
    name = str(file.relative_to(root)) if file != root else file.name
    try:
        inside = read(file).config is not None
    except NotKerasError as error:
        return Row(name, NOT_KERAS, reason=error.kind)
    except RegraftError as error:
        return Row(name, REFUSED, reason=f"{type(error).__name__}: {error}")
    candidates: list[Path | None] = [None] if inside else list(architectures(file, root))
    row = Row(name, NO_ARCHITECTURE)
    for architecture in candidates:
        with tempfile.TemporaryDirectory(prefix="regraft-parity-") as folder:
            try:
                report = convert(
                    file, folder, architecture=architecture, force=True, oracle=oracle, custom=custom
                ).report
                return verdict(name, report, time.perf_counter() - started)
            except RegraftError as error:
                reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
                row = row if row.verdict == REFUSED else Row(name, REFUSED, reason=reason)
            except Exception as error:
                return Row(name, WRONG, reason=f"crash: {type(error).__name__}: {error}")
    return row


def verdict(name: str, report: Report, seconds: float) -> Row:
    """The row of a conversion."""
    check = report.verification
    if check.status == "different":
        word = WRONG
    elif report.placeholders:
        word = PLACEHOLDERS
    else:
        word = EQUAL if check.status == "equal" else UNVERIFIED
    reason = (
        "; ".join(f"{row.name}: {row.placeholder}" for row in report.placeholders[:3]) if word == PLACEHOLDERS else ""
    )
    return Row(
        name,
        word,
        check.compared,
        check.total,
        max((c.error64 for c in check.layers if c.error64 is not None), default=None),
        max((c.error32 for c in check.layers if c.error32 is not None), default=None),
        seconds,
        reason or (check.reason if word != EQUAL else ""),
        check.oracle,
        check.config_route,
        check.weights_route,
    )


def shown(row: Row) -> str:
    """One line of the table."""
    errors = " ".join("       -" if e is None else f"{e:8.1e}" for e in (row.error64, row.error32))
    return f"{row.verdict:28} {row.compared:4}/{row.total:<4} {errors} {row.seconds:6.1f}s  {row.file}" + (
        f"\n{'':29}{row.reason[:300]}" if row.reason else ""
    )


def main() -> int:
    """Judge every file and print the totals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write the rows and totals here")
    parser.add_argument("--custom", type=Path, help="a file that declares custom layers of these models")
    parser.add_argument("--only", default="", help="judge only files whose path contains this")
    options = parser.parse_args()
    rows: list[Row] = []
    custom = load(options.custom)
    with Oracle() as oracle:
        for file in weight_files(options.folder):
            if options.only in str(file):
                rows.append(judge(file, options.folder, oracle, custom))
                print(shown(rows[-1]), flush=True)
    totals = Counter(row.verdict for row in rows)
    print("\ntotals: " + ", ".join(f"{totals[word]} {word}" for word in VERDICTS))
    routes = Counter((row.config, row.weights) for row in rows if row.config)
    print("oracle: " + "; ".join(f"{n} files with architecture {c}, weights {w}" for (c, w), n in routes.most_common()))
    if options.json:
        options.json.write_text(json.dumps({"totals": dict(totals), "files": [asdict(row) for row in rows]}, indent=1))
    return 1 if totals[WRONG] else 0


if __name__ == "__main__":
    sys.exit(main())
