"""A real browser for report.html: pages from ``file://``, with every request refused and counted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
AA = 4.5


def found_browser() -> str | None:
    return next(
        (path for name in (os.environ.get("CHROMIUM", ""), *NAMES) if name and (path := shutil.which(name))), None
    )


@pytest.fixture(scope="module", name="browser")
def a_browser() -> Iterator[Any]:
    path = found_browser()
    if path is None:
        pytest.skip("NO BROWSER, so nobody looks at report.html: scripts/browser says how to get one")
    sync_api = pytest.importorskip("playwright.sync_api", reason="NO PLAYWRIGHT, so nobody looks at report.html")
    with sync_api.sync_playwright() as started:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        launched = started.chromium.launch(executable_path=path, args=options)
        yield launched
        launched.close()


class Visit:
    """One page, opened; what it asked for and what it complained about."""

    def __init__(
        self, browser: Any, file: Path, *, width: int = 1440, theme: str = "light", script: bool = True
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            reduced_motion="reduce",
            java_script_enabled=script,
        )
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        own = file.as_uri()
        self.page.route("**/*", lambda route: route.continue_() if route.request.url == own else route.abort())
        self.page.goto(own)
        self.own = own

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()
