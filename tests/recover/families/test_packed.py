from __future__ import annotations

import json

import pytest

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.layers import layer_class
from regraft.recover.families.packed import Table, pack, unpack


def spec(name: str, kind: str, **settings: object) -> LayerSpec:
    return LayerSpec(name, kind, layer_class(kind)(**settings).config)


ENTRY = LayerSpec("x", "InputLayer", {"batch_shape": (None, 5, 7, 3), "dtype": "float32"})
X = TensorRef("x")
CHAIN = Blueprint(
    "chain",
    (ENTRY, spec("conv", "Conv2D", filters=4, kernel_size=(3, 2)), spec("flat", "Flatten")),
    (Call("conv", (X,)), Call("flat", (TensorRef("conv"),))),
    (X,),
    (TensorRef("flat"),),
    sequential=True,
    keras_version="3.0.0",
)
BLUEPRINTS = {
    "chain": CHAIN,
    "residual": Blueprint(
        "residual",
        (ENTRY, spec("a", "Conv2D", filters=3, kernel_size=1), spec("add", "Add")),
        (Call("a", (X,)), Call("add", (TensorRef("a"), X))),
        (X,),
        (TensorRef("add"), TensorRef("a")),
    ),
    "shared layer, arguments, second outputs": Blueprint(
        "shared",
        (ENTRY, spec("dense", "Dense", units=3), spec("lstm", "LSTM", units=2, return_state=True)),
        (
            Call("dense", (X,)),
            Call("dense", (TensorRef("dense"),), 1),
            Call("lstm", (TensorRef("dense", 1),), 0, {"mask": TensorRef("dense"), "training": False}),
        ),
        (X,),
        (TensorRef("lstm", 0, 2),),
    ),
    "nested model": Blueprint(
        "outer",
        (ENTRY, LayerSpec("inner", "Functional", {"blueprint": CHAIN})),
        (Call("inner", (X,)),),
        (X,),
        (TensorRef("inner"),),
    ),
    "wrapped layer and placeholder": Blueprint(
        "odd",
        (
            ENTRY,
            spec("two", "Bidirectional", layer=spec("inside", "GRU", units=5)),
            LayerSpec("mine", "Mine", unknown="a class of the author"),
        ),
        (Call("two", (X,)), Call("mine", (TensorRef("two"),))),
        (X,),
        (TensorRef("mine"),),
    ),
}


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_what_is_packed_comes_back(name: str) -> None:
    blueprint = BLUEPRINTS[name]
    table = Table()
    value = json.loads(json.dumps(pack(blueprint, table)))
    assert unpack(value, json.loads(json.dumps(table.values))) == blueprint


def test_equal_layers_are_written_once() -> None:
    table = Table()
    layers = tuple(spec(f"conv_{i}", "Conv2D", filters=4, kernel_size=3) for i in range(5))
    calls = tuple(Call(s.name, (TensorRef(p.name),)) for p, s in zip((ENTRY, *layers), layers, strict=False))
    pack(Blueprint("many", (ENTRY, *layers), calls, (X,), (TensorRef("conv_4"),)), table)
    assert len(table.values) == 2


def test_true_is_not_the_default_one() -> None:
    table = Table()
    odd = LayerSpec("conv", "Conv2D", {**spec("conv", "Conv2D", filters=1, kernel_size=1).config, "groups": True})
    value = pack(Blueprint("b", (ENTRY, odd), (Call("conv", (X,)),), (X,), (X,)), table)
    assert unpack(value, table.values).layers[1].config["groups"] is True
