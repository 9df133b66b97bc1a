"""How much a file may ask for before it is refused, and the running count of what it has asked for."""

from __future__ import annotations

from dataclasses import dataclass

from regraft.errors import UnsafeFileError

KIB, MIB = 1 << 10, 1 << 20


@dataclass(frozen=True)
class Limits:
    """
    Bounds on one file. The defaults fit every file that Keras writes; raise one to read an unusual file you trust.

    Attributes:
        nodes: Groups and arrays.
        depth: Groups inside groups.
        name: Characters of one name.
        rank: Axes of one array.
        expansion: Decoded bytes of all arrays together, for each byte of the file ...
        slack: ... and these bytes on top, so that small files are not judged by a ratio.
        array_expansion: Decoded bytes of one compressed array for each stored byte (arrays under 1 MiB are free).
        chunk: Bytes of one chunk, which HDF5 holds in memory whole however small the array is.
        chunks: Chunks of one array.
        attributes: Bytes of all attributes that are read, together.
        names: Entries of one list of names.
        json: Bytes of an architecture.
        json_depth: Objects inside objects of an architecture.
        json_values: Keys, texts and lists of an architecture.
        member_expansion: Unpacked bytes of compressed weights in a .keras archive, for each packed byte.
        members: Members of a .keras or .npz archive.
        shards: Files of a sharded model.
    """

    nodes: int = 60_000
    depth: int = 64
    name: int = 1024
    rank: int = 8
    expansion: int = 20
    slack: int = 64 * MIB
    array_expansion: int = 200
    chunk: int = 256 * MIB
    chunks: int = 1_000_000
    attributes: int = 64 * MIB
    names: int = 1_000_000
    json: int = 64 * MIB
    json_depth: int = 200
    json_values: int = 2_000_000
    member_expansion: int = 10
    members: int = 10_000
    shards: int = 1000


class Budget:
    """Counts what one file has asked for; going over a limit raises."""

    def __init__(self, file: str, size: int, limits: Limits) -> None:
        self.file, self.file_size, self.limits = file, size, limits
        self.decoded_limit = limits.expansion * size + limits.slack
        self.nodes = self.decoded = self.attributes = 0

    def add_nodes(self, count: int, path: str) -> None:
        """Count groups and arrays."""
        self.nodes += count
        if self.nodes > self.limits.nodes:
            raise UnsafeFileError(
                self.file,
                f"the file holds more than {self.limits.nodes} groups and arrays.",
                path=path,
                hint="If you trust it, raise Limits.nodes.",
            )

    def add_decoded(self, nbytes: int, path: str) -> None:
        """Count bytes that reading every array would take."""
        self.decoded += nbytes
        if self.decoded > self.decoded_limit:
            raise UnsafeFileError(
                self.file,
                f"the arrays declare more than {self.decoded_limit} bytes, far more than the file can hold.",
                path=path,
                hint="If you trust it, raise Limits.expansion.",
            )

    def add_attribute(self, nbytes: int, path: str) -> None:
        """Count bytes of attributes, before they are read."""
        self.attributes += nbytes
        if self.attributes > self.limits.attributes:
            raise UnsafeFileError(
                self.file,
                f"the attributes take more than {self.limits.attributes} bytes.",
                path=path,
                hint="If you trust it, raise Limits.attributes.",
            )
