"""Every layer as a card: what it is set to, and how far it is from Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from regraft.report.html.bounds import MOST_LAYERS, some
from regraft.report.html.graph import label_of
from regraft.report.layer_table import error_words, layer_of
from regraft.report.printable import shape_words
from regraft.report.value import CheckRow, NodeRow, Report


@dataclass(frozen=True)
class Card:
    """
    One layer.

    Attributes:
        number: Its number in the graph.
        shape: Of the output of its first call, in Keras order.
        parameters: Stored elements in words; empty for a layer without, and inside nested models.
        error64: Its largest error in float64; empty if it was not compared.
        error32: The same in float32.
        failed: Whether one of its tensors differs from Keras.
    """

    number: int
    name: str
    type: str
    shape: str
    label: str
    settings: tuple[tuple[str, str], ...]
    placeholder: str
    parameters: str
    error64: str = ""
    error32: str = ""
    failed: bool = False


def cards(report: Report, places: Mapping[str, int]) -> list[Card]:
    """The cards, at most ``MOST_LAYERS``: those that fail or are unsure, and some of the others."""
    first: dict[str, NodeRow] = {}
    for node in report.graph:
        first.setdefault(node.layer, node)
    checks = checks_by_layer(report.verification.layers, first)
    elements = {row.name: row.parameters for row in report.layers}
    special = {name for name, found in checks.items() if any(not check.ok for check in found)}
    shown = some(list(first.values()), MOST_LAYERS, lambda n: 2 if n.layer in special else int(label_of(n) != "proved"))
    return [card(node, places[node.layer], checks.get(node.layer, ()), elements.get(node.layer, 0)) for node in shown]


def card(node: NodeRow, number: int, checks: Sequence[CheckRow], elements: int) -> Card:
    """One card."""
    return Card(
        number,
        node.layer,
        node.type,
        shape_words(node.output_shape),
        label_of(node),
        node.settings,
        node.placeholder,
        f"{elements:,}" if elements else "",
        error_words(max((c.error64 for c in checks if c.error64 is not None), default=None)),
        error_words(max((c.error32 for c in checks if c.error32 is not None), default=None)),
        any(not check.ok for check in checks),
    )


def checks_by_layer(checks: Sequence[CheckRow], names: Mapping[str, object]) -> dict[str, list[CheckRow]]:
    """The compared tensors of every layer: of all its calls and outputs."""
    found: dict[str, list[CheckRow]] = {}
    for check in checks:
        found.setdefault(layer_of(check.layer, names), []).append(check)
    return found
