"""Modules of libraries that the user names: each is imported only then, and has to be installed beside regraft."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from regraft.errors import ConfigError, FileError, OutputError, quote

TRANSFORMERS = "transformers"
#: Height and width of an image for a model that takes any.
ANY_IMAGE = 64
#: More than any config.json has.
LARGEST_CONFIG = 1 << 22


def of_torchvision(name: str) -> Callable[..., Any]:
    """A model of torchvision by its name."""
    try:
        from torchvision import models  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
    except ImportError as error:
        raise OutputError(f"torchvision cannot be imported ({error}): install it beside regraft") from error
    return lambda *arguments, **settings: models.get_model(name, *arguments, **settings)


def of_timm(name: str) -> Callable[..., Any]:
    """A model of timm by its name."""
    try:
        import timm  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
    except ImportError as error:
        raise OutputError(f"timm cannot be imported ({error}): install it beside regraft") from error
    return lambda *arguments, **settings: timm.create_model(name, *arguments, **settings)


def of_transformers(name: str, config: Path | None) -> Callable[..., Any]:
    """
    A model class of transformers by its name, with the sizes of a ``config.json``; nothing is downloaded.

    Raises:
        OutputError: There is no such class.
        FileError, ConfigError: The file cannot be read, or holds no object.
    """
    try:
        import transformers  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
    except ImportError as error:
        raise OutputError(f"transformers cannot be imported ({error}): install it beside regraft") from error
    made = getattr(transformers, name, None)
    if not isinstance(made, type) or getattr(made, "config_class", None) is None:
        raise OutputError(
            f"transformers has no model class {quote(name)[1:-1]}; expected such as transformers:BertModel"
        )
    stated = config_of(config) if config is not None else {}

    def build(**settings: Any) -> Any:
        module = made(made.config_class.from_dict({**stated, **settings}))
        if {**stated, **settings}.get("tie_word_embeddings") is False:
            untie(module)
        return module

    return build


def untie(module: Any) -> None:
    """
    Give the scores of the words a table of their own, where a class ties it although its settings say that it does not.

    transformers 5 does so with T5, and unties the two when it loads weights that differ.
    """
    import torch

    inputs, outputs = module.get_input_embeddings(), module.get_output_embeddings()
    if outputs is not None and inputs is not None and outputs.weight is inputs.weight:
        outputs.weight = torch.nn.Parameter(outputs.weight.detach().clone())


def loading(module: Any) -> str:
    """How a model is loaded whose class would tie the two tables again, and so lose one; empty for any other."""
    if getattr(module, "config", None) is None or not getattr(module.config, "tie_word_embeddings", False):
        return ""
    outputs = getattr(module, "get_output_embeddings", lambda: None)()
    if outputs is None or outputs.weight is module.get_input_embeddings().weight:
        return ""
    name = type(module).__name__
    return (
        f"{name} ties the scores of the words to their embeddings unless it loads both: use {name}.from_pretrained(None, "
        "config=config, state_dict=state), not load_state_dict"
    )


def config_of(path: Path) -> dict[str, Any]:
    """
    The settings in a ``config.json``.

    Raises:
        FileError: It cannot be read.
        ConfigError: It is no JSON object.
    """
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            raise FileError(path, "is too large for the settings of a model.")
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(path, f"cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is no JSON: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected the settings of a model, found {type(data).__name__}")
    return data


def example_of(module: Any) -> dict[str, Any]:
    """What a model of transformers may be run on, by the names of its arguments; empty if it does not say."""
    import torch

    config = getattr(module, "config", None)
    name = getattr(module, "main_input_name", "")
    if config is None:
        return {}
    if name == "pixel_values":
        size = getattr(config, "image_size", None) or ANY_IMAGE
        height, width = size if isinstance(size, list | tuple) else (size, size)
        channels = getattr(config, "num_channels", None)
        if not (isinstance(height, int) and isinstance(width, int) and isinstance(channels, int)):
            return {}
        return {name: torch.linspace(-1, 1, 2 * channels * height * width).reshape(2, channels, height, width)}
    return dict(getattr(module, "dummy_inputs", None) or {})


LIBRARIES: Mapping[str, Callable[[str], Callable[..., Any]]] = {"torchvision": of_torchvision, "timm": of_timm}
