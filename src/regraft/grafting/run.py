"""One graft: both modules traced, paired, the user's filled, both run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from regraft.errors import FileError, RegraftError, ShapeMismatchError
from regraft.graft.difference import Difference
from regraft.graft.filling import fill
from regraft.graft.mapping import TensorMap, checked, from_toml
from regraft.graft.network import network_of
from regraft.graft.onto import Grafting, Side, side
from regraft.graft.scripted import scripted
from regraft.graft.setting import ATTRIBUTES
from regraft.grafting.example import example_for, telling
from regraft.grafting.fusion import fused
from regraft.grafting.judging import CONSTANT, further, judged
from regraft.grafting.placing import Placed, placed
from regraft.grafting.result import Graft
from regraft.grafting.settling import answers
from regraft.grafting.source import Converted, File, as_taken, converted, likeliest, reader, wide
from regraft.grafting.statistics import Contradiction, contradictions
from regraft.grafting.tensor_map import tensor_map
from regraft.grafting.unrunnable import in_order, said, tried_on, unrunnable
from regraft.grafting.untraced import untraced
from regraft.layers.custom import Source as CustomFile
from regraft.layers.custom import active
from regraft.layers.custom import load as load_custom
from regraft.weights import WeightTree, read

#: How often an architecture is recovered anew with what the module says.
MOST_ROUNDS = 4


def graft(
    weights: File | WeightTree,
    module: Any,
    example_input: Any = None,
    *,
    architecture: File | None = None,
    mapping: TensorMap | File | None = None,
    fix: bool = False,
    custom: CustomFile | None = None,
) -> Graft:
    """
    Put the weights of a Keras file onto a PyTorch module.

    Args:
        weights: The file, or what ``read`` gave.
        module: A ``torch.nn.Module``. It is filled in place if everything fits, and left alone otherwise.
        example_input: What the module takes: a tensor, or several, with the batch first. It is run once in evaluation mode.
            Without one the architecture says what to try, channels first.
        architecture: The architecture JSON, for a file that has none; without one it is recovered.
        mapping: A mapping to apply instead of looking for one.
        fix: Set epsilon and momentum of normalisations on the module where they differ.
        custom: A Python file of yours that declares layers, as ``docs/custom-layers.md`` shows; it is imported.

    Raises:
        RegraftError: The file or its architecture cannot be used.
        RuntimeError: And whatever else the module raises on the example.
    """
    tree = weights if isinstance(weights, WeightTree) else read(weights)
    inputs = tuple(example_input) if isinstance(example_input, list | tuple) else (example_input,)
    inputs = () if example_input is None else inputs
    with active(load_custom(custom)):
        source = converted(tree, architecture, [tuple(tensor.shape) for tensor in inputs])
        example = inputs or (tried_on(source, ()) if unrunnable(source) else example_for(source))
        return grafted(source, module, example, mapping, fix=fix)


def grafted(
    source: Converted,
    module: Any,
    inputs: tuple[Any, ...],
    mapping: TensorMap | File | None = None,
    *,
    fix: bool = False,
) -> Graft:
    """The same for a file that is converted already; of an architecture that was recovered the module settles what is open."""
    if unknown := unrunnable(source):
        return placed_in_order(source, module, inputs, mapping, unknown)
    given, inputs = inputs, telling(source, inputs)
    if why := scripted(module):
        return untraced(source, module, inputs, planned(mapping), why)
    right = side(module, inputs)
    source, ours, grafting = placed(source, inputs, right)
    if not source.stated and mapping is None:
        source, ours, grafting = settled(source, inputs, right, grafting) or (source, ours, grafting)
    plan = planned(mapping)
    if plan is None and grafting.problems and (found := fused(source, ours, right, inputs, module, grafting)):
        grafting, plan = found
    plan = plan or tensor_map(source.module, grafting)
    result = Graft(module, grafting, plan, None, source, inputs)
    if grafting.problems and mapping is None:
        return result
    state = state_of(module, plan, source)
    against = contradictions(right.network, state)
    if mapping is None and not source.stated and (wrong := doubted(grafting, against)):
        return replace(result, grafting=replace(grafting, problems=wrong))
    fill(module, state)
    fixed = tuple(d for d in grafting.differences if fix and set_on(module, d))
    result = replace(
        result, fixed=fixed, notes=(CONSTANT,) if any(a is not b for a, b in zip(given, inputs, strict=True)) else ()
    )
    result = judged(replace(result, grafting=grafting), ours)
    result = further(result) if result.equal and source.stated else result
    said_against = () if source.stated and result.equal else tuple(map(str, against))
    return replace(result, against=said_against)


def placed_in_order(
    source: Converted, module: Any, inputs: tuple[Any, ...], mapping: TensorMap | File | None, unknown: tuple[str, ...]
) -> Graft:
    """The same for a file whose model cannot be run: layers and modules in order, and nothing compared."""
    grafting, run = in_order(source, module, inputs)
    plan = planned(mapping)
    if plan is not None:
        grafting = replace(grafting, problems=())
    plan = plan or tensor_map(source.module, grafting)
    told = tuple(said(unknown, run is not None))
    result = Graft(module, grafting, plan, None, source, inputs, unknown=told)
    if grafting.problems:
        return result
    state = state_of(module, plan, source)
    against = tuple(map(str, contradictions(network_of(run), state))) if run is not None else ()
    if against and mapping is None:
        return replace(result, grafting=replace(grafting, problems=against))
    fill(module, state)
    return replace(result, against=against)


def state_of(module: Any, plan: TensorMap, source: Converted) -> dict[str, np.ndarray]:
    """
    The parameters of a module as a mapping has them.

    Raises:
        ShapeMismatchError: It does not fit the module.
    """
    state = plan.parameters(reader(source.tree))
    shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    if wrong := checked(shapes, state):
        raise ShapeMismatchError("the mapping does not fit the module:\n  " + "\n  ".join(wrong[:20]))
    return state


def doubted(grafting: Grafting, against: Sequence[Contradiction]) -> tuple[str, ...]:
    """Contradictions at layers that were paired by nothing better than their order or their names."""
    tied = {name for names, _ in grafting.ties for name in names}
    tied |= {pair.target for pair in grafting.pairs if pair.how == "order"}
    return tuple(str(one) for one in against if tied & {one.layer, one.norm})


def settled(source: Converted, inputs: tuple[Any, ...], right: Side, grafting: Grafting) -> Placed | None:
    """The architecture again, with the module's answers to what the file leaves open; None if that gives nothing better."""
    shapes = [tuple(tensor.shape) for tensor in inputs]
    told: dict[str, str] = {}
    best: tuple[tuple[int, int], Placed | None] = (unlike(grafting), None)
    current = (source, grafting)
    for _ in range(MOST_ROUNDS):
        left = side(current[0].twin.model, wide(as_taken(current[0], inputs)))
        new = answers(current[0].blueprint, current[0].module, left, right, current[1].matching)
        if not new or set(new.items()) <= set(told.items()):
            break
        told |= new
        try:
            (again,) = likeliest(source.tree, shapes, told)
            found = placed(again, inputs, right)
        except RegraftError:
            break  # the module says what this file cannot be: the differences stand
        if unlike(found[2]) < best[0]:
            best = (unlike(found[2]), found)
        current = (again, found[2])
    return best[1]


def unlike(grafting: Grafting) -> tuple[int, int]:
    """How much two modules differ: what does not fit, then settings."""
    return len(grafting.problems), sum(d.what != "momentum" for d in grafting.differences)


def planned(mapping: TensorMap | File | None) -> TensorMap | None:
    """A mapping, of a file or as it is."""
    return mapping if mapping is None or isinstance(mapping, TensorMap) else read_mapping(mapping)


def read_mapping(path: File) -> TensorMap:
    """
    The mapping in a file.

    Raises:
        FileError: It cannot be read.
        ConfigError: It is none.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(path, f"cannot be read: {error}") from error
    return from_toml(text, str(path))


def set_on(module: Any, difference: Difference) -> bool:
    """Set a setting of a normalisation on the module; other settings are the user's to change."""
    name = ATTRIBUTES.get(difference.what)
    if name is None:
        return False
    part = module.get_submodule(difference.where)
    if not isinstance(getattr(part, name, None), float):
        return False
    setattr(part, name, float(difference.expected))
    return True
