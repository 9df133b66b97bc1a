"""The pages of real conversions in a real browser: in both themes, at two widths, readable, without any request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.corpus.folder import corpus_file
from tests.report.html.browsing import AA, CONTRAST, Visit, a_browser

import regraft

__all__ = ["a_browser"]  # the fixture
pytestmark = [pytest.mark.browser, pytest.mark.corpus]
#: A small model, the one with the most layers, and weights alone, with what can be stated about them.
FILES = {
    "oarriaga-face_classification/tiny_XCEPTION_KDEF.hdf5": {},
    "dl4j-test-resources/examples__retina_unet__permute_retina_unet.h5": {},
    "dl4j-test-resources/examples__mnist_cnn__mnist_cnn_tf_keras_1_weights.h5": {"input_shape": (28, 28, 1)},
}


@pytest.fixture(scope="module", params=FILES, ids=lambda name: Path(name).stem)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = corpus_file(request.param)
    out = tmp_path_factory.mktemp("report") / "out"
    regraft.convert(file, out, verify=False, **FILES[request.param])
    return out / "report.html"


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_can_be_read_and_asks_for_nothing(browser: Any, made: Path, theme: str, width: int) -> None:
    with Visit(browser, made, width=width, theme=theme) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
        visit.page.locator(".node").first.click()
        found = visit.page.evaluate(CONTRAST, AA)

        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert found["seen"] > 200
        assert found["poor"] == []
        assert visit.asked == [visit.own]
        assert visit.said == []
    assert made.stat().st_size < 1_000_000
