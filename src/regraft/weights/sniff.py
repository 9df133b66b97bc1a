"""
What a file is, from its bytes: never from its name.

``x.weights.h5`` may be any of three dialects, and a failed download is often a page of HTML.
"""

from __future__ import annotations

import os
import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from regraft.errors import FileError
from regraft.weights.npy import PICKLE_HINT, holds_objects
from regraft.weights.window import Window, open_regular

RESAVE = "Load it with the library that wrote it and save with model.save_weights('x.weights.h5')."
AGAIN = "Download or copy the file again."
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_START = 4096
_LARGEST_DIRECTORY = 4 << 20  # each entry takes ten times as much in memory


@dataclass(frozen=True)
class FileKind:
    """
    What a file is.

    Attributes:
        kind: In a few words: ``HDF5``, ``Keras archive``, ``git-lfs pointer``, ``PyTorch checkpoint``.
        readable: Whether it may hold Keras weights.
        reason: For other files: what was seen, as a sentence.
        hint: For other files: what to do next.
    """

    kind: str
    readable: bool = False
    reason: str = ""
    hint: str = ""


HDF5 = FileKind("HDF5", readable=True)
ARCHIVE = FileKind("Keras archive", readable=True)
FOLDER = FileKind("Keras folder", readable=True)
SHARDED = FileKind("sharded Keras weights", readable=True)
ARRAYS = FileKind("NumPy archive", readable=True)


def identify(path: str | os.PathLike[str]) -> FileKind:
    """
    Say what a file or folder is, without parsing it.

    Raises:
        FileError: If there is no such file, or it is a pipe or a device.
    """
    path = Path(path)
    if path.is_dir():
        try:
            return _folder(path)
        except OSError as error:
            raise FileError(path, f"the folder cannot be read ({os.strerror(error.errno or 0)}).") from None
    window = Window(open_regular(path))
    try:
        return _bytes(path, window)
    finally:
        window.close()


def _folder(path: Path) -> FileKind:
    def has(name: str) -> bool:
        return (path / name).exists()

    if has("config.json") and (has("model.weights.h5") or has("model.weights.npz")):
        return FOLDER
    if has("saved_model.pb") or has("keras_metadata.pb"):
        return FileKind(
            "SavedModel folder",
            reason="this is a TensorFlow SavedModel folder.",
            hint="In TensorFlow, load it with tf.keras.models.load_model(folder), then "
            "model.save_weights('x.weights.h5').",
        )
    if has("checkpoint"):
        return _CHECKPOINT
    found = sorted(child.name for child in path.iterdir() if child.suffix in (".h5", ".hdf5", ".keras"))
    hint = f"Give one of its files, for example {ascii(found[0])[1:-1]}." if found else "Give a weights file."
    return FileKind("folder", reason="this is a folder without Keras weights of its own.", hint=hint)


_CHECKPOINT = FileKind(
    "TensorFlow checkpoint",
    reason="this is part of a TensorFlow checkpoint.",
    hint="Build the model in Keras, model.load_weights(prefix), then model.save_weights('x.weights.h5').",
)
_PICKLE = FileKind(
    "pickle",
    reason="this is a Python pickle, which can run any program when it is loaded; regraft never loads one.",
    hint="Save the weights from the program that wrote it, with model.save_weights('x.weights.h5').",
)


def _bytes(path: Path, window: Window) -> FileKind:
    head = window.read_at(0, _START)
    if not head:
        return FileKind("empty file", reason="the file is empty.", hint=AGAIN)
    if head.startswith(HDF5_SIGNATURE):
        return _hdf5(head, window)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip(path, window)
    for matches, kind in _SIMPLE:
        if matches(head):
            return kind
    if _hdf5_later(window):
        return FileKind(
            "HDF5 with something before it",
            reason="an HDF5 file begins here, but not at the first byte.",
            hint="Cut what stands before it, if you trust the file.",
        )
    return _named(path, head) or (_ONNX if _is_onnx(head) else _text(window, head))


def _hdf5(head: bytes, window: Window) -> FileKind:
    declared = _end_of_file(head)
    if declared is not None and declared > window.size:
        return FileKind(
            "truncated HDF5 file",
            reason=f"the file is cut off: {window.size} bytes are here, {declared} are declared.",
            hint=AGAIN,
        )
    if _zip_directory(window) is not None:
        return FileKind(
            "HDF5 and zip at once",
            reason="the file is valid as HDF5 and as a zip archive, so programs would disagree about its content.",
            hint="Do not use it; ask where it came from.",
        )
    return HDF5


