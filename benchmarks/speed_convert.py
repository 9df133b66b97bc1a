"""Part a: converting a large file against reading and writing it with nothing in between."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from measured import Options, Row, alternate, median_seconds
from vgg16_file import LARGEST_MB, vgg16_file

RATIO = 1.5
MEGABYTES = 2.5 * LARGEST_MB + 250

READ = """
import sys
import h5py

arrays = {}

def take(name, item):
    if isinstance(item, h5py.Dataset):
        arrays[name] = item[()]

with h5py.File(sys.argv[1]) as file:
    file.visititems(take)
"""
SAFETENSORS = (
    READ
    + """
from safetensors.numpy import save_file
save_file(arrays, sys.argv[2])
"""
)
PTH = (
    READ
    + """
import torch
torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, sys.argv[2])
"""
)


def measure(options: Options) -> list[Row]:
    """Time and peak memory of ``regraft convert --no-verify``, for both formats."""
    file = vgg16_file(options.work)
    rows: list[Row] = []
    for format, baseline, against in (
        ("safetensors", SAFETENSORS, "h5py and safetensors"),
        ("pth", PTH, "h5py and torch.save"),
    ):
        plain, ours = options.work / f"plain.{format}", options.work / f"converted_{format}"
        convert = ["convert", str(file), "-o", str(ours), "--no-verify", "--quiet", "--format", format]
        runs = alternate(
            {
                "plain": [sys.executable, "-c", baseline, str(file), str(plain)],
                "regraft": [sys.executable, "-m", "regraft", *convert],
            },
            options.repeats,
            before=lambda name, paths={"plain": plain, "regraft": ours}: remove(paths[name]),
        )
        check_complete(ours / f"model.{format}", file)
        remove(plain)
        remove(ours)
        times = {name: [run.seconds for run in found] for name, found in runs.items()}
        peaks = {name: [run.megabytes for run in found] for name, found in runs.items()}
        ratio = median_seconds(runs["regraft"]) / median_seconds(runs["plain"])
        rows += [
            Row("a", f"convert to {format}, time against {against}", ratio, RATIO, "x", {"seconds": times}),
            Row("a", f"convert to {format}, peak memory", max(peaks["regraft"]), MEGABYTES, "MB", {"megabytes": peaks}),
        ]
    return rows


def check_complete(written: Path, source: Path) -> None:
    """
    A fast writer must not be fast because it leaves something out.

    Raises:
        RuntimeError: The result is much smaller than the source.
    """
    if written.stat().st_size < 0.99 * source.stat().st_size:
        message = f"{written.name} has {written.stat().st_size} bytes, its source {source.stat().st_size}"
        raise RuntimeError(message)


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
