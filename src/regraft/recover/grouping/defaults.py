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
#: Values for settings that have no default in Keras, so that the layer can be built: later stages ask for those that matter.
STAND_INS: Mapping[str, Setting] = {
    "activation": "relu",
    "axes": -1,
    "data_format": "channels_last",  # of layers whose order Keras 1 did not write
    "dims": (2, 1),
    "height": 224,
    "n": 1,
    "output_size": 1,
    "rate": 0.5,
    "scale": 1.0,
    "stddev": 0.1,
    "target_shape": (-1,),
    "width": 224,
}
#: Layers that stay placeholders where only their variables are known: the tensors and masks they look at, or settings without
#: which the result means something else, stand in no file of weights, and no later stage asks for them.
NOT_RECOVERED = frozenset(
    "AdditiveAttention Attention AutoContrast CategoryEncoding ContrastLimitedAdaptiveHistogramEqualization ConvLSTM1D "
    "ConvLSTM2D ConvLSTM3D Discretization EinsumDense GroupQueryAttention Highway IntegerLookup LocallyConnected1D "
    "LocallyConnected2D MaxoutDense MelSpectrogram MultiHeadAttention ParametricSoftplus ReversibleEmbedding SReLU "
    "STFTSpectrogram SpectralNormalization".split()
)


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
    if cls.__name__ in NOT_RECOVERED:
        reason = "its inputs and settings are not known from its variables: give the architecture"
        return LayerSpec(name, type_name, dict(settings), unknown=reason)
    fields = dataclasses.fields(cls)
    needed = {f.name for f in fields if f.default is dataclasses.MISSING} | {"data_format"}
    stand_ins = {key: value for key, value in STAND_INS.items() if key in needed and key not in settings}
    reason = ""
    for config in (
        {**{k: v for k, v in stand_ins.items() if k != "data_format"}, **settings},
        {**stand_ins, **settings},
    ):
        reading = Reading(version, config, layer=_given_layer, model=_given_model, rank=cls.rank)
        try:
            return spec_of(name, cls.from_keras(reading))
        except MALFORMED as error:
            reason = str(error)
    return LayerSpec(name, type_name, dict(settings), unknown=f"not everything it needs is known: {reason}")


def built_settings(type_name: str, settings: Mapping[str, Setting], version: KerasVersion) -> Mapping[str, Setting]:
    """
    Settings with which ``build`` makes the layer as this Keras version would: those given, and what differs from Keras 3.

    >>> built_settings("Dropout", {}, KerasVersion(3)), built_settings("GRU", {"units": 2}, KerasVersion(2, 3))
    ({'rate': 0.5}, {'units': 2, 'reset_after': False})
    """
    spec = completed("", type_name, settings, version)
    if spec.unknown:
        return settings
    defaults = {f.name: f.default for f in dataclasses.fields(CATALOGUE[type_name])}
    others = {
        k: v for k, v in spec.config.items() if k not in settings and v != defaults[k] and not spread(v, defaults[k])
    }
    return {**settings, **others}


def spread(value: Setting, default: object) -> bool:
    """Whether a value is the default once for every spatial axis."""
    return isinstance(value, tuple) and bool(value) and all(item == default for item in value)


def _given_layer(value: Mapping[str, Any]) -> LayerSpec:
    return cast("LayerSpec", value)


def _given_model(value: Mapping[str, Any]) -> Blueprint:
    return cast("Blueprint", value["blueprint"])
