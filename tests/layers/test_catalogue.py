"""Laws over the whole catalogue: a new layer is tested by being declared."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.blueprint import LayerSpec
from regraft.errors import BlueprintError, UnknownLayerError
from regraft.keras_config.dump import VERSIONS
from regraft.keras_config.dump import layer as written_layer
from regraft.keras_config.dump_nodes import Dialect
from regraft.keras_config.layer import read_layer
from regraft.keras_config.place import Place
from regraft.keras_config.scope import Findings, Scope
from regraft.layers import ALIASES, CATALOGUE, KerasVersion, Layer, Weight, build, layer_class, spec_of
from regraft.layout import Layout

#: Values for settings that Keras has no default for, by name; ``sizes`` stands for a number an axis.
NEEDED: dict[str, Any] = {
    "activation": "relu", "axes": 1, "axis": -1, "dims": (2, 1, 3), "filters": 6, "height": 3, "input_dim": 11, "n": 4,
    "output_dim": 5, "projection_dim": 8, "rate": 0.25, "scale": 0.5, "settings": {}, "stddev": 0.1, "units": 5, "width": 4,
    "target_shape": (4, -1), "num_tokens": 6, "num_heads": 2, "key_dim": 4, "head_dim": 4, "num_query_heads": 6,
    "num_key_value_heads": 2, "equation": "abc,cde->abde", "output_shape": (None, 5, 2), "bin_boundaries": (-0.5, 2.5),
    "vocabulary": (5, 2, 40),
}  # fmt: skip
SIZES = {"kernel_size", "output_size"}
#: What wrappers hold.
CELL = spec_of("cell", CATALOGUE["GRUCell"](**{"units": 3}))
WRAPPED: dict[str, Any] = {
    "layer": spec_of("inner", CATALOGUE["LSTM"](**{"units": 3, "return_sequences": True})),
    "cell": CELL,
    "cells": (CELL,),
}


def example(cls: type[Layer]) -> Layer:
    """A layer of the class with its default settings."""
    given: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if field.default is not dataclasses.MISSING:
            continue
        if field.name in SIZES:
            given[field.name] = (2, 3, 4)[: cls.rank]
        else:
            assert field.name in {**NEEDED, **WRAPPED}, f"{cls.__name__} needs {field.name}: give NEEDED a value for it"
            given[field.name] = {**NEEDED, **WRAPPED}[field.name]
    return cls(**given)


TYPES = sorted(name for name in CATALOGUE if name != "Functional")


def variants(layer: Layer) -> list[Layer]:
    """The layer, and the layer with each of its switches turned."""
    switches = [
        f.name
        for f in dataclasses.fields(layer)
        if isinstance(getattr(layer, f.name), bool) and f.metadata.get("keras", True)
    ]
    return [layer, *(dataclasses.replace(layer, **{name: not getattr(layer, name)}) for name in switches)]


WEIGHTS = sorted(
    {(name, w.name, w.pattern) for name in TYPES for v in variants(example(CATALOGUE[name])) for w in v.variables()}
)


@pytest.mark.parametrize("pattern", [pytest.param(w[2], id=f"{w[0]}.{w[1]}") for w in WEIGHTS])
@given(data=st.data())
def test_every_pattern_can_be_undone(pattern: str, data: st.DataObject) -> None:
    source = pattern.split(" -> ", maxsplit=1)[0].split()
    free = data.draw(st.integers(0, 3)) if "..." in source else 0
    fixed = [1 if axis == "1" else data.draw(st.integers(1, 4)) for axis in source if axis != "..."]
    shape = (*fixed, *(data.draw(st.integers(1, 4)) for _ in range(free)))
    stored = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    layout = Layout(pattern) if "..." in source else Layout(pattern).bind(shape)
    (parameter,) = layout((stored,))
    (back,) = layout.inverse((parameter,))
    np.testing.assert_array_equal(back, stored)
    if "..." not in source:
        assert parameter.shape == layout.shape(shape)


@pytest.mark.parametrize("name", TYPES)
def test_a_spec_builds_its_layer(name: str) -> None:
    for layer in variants(example(CATALOGUE[name])):
        assert build(spec_of("x", layer)) == layer


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("name", TYPES)
def test_keras_json_reads_back(name: str, modern: bool) -> None:
    version = VERSIONS[3 if modern else 2]
    for layer in variants(example(CATALOGUE[name])):
        written = json.loads(json.dumps(written_layer(spec_of("x", layer), Dialect(modern))))
        findings = Findings()
        spec = read_layer(written, Scope(version, str(version), findings), Place("test"))
        if layer.caveats(version) or (spec.unknown and layer != example(CATALOGUE[name])):
            continue
        assert not spec.unknown, spec.unknown
        assert not findings.all_notes
        again = build(spec)
        same = {f.name for f in dataclasses.fields(layer) if f.metadata.get("keras", True)}
        assert {k: again.config[k] for k in same} == {k: layer.config[k] for k in same}


def test_caveats_are_no_way_out() -> None:
    """Most layers say the same in Keras 2 and 3; a default that cannot be written is worth a look."""
    unsaid = {n for n in TYPES for v in VERSIONS.values() if example(CATALOGUE[n]).caveats(v)}
    assert unsaid <= ONE_VERSION


#: Layers that one of the two libraries does not have, or not among its layers.
ONE_VERSION = {
    "AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "CuDNNGRU", "CuDNNLSTM", "LayerScale", "CustomScaleLayer",
    "LocallyConnected1D", "LocallyConnected2D", "MelSpectrogram", "ReversibleEmbedding", "RMSNormalization",
    "STFTSpectrogram", "SyncBatchNormalization", "GroupQueryAttention",
    # of Keras 1
    "Cosine", "Highway", "MaxoutDense", "ParametricSoftplus", "SReLU",
}  # fmt: skip
#: What Keras cannot make of defaults: an input needs a shape, and augmentations keep the settings of their file.
NOT_BY_DEFAULT = {"InputLayer"} | {n for n in TYPES if "settings" in CATALOGUE[n].__dataclass_fields__}


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`:UserWarning")
@pytest.mark.parametrize("modern", [True, False])
def test_keras_accepts_what_is_written(modern: bool) -> None:
    import keras
    import tf_keras

    library = keras if modern else tf_keras
    refused: dict[str, str] = {}
    for name in set(TYPES) - NOT_BY_DEFAULT:
        for layer in variants(example(CATALOGUE[name])):
            if not hasattr(library.layers, name) or layer.caveats(VERSIONS[3 if modern else 2]):
                continue
            written = written_layer(spec_of("x", layer), Dialect(modern))
            try:
                if modern:
                    keras.saving.deserialize_keras_object(written)
                else:
                    tf_keras.layers.deserialize(written)
            except (TypeError, ValueError) as error:
                refused[f"{name} {layer.config}"] = str(error)[:300]
    assert not refused


def test_registering_twice_raises() -> None:
    before = dict(CATALOGUE), dict(ALIASES)
    with pytest.raises(TypeError, match="Dense is declared twice: Dense and Dense"):

        @dataclass(frozen=True, kw_only=True)
        class Dense(Layer):
            pass

    with pytest.raises(TypeError, match="Convolution2D is declared twice: Conv2D and Another"):

        @dataclass(frozen=True, kw_only=True)
        class Another(Layer):
            aliases = ("Convolution2D",)

    assert (dict(CATALOGUE), dict(ALIASES)) == before


def test_an_unknown_name_suggests_a_known_one() -> None:
    with pytest.raises(UnknownLayerError, match=r"no layer 'Dens' in the catalogue of .* Did you mean Dense\?"):
        layer_class("Dens")


def test_settings_of_another_type_are_refused() -> None:
    with pytest.raises(BlueprintError, match="settings do not fit Dense"):
        build(LayerSpec("x", "Dense", {"filters": 3}))


@pytest.mark.parametrize("name", TYPES)
def test_a_layer_says_where_its_facts_come_from(name: str) -> None:
    text = CATALOGUE[name].__doc__ or ""
    assert "Keras: ``" in text
    assert "PyTorch: " in text


@pytest.mark.parametrize("name", TYPES)
def test_variables_have_names_of_their_own(name: str) -> None:
    for layer in variants(example(CATALOGUE[name])):
        found: tuple[Weight, ...] = layer.variables()
        assert len({w.name for w in found}) == len(found)
        assert all(not w.given or w.given in dir(layer) for w in layer.weights)
        targets = [w.torch for w in found if w.torch and "/" not in w.name]
        assert len(set(targets)) == len(targets), "two variables fill one parameter"


@pytest.mark.parametrize("name", TYPES)
def test_old_names_of_settings_mean_one_thing(name: str) -> None:
    keys = [key for f in dataclasses.fields(CATALOGUE[name]) for key in (f.name, *f.metadata.get("old", ()))]
    assert len(set(keys)) == len(keys)


def test_versions_compare() -> None:
    assert KerasVersion.parse("2.2.4-tf") == KerasVersion(2, 2, 4, tf=True)
    assert KerasVersion.parse("3.10.0").before(3, 11)
    assert not KerasVersion.parse("3.10.0").before(3, 9, 5)
    assert KerasVersion.parse("").major == 1
