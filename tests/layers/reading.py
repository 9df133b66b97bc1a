"""Settings read from a config of any Keras version, as the parser of whole models reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from regraft.blueprint import Blueprint, LayerSpec
from regraft.layers import KerasVersion, Layer, Reading, layer_class, spec_of


def reading(config: Mapping[str, Any], version: str = "3.15.1") -> Reading:
    """What ``from_keras`` receives; wrapped layers are read with the same version."""

    def wrapped(value: Mapping[str, Any]) -> LayerSpec:
        return spec_of(value["config"].get("name", "inner"), layer(value["class_name"], value["config"], version))

    def model(value: Mapping[str, Any]) -> Blueprint:
        raise NotImplementedError(f"no model is read here: {value}")

    return Reading(version=KerasVersion.parse(version), config=config, layer=wrapped, model=model)


def layer(class_name: str, config: Mapping[str, Any], version: str = "3.15.1") -> Layer:
    """The catalogue's layer for a Keras config."""
    return layer_class(class_name).from_keras(reading(config, version))
