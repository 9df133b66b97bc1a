"""
Attributes of an HDF5 file: type and size are checked before the value is read.

Keras writes texts and lists of texts. Old files hold fixed-length bytes, new ones variable-length text, and an
empty list of texts comes as an empty array of float64.
"""

from __future__ import annotations

import numpy as np
from h5py import h5a, h5d, h5g, h5o, h5s, h5t

from regraft.errors import FileError, UnsafeFileError
from regraft.weights.limits import Budget
from regraft.weights.object_header import ReadAt, text_bytes

Owner = h5g.GroupID | h5d.DatasetID


def exists(owner: Owner, name: str) -> bool:
    """Whether the object has this attribute."""
    return h5a.exists(owner, name.encode())


def read_int(owner: Owner, name: str, path: str, budget: Budget) -> int:
    """A whole number, for example ``nb_layers``."""
    attribute = h5a.open(owner, name.encode())
    if attribute.get_type().get_class() != h5t.INTEGER or _count(attribute) != 1:
        raise FileError(budget.file, f"the attribute {name} is not a whole number.", path=path)
    value = np.empty(attribute.shape, "int64")
    attribute.read(value)
    return int(value.reshape(()))


def read_text(owner: Owner, name: str, path: str, budget: Budget, read_at: ReadAt | None = None) -> str:
    """One text, for example ``keras_version``; empty if the attribute is absent."""
    if not exists(owner, name):
        return ""
    found = read_texts(owner, name, path, budget, read_at)
    if len(found) != 1:
        raise FileError(budget.file, f"the attribute {name} is not one text.", path=path)
    return found[0]


def read_texts(owner: Owner, name: str, path: str, budget: Budget, read_at: ReadAt | None = None) -> tuple[str, ...]:
    """
    A list of texts, for example ``layer_names``.

    Raises:
        UnsafeFileError: If it is larger than the limits, or its size cannot be known before reading.
        FileError: If it is something else than text, or not UTF-8.
    """
    attribute = h5a.open(owner, name.encode())
    space, kind = attribute.get_space(), attribute.get_type()
    count = _count(attribute)
    if space.get_simple_extent_type() == h5s.NULL or (count == 0 and len(attribute.shape) == 1):
        return ()
    if kind.get_class() != h5t.STRING or len(attribute.shape) > 1:
        raise FileError(budget.file, f"the attribute {name} is not a list of texts.", path=path)
    if count > budget.limits.names:
        raise UnsafeFileError(budget.file, f"the attribute {name} has {count} entries.", path=path)
    budget.add_attribute(_size(owner, attribute, name, count, path, budget, read_at), path)
    value = np.empty(attribute.shape, object if kind.is_variable_str() else f"S{kind.get_size()}")
    attribute.read(value)
    try:
        return tuple(_decode(item) for item in value.ravel().tolist())
    except UnicodeDecodeError:
        raise FileError(budget.file, f"the attribute {name} is not UTF-8 text.", path=path) from None


def _count(attribute: h5a.AttrID) -> int:
    return int(np.prod(attribute.shape, dtype=object)) if attribute.shape else 1


def _size(
    owner: Owner,
    attribute: h5a.AttrID,
    name: str,
    count: int,
    path: str,
    budget: Budget,
    read_at: ReadAt | None,
) -> int:
    """Bytes of all strings, known before any is read."""
    kind = attribute.get_type()
    if not kind.is_variable_str():
        return count * kind.get_size()
    known = text_bytes(read_at, h5o.get_info(owner).addr, name.encode()) if read_at else None
    if known is not None:
        return known
    # Without the raw header, all we know is that each string fits the file, and that all may be the same one.
    worst = count * budget.file_size
    if worst > budget.limits.attributes:
        raise UnsafeFileError(
            budget.file,
            f"the attribute {name} may take {worst} bytes, and this kind of file does not tell.",
            path=path,
            hint="If you trust the file, raise Limits.attributes.",
        )
    return worst


def _decode(item: bytes | str) -> str:
    return item if isinstance(item, str) else item.decode("utf-8")
