"""
``.keras`` files: a zip archive of three members, or the same three files in a folder.

The HDF5 member is read in place. Keras stores it uncompressed; a compressed one is copied to a private temporary
file first. Nothing is ever extracted under a name from the archive.
"""

from __future__ import annotations

import stat
import struct
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from regraft.errors import ConfigError, FileError, NotKerasError, RegraftError, UnsafeFileError, quote
from regraft.weights.json_text import decode, parse_object
from regraft.weights.limits import KIB, MIB, Limits
from regraft.weights.sniff import HDF5_SIGNATURE
from regraft.weights.window import Window, open_regular

METADATA, CONFIG, WEIGHTS, NPZ = "metadata.json", "config.json", "model.weights.h5", "model.weights.npz"
METADATA_SIZE = 64 * KIB
JSON_EXPANSION = 100
_LOCAL_HEADER = 30


@dataclass(frozen=True)
class Package:
    """
    The parts of a ``.keras`` file.

    Attributes:
        config: The architecture JSON as text, or None if the package has none.
        keras_version: From the metadata, or empty.
        weights: The HDF5 file.
        notes: What a person should know.
        ignored: Other members, with the reason.
    """

    config: str | None
    keras_version: str
    weights: Window
    notes: tuple[str, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()


def open_folder(path: Path, limits: Limits) -> Package:
    """An unpacked ``.keras`` folder."""
    if not (path / WEIGHTS).exists():
        _refuse_npz(path)

    def text(name: str, size: int) -> str | None:
        if not (path / name).exists():
            return None
        window = Window(open_regular(path / name))
        try:
            if window.size > size:
                raise UnsafeFileError(path, f"{name} takes {window.size} bytes; at most {size} are read.")
            return _text(window.read_at(0, window.size), path, name)
        finally:
            window.close()

    config, metadata = text(CONFIG, limits.json), text(METADATA, METADATA_SIZE)
    weights = Window(open_regular(path / WEIGHTS))
    return Package(_checked(config, path, limits), _version(metadata, path, limits), weights)


def open_archive(path: Path, limits: Limits) -> Package:
    """
    A ``.keras`` archive.

    Raises:
        UnsafeFileError: Duplicate, overlapping, encrypted or exploding members, links, odd compression.
        NotKerasError: If the weights are a pickle (``model.weights.npz``), or there are none.
    """
    window = Window(open_regular(path))
    try:
        return _open_archive(path, window, limits)
    except RegraftError:
        window.close()
        raise
    except Exception as error:  # zipfile and zlib raise about ten kinds on damaged archives
        window.close()
        raise FileError(
            path, f"the archive is damaged ({quote(str(error))[1:-1]}).", hint="Download or copy it again."
        ) from None


def _open_archive(path: Path, window: Window, limits: Limits) -> Package:
    archive = zipfile.ZipFile(window)
    members = archive.infolist()
    spans = check_members(path, window, members, limits)
    if WEIGHTS not in spans:
        if NPZ in spans:
            _refuse_npz(path)
        raise NotKerasError(
            path,
            "Keras archive without weights",
            f"the archive has no {WEIGHTS}.",
            hint="Save the model again with model.save('x.keras').",
        )
    refuse_hidden_hdf5(path, window, spans[WEIGHTS][0])
    by_name = {member.filename: member for member in members}
    config = _member(path, archive, by_name.get(CONFIG), limits.json)
    metadata = _member(path, archive, by_name.get(METADATA), METADATA_SIZE)
    notes: tuple[str, ...] = ()
    member = by_name[WEIGHTS]
    if member.compress_type == zipfile.ZIP_STORED:
        start, size = spans[WEIGHTS]
        weights = Window(open_regular(path), start, size)
    else:
        weights = _spool(path, archive, member, limits)
        notes = ("the weights inside the archive are compressed, so they were unpacked to a temporary file",)
    window.close()
    return Package(_checked(config, path, limits), _version(metadata, path, limits), weights, notes, _others(by_name))


def check_members(
    path: Path, window: Window, members: list[zipfile.ZipInfo], limits: Limits
) -> dict[str, tuple[int, int]]:
    """Start and stored size of every member's data, after checks on all of them."""
    if len(members) > limits.members:
        raise UnsafeFileError(path, f"the archive has more than {limits.members} members.")
    seen: set[str] = set()
    spans: dict[str, tuple[int, int]] = {}
    ends: list[tuple[int, int]] = []
    for member in members:
        name, shown = member.filename, quote(member.filename)
        folded = unicodedata.normalize("NFKC", name).casefold()
        if folded in seen:
            raise UnsafeFileError(path, f"the archive has two members named {shown}.")
        seen.add(folded)
        if member.flag_bits & 0x1:
            raise UnsafeFileError(path, f"the member {shown} is encrypted.")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnsafeFileError(path, f"the member {shown} has compression method {member.compress_type}.")
        mode = member.external_attr >> 16
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UnsafeFileError(path, f"the member {shown} is a link or a device.")
        start = _data_start(path, window, member)
        if start + member.compress_size > window.size:
            raise FileError(path, f"the member {shown} is cut off.", hint="Download the file again.")
        if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
            raise UnsafeFileError(path, f"the member {shown} declares two different sizes.")
        spans[name] = (start, member.compress_size)
        ends.append((member.header_offset, start + member.compress_size))
    ends.sort()
    if ends and ends[0][0] != 0:
        raise UnsafeFileError(path, "other data stands before the first member of the archive.")
    if any(end > following for (_, end), (following, _) in pairwise(ends)):
        raise UnsafeFileError(path, "members of the archive overlap.")
    return spans


def _data_start(path: Path, window: Window, member: zipfile.ZipInfo) -> int:
    """Offset of a member's data: behind its local header, which must agree with the directory."""
    header = window.read_at(member.header_offset, _LOCAL_HEADER)
    if len(header) != _LOCAL_HEADER or header[:4] != b"PK\x03\x04":
        raise FileError(path, f"the member {quote(member.filename)} has no header.", hint="The archive is damaged.")
    flags, method = struct.unpack_from("<HH", header, 6)
    name_size, extra_size = struct.unpack_from("<HH", header, 26)
    name = window.read_at(member.header_offset + _LOCAL_HEADER, name_size)
    if name != member.orig_filename.encode("utf-8" if flags & 0x800 else "cp437", "replace"):
        raise UnsafeFileError(path, f"the member {quote(member.filename)} has another name in its own header.")
    if method != member.compress_type or flags & 0x1:
        raise UnsafeFileError(path, f"the member {quote(member.filename)} contradicts its own header.")
    return member.header_offset + _LOCAL_HEADER + name_size + extra_size


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo | None, size: int) -> str | None:
    """Text of a small member."""
    if member is None:
        return None
    shown = quote(member.filename)
    if member.file_size > size:
        raise UnsafeFileError(path, f"the member {shown} takes {member.file_size} bytes; at most {size} are read.")
    if member.file_size > MIB and member.file_size > JSON_EXPANSION * member.compress_size:
        raise UnsafeFileError(path, f"the member {shown} unpacks to more than {JSON_EXPANSION} times its size.")
    with archive.open(member) as stream:
        raw = stream.read(size + 1)
    return _text(raw, path, member.filename)


