"""
Take the pictures of report.html for README.md: the sample, rebuilt from its weights alone and four known predictions.

    scripts/picture

Shown are the verdict, the figures and the graph with a layer chosen; what lies between them is hidden.
``CHROMIUM`` names the browser.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from regraft import samples

IMAGES = ROOT / "docs" / "images"
SIZE = "1200,900"
HIDDEN = """<style>
main > section:not(#overview, #graph), #overview .columns, #all-layers, #graph .hint, footer { display: none !important; }
main > section { margin-top: 1rem !important; padding-top: 0 !important; }
</style>"""
CHOSEN = """<script>
addEventListener("load", () => [...document.querySelectorAll("#canvas [data-id]")]
  .find((node) => node.querySelector("text")?.textContent === "stem_bn")
  ?.dispatchEvent(new MouseEvent("click", { bubbles: true })));
</script>"""
RUN = "import sys; from regraft.cli import main; sys.exit(main())"


def convert(folder: Path) -> Path:
    """The report of the sample, recovered from weights and four known predictions."""
    with np.load(samples.path("digits_images.npz"), allow_pickle=False) as data:
        np.save(folder / "in.npy", data["images"][:4])
    recorded = json.loads(samples.path("digits.json").read_text(encoding="utf-8"))["shipped"][:4]
    np.save(folder / "out.npy", np.array([row["keras_probabilities"] for row in recorded]))
    command = [sys.executable, "-c", RUN, "convert", str(samples.path("digits.weights.h5")), "-o", "digits", "--quiet"]
    subprocess.run([*command, "--pairs", "in.npy", "out.npy"], cwd=folder, check=True)
    return folder / "digits" / "report.html"


def main() -> None:
    """Both themes."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        text = convert(folder).read_text(encoding="utf-8")
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)  # it would forbid the style below
        for theme in ("light", "dark"):
            page = folder / f"{theme}.html"
            themed = text.replace('<html lang="en">', f'<html lang="en" data-theme="{theme}">', 1)
            themed = themed.replace("</head>", f"{HIDDEN}</head>", 1).replace("</body>", f"{CHOSEN}</body>", 1)
            page.write_text(themed, encoding="utf-8")
            picture = IMAGES / f"report-{theme}.png"
            options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=3000"]
            where = [f"--screenshot={picture}", f"--window-size={SIZE}", page.as_uri()]
            subprocess.run([os.environ.get("CHROMIUM", "chromium"), *options, *where], check=True, capture_output=True)
            print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
