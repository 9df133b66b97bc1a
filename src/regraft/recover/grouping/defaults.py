"""A recovered layer as a spec: what is not known takes the default of the Keras version that wrote the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from regraft.blueprint import Blueprint, LayerSpec, Setting
from regraft.errors import RegraftError
from regraft.layers import CATALOGUE, KerasVersion, Reading, spec_of
from regraft.recover.part import Part

#: What a setting that does not belong to a layer may raise while it is read.
MALFORMED = (RegraftError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError)


def part_spec(part: Part, version: KerasVersion) -> LayerSpec:
    """
    The layer of a part, with defaults of a Keras version for everything that the part does not settle.

    Args:
        part: A layer of a grouping.
        version: As ``version_of`` gives it for the file.
    """
    return completed(part.name, part.type, part.settings, version)


def completed(name: str, type_name: str, settings: Mapping[str, Setting], version: KerasVersion) -> LayerSpec:
    """
    A spec with all settings; a type that the catalogue lacks, or one that lacks a necessary setting, is a placeholder.

    >>> completed("gru", "GRU", {"units": 3}, KerasVersion(2, 2)).config["reset_after"]
    False
    """
    cls = CATALOGUE.get(type_name)
    if cls is None:
        return LayerSpec(name, type_name, dict(settings), unknown=f"the catalogue has no {type_name or 'such'} layer")
    for config in (settings, {"data_format": "channels_last", **settings}):
        reading = Reading(version, config, layer=_given_layer, model=_given_model, rank=cls.rank)
        try:
            spec = spec_of(name, cls.from_keras(reading))
        except MALFORMED as error:
            reason = str(error)
        else:
            return dataclasses.replace(spec, config=dict(spec.config))
    return LayerSpec(name, type_name, dict(settings), unknown=f"not everything it needs is known: {reason}")


def _given_layer(value: Mapping[str, Any]) -> LayerSpec:
    return cast("LayerSpec", value)


def _given_model(value: Mapping[str, Any]) -> Blueprint:
    return cast("Blueprint", value["blueprint"])
