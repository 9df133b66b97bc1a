"""What PyTorch or safety forbids becomes a placeholder that says why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from regraft.keras_config import parse
from regraft.keras_config.layer import read_layer
from regraft.keras_config.place import Place
from regraft.keras_config.scope import Findings, Scope
from regraft.layers import ALIASES, CATALOGUE, FORBIDDEN, KerasVersion


def unknown(class_name: str, config: dict[str, Any] | None = None) -> str:
    """Why a layer of Keras 3 with this config is a placeholder; empty if it is none."""
    entry = {"module": "keras.layers", "class_name": class_name, "config": {"name": "x", **(config or {})}}
    version = KerasVersion(3, 15, 0)
    return read_layer(entry, Scope(version, str(version), Findings()), Place("test")).unknown or ""


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_a_forbidden_layer_is_a_placeholder_with_its_reason(name: str) -> None:
    assert unknown(name) == f"{name}: {FORBIDDEN[name]}"


def test_no_layer_is_both_known_and_forbidden() -> None:
    assert not set(FORBIDDEN) & set(ALIASES)


def test_a_lambda_is_shown_by_length_and_hash() -> None:
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAA\n", "defaults": None, "closure": None}}
    reason = unknown("Lambda", {"function": code})
    assert "9 characters as stored, sha256 " in reason
    assert reason.endswith("which is never run")


def test_the_rest_of_the_model_is_converted() -> None:
    layers = [
        {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, 3]}},
        {"class_name": "Hashing", "config": {"name": "hash", "num_bins": 7}},
        {"class_name": "Dense", "config": {"name": "dense", "units": 5}},
    ]
    blueprint = parse(
        json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": layers}}), keras_version="3.15.0"
    )
    assert [bool(spec.unknown) for spec in blueprint.layers] == [False, True, False]


@pytest.mark.oracle
def test_every_layer_of_every_keras_is_known_or_forbidden() -> None:
    import keras
    import tf_keras

    names = {
        name
        for library in (keras.layers, tf_keras.layers, tf_keras.layers.experimental.preprocessing)
        for name in dir(library)
        if name[0].isupper() and isinstance(getattr(library, name), type)
    }
    assert names - set(ALIASES) - set(FORBIDDEN) - {"InputSpec"} == set()
    assert len(CATALOGUE) > 100
