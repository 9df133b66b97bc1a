"""The module that the user names: a class or function in a file of theirs, or a model of a library."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from regraft.errors import FileError, OutputError, quote
from regraft.graft.libraries import LIBRARIES, TRANSFORMERS, of_transformers
from regraft.named_call import split_call

EXPECTED = (
    "expected my_net.py:Net, my_net.py:build(num_classes=7), torchvision:resnet50, timm:mobilenetv2_100, "
    "transformers:BertModel with its config.json, or the model.py that regraft wrote"
)


def load_target(text: str, config: Path | None = None) -> Any:
    """
    The module that a text names; a file is imported because the user names it.

    Args:
        text: What the user wrote.
        config: The ``config.json`` with the sizes of a model of transformers.

    Raises:
        OutputError: The text names nothing, or what it names is no module.
        FileError: The file cannot be imported.
    """
    place, _, rest = text.rpartition(":")
    if not place.endswith(".py") and place not in (*LIBRARIES, TRANSFORMERS):
        place, rest = text, "Model"
    name, arguments, named = split_call(rest, EXPECTED)
    if config is not None and place != TRANSFORMERS:
        raise OutputError(f"--config is for transformers:BertModel and its like; {text} takes its sizes as arguments")
    if place == TRANSFORMERS:
        maker = of_transformers(name, config)
    else:
        maker = LIBRARIES[place](name) if place in LIBRARIES else from_file(Path(place), name)
    try:
        found = maker(*arguments, **named)
    except (TypeError, ValueError, RuntimeError) as error:
        raise OutputError(f"{text}: cannot be made: {type(error).__name__}: {error}") from error
    if not hasattr(found, "state_dict"):
        raise OutputError(f"{text}: gives {quote(type(found).__name__)}, which is no torch.nn.Module; {EXPECTED}")
    return found


def from_file(path: Path, name: str) -> Callable[..., Any]:
    """A class or function of a Python file; modules beside the file can be imported by it."""
    if not path.is_file():
        raise FileError(path, "there is no such file.", hint=f"{EXPECTED[0].upper()}{EXPECTED[1:]}.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise FileError(path, "is no Python file.", hint=f"{EXPECTED[0].upper()}{EXPECTED[1:]}.")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    sys.modules.setdefault(path.stem, module)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise FileError(path, f"cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(folder)
    if not callable(getattr(module, name, None)):
        known = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and value.__module__ == module.__name__
        ]
        raise OutputError(f"{path} has no {quote(name)[1:-1]}; its classes: {', '.join(known) or 'none'}")
    return getattr(module, name)
