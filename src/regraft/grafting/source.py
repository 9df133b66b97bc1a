"""The file as a module of our own, which computes what Keras does: one side of every graft."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from regraft.blueprint import Blueprint
from regraft.emit.module import Module, emit
from regraft.errors import NoArchitectureError, ShapeMismatchError
from regraft.layers.binding import Binding, bind
from regraft.recovery import recover, remembered, subject_of
from regraft.stated import read_blueprint
from regraft.verify.trace import Emitted, emitted
from regraft.weights import WeightTree

File = str | os.PathLike[str]


@dataclass(frozen=True)
class Converted:
    """The file as a module of our own, running in float64."""

    tree: WeightTree
    blueprint: Blueprint
    binding: Binding
    module: Module
    twin: Emitted
    state: Mapping[str, np.ndarray]
    stated: bool


def converted(tree: WeightTree, architecture: File | None, shapes: Sequence[tuple[int | None, ...]] = ()) -> Converted:
    """
    The file as a module: with its architecture, with the one beside it, or with the likeliest.

    Args:
        tree: The file.
        architecture: The JSON beside it.
        shapes: Of the inputs as the user's module takes them, batch first; they help to recover an architecture.
    """
    tree = remembered(tree)
    try:
        return running(tree, read_blueprint(tree, architecture, None), stated=True)
    except NoArchitectureError:
        return likeliest(tree, shapes)[0]


def likeliest(
    tree: WeightTree,
    shapes: Sequence[tuple[int | None, ...]],
    settings: Mapping[str, str] | None = None,
    count: int = 1,
) -> list[Converted]:
    """The file as its likeliest architectures have it; ``settings`` are known."""
    known = [keras_shape(tuple(shape[1:])) for shape in shapes]
    found = recover(tree, input_shapes=known, settings=settings)
    return [running(candidate.tree, candidate.blueprint, stated=False) for candidate in found[:count]]


def running(tree: WeightTree, blueprint: Blueprint, *, stated: bool) -> Converted:
    """A file and an architecture as a module that runs."""
    binding = bind(blueprint, tree)
    module = emit(blueprint, binding, "a graft")
    subject = subject_of(blueprint, binding, module, tree)
    state: Any = subject.state
    return Converted(tree, blueprint, binding, module, emitted(subject), state(), stated)


def keras_shape(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """The shape of an example in the order of Keras: channels last."""
    return (*shape[1:], shape[0]) if len(shape) > 2 else shape


def wide(tensors: Sequence[Any]) -> list[Any]:
    """Tensors in double precision, integers as they are."""
    return [tensor.double() if tensor.is_floating_point() else tensor for tensor in tensors]


def as_taken(source: Converted, inputs: Sequence[Any]) -> list[Any]:
    """The example as the converted model takes it: the same numbers, axes in its order."""
    shapes = [
        order.shape(shape) for order, shape in zip(source.module.input_orders, source.module.input_shapes, strict=True)
    ]
    if len(shapes) != len(inputs):
        raise ShapeMismatchError(f"the file's model takes {len(shapes)} inputs, the example has {len(inputs)}")
    found: list[Any] = []
    for shape, tensor in zip(shapes, inputs, strict=True):
        order = next(orders(shape, tuple(tensor.shape)), None)
        if order is None:
            raise ShapeMismatchError(
                f"the example {tuple(tensor.shape)} is no input of the file's model, which takes {shape} in PyTorch's order"
            )
        found.append(tensor.permute(order).contiguous())
    return found


def orders(wanted: Sequence[int | None] | None, given: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Permutations that bring an example into a shape, the identity first; the batch stays."""
    if wanted is None:
        yield tuple(range(len(given)))
        return
    for rest in permutations(range(1, len(given))):
        order = (0, *rest)
        if len(wanted) == len(given) and all(w in (None, given[i]) for w, i in zip(wanted[1:], rest, strict=True)):
            yield order


def reader(tree: WeightTree) -> Callable[[str], np.ndarray]:
    """Stored arrays by path."""
    variables = {variable.path: variable for variable in tree.variables()}

    def stored(path: str) -> np.ndarray:
        if path not in variables:
            raise ShapeMismatchError(f"{tree.file} has no variable {path}: is the mapping that of another file?")
        return variables[path].read()

    return stored
