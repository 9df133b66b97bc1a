"""A state dict of the user into their module, with what did not fit said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regraft.errors import FileError, OutputError

#: Names under which a training script keeps the state dict in what it saves.
INSIDE = ("state_dict", "model_state_dict", "model", "net", "weights")
#: What wrappers put in front of every name.
WRAPPED = ("module.", "model.", "_orig_mod.")
SHOWN = 6


def load_into(module: Any, path: Path) -> list[str]:
    """
    Load a state dict as the user would, and say which entries have no counterpart.

    Args:
        module: A ``torch.nn.Module``, which is changed.
        path: ``.pth``, ``.pt`` or ``.safetensors``; nothing in it is executed.

    Returns:
        What is worth saying: entries that are missing, or that the module does not know.

    Raises:
        FileError: It is no state dict.
        OutputError: It is that of another module.
    """
    state = state_of(path)
    own: dict[str, Any] = module.state_dict()
    for prefix in WRAPPED:
        if not own.keys() & state.keys() and all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    if not own.keys() & state.keys():
        raise OutputError(f"{path} has no entry of the module: it has {listed(state)}, the module {listed(own)}")
    wrong = [
        f"{key}: {tuple(state[key].shape)} in the file, {tuple(own[key].shape)} in the module"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    if wrong:
        raise OutputError(f"{path} is the state dict of another module:\n  " + "\n  ".join(wrong[:SHOWN]))
    module.load_state_dict(state, strict=False)
    missing = [key for key in own if key not in state and not key.endswith("num_batches_tracked")]
    unknown = [key for key in state if key not in own]
    notes = [f"{path.name} lacks {listed(missing)}: the module kept the values it had"] if missing else []
    return [*notes, *([f"{path.name} has {listed(unknown)}, which the module does not"] if unknown else [])]


def state_of(path: Path) -> Mapping[str, Any]:
    """The tensors of a file."""
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        hint = "Write it with torch.save(model.state_dict(), path)."
        raise FileError(path, f"cannot be read as a state dict: {type(error).__name__}: {error}", hint=hint) from error
    for name in INSIDE:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    state = {str(k): v for k, v in found.items() if isinstance(v, torch.Tensor)} if isinstance(found, Mapping) else {}
    if not state:
        raise FileError(path, "holds no tensors by name.", hint="Write it with torch.save(model.state_dict(), path).")
    return state


def listed(names: Any) -> str:
    """The first names."""
    found = list(names)
    rest = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
