"""
Every model of keras.applications, with random weights and random BatchNorm statistics, converted and compared layer by layer.

    python benchmarks/applications.py [--only TEXT] [--largest MILLIONS] [--json OUT]

Each model is built by the real Keras at a small input size, saved, converted from the file alone and compared in
float64 and float32.
Exit code 1 if any model is not equal.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from benchmarks.parity import EQUAL, Row, judge, shown
from tests.twin import randomise

from regraft.verify import Oracle

#: Smallest map each family accepts, not square where it may be.
SIZES = {"Inception": (80, 96), "Xception": (96, 72), "NASNet": (64, 64)}
SQUARE = ("NASNet",)


def names() -> list[str]:
    """Every function of keras.applications that builds a model."""
    import keras

    found = [
        n
        for n, f in vars(keras.applications).items()
        if inspect.isfunction(f) and "weights" in inspect.signature(f).parameters
    ]
    return sorted(found)


def build(name: str) -> Any:
    """One model with random weights, at a small input size."""
    import keras

    height, width = next((size for part, size in SIZES.items() if part in name), (48, 64))
    if any(part in name for part in SQUARE):
        height = width
    keras.backend.clear_session()
    model = getattr(keras.applications, name)(weights=None, input_shape=(height, width, 3), classes=13)
    randomise(model)
    return model


def main() -> int:
    """Build, convert and compare each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names that contain this")
    parser.add_argument("--largest", type=float, default=1e9, help="leave out models with more million parameters")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[Row] = []
    left_out: list[str] = []
    with tempfile.TemporaryDirectory(prefix="regraft-applications-") as folder, Oracle() as oracle:
        for name in names():
            if options.only not in name:
                continue
            model = build(name)
            if model.count_params() > options.largest * 1e6:
                left_out.append(name)
                continue
            file = Path(folder) / f"{name}.keras"
            model.save(file)
            del model
            rows.append(judge(file, Path(folder), oracle))
            file.unlink()
            print(shown(rows[-1]), flush=True)
    equal = sum(row.verdict == EQUAL for row in rows)
    print(
        f"\n{equal} of {len(rows)} models equal"
        + (f"; left out for their size: {', '.join(left_out)}" if left_out else "")
    )
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0 if equal == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
