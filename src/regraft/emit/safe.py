"""
State dicts in the safetensors format, written streamed.

Format: 8 bytes with the length of the header, the header (JSON: dtype, shape and place of each tensor), the raw data
without gaps. Source: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from regraft.emit.atomic import replacing
from regraft.emit.stream import blocks
from regraft.emit.tensor import ITEMSIZE, Tensor, check
from regraft.errors import OutputError

DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
RESERVED = "__metadata__"
LONGEST_HEADER = 100_000_000  # readers refuse more


def write_safetensors(
    target: Path, tensors: Sequence[Tensor], *, force: bool = False, metadata: Mapping[str, str] | None = None
) -> None:
    """
    Write a state dict for ``safetensors``: one tensor in memory at a time, the file whole or not at all.

    The data is ordered by falling item size, so that every number is aligned; otherwise as ``tensors``.

    Args:
        target: The file to write.
        tensors: The state dict.
        force: Replace the target if it exists.
        metadata: Texts for the header; PyTorch users expect ``{"format": "pt"}``.

    Raises:
        OutputError: The target exists (and no ``force``), cannot be written, or the tensors do not fit the format.
    """
    check(tensors)
    ordered = sorted(tensors, key=lambda tensor: -ITEMSIZE[tensor.dtype])
    head = header(ordered, metadata or {})
    with replacing(target, force=force) as file, closing(blocks(ordered)) as stream:
        file.write(head)
        for block in stream:
            file.write(block.data)


def header(tensors: Sequence[Tensor], metadata: Mapping[str, str]) -> bytes:
    """
    Everything before the data; padded so that the data starts at a multiple of 8.

    Raises:
        OutputError: A tensor is called ``__metadata__``, or there are too many tensors for the format.
    """
    entries: dict[str, object] = {RESERVED: dict(metadata)} if metadata else {}
    place = 0
    for tensor in tensors:
        if tensor.name == RESERVED:
            msg = f"a tensor is called {RESERVED}, which safetensors keeps for itself. Write --format pth instead."
            raise OutputError(msg)
        span = [place, place + tensor.nbytes]
        entries[tensor.name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": span}
        place = span[1]
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > LONGEST_HEADER:
        msg = f"the safetensors header has {len(text):,} bytes, readers take {LONGEST_HEADER:,}. Write --format pth."
        raise OutputError(msg)
    return len(text).to_bytes(8, "little") + text
