"""One model with a row of a table as each of its outputs, in Keras and as converted."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tests.layers.operations.cases import Row
from tests.twin import converted, relative_error, run

from regraft.blueprint import Blueprint
from regraft.keras_config import dump, parse
from regraft.weights import read

SHAPES = {
    **dict.fromkeys("xypubcij", (4, 5, 6)),
    "q": (3, 5, 8),
    "s": (4, 6),
    "w": (6, 7),
    "v": (6,),
    "n": (1, 5, 6),
    "h": (2, 4, 6),
}
DTYPES = {"b": "bool", "c": "bool", "i": "int32", "j": "int32"}


def values(batch: int = 2) -> dict[str, np.ndarray]:
    """Arrays for all inputs."""
    rng = np.random.default_rng(7)
    found = {name: rng.standard_normal((batch, *shape)) for name, shape in SHAPES.items()}
    shape = (batch, *SHAPES["x"])
    found["p"] = rng.uniform(0.2, 3.0, shape)
    found["u"] = rng.uniform(-0.9, 0.9, shape)
    found |= {name: rng.uniform(0, 1, shape) > 0.5 for name in "bc"}
    found |= {"i": rng.integers(0, 4, shape), "j": rng.integers(1, 4, shape)}
    return {k: v.astype("float32").astype("float64") if v.dtype.kind == "f" else v for k, v in found.items()}


def built(k: Any, ops: Any, rows: Sequence[Row], *, channels_first: bool, nodes: bool = False) -> Any:
    """
    A model with the rows as outputs.

    ``channels_first``: all maps pass a pooling layer of size 1, which changes nothing and wants channels first, so that
    the operations meet them in the order of PyTorch.
    """
    inputs = {name: k.Input(shape, name=name, batch_size=2, dtype=DTYPES.get(name)) for name, shape in SHAPES.items()}
    tensors: dict[str, Any] = dict(inputs)
    if channels_first:
        maps = [name for name, shape in SHAPES.items() if len(shape) == 3 and name not in DTYPES]
        tensors |= {name: k.layers.MaxPooling2D(1)(inputs[name]) for name in maps}
        tensors |= {name: k.layers.MaxPooling1D(1)(inputs[name]) for name in ("s", "w")}
    space = types.SimpleNamespace(**tensors)
    make = partial(node_layer, ops, space) if nodes else lambda function: function(ops, space)
    return k.Model(list(inputs.values()), [make(function) for _, function in rows])


def node_layer(tf: Any, space: Any, function: Callable[[Any, Any], Any]) -> Any:
    """
    The node that a row makes in a graph, as the layer that TensorFlow 2.1 to 2.3 made of it.

    Today's tf-keras still reads and runs such layers, and writes them as those versions did.
    """
    from google.protobuf import json_format
    from tf_keras.src.engine.base_layer import TensorFlowOpLayer

    with tf.Graph().as_default():
        holders = {n: tf.compat.v1.placeholder(t.dtype, t.shape, name=n) for n, t in vars(space).items()}
        result = function(tf, types.SimpleNamespace(**holders))
        operation = result.op
        constants = {
            i: tf.get_static_value(tensor)
            for i, tensor in enumerate(operation.inputs)
            if tensor.op.type != "Placeholder"
        }
        arriving = [getattr(space, t.op.name) for t in operation.inputs if t.op.type == "Placeholder"]
        definition = json_format.MessageToDict(operation.node_def)
    layer = TensorFlowOpLayer(definition, f"node_{len(NAMES)}", constants)
    NAMES.append(layer.name)
    made = layer(arriving if len(arriving) > 1 else arriving[0])
    return made[result.value_index] if isinstance(made, list) else made


#: Names given so far, so that each is another one.
NAMES: list[str] = []


def compared(
    k: Any,
    ops: Any,
    rows: Sequence[Row],
    folder: Path,
    *,
    channels_first: bool,
    tolerance: float,
    suffix: str = ".keras",
    wide: Callable[[Callable[[], Any]], Any],
    nodes: bool = False,
) -> tuple[list[str], tuple[Any, Path]]:
    """What differs between Keras in float64 and the converted file, in words; the Keras model and its file."""
    file = folder / f"model{suffix}"
    model = built(k, ops, rows, channels_first=channels_first, nodes=nodes)
    model.save(file)
    arrays = values()
    single = len(rows) == 1
    expected = wide(
        lambda: built(k, ops, rows, channels_first=channels_first, nodes=nodes)([arrays[n] for n in SHAPES])
    )
    expected = [expected] if single else expected
    module = converted(file)
    found = run(module, [arrays[n] for n in SHAPES])
    wrong: list[str] = []
    for i, (ours, theirs, row) in enumerate(zip(found, map(np.asarray, expected), rows, strict=True)):
        if ours.shape != theirs.shape:
            wrong.append(f"{row[0]} ({i}): shape {ours.shape}, Keras {theirs.shape}")
        elif kind(ours) != kind(theirs):
            wrong.append(f"{row[0]} ({i}): {ours.dtype}, Keras {theirs.dtype}")
        elif (error := relative_error(ours, theirs.astype("float64"))) > tolerance:
            wrong.append(f"{row[0]} ({i}): {error:.1e}")
    return wrong, (model, file)


def kind(array: np.ndarray) -> str:
    """Float, integer or boolean."""
    return "i" if array.dtype.kind in "iu" else array.dtype.kind


def roundtrip(k: Any, saved: tuple[Any, Path], version: int = 3) -> list[str]:
    """What differs once Keras has read the JSON that we write of what we have read, in words."""
    model, file = saved
    tree = read(file)
    blueprint = parse(tree.config or "", keras_version=tree.keras_version)
    again = k.models.model_from_json(dump(blueprint, version=version))
    wrong = [] if plain(parse(again.to_json(), keras_version=tree.keras_version)) == plain(blueprint) else ["the graph"]
    arrays = [array.astype("float32") if array.dtype.kind == "f" else array for array in values().values()]
    inputs = [arrays[list(SHAPES).index(name)] for name in SHAPES]
    first, second = model(inputs), again(inputs)
    if not isinstance(first, list):
        first, second = [first], [second]
    pairs = zip(first, second, strict=True)
    return wrong + [f"round trip of output {i}" for i, (a, b) in enumerate(pairs) if not same(a, b)]


def plain(blueprint: Blueprint) -> Blueprint:
    """Without version, notes and choices."""
    return dataclasses.replace(blueprint, keras_version="", notes=(), choices=())


def same(a: Any, b: Any) -> bool:
    """Whether two results of Keras are the same, NaN included."""
    first, second = np.asarray(a), np.asarray(b)
    if kind(first) != kind(second) or first.shape != second.shape:
        return False
    return bool(
        np.allclose(first, second, 1e-6, 1e-6, equal_nan=True) if first.dtype.kind == "f" else (first == second).all()
    )
