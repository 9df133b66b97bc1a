"""Arrays into a module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def fill(module: Any, state: Mapping[str, np.ndarray]) -> None:
    """
    Set parameters and buffers of a module; those without a new value stay.

    Args:
        module: A ``torch.nn.Module``.
        state: New values by key of its state dict, in the shapes of the module; the dtype is the module's own.
    """
    import torch

    arrays = {key: torch.from_numpy(np.ascontiguousarray(array)) for key, array in state.items()}
    module.load_state_dict(arrays, strict=False)
