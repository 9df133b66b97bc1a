"""docs/layers.md says what the catalogue holds."""

from __future__ import annotations

import pytest
from scripts.layers_page import OWN, PAGE, page

from regraft.layers import CATALOGUE


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_the_page_is_up_to_date() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "run python scripts/layers_page.py"


def test_every_class_has_a_row() -> None:
    text = PAGE.read_text(encoding="utf-8")
    missing = [n for n, cls in CATALOGUE.items() if n not in OWN and f"`{cls.keras_class or n}`" not in text]
    assert not missing
