"""The top of the page: what the file is, what came out, in facts and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regraft.report.dialects import DIALECTS, ORDERS, written_by
from regraft.report.layer_table import error_words
from regraft.report.printable import plural, size_words
from regraft.report.recovered_terminal import recovered_rows
from regraft.report.terminal import checked, counts, port_words, types, verdict
from regraft.report.value import Report, VerificationRow

MOST_PORTS = 24


@dataclass(frozen=True)
class Figure:
    """A number that is seen first: ``tone`` is ``good``, ``warn``, ``bad`` or empty."""

    value: str
    words: str
    tone: str = ""


@dataclass(frozen=True)
class Overview:
    """
    The top of the page.

    Attributes:
        verdict: The last line of the terminal, without the exit code.
        tone: ``good``, ``warn`` or ``bad``.
        figures: Numbers that are seen first.
        file: Facts about the input.
        model: Facts about what came out.
        check: How it was checked.
    """

    verdict: str
    tone: str
    exit_code: int
    figures: tuple[Figure, ...]
    file: tuple[tuple[str, str], ...]
    model: tuple[tuple[str, str], ...]
    check: tuple[tuple[str, str], ...]


def overview(report: Report) -> Overview:
    """The facts of a report."""
    code = report.exit_code
    words = verdict(report).plain.removesuffix(f" (exit code {code})")
    tone = "bad" if code == 1 else "warn" if code or report.verification.status == "not verified" else "good"
    return Overview(
        words, tone, code, tuple(figures(report)), said(file(report)), said(model(report)), said(check(report))
    )


def said(rows: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Rows that say something."""
    return tuple((name, value.replace(" -> ", " \u2192 ")) for name, value in rows if value)


def figures(report: Report) -> list[Figure]:
    """Layers, parameters, variables, tensors equal to Keras, and the largest errors; what is open, if anything is."""
    found = [
        Figure(f"{len(report.layers):,}", "layer" if len(report.layers) == 1 else "layers"),
        Figure(f"{sum(layer.parameters for layer in report.layers):,}", "parameters"),
        Figure(f"{report.variables_used:,} of {report.variables_stored:,}", "variables used"),
    ]
    verification = report.verification
    if verification.status != "not verified":
        equal = sum(check.ok for check in verification.layers)
        tone = "good" if verification.status == "equal" else "bad" if verification.status == "different" else "warn"
        found.append(Figure(f"{equal:,} of {verification.total:,}", "tensors equal to Keras", tone))
        found += [Figure(largest(verification, bits), f"largest error, float{bits}") for bits in (64, 32)]
    else:
        found.append(Figure("none", "tensors compared with Keras", "warn"))
    if report.open_choices:
        found.append(Figure(f"{len(report.open_choices):,}", "open", "warn"))
    if report.assumed_choices:
        found.append(Figure(f"{len(report.assumed_choices):,}", "assumed", "warn"))
    if report.placeholders:
        found.append(
            Figure(
                f"{len(report.placeholders):,}",
                "placeholder" if len(report.placeholders) == 1 else "placeholders",
                "warn",
            )
        )
    return found


def largest(verification: VerificationRow, bits: int) -> str:
    """The largest error of a precision, in two digits."""
    found = [c.error64 if bits == 64 else c.error32 for c in verification.layers]
    measured = [error for error in found if error is not None]
    return error_words(max(measured)) if measured else "none"


def file(report: Report) -> list[tuple[str, str]]:
    """What the input is."""
    source = report.source
    stated = source.architecture == "the file"
    return [
        ("File", source.file),
        ("Kind", f"{source.kind}, {size_words(source.bytes)}"),
        ("Written by", written_by(source.keras_version, source.backend) or "not said in the file"),
        ("Layout", DIALECTS.get(source.dialect, source.dialect)),
        ("Layer order", ORDERS.get(source.order_source, source.order_source)),
        ("Architecture", "" if report.candidates else "stated in the file" if stated else source.architecture),
        *((label.capitalize(), str(value)) for label, value in recovered(report)),
        ("SHA-256", source.sha256),
    ]


def recovered(report: Report) -> list[tuple[str, object]]:
    """Where an architecture that was recovered comes from."""
    return list(recovered_rows(report)) if report.candidates else []


def model(report: Report) -> list[tuple[str, str]]:
    """What came out."""
    shown = [("Input", port_words(port)) for port in report.inputs[:MOST_PORTS]]
    shown += [("Output", port_words(port)) for port in report.outputs[:MOST_PORTS]]
    rest = len(report.inputs) + len(report.outputs) - len(shown)
    return [
        ("Name", report.model),
        ("Layers", f"{plural(len(report.layers), 'layer')}: {types(report)}"),
        *shown,
        ("", f"and {rest} more" if rest > 0 else ""),
        ("Variables", counts(report)),
        ("Files", ", ".join(report.files)),
        ("Folder", next(iter(report.files.values()), "").rpartition("/")[0]),
        ("By", f"regraft {report.regraft}"),
    ]


def check(report: Report) -> list[tuple[str, str]]:
    """How it was checked."""
    verification = report.verification
    statistics = report.statistics
    return [
        ("Against Keras", checked(verification).plain),
        ("Tried on", "; ".join(verification.inputs)),
        ("Architecture", verification.config_route and f"in Keras: {verification.config_route}"),
        ("Weights", verification.weights_route and f"in Keras: {verification.weights_route}"),
        ("Limits", verification.gates),
        ("Opened", checked(report.opened).plain if report.opened is not None else ""),
        ("Self-check", statistics.summary if statistics is not None else ""),
        ("Anywhere", "python model.py --selftest checks it on any machine" if "selftest.npz" in report.files else ""),
        *(("Inputs were", words) for words in (statistics.inputs[:4] if statistics is not None else ())),
    ]
