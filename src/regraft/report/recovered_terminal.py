"""What the terminal says of an architecture that was recovered: what it is, how sure that is, and what else it may be."""

from __future__ import annotations

from collections import Counter

from rich.text import Text

from regraft.report.printable import listing, plural, printable
from regraft.report.value import CandidateRow, Report

#: Differences of another candidate that fit on its line.
MOST_DIFFERENCES = 4


def recovered_rows(report: Report) -> list[tuple[str, str | Text]]:
    """The facts on top: where the architecture comes from, and how sure its choices are."""
    first = report.candidates[0]
    origin = f"recovered: {printable(first.family, 200)}" if first.family else "recovered from the weights"
    counted = Counter(choice.label for choice in report.choices)
    labels = [f"{counted[label]} {label}" for label in ("proved", "supported", "assumed", "open") if counted[label]]
    said = f"{plural(len(report.choices), 'choice')}: {listing(labels)}" if labels else "nothing was left to choose"
    style = "yellow" if counted["open"] or report.assumed_choices else "green"
    rows: list[tuple[str, str | Text]] = [("architecture", origin), ("how sure", Text(said, style=style))]
    if first.proof:
        rows.append(("proof", Text(printable(first.proof, 200), style="green")))
    elif len(report.candidates) > 1:
        rows.append(
            ("likeliest", f"{first.share:.0%} against the {plural(len(report.candidates) - 1, 'next candidate')}")
        )
    return rows


def statistics_rows(report: Report) -> list[tuple[str, str | Text]]:
    """What the file's own statistics say of the model, and of its inputs."""
    if report.statistics is None:
        return []
    contradicted = any(row.verdict == "contradicts" for row in report.statistics.layers)
    summary = Text(printable(report.statistics.summary, 300), style="red" if contradicted else "")
    return [
        ("self-check", summary),
        *(("inputs were", printable(words, 300)) for words in report.statistics.inputs[:4]),
    ]


def other_candidates(report: Report) -> list[str]:
    """The candidates after the first, each by where it differs; none where known outputs have decided."""
    if any(row.proof for row in report.candidates[:1]):
        return []
    return [candidate_words(row) for row in report.candidates[1:]]


def candidate_words(row: CandidateRow) -> str:
    """One candidate on a line."""
    shown = [printable(item, 80) for item in row.differs[:MOST_DIFFERENCES]]
    more = len(row.differs) - len(shown)
    rest = [f"{more} more"] if more > 0 else []
    where = f" (in {printable(row.folder, 200)})" if row.folder else ""
    family = f"{printable(row.family, 120)}: " if row.family else ""
    return f"{row.share:.1%}: {family}{'; '.join([*shown, *rest])}{where}"
