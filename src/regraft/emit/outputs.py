"""The files a user gets, each written to a temporary file first and then renamed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from regraft.emit.atomic import replacing
from regraft.emit.plan import Transfer
from regraft.emit.pth import write_pth
from regraft.emit.safe import write_safetensors
from regraft.emit.tensor import Tensor
from regraft.errors import OutputError

Format = Literal["pth", "safetensors", "both", "keras"]


def refuse_overwriting(folder: Path, names: Iterable[str], *, force: bool) -> None:
    """
    Say before any work is done that the results cannot be written.

    Raises:
        OutputError: If the target is a file, or holds results already and ``force`` is off.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} exists and is not a folder: choose another one with -o")
    present = [name for name in names if (folder / name).exists()]
    if present and not force:
        raise OutputError(
            f"{folder} already holds {', '.join(present)}: choose another folder with -o, or replace them with --force"
        )


def weight_files(format: Format) -> tuple[str, ...]:
    """The names of the weight files of a format."""
    return {
        "pth": ("model.pth",),
        "safetensors": ("model.safetensors",),
        "both": ("model.pth", "model.safetensors"),
        "keras": ("model.keras",),
    }[format]


def tensors_of(transfers: Iterable[Transfer], done: Callable[[str], None] | None = None) -> list[Tensor]:
    """The state dict of a plan as tensors that are read when they are written; ``done`` hears each name."""

    def loader(transfer: Transfer, place: int) -> Callable[[], np.ndarray]:
        def load() -> np.ndarray:
            if done is not None:
                done(transfer.parameters[place])
            return transfer.views()[place]

        return load

    return [
        Tensor(name, transfer.shapes[i], transfer.dtype, loader(transfer, i))
        for transfer in transfers
        for i, name in enumerate(transfer.parameters)
    ]


def write_weights(
    folder: Path,
    transfers: Iterable[Transfer],
    format: Format,
    *,
    force: bool = False,
    metadata: Mapping[str, str] | None = None,
    done: Callable[[str], None] | None = None,
) -> None:
    """Write ``model.pth``, ``model.safetensors`` or both, one tensor at a time."""
    tensors = tensors_of(transfers, done)
    for name in weight_files(format):
        if name.endswith(".pth"):
            write_pth(folder / name, tensors, force=force)
        else:
            write_safetensors(folder / name, tensors, force=force, metadata=dict(metadata or {}))


def write_text(target: Path, text: str, *, force: bool = False) -> None:
    """Write a text file in UTF-8, atomically."""
    with replacing(target, force=force) as file:
        file.write(text.encode("utf-8"))


def pretty_json(text: str) -> str:
    """JSON with one key a line, so that it can be read and compared."""
    return json.dumps(json.loads(text), indent=1, ensure_ascii=True) + "\n"
