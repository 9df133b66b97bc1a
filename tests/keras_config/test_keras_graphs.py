"""The parsed graph against the graph that Keras itself holds, and Keras reading back what we write."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from regraft.blueprint import Blueprint, LayerSpec, all_refs
from regraft.keras_config import dump, parse

pytestmark = pytest.mark.oracle

Graph = tuple[list[Any], list[Any], list[Any]]


def shared_layer(k: Any) -> Any:
    a, b, d = k.Input((4,), name="a"), k.Input((4,), name="b"), k.layers.Dense(3, name="d")
    joined = k.layers.Concatenate(name="c")([d(b), d(a)])
    return k.Model([b, a], k.layers.Dense(2, name="e")(joined), name="shared_layer")


def inner(k: Any, name: str = "n", width: int = 4) -> Any:
    i = k.Input((4,), name=f"{name}_in")
    return k.Model(i, k.layers.Dense(width, activation="tanh", name=f"{name}_dense")(i), name=name)


def shared_model(k: Any) -> Any:
    n, a, b = inner(k, width=3), k.Input((4,), name="a"), k.Input((4,), name="b")
    total = k.layers.Add(name="s")([n(b), k.layers.Activation("relu", name="r")(n(a))])
    return k.Model([a, b], total, name="shared_model")


def model_on_itself(k: Any) -> Any:
    n, a = inner(k), k.Input((4,), name="a")
    x = n(a)
    y = n(x)
    return k.Model(a, [n(y), k.layers.Dense(1, name="h")(x), y], name="model_on_itself")


def several_ports(k: Any) -> Any:
    i, j = k.Input((4,), name="i"), k.Input((5,), name="j")
    inside = k.Model([i, j], [k.layers.Dense(3, name="x")(i), k.layers.Dense(3, name="y")(j)], name="inside")
    a, b = k.Input((4,), name="a"), k.Input((5,), name="b")
    (u, v), (p, q) = inside([a, b]), inside([a, b])
    return k.Model([b, a], [k.layers.Add(name="t")([v, p]), u, q], name="several_ports")


def sequential_inside(k: Any) -> Any:
    s = k.Sequential(
        [k.Input((4,), name="si"), k.layers.Dense(4, name="sd"), k.layers.BatchNormalization(name="sb")], name="s"
    )
    a = k.Input((4,), name="a")
    return k.Model(a, [s(k.layers.Dense(4, name="w")(a)), k.layers.Dense(2, name="o")(s(a))], name="sequential_inside")


def deferred_inside(k: Any) -> Any:
    s = k.Sequential([k.layers.Dense(3, name="sd")], name="s")
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    return k.Model([a, b], k.layers.Add(name="t")([s(b), s(a)]), name="deferred_inside")


def sequential(k: Any) -> Any:
    within = k.Sequential([k.Input((3,), name="wi"), k.layers.Dense(4, name="wd")], name="within")
    layers = [
        k.Input((6, 4, 2), name="i"),
        k.layers.Flatten(name="f"),
        k.layers.Dense(3, name="d"),
        within,
        k.layers.Dense(5, name="z"),
    ]
    model = k.Sequential(layers, name="sequential")
    model.layers[1].trainable = False
    return model


def named_ports(k: Any) -> Any:
    z, a = k.Input((4,), name="z"), k.Input((3,), name="a")
    heads = {"second": k.layers.Dense(2, name="x")(z), "first": k.layers.Dense(3, name="y")(a)}
    inside = k.Model({"z": z, "a": a}, heads, name="inside")
    p, q = k.Input((4,), name="p"), k.Input((3,), name="q")
    out = inside({"z": p, "a": q})
    return k.Model({"q": q, "p": p}, k.layers.Concatenate(name="c")([out["first"], out["second"]]), name="named_ports")


def operations(k: Any) -> Any:
    a = k.Input((4,), name="a")
    x = 1.0 - a
    return k.Model(a, k.layers.Dense(2, name="h")(x * 2.0 + a), name="operations")


def recurrent(k: Any) -> Any:
    """States handed over, a mask on the way, wrappers around a layer and around a model."""
    x = k.Input((7, 4), name="x")
    masked = k.layers.Masking(0.5, name="mask")(x)
    both = k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True), name="both")(masked)
    out, h, c = k.layers.LSTM(4, return_sequences=True, return_state=True, name="encoder")(both)
    again = k.layers.LSTM(4, return_sequences=True, name="decoder")(x, initial_state=[h, c])
    each = k.layers.TimeDistributed(k.layers.Dense(6), name="each")(again)
    within = k.Sequential([k.Input((6,), name="wi"), k.layers.Dense(2, name="wd")], name="within")
    return k.Model(x, [k.layers.TimeDistributed(within, name="all")(each), out], name="recurrent")


def in_training(k: Any) -> Any:
    x = k.Input((5,), name="x")
    return k.Model(
        x, k.layers.Dense(2, name="d")(k.layers.BatchNormalization(name="b")(x, training=True)), name="in_training"
    )


SMALL = [
    shared_layer,
    shared_model,
    model_on_itself,
    several_ports,
    sequential_inside,
    deferred_inside,
    sequential,
    named_ports,
    operations,
    recurrent,
    in_training,
]


def mobile(k: Any) -> Any:
    return k.applications.MobileNet((32, 48, 3), alpha=0.25, weights=None, classes=5)


def mobile_v3(k: Any) -> Any:
    return k.applications.MobileNetV3Small((32, 64, 3), weights=None, classes=5)


def efficient(k: Any) -> Any:
    return k.applications.EfficientNetB0(input_shape=(32, 64, 3), weights=None, classes=5)


PUBLISHED = [mobile, mobile_v3, efficient]


def graph_of_keras_3(model: Any) -> Graph:
    """Calls, inputs and outputs as Keras 3 holds them; calls that belong to other models are not counted."""
    numbers: dict[tuple[str, int], int] = {}
    for operation in model.operations:
        own = [i for i in range(len(operation._inbound_nodes)) if f"{id(operation)}_ib-{i}" in model._nodes]
        numbers |= {(operation.name, i): place for place, i in enumerate(own)}

    def ref(tensor: Any) -> tuple[str, int, int]:
        operation, node, index = tensor._keras_history
        return operation.name, numbers[operation.name, node], index

    calls = [
        (operation.name, numbers[operation.name, i], [ref(t) for t in node.input_tensors])
        for operation in model.operations
        for i, node in enumerate(operation._inbound_nodes)
        if (operation.name, i) in numbers and node.input_tensors
    ]
    return calls, list(map(ref, model.inputs)), list(map(ref, model.outputs))


def graph_of_tf_keras(model: Any) -> Graph:
    """The same for tf.keras 2."""
    numbers: dict[tuple[str, int], int] = {}
    for layer in model.layers:
        own = [i for i in range(len(layer._inbound_nodes)) if f"{layer.name}_ib-{i}" in model._network_nodes]
        numbers |= {(layer.name, i): place for place, i in enumerate(own)}

    def ref(tensor: Any) -> tuple[str, int, int]:
        history = tensor._keras_history
        return history.layer.name, numbers[history.layer.name, history.node_index], history.tensor_index

    calls = [
        (layer.name, numbers[layer.name, i], [ref(t) for t in node.keras_inputs])
        for layer in model.layers
        for i, node in enumerate(layer._inbound_nodes)
        if (layer.name, i) in numbers and not node.is_input
    ]
    return calls, list(map(ref, model.inputs)), list(map(ref, model.outputs))


def graph_of_ours(model: Blueprint) -> Graph:
    def ref(r: Any) -> tuple[str, int, int]:
        return r.layer, r.call, r.index

    calls = [(call.layer, call.call, list(map(ref, all_refs(call)))) for call in model.calls]
    return calls, list(map(ref, model.inputs)), list(map(ref, model.outputs))


def plain(value: Any) -> Any:
    """A blueprint without version, notes and choices."""
    if isinstance(value, Blueprint):
        layers = tuple(map(plain, value.layers))
        return dataclasses.replace(value, layers=layers, keras_version="", choices=(), notes=())
    if isinstance(value, LayerSpec):
        return dataclasses.replace(value, config={name: plain(v) for name, v in value.config.items()})
    return value


def values(model: Any, *, named: bool) -> list[np.ndarray]:
    """The outputs for fixed random inputs, flattened."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((2, *t.shape[1:])).astype("float32") for t in model.inputs]
    given: Any = dict(zip([t.name for t in model.inputs], arrays, strict=True)) if named else arrays
    found = model(given if len(arrays) > 1 else arrays[0])
    found = [found[key] for key in sorted(found)] if isinstance(found, dict) else found
    return [np.asarray(f) for f in (found if isinstance(found, list | tuple) else [found])]


