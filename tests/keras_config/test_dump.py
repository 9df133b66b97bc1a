from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.errors import BlueprintError
from regraft.keras_config import caveats, dump, parse
from regraft.layers import build

T = TensorRef
Bones = Callable[[Blueprint], Any]


def entry(name: str, *axes: int | None) -> LayerSpec:
    return LayerSpec(name, "InputLayer", {"batch_shape": (None, *axes), "dtype": "float32"})


def dense(name: str, units: int = 3, *, trainable: bool = True) -> LayerSpec:
    return LayerSpec(name, "Dense", {"units": units, "activation": "relu", "use_bias": True}, trainable)


def chain(name: str, *layers: LayerSpec) -> Blueprint:
    names = [layer.name for layer in layers]
    calls = tuple(Call(after, (T(before),)) for before, after in itertools.pairwise(names))
    return Blueprint(name, layers, calls, (T(names[0]),), (T(names[-1]),), sequential=True)


def nested(name: str, model: Blueprint) -> LayerSpec:
    return LayerSpec(name, "Functional", {"blueprint": model})


SHARED = Blueprint(
    "shared",
    (entry("a", 4), entry("b", 4), dense("d", trainable=False), LayerSpec("s", "Add", {})),
    (Call("d", (T("a"),), 0), Call("d", (T("b"),), 1), Call("s", (T("d", 1), T("d", 0)))),
    (T("b"), T("a")),
    (T("s"), T("d", 1)),
)
TWO = Blueprint(
    "two",
    (entry("i", 4), entry("j", 5), dense("x"), dense("y")),
    (Call("x", (T("i"),)), Call("y", (T("j"),))),
    (T("i"), T("j")),
    (T("x"), T("y")),
)
NESTED = Blueprint(
    "nested",
    (entry("a", 4), entry("b", 5), nested("two", TWO), nested("c", chain("c", entry("e", 3), dense("f", 4)))),
    (
        Call("two", (T("a"), T("b")), 0),
        Call("two", (T("c", 1), T("b")), 1),
        Call("c", (T("two", 0, 0),), 0),
        Call("c", (T("two", 0, 1),), 1),
    ),
    (T("a"), T("b")),
    (T("two", 1, 1), T("c", 0), T("two", 0, 1)),
)
NO_SHAPE = LayerSpec("e", "InputLayer", {"batch_shape": None, "dtype": "float32"})
DEFERRED = Blueprint(
    "deferred",
    (entry("a", 4), nested("c", chain("c", NO_SHAPE, dense("f", 4)))),
    (Call("c", (T("a"),), 0), Call("c", (T("c", 0),), 1)),
    (T("a"),),
    (T("c", 1), T("c", 0)),
)
ARGUMENTS = Blueprint(
    "arguments",
    (entry("a", 4), dense("d"), dense("e")),
    (Call("d", (T("a"),), 0, {"training": True}), Call("e", (T("a"),), 0, {"x": (T("d"), T("a")), "n": (1, 2.5, "z")})),
    (T("a"),),
    (T("e"),),
)
MODELS = [
    chain("seq", entry("a", 4), dense("d"), nested("c", chain("c", entry("e", 3), dense("f")))),
    SHARED,
    TWO,
    NESTED,
    ARGUMENTS,
]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_round_trip(model: Blueprint, version: int, bones: Bones) -> None:
    model.check()
    again = parse(dump(model, version=version), keras_version="3.15.0" if version == 3 else "")
    assert bones(again) == bones(model)
    settings = [
        [build(spec).config for spec in m.layers if spec.type in ("Dense", "InputLayer")] for m in (again, model)
    ]
    assert settings[0] == settings[1]
    assert again.choices == ()
    assert again.notes == ()
    assert again.keras_version == ("3.15.0" if version == 3 else "2.15.0")


@pytest.mark.parametrize("version", [2, 3])
def test_nested_sequential_without_a_shape(version: int, bones: Bones) -> None:
    again = parse(dump(DEFERRED, version=version))
    assert again.calls == DEFERRED.calls
    assert again.outputs == DEFERRED.outputs


def test_settings_of_a_layer_are_written() -> None:
    model = chain("m", entry("a", 4), dense("d", trainable=False))
    layer = json.loads(dump(model))["config"]["layers"][1]
    assert layer["config"] == {"name": "d", "trainable": False, "units": 3, "activation": "relu", "use_bias": True}
    assert layer["module"] == "keras.layers"
    assert "module" not in json.loads(dump(model, version=2))["config"]["layers"][1]


def test_model_that_is_no_chain_becomes_functional() -> None:
    model = dataclasses.replace(SHARED, sequential=True)
    assert json.loads(dump(model))["class_name"] == "Functional"


UNKNOWN = [LayerSpec("f", "Lambda", {}, unknown="code"), LayerSpec("n", "Dense", {}, unknown="an odd activation")]


def test_placeholders_are_refused_all_at_once() -> None:
    model = chain("m", entry("a", 4), *UNKNOWN)
    with pytest.raises(BlueprintError) as raised:
        dump(model)
    assert "'f' ('Lambda') is a placeholder: code" in str(raised.value)
    assert "'n' ('Dense') is a placeholder: an odd activation" in str(raised.value)


@pytest.mark.parametrize("version", [2, 3])
def test_placeholders_in_partial_json(version: int, bones: Bones) -> None:
    model = chain("m", entry("a", 4), *UNKNOWN, nested("c", chain("c", entry("b", 3), UNKNOWN[1])))
    text = dump(model, version=version, partial=True)
    assert bones(parse(text)) == bones(model)
    layers = json.loads(text)["config"]["layers"]
    assert layers[1]["class_name"] == "Lambda"
    assert layers[1]["config"] == {"name": "f", "trainable": True}
    # Keras must not build a Dense of its own out of one that could not be read.
    assert layers[2]["config"]["placeholder"] == "an odd activation"


def test_inputs_need_a_shape() -> None:
    model = Blueprint("m", (NO_SHAPE, dense("d")), (Call("d", (T("e"),)),), (T("e"),), (T("d"),))
    with pytest.raises(BlueprintError, match="input 'e' has no shape"):
        dump(model)
    assert parse(dump(dataclasses.replace(model, sequential=True))).layers[0].config["batch_shape"] is None


def test_version_must_be_known() -> None:
    with pytest.raises(ValueError, match="2 or 3"):
        dump(SHARED, version=1)


def test_caveats_of_nested_layers() -> None:
    old = LayerSpec("o", "Activation", {"activation": "hard_sigmoid_keras2"})
    model = chain("m", entry("a", 4), nested("c", chain("c", entry("b", 4), old)), UNKNOWN[0])
    (caveat,) = caveats(model)
    assert caveat.startswith("layer 'c/o': hard_sigmoid")
    assert caveats(model, 2) == ()
