"""Kernels that the Theano backend turned by 180 degrees: Keras 1 files do not say whether theirs are."""

from __future__ import annotations

from regraft.blueprint import Blueprint, Choice
from regraft.layers.matching import match_groups
from regraft.layers.stored import Stored
from regraft.layers.version import KerasVersion
from regraft.layers.walk import built
from regraft.weights import Group, WeightTree


def kernel_choice(blueprint: Blueprint, tree: WeightTree, theano_kernels: bool | None) -> Choice | None:
    """
    The choice that a file without ``backend`` leaves, if it has kernels for which it matters; else None.

    Keras itself takes such kernels as they are. With channels last that is nearly always right, for Theano wrote channels
    first by default; with channels first nobody can tell from the file.
    """
    if tree.backend or theano_kernels is not None or tree.dialect not in ("keras-0", "keras-1"):
        return None
    groups, _ = match_groups(blueprint, tree)
    turned = [
        layer
        for name, layer in built(blueprint).items()
        if layer is not None
        and name in groups
        and layer.stored(plain := stored_of(groups[name], theano=False))
        != layer.stored(stored_of(groups[name], theano=True))
        and any(size > 1 for shape in plain.shapes if len(shape) > 2 for size in shape[2:])
    ]
    if not turned:
        return None
    first = any(getattr(layer, "data_format", "") == "channels_first" for layer in turned)
    evidence = (
        "Keras 1 does not store the backend, and Theano wrote kernels turned by 180 degrees. "
        + ("The model is channels first, as Theano's were by default: " if first else "The model is channels last: ")
        + "taken as they are, as Keras itself does. If the file comes from Theano, convert again with --theano-kernels."
    )
    return Choice("theano_kernels", "no", ("no", "yes"), "open" if first else "assumed", evidence)


def stored_of(group: Group, *, theano: bool) -> Stored:
    """The arrays of one group, as of Keras 1."""
    return Stored(tuple(v.shape for v in group.variables), KerasVersion(1), theano)
