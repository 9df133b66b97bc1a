"""
The weights of a Keras file onto a PyTorch module that the user already has.

The file becomes a module of our own first, which is compared with Keras; then the runs of the two modules are put side by
side, so that names and the order of definition are of no account. See ``regraft.graft``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from regraft.blueprint import Blueprint
from regraft.convert import read_blueprint
from regraft.emit.module import Module, emit
from regraft.emit.plan import Transfer
from regraft.errors import NoArchitectureError, ShapeMismatchError
from regraft.graft.comparing import Comparison, compare
from regraft.graft.difference import Difference
from regraft.graft.filling import fill
from regraft.graft.mapping import Entry, Made, TensorMap, checked, from_toml
from regraft.graft.onto import Grafting, onto, side
from regraft.layers.binding import Binding, bind
from regraft.layout import Layout, Move
from regraft.recovery import recover, remembered, subject_of
from regraft.verify.trace import Emitted, emitted
from regraft.weights import WeightTree, read

File = str | os.PathLike[str]


@dataclass(frozen=True)
class Graft:
    """
    A user's module with the weights of a file, and what is known of the result.

    Attributes:
        module: The module; its parameters are the file's if there are no problems, else untouched.
        grafting: Which unit became which, what differs, what does not fit.
        mapping: Every variable's way, to be written, edited and turned round.
        comparison: Both modules on the same random input; None if the weights do not fit.
        blueprint: The architecture that the file was read with.
        stated: Whether that architecture was stated; else it was recovered, and the result rests on it.
        fixed: Settings that were set on the module.
    """

    module: Any
    grafting: Grafting
    mapping: TensorMap
    comparison: Comparison | None
    blueprint: Blueprint
    stated: bool
    tree: WeightTree = field(repr=False)
    fixed: tuple[Difference, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the weights do not fit; none if they do."""
        return self.grafting.problems

    @property
    def equal(self) -> bool:
        """Whether the module computes what the file's own architecture does."""
        return self.comparison is not None and self.comparison.equal


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


def graft(
    weights: File | WeightTree,
    module: Any,
    example_input: Any,
    *,
    architecture: File | None = None,
    mapping: TensorMap | File | None = None,
    fix: bool = False,
) -> Graft:
    """
    Put the weights of a Keras file onto a PyTorch module.

    Args:
        weights: The file, or what ``read`` gave.
        module: A ``torch.nn.Module``. It is filled in place if everything fits, and left alone otherwise.
        example_input: What the module takes: a tensor, or several, with the batch first. It is run once in evaluation mode.
        architecture: The architecture JSON, for a file that has none; without one it is recovered.
        mapping: A mapping to apply instead of looking for one.
        fix: Set epsilon and momentum of normalisations on the module where they differ.

    Raises:
        RegraftError: The file or its architecture cannot be used.
        RuntimeError: And whatever else the module raises on the example.
    """
    tree = weights if isinstance(weights, WeightTree) else read(weights)
    inputs = tuple(example_input) if isinstance(example_input, list | tuple) else (example_input,)
    source = converted(tree, architecture, inputs)
    ours = as_taken(source, inputs)
    left, right = side(source.twin.model, wide(ours)), side(module, inputs)
    grafting = onto(left, right, source.state)
    if mapping is not None:
        plan = (
            mapping
            if isinstance(mapping, TensorMap)
            else from_toml(Path(mapping).read_text(encoding="utf-8"), str(mapping))
        )
        return finished(source, module, grafting, plan, ours, inputs, fix=fix, forced=True)
    return finished(source, module, grafting, tensor_map(source.module, grafting), ours, inputs, fix=fix)


def converted(tree: WeightTree, architecture: File | None, inputs: Sequence[Any]) -> Converted:
    """The file as a module: with its architecture, with the one beside it, or with the likeliest."""
    tree = remembered(tree)
    try:
        blueprint, stated = read_blueprint(tree, architecture, None), True
    except NoArchitectureError:
        shapes = [keras_shape(tuple(tensor.shape[1:])) for tensor in inputs]
        best = recover(tree, input_shapes=shapes)[0]
        tree, blueprint, stated = best.tree, best.blueprint, False
    binding = bind(blueprint, tree)
    module = emit(blueprint, binding, "a graft")
    subject = subject_of(blueprint, binding, module, tree)
    state: Any = subject.state
    return Converted(tree, blueprint, binding, module, emitted(subject), state(), stated)


