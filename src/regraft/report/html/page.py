"""The page: the parts of the report, put into templates; styles and scripts stand in it, allowed by their hashes alone."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from regraft.report.html.bounds import FIRST_PLOTS, MOST_CANDIDATES, MOST_LINES, some
from regraft.report.html.choices import choices_of
from regraft.report.html.code import coloured
from regraft.report.html.error_plot import ErrorPlot, error_plot
from regraft.report.html.graph import graph_data, layer_places
from regraft.report.html.layers import cards, checks_by_layer
from regraft.report.html.overview import overview
from regraft.report.html.scatter import scatters
from regraft.report.html.text import breakable, clean, embedded, name
from regraft.report.html.weights import weight_groups
from regraft.report.layer_table import error_words, layer_of
from regraft.report.value import Report

HERE = Path(__file__).parent
SCRIPTS = ("vendor/dagre.min.js", "templates/graph_model.js", "templates/graph.js", "templates/page.js")


def page(report: Report, code: str | None = None) -> str:
    """
    A report as one HTML file that loads nothing.

    Args:
        report: What to show.
        code: The text of ``model.py``, or None if none was written.

    Returns:
        The page; huge models are shown in part, and the page says what is left out.
    """
    places = layer_places(report.graph)
    names = dict.fromkeys(places)
    plot = error_plot(report.verification.layers)
    failing = {
        layer
        for layer, found in checks_by_layer(report.verification.layers, names).items()
        if any(not c.ok for c in found)
    }
    graph = graph_data(report.graph, failing)
    shown = cards(report, places)
    groups, weights_left = weight_groups(report.transfers)
    plots = scatters(report.statistics.layers if report.statistics else ())
    return (
        environment()
        .get_template("page.html")
        .render(
            r=report,
            overview=overview(report),
            title=PurePath(report.source.file).name or report.model,
            choices=choices_of(report),
            candidates=report.candidates[:MOST_CANDIDATES],
            graph=graph is not None,
            cards=shown,
            cards_left=len(places) - len(shown),
            places=places,
            plot=plot,
            failures=some([c for c in report.verification.layers if not c.ok], MOST_LINES),
            plots=plots[:FIRST_PLOTS],
            more_plots=plots[FIRST_PLOTS:],
            weights=groups,
            weights_left=weights_left,
            code=coloured(code) if code is not None else None,
            lines=lambda rows: list(rows)[:MOST_LINES],
            data=embedded({"graph": graph, "checks": plotted(plot, places)}),
            **assets(),
        )
    )


def plotted(plot: ErrorPlot | None, places: dict[str, int]) -> list[list[Any]]:
    """The compared tensors for the script: name, layer or -1, both errors and limits, whether it passed, note."""
    return [
        [
            name(c.layer),
            places.get(layer_of(c.layer, places), -1),
            *(error_words(e) or "not compared" for e in (c.error64, c.error32)),
            *(error_words(e) for e in (c.limit64, c.limit32)),
            int(c.ok),
            clean(c.note),
        ]
        for c in (plot.checks if plot else ())
    ]


@cache
def environment() -> Environment:
    """The templates: HTML is escaped, and what is not printable becomes visible, in everything that they write."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        finalize=clean,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["error"] = error_words
    made.filters["name"] = name
    made.filters["breakable"] = breakable
    return made


@cache
def assets() -> dict[str, Any]:
    """Style and scripts as text, with the policy that allows these and nothing else."""
    style, head, script = style_text(), read("templates/head.js"), "\n".join(read(path) for path in SCRIPTS)
    scripts = " ".join(hash_of(text) for text in (head, script))
    policy = (
        f"default-src 'none'; style-src {hash_of(style)}; script-src {scripts}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return {"policy": policy, "style": Markup(style), "head": Markup(head), "script": Markup(script)}


def style_text() -> str:
    """The style; the dark colours stand twice, for readers who prefer them and for those who ask for them."""
    dark = read("templates/dark.css").strip()
    preferred = f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {dark} }} }}"
    return f"{read('templates/page.css')}\n@media screen {{ {preferred} :root[data-theme=dark] {{ {dark} }} }}\n"


def read(path: str) -> str:
    """A file of ours, without the comment that makes developer tools look for a source map; HTML holds no raw controls."""
    text = (HERE / path).read_text(encoding="utf-8")
    text = re.sub("[\x00-\x08\x0e-\x1f]", lambda found: f"\\x{ord(found.group()):02x}", text)
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("//# sourceMappingURL="))


def hash_of(text: str) -> str:
    """The source expression of a content security policy for an inline text."""
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
