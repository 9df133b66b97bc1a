"""The page in a real browser, from ``file://``, with every request refused and counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.report.html.browsing import AA, CONTRAST, Visit, a_browser
from tests.report.html.reports import chain, report

from regraft.report.html import page
from regraft.report.value import NodeRow, Report

pytestmark = pytest.mark.browser
__all__ = ["a_browser"]  # the fixture


def nested() -> Report:
    """A model of 30 layers in blocks, with a placeholder, and a model inside."""
    value = report(chain(30), failing="block_2_part1")
    held = NodeRow(
        "inner", "Functional", 0, (None, 3), ((len(value.graph) - 1, 0),), outputs=((len(value.graph) + 2, 0),)
    )
    place = len(value.graph)
    inside = (
        NodeRow("inner/in", "InputLayer", 0, (None, 3), ((place - 1, 0),), place),
        NodeRow("inner/code", "Lambda", 0, None, ((place + 1, 0),), place, placeholder="its code is not data"),
    )
    last = NodeRow("last", "Dense", 0, (None, 2), ((place, 0),))
    return replace(value, graph=(*value.graph, held, *inside, last))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    code = 'class Model(nn.Module):\n    """Doc."""  # a note\n\n    def f(self):\n        return 1.5\n'
    path.write_text(page(nested(), code), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_can_be_read_and_asks_for_nothing(browser: Any, file: Path, theme: str, width: int) -> None:
    with Visit(browser, file, width=width, theme=theme) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
        visit.page.locator(".node:not([aria-expanded])").first.click()
        found = visit.page.evaluate(CONTRAST, AA)

        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert found["seen"] > 200
        assert found["poor"] == []
        assert visit.asked == [visit.own]
        assert visit.said == []


def test_the_keyboard_reaches_a_layer_and_opens_its_evidence(browser: Any, file: Path) -> None:
    with Visit(browser, file) as visit:
        keyboard, focused = visit.page.keyboard, "document.activeElement.getAttribute('aria-label') || ''"
        keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.textContent") == "Skip to the report"
        visit.page.locator("[data-do=fit]").focus()
        keyboard.press("Tab")
        assert visit.page.evaluate(focused).startswith("in_block_0_part0, InputLayer")
        for label in (
            "block_0 … 9, 10 \u00d7 3 layers, (batch, 5, 7, 11), differs from Keras",
            "block_0, 3 layers",
        ):
            keyboard.press("ArrowDown")
            assert visit.page.evaluate(focused).startswith(label)
            assert visit.page.evaluate(focused).endswith("closed block")
            keyboard.press("Enter" if "…" in label else "Space")
            assert visit.page.evaluate(focused).endswith("open block")
        keyboard.press("ArrowDown")
        keyboard.press("ArrowDown")
        keyboard.press("Enter")

        panel = visit.page.locator("#panel")
        words = panel.inner_text()
        for said in ("block_0_part1", "assumed", "habit 1", "relu", "1.0e-15 of 1.0e-10", "cin units → units cin"):
            assert said in words, said
        assert panel.locator("figure").count() == 1
        keyboard.press("Escape")
        assert "Choose a layer" in panel.inner_text()
        keyboard.press("Escape")
        assert visit.page.evaluate(focused) == "block_0, 3 layers, (batch, 5, 7, 11), open, closed block"


def test_blocks_and_models_open_and_close(browser: Any, file: Path) -> None:
    with Visit(browser, file) as visit:
        nodes = visit.page.locator("#canvas .node")
        folded = nodes.count()
        visit.page.locator("[data-do=unfold]").click()
        labels = nodes.evaluate_all("all => all.map(node => node.getAttribute('aria-label'))")
        layers = [label for label in labels if "block" not in label.rsplit(", ", 1)[-1]]
        assert len(layers) == 34
        assert folded < 20
        assert [label for label in labels if label.startswith("inner")] == [
            "inner, Functional, open block",
            "inner/in, InputLayer, (batch, 3), proved",
            "inner/code, Lambda, unknown, placeholder",
        ]
        assert [label for label in labels if label.startswith("block_2_part1")] == [
            "block_2_part1, Dense, (batch, 5, 7, 11), differs from Keras"
        ]
        edges = visit.page.locator("#canvas .edge").count()
        assert edges == 33
        visit.page.locator("[data-do=fold]").click()
        assert nodes.count() == folded


def test_an_open_block_lists_its_layers(browser: Any, file: Path) -> None:
    with Visit(browser, file) as visit:
        visit.page.locator("#canvas .node[aria-expanded=false]").first.click()
        rows = visit.page.locator("#panel .members li")
        assert rows.count() == 30
        assert "Dense, assumed, differs" in rows.nth(7).inner_text()
        rows.nth(7).locator("button").click()
        assert "block_2_part1" in visit.page.locator("#panel h3").first.inner_text()
        assert visit.page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("block_2_part1")


def test_the_plot_names_tensors_and_leads_to_the_layer(browser: Any, file: Path) -> None:
    with Visit(browser, file) as visit:
        visit.page.locator("#plot").focus()
        visit.page.keyboard.press("End")
        assert "block_9_part2: float64 1.0e-15 (limit 1.0e-10)" in visit.page.locator("#plot-says").inner_text()
        visit.page.keyboard.press("Home")
        for _ in range(7):
            visit.page.keyboard.press("ArrowRight")
        assert "block_2_part1: float64 5.0e-01 (limit 1.0e-10), float32 2.0e-07 (limit 3.0e-06), DIFFERS" in (
            visit.page.locator("#plot-says").inner_text()
        )
        visit.page.locator("#plot-open").click()
        assert "differs from Keras" in visit.page.locator("#panel").inner_text()
        visit.page.locator("#plot").scroll_into_view_if_needed()
        box = visit.page.locator("#plot .field").bounding_box()
        visit.page.mouse.move(box["x"] + box["width"] / 60, box["y"] + 40)
        assert visit.page.locator("#plot-says").inner_text().startswith("block_0_part0: ")


def test_answers_become_a_command(browser: Any, file: Path) -> None:
    with Visit(browser, file) as visit:
        visit.page.locator(".choice select").nth(0).select_option(label="tanh")
        visit.page.locator(".choice select").nth(2).select_option(label="relu")
        assert visit.page.locator("#answers pre").inner_text() == (
            "regraft convert '/models/my net.h5' --set block_0_part0.activation=tanh "
            "--set block_0_part2.activation=relu -o '/out dir' --force"
        )


def test_the_weight_table_is_searched(browser: Any, file: Path) -> None:
    with Visit(browser, file) as visit:
        rows = visit.page.locator("#weight-table tr:not(.of):visible")
        visit.page.locator("#filter").fill("block_1_ (3, 2)")
        assert visit.page.locator("#filter-says").inner_text() == "3 rows"
        assert rows.count() == 1 + 3
        visit.page.locator("#filter").fill("nothing like it")
        assert rows.count() == 1


def test_the_theme_that_was_asked_for_stays(browser: Any, file: Path) -> None:
    with Visit(browser, file) as visit:
        colour = "getComputedStyle(document.body).backgroundColor"
        light = visit.page.evaluate(colour)
        visit.page.locator("#theme").click()
        dark = visit.page.evaluate(colour)
        assert light != dark
        visit.page.wait_for_timeout(500)  # a browser writes its storage a little later
        visit.page.reload()
        assert visit.page.evaluate(colour) == dark
        visit.page.emulate_media(media="print")
        assert visit.page.evaluate(colour) == "rgb(255, 255, 255)"


def test_it_can_be_read_without_scripts(browser: Any, file: Path) -> None:
    with Visit(browser, file, script=False) as visit:
        text = visit.page.locator("main").inner_text()
        for said in (
            "block_9_part2",
            "its code is not data",
            "habit 1",
            "--set block_0_part0.activation=relu",
            "cin units → units cin",
        ):
            assert said in text or said in visit.page.content(), said
        assert visit.page.locator("#drawing").is_hidden()
        assert visit.page.locator("#all-layers .layer").first.is_visible()
        assert visit.asked == [visit.own]


def test_hostile_names_do_nothing(browser: Any, tmp_path: Path) -> None:
    hostile = "</script><img src=x onerror=\"document.title='taken'\"><b>\u202e{{1}}"
    path = tmp_path / "report.html"
    path.write_text(page(report([hostile, hostile + "2", "x" * 10_000]), hostile), encoding="utf-8")
    with Visit(browser, path, width=360) as visit:
        visit.page.locator(".node").nth(1).click()
        assert "<img src=x" in visit.page.locator("#panel .panel-head h3").inner_text()
        assert visit.page.title() == "my net.h5 · regraft report"
        assert visit.page.locator("img, b b").count() == 0
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360
        assert (visit.asked, visit.said) == ([visit.own], [])


def test_a_huge_model_opens(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(report(chain(2400))), encoding="utf-8")
    with Visit(browser, path) as visit:
        visit.page.locator("[data-do=unfold]").click()
        assert visit.page.locator("#canvas .plain-list li").count() == 2401 + 800 + 1  # layers, blocks, all blocks
        visit.page.locator("#canvas .plain-list button").nth(1).click()
        assert visit.page.locator("#canvas .node").count() == 2
        assert visit.said == []
