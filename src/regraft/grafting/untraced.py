"""
A module whose run cannot be seen: layers and modules are paired in their order of definition, and the outputs decide.

Code of TorchScript runs outside of Python. What it computes can be compared all the same, at the outputs alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from regraft.errors import ShapeMismatchError
from regraft.graft.comparing import TOLERANCE, Comparison
from regraft.graft.filling import fill
from regraft.graft.mapping import TensorMap, checked
from regraft.graft.scripted import outputs
from regraft.grafting.result import Graft
from regraft.grafting.source import Converted, as_taken, reader
from regraft.grafting.tensor_map import tensor_map
from regraft.grafting.unrunnable import in_order

NOT_SEEN = "the module cannot be traced ({}): its layers were taken in the order in which they are defined"
ALONE = "; the outputs alone were compared"
NOTHING = "; nothing was compared"


def untraced(
    source: Converted, module: Any, inputs: Sequence[Any], plan: TensorMap | None, why: str, *, runs: bool = True
) -> Graft:
    """
    The weights onto a module by order of definition.

    Args:
        source: The file.
        module: The user's module.
        inputs: What it is run on.
        plan: A mapping to apply instead of looking for one.
        why: Why its run cannot be seen.
        runs: Whether it can be run, so that outputs can be compared.

    Raises:
        ShapeMismatchError: The mapping does not fit the module.
    """
    grafting, _ = in_order(source, module, (), by_forms=runs)
    if plan is not None or runs:
        # which way a Flatten lies, the outputs say
        grafting = replace(grafting, problems=tuple(p for p in grafting.problems if "behind a Flatten" not in p))
    if plan is not None:
        grafting = replace(grafting, problems=())
    plan = plan or tensor_map(source.module, grafting)
    said = NOT_SEEN.format(why) + (ALONE if runs else NOTHING)
    result = Graft(module, grafting, plan, None, source, tuple(inputs), notes=(said,))
    if grafting.problems:
        return result
    state = plan.parameters(reader(source.tree))
    if wrong := checked({key: tuple(value.shape) for key, value in module.state_dict().items()}, state):
        raise ShapeMismatchError("the mapping does not fit the module:\n  " + "\n  ".join(wrong[:20]))
    if not runs:
        fill(module, state)
        return replace(result, unknown=(said,), notes=())
    found = outputs(source.twin.model, module, as_taken(source, inputs), inputs, state)
    if not all(off is not None and off <= TOLERANCE for off in found) and result.grafting.ties:
        names = " and ".join(", ".join(names[:4]) for names, _ in grafting.ties[:4])
        told = max((off for off in found if off is not None), default=None)
        problem = (
            f"in that order the outputs differ by {told:.1e} of the largest value, and {names} are told apart by nothing "
            "else: state the pairs in a mapping.toml, with --mapping, or graft onto the module before it is scripted"
            if told is not None
            else "the outputs cannot be compared: their shapes differ"
        )
        return replace(result, grafting=replace(grafting, problems=(problem,)))
    fill(module, state)
    return replace(result, comparison=Comparison((), found))