def keras_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
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


def tensor_map(module: Module, grafting: Grafting) -> TensorMap:
    """The ways of the file's variables into the converted model, and on into the user's module, as one mapping."""
    by_source = {way.source: (pair, way) for pair in grafting.pairs for way in pair.carried if way.source}
    entries: list[Entry] = []
    paths = {
        key: stored for transfer in module.transfers if (stored := stored_path(transfer)) for key in transfer.parameters
    }
    for transfer in module.transfers:
        found = [by_source.get(key) for key in transfer.parameters]
        if not any(found):
            continue
        ways = [item[1] for item in found if item]
        entries.append(
            Entry(
                transfer.layer,
                tuple(
                    Made(tuple(v.path for v in source.sources), telling(source.moves)) for source in transfer.sources
                ),
                telling(transfer.moves),
                tuple(item[1].target if item else "" for item in found),
                {way.target: telling(way.moves) for way in ways if telling(way.moves)},
                {way.target: paths[way.less] for way in ways if way.less},
                next(item[0].how for item in found if item),
            )
        )
    constants = [way for way in grafting.carried if not way.source]
    entries += [Entry("", (), way.moves, (way.target,), {}, {}) for way in constants]
    return TensorMap(tuple(entries))


def telling(moves: Sequence[Move]) -> tuple[Move, ...]:
    """The moves without those that change nothing, and with sizes only where they are needed to turn a move round."""
    kept: list[Move] = []
    for move in moves:
        if not isinstance(move, Layout):
            kept.append(move)
        elif len(set(move.pattern.split(" -> "))) > 1:
            kept.append(Layout(move.pattern, move.sizes_used) if "(" in move.pattern else Layout(move.pattern))
    return tuple(kept)


def stored_path(transfer: Transfer) -> str:
    """The stored array that is a parameter as it is; empty if there is no such one."""
    simple = len(transfer.sources) == 1 and len(transfer.sources[0].sources) == 1 and not telling(transfer.moves)
    return transfer.sources[0].sources[0].path if simple else ""


def finished(
    source: Converted,
    module: Any,
    grafting: Grafting,
    plan: TensorMap,
    ours: Sequence[Any],
    theirs: Sequence[Any],
    *,
    fix: bool,
    forced: bool = False,
) -> Graft:
    """The module filled and compared, unless something does not fit."""
    result = Graft(module, grafting, plan, None, source.blueprint, source.stated, source.tree)
    if grafting.problems and not forced:
        return result
    state = plan.parameters(reader(source.tree))
    shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    if wrong := checked(shapes, state):
        raise ShapeMismatchError("the mapping does not fit the module:\n  " + "\n  ".join(wrong[:20]))
    fill(module, state)
    fixed = tuple(d for d in grafting.differences if fix and set_on(module, d))
    comparison = compare(grafting, source.twin.model, module, ours, theirs)
    return Graft(module, grafting, plan, comparison, source.blueprint, source.stated, source.tree, fixed)


def set_on(module: Any, difference: Difference) -> bool:
    """Set a setting of a normalisation on the module; other settings are the user's to change."""
    name = {"epsilon": "eps", "momentum": "momentum"}.get(difference.what)
    if name is None:
        return False
    part = module.get_submodule(difference.where)
    if not isinstance(getattr(part, name, None), float):
        return False
    setattr(part, name, float(difference.expected))
    return True


def reader(tree: WeightTree) -> Callable[[str], np.ndarray]:
    """Stored arrays by path."""
    variables = {variable.path: variable for variable in tree.variables()}

    def stored(path: str) -> np.ndarray:
        if path not in variables:
            raise ShapeMismatchError(f"{tree.file} has no variable {path}: is the mapping that of another file?")
        return variables[path].read()

    return stored


__all__ = ["Graft", "graft"]
