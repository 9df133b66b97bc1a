"""
Architectures rebuilt from weights alone, compared with the truth.

    python benchmarks/recovery.py DIR [--level named|classed|ordered|shuffled|all] [--no-input-shape]
        [--evidence none|samples|pairs] [--only TEXT] [--candidates 5] [--limit 60] [--json OUT] [--choices]

Every file under DIR whose architecture is known (inside it, or as a JSON beside it, see ``pairs``) is stripped to the
level (see ``stripping``), recovered, and compared: the function on random inputs, the edges between layers with
variables, every choice by label and by kind. Files with custom layers are counted apart. Which of several inputs or
outputs comes first stands in no weights file, so any order counts as equal, and the row says so. Exit code 1 if a
choice labelled ``proved`` is wrong.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from benchmarks.pairs import weight_files
from benchmarks.recovery_judge import Judged
from benchmarks.recovery_process import run_apart
from benchmarks.recovery_row import COUNTED, CUSTOM, EQUAL, NO_TRUTH, UNJUDGED, Row, Task
from benchmarks.stripping import LEVELS

LABELS = ("proved", "supported", "assumed", "open")


def shown(row: Row, *, choices: bool) -> str:
    """One file in a few lines."""
    rank = f"{row.rank}/{row.candidates}" if row.candidates else "-"
    edges = f"{row.edges[0]}/{row.edges[1]}" if row.edges[1] else "-"
    labels = " ".join(f"{label[0]}{right}/{total}" for label, (right, total) in by_label(row.choices).items())
    size = f" sizes {row.sizes}" if row.sizes else ""
    lines = [
        f"{row.level:8} {row.verdict:20} {rank:>5} edges {edges:>7} {labels:28} {row.seconds:6.2f}s {row.megabytes:5.0f}MB"
        f"  {row.file}{size}{f' [{row.family}]' if row.family else ''}"
    ]
    texts = [row.reason, row.note, *(f"PROVED BUT WRONG {told(c)}" for c in row.wrongly_proved)]
    if choices:
        texts += [
            f"{c.verdict}: {told(c)}" for c in row.choices if c.verdict != "right" and c not in row.wrongly_proved
        ]
    return "\n".join(lines + [f"{'':9}{text}" for text in texts if text])


def told(choice: Judged) -> str:
    """A choice and what it should have been."""
    return f"{choice.label} {choice.subject} = {choice.value}, the original has {choice.truth or 'no such thing'}"


def by_label(choices: Iterable[Judged]) -> dict[str, tuple[int, int]]:
    """Right choices and all that could be judged, by label."""
    total, right = Counter[str](), Counter[str]()
    for choice in choices:
        if choice.verdict != "unmatched":
            total[choice.label] += 1
            right[choice.label] += choice.verdict == "right"
    return {label: (right[label], total[label]) for label in LABELS if total[label]}


def percent(part: float, whole: float) -> str:
    """A share in words."""
    return f"{part:g}/{whole:g} = {100 * part / whole:.1f} %" if whole else "none"


def totals(rows: Sequence[Row], level: str) -> dict[str, Any]:
    """Figures of one level."""
    counted = [row for row in rows if row.verdict in COUNTED]
    norm = [row for row in counted if row.norm]
    choices = [choice for row in counted for choice in row.choices]
    kinds: dict[str, list[Judged]] = defaultdict(list)
    for choice in choices:
        kinds[choice.kind].append(choice)
    best, five = (lambda some: sum(r.verdict == EQUAL for r in some)), (lambda some: sum(r.rank > 0 for r in some))
    edges = [sum(row.edges[i] for row in counted) for i in (0, 1)]
    sizes = Counter(row.sizes for row in counted if row.sizes)
    slow = max(counted, key=lambda r: r.seconds, default=None)
    return {
        "level": level,
        "files": len(counted),
        "equal": best(counted),
        "equal among the candidates": five(counted),
        "with trained BatchNorm": [best(norm), five(norm), len(norm)],
        "edges": edges,
        "files with all edges right": sum(row.edges[0] == row.edges[1] > 0 for row in counted),
        "labels": by_label(choices),
        "kinds": {kind: by_label(some) for kind, some in sorted(kinds.items())},
        "unmatched": dict(Counter(c.label for c in choices if c.verdict == "unmatched")),
        "right in effect only": dict(Counter(c.label for c in choices if c.effect)),
        "proved but wrong": sum(len(row.wrongly_proved) for row in counted),
        "input sizes": dict(sizes),
        "in another order": sum(bool(row.note) for row in counted),
        "seconds": [sum(r.seconds for r in counted), slow.seconds if slow else 0.0],
        "megabytes": max((r.megabytes for r in counted), default=0.0),
        "verdicts": dict(Counter(row.verdict for row in rows)),
    }


def told_totals(found: dict[str, Any], *, shapes_given: bool) -> str:
    """The figures of one level in words."""
    best, five, norm = found["with trained BatchNorm"]
    lines = [
        f"\n{found['level']}: {found['files']} files; best candidate equal {percent(found['equal'], found['files'])}, "
        f"among the candidates {percent(found['equal among the candidates'], found['files'])}",
        f"  with trained BatchNorm: best {percent(best, norm)}, among the candidates {percent(five, norm)}",
        f"  edges right {percent(*found['edges'])}, all edges right in {found['files with all edges right']} files",
        "  choices right: " + ", ".join(f"{label} {percent(*pair)}" for label, pair in found["labels"].items()),
        f"  another value, the same function: {found['right in effect only'] or 'none'}; "
        f"not comparable: {found['unmatched'] or 'none'}",
        f"  PROVED BUT WRONG: {found['proved but wrong']}",
    ]
    for kind, labels in found["kinds"].items():
        text = ", ".join(f"{label} {right}/{total}" for label, (right, total) in labels.items())
        lines.append(f"    {kind:24} {text}")
    if not shapes_given:
        lines.append(f"  input sizes of maps: {found['input sizes'] or 'nothing to find'}")
    apart = {word: found["verdicts"].get(word, 0) for word in (CUSTOM, UNJUDGED, NO_TRUTH)}
    lines.append(f"  counted apart: {', '.join(f'{n} {word}' for word, n in apart.items())}")
    lines.append(
        f"  {found['seconds'][0]:.0f} s in all, {found['seconds'][1]:.1f} s at most, {found['megabytes']:.0f} MB at most"
    )
    return "\n".join(lines)


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main() -> int:
    """Judge every file and print the totals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--level", choices=[*LEVELS, "all"], default="named")
    parser.add_argument("--no-input-shape", action="store_true", help="do not say what the model's inputs look like")
    parser.add_argument("--evidence", choices=["none", "samples", "pairs"], default="none")
    parser.add_argument("--only", default="", help="judge only files whose path contains this")
    parser.add_argument("--candidates", type=int, default=5)
    parser.add_argument("--limit", type=float, default=0.0, help="seconds for a file: 60, and 180 with pairs")
    parser.add_argument("--json", type=Path, help="write the rows and totals here")
    parser.add_argument("--choices", action="store_true", help="show every choice that is not right")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    limit = options.limit or (180.0 if options.evidence == "pairs" else 60.0)
    files = [f for f in weight_files(options.folder) if options.only in str(f) and "samples" not in f.parts]
    report: list[dict[str, Any]] = []
    everything: list[Row] = []
    for level in LEVELS if options.level == "all" else (options.level,):
        rows: list[Row] = []
        for file in files:
            shapes_given = not options.no_input_shape
            task = Task(file, options.folder, level, options.evidence, shapes_given, options.candidates)
            row = run_apart(task, limit)
            rows.append(row)
            if row.verdict != NO_TRUTH:
                print(shown(row, choices=options.choices), flush=True)
        found = totals(rows, level)
        print(told_totals(found, shapes_given=not options.no_input_shape), flush=True)
        report.append(found)
        everything += rows
        if options.json:
            document = {"totals": report, "files": [asdict(row) for row in everything]}
            options.json.write_text(json.dumps(plain(document), indent=1))
    return 1 if any(found["proved but wrong"] for found in report) else 0


if __name__ == "__main__":
    sys.exit(main())