def check(k: Any, build: Callable[[Any], Any], graph: Callable[[Any], Graph], folder: Path, modern: bool) -> list[str]:
    """What differs between one Keras model and its blueprint, in words."""
    k.backend.clear_session()
    model = build(k)
    k.saving.save_model(model, folder / "m.keras")
    model.save(folder / "m.h5")
    with zipfile.ZipFile(folder / "m.keras") as archive:
        texts = {".keras": archive.read("config.json").decode()}
        version = json.loads(archive.read("metadata.json"))["keras_version"]
    with h5py.File(folder / "m.h5") as file:
        texts[".h5"] = str(file.attrs["model_config"])
    texts["to_json"] = model.to_json()
    wrong: list[str] = []
    for form, text in texts.items():
        ours = parse(text, keras_version=version)
        found = graph_of_ours(ours)
        if not ours.sequential:
            theirs = graph(model)
            wrong += [
                f"{form}: {a} is {b} in Keras" for a, b in zip(found, theirs, strict=True) if sorted(a) != sorted(b)
            ]
            wrong += [f"{form}: order of inputs or outputs"] if found[1:] != theirs[1:] else []
            names = [layer.name for layer in (model.operations if modern else model.layers)]
            wrong += [f"{form}: layers"] if [spec.name for spec in ours.layers] != names else []
        if any(spec.unknown for spec in ours.layers):
            continue
        again = k.models.model_from_json(dump(ours, version=3 if modern else 2))
        if plain(parse(again.to_json(), keras_version=version)) != plain(ours):
            wrong.append(f"{form}: Keras does not give back what was written")
        again.set_weights(model.get_weights())
        pairs = zip(values(model, named=build is named_ports), values(again, named=False), strict=True)
        wrong += [f"{form}: other values" for a, b in pairs if not np.allclose(a, b, atol=1e-6)]
    return [f"{build.__name__}: {text}" for text in wrong]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("builders", [SMALL, PUBLISHED], ids=["small", "published"])
def test_keras_3(builders: list[Callable[[Any], Any]], tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    assert not [text for build in builders for text in check(keras, build, graph_of_keras_3, tmp_path, True)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("builders", [SMALL, PUBLISHED], ids=["small", "published"])
def test_tf_keras(builders: list[Callable[[Any], Any]], tmp_path: Path) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    assert not [text for build in builders for text in check(tf_keras, build, graph_of_tf_keras, tmp_path, False)]
