"""A model of the JSON, at the top or inside another: Sequential or functional."""

from __future__ import annotations

from typing import Any

from regraft.blueprint import Blueprint
from regraft.keras_config.functional import read_functional
from regraft.keras_config.layer import class_and_config
from regraft.keras_config.place import Place
from regraft.keras_config.scope import Scope
from regraft.keras_config.sequential import read_sequential


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
    raise here.error(
        f"{class_name} lists no layers: a subclassed model is defined by Python code, which is not in the file. "
        "Give the architecture of the same model as JSON of a functional or Sequential model."
    )
