"""Operations inside graphs: one file a family, one line an operation. Importing the package declares them all."""

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
from regraft.layers.operations.base import TENSORFLOW_ONLY, Operation
from regraft.layers.operations.refused import REFUSED, REFUSED_FUNCTIONS

__all__ = ["REFUSED", "REFUSED_FUNCTIONS", "TENSORFLOW_ONLY", "Operation"]
