"""
The one door to h5py: opens an HDF5 file of unknown origin, and lists it after checking every link.

Only hard links are followed, one component at a time; soft and external links, which Keras never writes, are
refused. The walk keeps its own stack, because HDF5's visitor recurses and 20 000 nested groups crash it.
Whatever h5py raises on a damaged file becomes a FileError.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5pl

from regraft.errors import FileError, RegraftError, UnsafeFileError, quote
from regraft.weights import attributes, dataset, object_header
from regraft.weights.limits import Budget, Limits
from regraft.weights.nodes import Dataset, Folder, join
from regraft.weights.window import Window, open_regular

LINK_WORDS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "an external link: it would open another file"}


@contextmanager
def _no_plugins() -> Generator[None]:
    """HDF5 finds no plug-in folder inside, so that no file can make it load a library."""
    folders = [h5pl.get(index) for index in range(h5pl.size())]
    while h5pl.size():
        h5pl.remove(0)
    try:
        yield
    finally:
        for folder in folders:
            h5pl.append(folder)


class SafeFile:
    """
    An open HDF5 file whose every group and array has been checked.

    It stays open as long as anything refers to it, because opening it again for each of 800 arrays is slow; it
    closes when the last reference goes, or at ``close``. No lock is taken: training may go on writing new files.

    Attributes:
        root: The root group, with everything below it.
    """

    def __init__(self, shown: str, window: Window, limits: Limits, skip: tuple[str, ...]) -> None:
        self.shown, self._window = shown, window
        self.budget = Budget(shown, window.size, limits)
        with self._guard(""), _no_plugins():
            # Through a file object HDF5 takes no lock and shares nothing with others who open the same path.
            self._file = h5py.File(window, "r")
            if self._file.userblock_size:
                raise UnsafeFileError(shown, "other data stands before the HDF5 part of the file.")
            self._parsable = self._file.id.get_create_plist().get_sizes() == (8, 8)
            self.root = self._scan(skip)

    @classmethod
    def open(cls, path: Path, limits: Limits, skip: tuple[str, ...] = ()) -> SafeFile:
        """Open a plain file. ``skip`` names root groups that are not looked into."""
        return cls(str(path), Window(open_regular(path)), limits, skip)

    def close(self) -> None:
        """Close the file; arrays can no longer be read."""
        self._file.close()
        self._window.close()

    def __enter__(self) -> SafeFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        with suppress(Exception):  # at the end of the program HDF5 may be gone first
            self._file.close()
        with suppress(Exception):
            self._window.close()

    @contextmanager
    def _guard(self, path: str) -> Generator[None]:
        """Whatever goes wrong inside becomes a FileError that names the place."""
        try:
            yield
        except RegraftError:
            raise
        except MemoryError:
            raise FileError(self.shown, "there is not enough memory to read this.", path=path) from None
        except RecursionError:
            raise UnsafeFileError(self.shown, "the file is nested too deeply.", path=path) from None
        except Exception as error:
            detail = quote(str(error))[1:-1]
            raise FileError(
                self.shown,
                f"HDF5 cannot read this ({detail}).",
                path=path,
                hint="The file is damaged; download or copy it again.",
            ) from None

    def _scan(self, skip: tuple[str, ...]) -> Folder:
        root_id = cast("h5g.GroupID", h5o.open(self._file.id, b"/"))
        root = Folder("/", h5o.get_info(root_id).addr, h5a.get_num_attrs(root_id))
        seen: dict[int, str] = {root.address: "/"}
        stack: list[tuple[h5g.GroupID, Folder, tuple[int, ...]]] = [(root_id, root, (root.address,))]
        while stack:
            gid, folder, above = stack.pop()
            if len(above) > self.budget.limits.depth:
                raise UnsafeFileError(
                    self.shown, f"groups are nested more than {self.budget.limits.depth} deep.", path=folder.path
                )
            for name, raw in self._links(gid, folder.path):
                path = join(folder.path, name)
                if folder is root and name in skip:
                    folder.children[name] = Folder(path, -1, 0)
                    continue
                node = h5o.open(gid, raw)
                address = h5o.get_info(node).addr
                if isinstance(node, h5d.DatasetID):
                    folder.children[name] = dataset.probe(node, path, address, self.budget)
                elif not isinstance(node, h5g.GroupID):
                    raise FileError(self.shown, "this is neither a group nor an array.", path=path)
                elif address in above:
                    raise UnsafeFileError(self.shown, "a group that contains itself.", path=path)
                elif address in seen:
                    folder.aliases[name] = seen[address]
                else:
                    seen[address] = path
                    child = Folder(path, address, h5a.get_num_attrs(node))
                    folder.children[name] = child
                    stack.append((node, child, (*above, address)))
        return root

    def _links(self, gid: h5g.GroupID, path: str) -> list[tuple[str, bytes]]:
        """Names of a group, decoded and checked, each with its raw bytes."""
        self.budget.add_nodes(gid.get_num_objs(), path)
        found: list[tuple[bytes, int]] = []

        def take(name: bytes, info: h5l.LinkInfo) -> None:
            found.append((bytes(name), info.type))

        gid.links.iterate(take, info=True)
        checked: list[tuple[str, bytes]] = []
        for raw, kind in found:
            name = self._name(raw, path)
            if kind != h5l.TYPE_HARD:
                raise UnsafeFileError(
                    self.shown, f"{LINK_WORDS.get(kind, 'a user-defined link')}.", path=join(path, name)
                )
            checked.append((name, raw))
        return checked

    def _name(self, raw: bytes, path: str) -> str:
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise FileError(self.shown, f"a name that is not UTF-8: {quote(raw[:80])}.", path=path) from None
        if name in ("", ".", "..") or "/" in name or "\0" in name or len(name) > self.budget.limits.name:
            raise UnsafeFileError(self.shown, f"an impossible name: {quote(name)}.", path=path)
        return name

    def _open(self, path: str) -> h5g.GroupID | h5d.DatasetID:
        # Every component of the path was listed by the scan, so it is a chain of hard links inside this file.
        return cast("h5g.GroupID | h5d.DatasetID", h5o.open(self._file.id, path.encode()))

    def has(self, folder: Folder, name: str) -> bool:
        """Whether a group has an attribute."""
        with self._guard(folder.path):
            return folder.attribute_count > 0 and attributes.exists(self._open(folder.path), name)

    def integer(self, folder: Folder, name: str) -> int:
        """A whole number among the attributes of a group."""
        with self._guard(folder.path):
            return attributes.read_int(self._open(folder.path), name, folder.path, self.budget)

    def text(self, folder: Folder, name: str) -> str:
        """A text among the attributes of a group; empty if absent."""
        if not folder.attribute_count:
            return ""
        with self._guard(folder.path):
            owner = self._open(folder.path)
            return attributes.read_text(owner, name, folder.path, self.budget, self._read_at)

    def texts(self, folder: Folder, name: str) -> tuple[str, ...] | None:
        """
        A list of texts among the attributes of a group; None if absent.

        Keras cuts lists over 64 kB into ``name0``, ``name1`` and so on; they are joined here.
        """
        if not folder.attribute_count:
            return None
        with self._guard(folder.path):
            owner = self._open(folder.path)

            def read(key: str) -> tuple[str, ...]:
                return attributes.read_texts(owner, key, folder.path, self.budget, self._read_at)

            if attributes.exists(owner, name):
                return read(name)
            if not attributes.exists(owner, f"{name}0"):
                return None
            joined: list[str] = []
            number = 0
            while attributes.exists(owner, f"{name}{number}"):
                joined.extend(read(f"{name}{number}"))
                number += 1
            return tuple(joined)

    def read(self, node: Dataset) -> np.ndarray:
        """Read one array: ``node.shape``, native byte order, C order."""
        with self._guard(node.path), _no_plugins():
            did = self._open(node.path)
            if not isinstance(did, h5d.DatasetID) or h5o.get_info(did).addr != node.address:
                raise FileError(self.shown, "the file changed while it was being read.", path=node.path)
            return dataset.load(did, node, self.shown)

    def link_order(self, folder: Folder) -> tuple[str, ...] | None:
        """
        Names of a group's children in the order in which they were written, or None if the file does not tell.

        Old-style groups do not index that order, but their heap of names still shows it.
        """
        if not self._parsable:
            return None
        raw = object_header.link_order(self._read_at, folder.address)
        if raw is None:
            return None
        names = {name.encode(): name for name in (*folder.children, *folder.aliases)}
        if len(raw) != len(names) or set(raw) != set(names):
            return None
        return tuple(names[name] for name in raw if names[name] in folder.children)

    def _read_at(self, offset: int, count: int) -> bytes:
        return self._window.read_at(offset, count)
