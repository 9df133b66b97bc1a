from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


def test_the_demo_shows_the_digits_that_keras_sees(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, DEMO, "-o", tmp_path / "digits", "--no-verify"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("14 right, accuracy 87.5%") == 3  # Keras, PyTorch recovered, PyTorch converted
    assert "4 of 4 known outputs are reproduced" in done.stdout
    assert str(tmp_path / "digits") in done.stdout
    for name in ("model.py", "model.pth", "architecture.json", "blueprint.toml", "report.json", "report.html"):
        assert name in done.stdout
