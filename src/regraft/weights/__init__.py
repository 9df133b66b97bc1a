"""Keras weight files to weight trees. Everything about untrusted input is decided here, nothing above sees HDF5."""

from regraft.weights.integrity import check_checksums
from regraft.weights.json_text import read_architecture
from regraft.weights.keras_archive import StoredArray, write_keras_archive
from regraft.weights.limits import Limits
from regraft.weights.reader import read
from regraft.weights.sniff import FileKind, identify
from regraft.weights.tree import Group, Variable, WeightTree
from regraft.weights.writing import write_variables

__all__ = [
    "FileKind",
    "Group",
    "Limits",
    "StoredArray",
    "Variable",
    "WeightTree",
    "check_checksums",
    "identify",
    "read",
    "read_architecture",
    "write_keras_archive",
    "write_variables",
]