def _end_of_file(head: bytes) -> int | None:
    """The end-of-file address that an HDF5 superblock declares (File Format Specification, section II.A)."""
    if len(head) < 64:
        return 64
    version, offset_size = head[8], head[13] if head[8] < 2 else head[9]
    if offset_size not in (2, 4, 8) or version > 3:
        return None
    at = {0: 24, 1: 28}.get(version, 12) + 2 * offset_size
    return int.from_bytes(head[at : at + offset_size], "little")


def _hdf5_later(window: Window) -> bool:
    """HDF5 also looks for its signature at 512, 1024, 2048 and so on."""
    at = 512
    while at < window.size:
        if window.read_at(at, 8) == HDF5_SIGNATURE:
            return True
        at *= 2
    return False


def _zip_directory(window: Window) -> int | None:
    """
    Bytes that the directory of a zip archive claims, or None where none ends exactly at the end of the file.

    Source: APPNOTE.TXT, sections 4.3.14 to 4.3.16.
    """
    length = min(window.size, 22 + 0xFFFF)
    tail = window.read_at(window.size - length, length)
    at = tail.find(b"PK\x05\x06")
    while at >= 0:
        if at + 22 <= length and at + 22 + struct.unpack_from("<H", tail, at + 20)[0] == length:
            claimed = struct.unpack_from("<I", tail, at + 12)[0]
            large = window.read_at(window.size - length + at - 76, 76)  # the zip64 record and its locator
            return max(claimed, struct.unpack_from("<Q", large, 40)[0]) if large[56:60] == b"PK\x06\x07" else claimed
        at = tail.find(b"PK\x05\x06", at + 1)
    return None


def _zip(path: Path, window: Window) -> FileKind:
    directory = _zip_directory(window)
    if directory is None:
        return FileKind(
            "truncated zip archive",
            reason=f"the archive is cut off: its directory is missing from the end ({window.size} bytes are here).",
            hint=AGAIN,
        )
    if directory > _LARGEST_DIRECTORY:
        return FileKind(
            "zip archive",
            reason=f"the directory of this archive takes {directory} bytes; that of a Keras model takes a few hundred, "
            "that of a list of its arrays less than a million.",
            hint="Do not use it; ask where it came from.",
        )
    try:
        window.seek(0)
        with zipfile.ZipFile(window) as archive:
            names = set(archive.namelist())
    except Exception:
        return FileKind("damaged zip archive", reason="the directory of the archive is damaged.", hint=AGAIN)
    if names & {"config.json", "model.weights.h5", "model.weights.npz"}:
        return ARCHIVE
    if any(name.endswith("data.pkl") for name in names):
        return FileKind(
            "PyTorch checkpoint",
            reason="this is a PyTorch checkpoint already.",
            hint="regraft reads Keras files; load this one with torch.load(path, weights_only=True).",
        )
    if names and all(name.endswith(".npy") for name in names):
        return ARRAYS
    if any(name.endswith("saved_model.pb") for name in names):
        return FileKind("zipped SavedModel", reason="this is a zipped TensorFlow SavedModel.", hint=RESAVE)
    return FileKind("zip archive", reason="this archive holds no Keras model.", hint="Unpack it; give the file inside.")


