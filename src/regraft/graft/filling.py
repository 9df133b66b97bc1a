"""Arrays into a module, and its state out again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from regraft.errors import FileError


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


def tensor_of(array: np.ndarray) -> Any:
    """An array as a tensor."""
    import torch

    return torch.from_numpy(array)


def save(module: Any, file: IO[bytes]) -> int:
    """Write the state dict as ``torch.save`` does; returns how many tensors it has."""
    import torch

    state = module.state_dict()
    torch.save(state, file)
    return len(state)


def load(path: Path) -> dict[str, np.ndarray]:
    """
    The arrays of a state dict that ``torch.save`` wrote; nothing in the file is executed.

    Raises:
        FileError: It is none.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise FileError(path, f"cannot be read as a state dict: {type(error).__name__}: {error}") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise FileError(
            path, "is no state dict of tensors.", hint="Write it with torch.save(model.state_dict(), path)."
        )
    return {str(key): value.detach().contiguous().numpy() for key, value in state.items()}
