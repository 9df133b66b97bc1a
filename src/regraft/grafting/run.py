"""One graft: both modules traced, paired, the user's filled, both run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regraft.blueprint import Blueprint
from regraft.errors import ShapeMismatchError
from regraft.graft.comparing import Comparison, compare
from regraft.graft.difference import Difference
from regraft.graft.filling import fill
from regraft.graft.mapping import TensorMap, checked, from_toml
from regraft.graft.onto import Grafting, onto, side
from regraft.grafting.source import Converted, File, as_taken, converted, reader, wide
from regraft.grafting.tensor_map import tensor_map
from regraft.weights import WeightTree, read


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
