"""The order in which test files run: the long ones first, so that no worker is left alone with one at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent
LONG = (
    "docs/test_tutorials.py",
    "docs/test_pages.py",
    "test_applications.py",
    "keras_config/test_keras_graphs.py",
    "emit/test_deploy.py",
    "verify",
    "verifying",
    "comparing",
    "conformance",
    "grafting",
    "golden",
    "recover/wiring",
    "weights",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place(item.path))


def place(path: Path) -> int:
    parts = path.relative_to(ROOT).as_posix()
    return next((i for i, long in enumerate(LONG) if parts == long or parts.startswith(f"{long}/")), len(LONG))
