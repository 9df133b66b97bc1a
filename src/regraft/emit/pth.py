"""
State dicts as ``torch.save`` writes them, streamed and without torch.

The file is the same, byte for byte, as that of ``torch.save(OrderedDict(...))`` of torch 2.13, but for the record
``.data/serialization_id``, a number that readers do not need.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from regraft.emit.atomic import replacing
from regraft.emit.pickled import state_dict_pickle
from regraft.emit.stream import blocks
from regraft.emit.tensor import Tensor, check
from regraft.emit.zip_records import ALIGNMENT, ZipRecords

FOLDER = "archive"  # torch.save names it after the file; any name will do, and this one never needs quoting
BEFORE = {".format_version": b"1", ".storage_alignment": str(ALIGNMENT).encode(), "byteorder": b"little"}


def write_pth(target: Path, tensors: Sequence[Tensor], *, force: bool = False) -> None:
    """
    Write a state dict for ``torch.load(target, weights_only=True)``: streamed, and the file whole or not at all.

    It loads as an ``OrderedDict`` of contiguous CPU tensors in the order given, also with ``mmap=True``.

    Raises:
        OutputError: The target exists (and no ``force``), cannot be written, or the tensors make no state dict.
    """
    check(tensors)
    with replacing(target, force=force) as file, closing(blocks(tensors)) as stream:
        archive = ZipRecords(file, FOLDER)
        archive.add("data.pkl", state_dict_pickle(tensors))
        for name, data in BEFORE.items():
            archive.add(name, data)
        begun = -1
        for block in stream:
            if block.index > begun:
                begun = block.index
                archive.begin(f"data/{begun}", tensors[begun].nbytes)
            archive.write(block.data)
            if block.last:
                archive.end()
        archive.add("version", b"3\n")
        archive.close()
