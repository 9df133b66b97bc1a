"""What a file holds for one layer, as far as its type can be read from it: shapes, roles and the Keras version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regraft.layers import KerasVersion
from regraft.weights import Variable, WeightTree

#: Version assumed where the file states none, by dialect: as ``bind`` takes it, but for files of Keras 2.12 to 2.14.
UNSTATED = {"keras-0": "0.3", "keras-1": "1", "checkpoint-h5": "2.13.0"}
#: The first version that writes layer names into the newer layout.
NAMES_SINCE = "3.6.0"
#: A role that no layer of Keras has: the array belongs to a class of the author's own.
FOREIGN = "?"


@dataclass(frozen=True)
class Held:
    """
    The arrays of one layer.

    Attributes:
        shapes: In file order.
        roles: What the name of each array says, in today's words (``forward/kernel``, ``moving_mean``); empty where it
            says nothing, ``?`` where it says something that no layer of Keras has.
        version: Of the Keras that wrote them.
        first: Whether no layer before it holds variables.
    """

    shapes: tuple[tuple[int, ...], ...]
    roles: tuple[str, ...]
    version: KerasVersion
    first: bool = False


def version_of(tree: WeightTree) -> KerasVersion:
    """The version whose defaults hold for a file: as stored, else the likeliest for its dialect."""
    if tree.keras_version:
        return KerasVersion.parse(tree.keras_version)
    if tree.dialect in UNSTATED:
        return KerasVersion.parse(UNSTATED[tree.dialect])
    return KerasVersion.parse(NAMES_SINCE if any(group.name for group in tree.layers) else "3")


def weights_in(variables: Sequence[Variable]) -> tuple[Variable, ...]:
    """The variables without the states of random number generators, which Keras 3 writes into ``.h5`` files too."""
    return tuple(v for v in variables if "seed_generator" not in v.path)
