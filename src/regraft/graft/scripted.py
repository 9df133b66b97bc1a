"""Code of TorchScript: it runs outside of Python, so that its outputs are all that can be seen of it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from regraft.graft.comparing import error, wide
from regraft.graft.filling import fill
from regraft.graft.trace import tensors

#: Of the example, which is tried with greater numbers too: a limit at 6 does not show in 5.
FACTORS = (1.0, 30.0)


def scripted(module: Any) -> str:
    """Why the run of a module cannot be seen; empty if it can."""
    import torch

    kinds = (torch.jit.ScriptModule, torch.jit.ScriptFunction)
    found = next((name or "the model" for name, part in module.named_modules() if isinstance(part, kinds)), "")
    return f"{found} is code of TorchScript" if found else ""


def outputs(
    source: Any, target: Any, ours: Sequence[Any], theirs: Sequence[Any], state: Mapping[str, np.ndarray]
) -> tuple[float | None, ...]:
    """
    The outputs of a copy of a module with new parameters, against those of the converted model, in float64.

    Args:
        source: The converted model.
        target: The user's module.
        ours: Inputs of the source.
        theirs: The same inputs as the target takes them.
        state: The new parameters.
    """
    import torch

    twin = copy.deepcopy(target)
    fill(twin, state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript looks for gradients of what has none
        twin = twin.double().eval()
    found: list[tuple[float | None, ...]] = []
    with torch.no_grad():
        for factor in FACTORS:
            here = list(tensors(source(*(times(x, factor) for x in ours))))
            there = list(tensors(twin(*(times(x, factor) for x in theirs))))
            found.append(
                tuple(
                    error(here[i], there[i]) if i < min(len(here), len(there)) else None
                    for i in range(max(len(here), len(there)))
                )
            )
    return tuple(None if None in pair else max(e for e in pair if e is not None) for pair in zip(*found, strict=True))


def times(tensor: Any, factor: float) -> Any:
    """A multiple of a tensor of floats, in double precision; others as they are."""
    return wide(tensor) * factor if tensor.is_floating_point() else tensor