def _text(raw: bytes, path: Path, name: str) -> str:
    return decode(raw, f"{path}:{name}")


def _checked(config: str | None, path: Path, limits: Limits) -> str | None:
    if config is not None:
        parse_object(config, f"{path}:{CONFIG}", limits)
    return config


def _version(metadata: str | None, path: Path, limits: Limits) -> str:
    if metadata is None:
        return ""
    version = parse_object(metadata, f"{path}:{METADATA}", limits).get("keras_version", "")
    if not isinstance(version, str):
        raise ConfigError(f"{path}:{METADATA}: keras_version is no text.")
    return version


def _spool(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits) -> Window:
    """Unpack the weights to a temporary file that only this user can read, and that goes when it is closed."""
    if member.file_size > limits.member_expansion * member.compress_size + MIB:
        raise UnsafeFileError(
            path,
            f"the compressed weights unpack to more than {limits.member_expansion} times their size.",
            hint="If you trust the file, raise Limits.member_expansion.",
        )
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - the window closes it
    try:
        with archive.open(member) as stream:
            while block := stream.read(MIB):
                file.write(block)
    except BaseException:
        file.close()
        raise
    return Window(file)


def _others(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Members that are not read: vocabularies of lookup layers, or something Keras does not write."""
    return tuple(
        (quote(name)[1:-1], "vocabulary" if name.startswith("assets/") else "not a member that Keras writes")
        for name in names
        if name not in (METADATA, CONFIG, WEIGHTS) and not name.endswith("/")
    )


def refuse_hidden_hdf5(path: Path, window: Window, weights_start: int = -1) -> None:
    """HDF5 looks for its signature at 512, 1024, 2048 ...; only the weights member may happen to lie there."""
    at = 512
    while at < window.size:
        if at != weights_start and window.read_at(at, 8) == HDF5_SIGNATURE:
            raise UnsafeFileError(
                path, "the archive is valid as HDF5 too, so programs would disagree about its content."
            )
        at *= 2


def _refuse_npz(path: Path) -> None:
    raise NotKerasError(
        path,
        "Keras archive with pickled weights",
        f"its weights are a pickle ({NPZ}), which can run any program when it is loaded; regraft never loads one.",
        hint="In Keras, save the model again with model.save('x.keras') without npz.",
    )