def _starts(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(marks)


def _is_pickle(head: bytes) -> bool:
    """Protocol 2 to 5, or protocol 0 or 1 of a container or a class."""
    return (head[0] == 0x80 and len(head) > 1 and head[1] in (2, 3, 4, 5)) or head.startswith(
        (b"(dp", b"(lp", b"ccopy_reg\n", b"cnumpy", b"ccollections\n", b"}q\x00", b"]q\x00")
    )


def _is_torch(head: bytes) -> bool:
    # torch.save before 1.6 starts with a pickled magic number, 0x1950a86a20f9469cfc6c
    return head[0] == 0x80 and b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19" in head[:32]


def _is_html(head: bytes) -> bool:
    return re.match(rb"\s*(<!--.*?-->\s*)?<(!doctype html|html|head|\?xml|body|script)", head, re.I | re.S) is not None


def _is_safetensors(head: bytes) -> bool:
    return len(head) > 9 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") < 1 << 30


def _is_onnx(head: bytes) -> bool:
    """An ONNX ModelProto: field 1 (ir_version), then the producer or the opset."""
    return len(head) > 2 and head[0] == 0x08 and 0 < head[1] < 32 and head[2] in (0x12, 0x1A, 0x3A, 0x42)


_ONNX = FileKind(
    "ONNX model",
    reason="this is an ONNX model, no Keras file.",
    hint="Ask for the Keras file that it was made from.",
)
_SIMPLE: tuple[tuple[Callable[[bytes], bool], FileKind], ...] = (
    (
        _starts(b"version https://git-lfs"),
        FileKind(
            "git-lfs pointer",
            reason="this is a git-lfs pointer of a few lines, not the file that it stands for.",
            hint="Run `git lfs pull` in its repository, or download the file from the project's page.",
        ),
    ),
    (
        _is_html,
        FileKind(
            "web page",
            reason="this is a web page, so the download failed.",
            hint="Download again through the link to the raw file, and check the size.",
        ),
    ),
    (
        _is_torch,
        FileKind(
            "PyTorch checkpoint", reason="this is a PyTorch checkpoint already.", hint="regraft reads Keras files."
        ),
    ),
    (_is_pickle, _PICKLE),
    (
        holds_objects,
        FileKind(
            "pickle",
            reason="this is a NumPy array of Python objects, which is a pickle: it can run any program when it is "
            "loaded, and regraft never loads one.",
            hint=PICKLE_HINT,
        ),
    ),
    (
        _starts(b"\x93NUMPY"),
        FileKind(
            "npy",
            reason="this is one NumPy array; the weights of a model are several.",
            hint="Give a Keras weights file, or an .npz of all arrays: np.savez('weights.npz', *model.get_weights()).",
        ),
    ),
    (
        lambda head: head[4:8] == b"TFL3",
        FileKind(
            "TensorFlow Lite model",
            reason="this is a TensorFlow Lite model: a compiled form that no longer has Keras layers.",
            hint="Ask for the Keras file that it was made from.",
        ),
    ),
    (
        _is_safetensors,
        FileKind("safetensors", reason="this is a safetensors file, no Keras file.", hint="Give a Keras weights file."),
    ),
    (_starts(b"\x1f\x8b"), FileKind("gzip", reason="this is a gzip file.", hint="Unpack it; give the file inside.")),
    (
        lambda head: head[257:262] == b"ustar",
        FileKind("tar archive", reason="this is a tar archive.", hint="Unpack it; give the file inside."),
    ),
    (
        _starts(b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd"),
        FileKind("compressed file", reason="this is a compressed file.", hint="Unpack it; give the file inside."),
    ),
    (
        _starts(b"model_checkpoint_path:"),
        _CHECKPOINT,
    ),
    (
        _starts(b"\x89PNG", b"\xff\xd8\xff", b"%PDF", b"\x7fELF", b"MZ", b"GIF8"),
        FileKind("other file", reason="this is an image, a document or a program.", hint="Give a Keras weights file."),
    ),
)


def _named(path: Path, head: bytes) -> FileKind | None:
    """Formats without a mark of their own: the name helps, and is all there is."""
    name = path.name
    if re.search(r"\.data-\d{5}-of-\d{5}$", name) or (name.endswith(".index") and b"\0" in head):
        return _CHECKPOINT
    if name in ("saved_model.pb", "keras_metadata.pb"):
        return FileKind(
            "SavedModel", reason="this is a part of a TensorFlow SavedModel.", hint="Give Keras weights. " + RESAVE
        )
    return None


def _text(window: Window, head: bytes) -> FileKind:
    if not any(byte < 9 for byte in head):
        stripped = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        if stripped.startswith(b"{"):
            return _json(window, head)
        try:
            head[:-4].decode("utf-8") if len(head) == _START else head.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return FileKind("text file", reason="this is a text file.", hint="Give a Keras weights file.")
    return FileKind("unknown file", reason="this is no file that regraft knows.", hint="Give a Keras weights file.")


def _json(window: Window, head: bytes) -> FileKind:
    tail = window.read_at(max(0, window.size - _START), _START)
    if b'"weight_map"' in head or b'"weight_map"' in tail:
        return SHARDED
    if b'"class_name"' in head or b'"layers"' in head or b'"config"' in head:
        return FileKind(
            "Keras architecture",
            reason="this is an architecture alone; it has no weights.",
            hint="Give the weights file, and this one as the architecture.",
        )
    return FileKind("JSON", reason="this is JSON, but no Keras architecture.", hint="Give a Keras weights file.")
