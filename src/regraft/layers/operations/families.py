"""All families of operations: importing them declares every operation."""

# pyright: reportUnusedImport=false

from regraft.layers.operations import (  # noqa: F401 - importing a family fills the catalogue
    activating,
    algebra,
    along,
    binary,
    casting,
    gathering,
    imaging,
    indexing,
    joining,
    moving,
    places,
    pooled,
    rearranging,
    reductions,
    shaping,
    unary,
)
