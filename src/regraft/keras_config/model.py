"""A model of the JSON, at the top or inside another: Sequential or functional."""

from __future__ import annotations

from typing import Any

from regraft.blueprint import Blueprint
from regraft.errors import quote
from regraft.keras_config.functional import read_functional
from regraft.keras_config.layer import MODEL_CLASSES, class_and_config
from regraft.keras_config.place import Place
from regraft.keras_config.scope import Scope
from regraft.keras_config.sequential import read_sequential
from regraft.layers import ALIASES


def read_model(value: Any, scope: Scope, place: Place, name: str = "") -> Blueprint:
    """
    Read ``{"class_name": "Sequential" | "Model" | "Functional" | ..., "config": ...}``.

    Raises:
        ConfigError: If it is not a model whose layers the JSON lists.
    """
    entry = place.mapping(value)
    class_name, config = class_and_config(entry, place)
    here = place / "config"
    if isinstance(config, dict) and ("output_layers" in config or "input_layers" in config):
        return read_functional(config, scope, here, name)
    if class_name == "Sequential" or isinstance(config, list):
        return read_sequential(config, entry, scope, here, name)
    if class_name in ALIASES and class_name not in MODEL_CLASSES:
        raise place.error(f"this is one {class_name} layer; expected a Sequential or functional model")
    raise here.error(
        f"{quote(class_name)} lists no layers. The architecture of a subclassed model is Python code, not data, and is "
        "not in the file: give the architecture as JSON of a functional or Sequential model."
    )
