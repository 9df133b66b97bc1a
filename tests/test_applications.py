"""
Models of keras.applications from file to verified module; ``benchmarks/applications.py`` does it for every one of them.

The four here hold what the others do not: raw operations, croppings and odd paddings, layer scales, normalised inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.applications import build

from regraft.convert import convert
from regraft.verify import Oracle


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with Oracle() as running:
        yield running


@pytest.mark.oracle
@pytest.mark.slow
@pytest.mark.parametrize("name", ["MobileNetV3Small", "NASNetMobile", "ConvNeXtTiny", "EfficientNetV2B0"])
def test_every_layer_equals_keras(name: str, oracle: Oracle, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.keras"
    build(name).save(file)

    report = convert(file, tmp_path / "out", oracle=oracle).report

    failed = [
        f"{row.layer}: {row.error64} {row.error32} {row.note}" for row in report.verification.layers if not row.ok
    ]
    assert report.verification.status == "equal", (report.verification.reason, failed[:3])
    assert report.verification.compared == report.verification.total
    assert report.exit_code == 0
