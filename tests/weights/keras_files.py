"""
Files written by the real Keras 3 and tf-keras, with the arrays that the models hold.

``python -m tests.weights.keras_files FOLDER`` writes them all, in a process of its own: TensorFlow warns too much
for a test run in which warnings are errors. ``expected.json`` lists the cases, ``expected.npz`` holds
``<case>/<layer>/<i>``: the arrays of each layer that has some, in the order of ``get_weights``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["KERAS_BACKEND"] = "3", "tensorflow"

import h5py  # noqa: E402 - the backend is chosen before Keras is imported
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tf_keras  # noqa: E402

FOLDER = Path(sys.argv[1]) if __name__ == "__main__" else Path()
CASES: dict[str, dict[str, Any]] = {}
ARRAYS: dict[str, np.ndarray] = {}


def enter(name: str, file: str, layers: list[tuple[str, list[np.ndarray]]], **facts: object) -> None:
    """Note what a reader must find in a file."""
    CASES[name] = {"file": file, "layers": [layer for layer, _ in layers], **facts}
    for index, (_, arrays) in enumerate(layers):
        for i, array in enumerate(arrays):
            ARRAYS[f"{name}/{index}/{i}"] = np.asarray(array, "float32" if array.dtype.kind == "V" else array.dtype)


def randomise(model: Any) -> None:
    """Different numbers everywhere: zero biases would hide mistakes."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if np.issubdtype(np.dtype(getattr(weight.dtype, "name", weight.dtype)), np.floating):
            weight.assign(rng.normal(size=tuple(weight.shape)))


def layers_of(model: Any) -> list[tuple[str, list[np.ndarray]]]:
    return [(layer.name, list(layer.get_weights())) for layer in model.layers]


def functional(k: Any) -> Any:
    """Layers whose names, classes and creation order all differ in their sorting."""
    layers = k.layers
    image = k.Input((8, 8, 3), name="img")
    x = stem = layers.Conv2D(4, 3, padding="same", name="stem")(image)
    x = layers.Conv2D(4, 1)(x)
    x = layers.BatchNormalization(name="bn_user")(x)
    x = layers.ReLU()(x)
    x = layers.Add(name="skip_add")([stem, x])
    x = layers.Concatenate()([x, stem])
    x = layers.DepthwiseConv2D(3)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(5, name="z_dense")(x)
    return k.Model(image, layers.Dense(3, name="a_first_alphabetically")(x), name="func_net")


def recurrent(k: Any) -> Any:
    layers = k.layers
    sequence = k.Input((6, 5))
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="bi")(sequence)
    x = layers.TimeDistributed(layers.Dense(4))(x)
    x = layers.RNN([layers.LSTMCell(2), layers.GRUCell(7)], return_sequences=True)(x)
    x = layers.MultiHeadAttention(2, 3)(x, x)
    return k.Model(sequence, layers.GRU(2)(x))


def nested(k: Any) -> Any:
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(6, name="in_dense"), k.layers.BatchNormalization()], name="enc")
    x = k.Input((4,))
    return k.Model(x, k.layers.Dense(2, name="head")(inner(x)))


def subclassed(k: Any) -> Any:
    class Net(k.Model):
        def __init__(self) -> None:
            super().__init__()
            self.zconv = k.layers.Conv2D(4, 3, name="user_named")
            self.blocks = [k.layers.Dense(5), k.layers.Dropout(0.1), k.layers.Dense(6)]
            self.act = k.layers.PReLU()
            self.flat = k.layers.Flatten()

        def call(self, x: Any) -> Any:
            x = self.flat(self.act(self.zconv(x)))
            for block in self.blocks:
                x = block(x)
            return x

    net = Net()
    net(np.zeros((1, 5, 5, 2), "float32"))
    return net


MODELS = {"functional": functional, "recurrent": recurrent, "nested": nested, "subclassed": subclassed}


def plain_files() -> None:
    """Every kind of file of both libraries, for every model; the functional one has trained once."""
    for prefix, k in (("keras3", keras), ("tfkeras", tf_keras)):
        for title, make in MODELS.items():
            k.backend.clear_session()
            model = make(k)
            randomise(model)
            kinds = [".weights.h5"] if title == "subclassed" else [".weights.h5", ".keras", ".h5"]
            if title == "functional":
                model.compile("adam", "mse", metrics=["mae"], run_eagerly=True)
                model.train_on_batch(np.ones((2, 8, 8, 3), "float32"), np.ones((2, 3), "float32"))
            for kind in kinds:
                file = f"{prefix}_{title}{kind}"
                save = model.save_weights if kind == ".weights.h5" else model.save
                save(str(FOLDER / file))
                enter(file, file, layers_of(model), library=prefix, model=title, kind=kind)
            if prefix == "tfkeras":
                file = f"{prefix}_{title}_weights.h5"
                model.save_weights(str(FOLDER / file))
                enter(file, file, layers_of(model), library=prefix, model=title, kind="_weights.h5")


def many_layers() -> None:
    """So many long names that the list of them is cut into chunks."""
    tf_keras.backend.clear_session()
    wide = "_with_a_long_name" * 50
    layers = [tf_keras.layers.Activation("linear", name=f"layer_{i}{wide}") for i in range(80)]
    model = tf_keras.Sequential([tf_keras.Input((2,)), *layers, tf_keras.layers.Dense(3)])
    model.save_weights(str(FOLDER / "many.h5"))
    enter("many", "many.h5", layers_of(model), library="tfkeras", model="many", kind="_weights.h5")


def shards() -> None:
    model = keras.Sequential([keras.Input((30,))] + [keras.layers.Dense(n) for n in (30, 28, 26, 24)])
    randomise(model)
    model.save_weights(str(FOLDER / "sharded.weights.json"), max_shard_size=5e-6)
    enter("sharded", "sharded.weights.json", layers_of(model), library="keras3", model="sharded", kind=".weights.json")


def half_precision() -> None:
    for dtype in ("bfloat16", "float16"):
        model = keras.Sequential(
            [keras.Input((6,)), keras.layers.Dense(5, dtype=dtype), keras.layers.Dense(4, dtype=dtype)]
        )
        randomise(model)
        for kind in (".weights.h5", ".h5"):
            file = f"{dtype}{kind}"
            (model.save_weights if kind == ".weights.h5" else model.save)(str(FOLDER / file))
            arrays = [(layer.name, [np.asarray(w.numpy(), "float32") for w in layer.weights]) for layer in model.layers]
            enter(file, file, arrays, library="keras3", model="half", kind=kind, dtype=dtype)


def decoded(layer: Any) -> list[np.ndarray]:
    """What a quantised layer calculates with: its answer to unit vectors."""
    kind = type(layer).__name__
    if kind == "MultiHeadAttention":
        inner = (layer._query_dense, layer._key_dense, layer._value_dense, layer._output_dense)
        return [array for each in inner for array in decoded(each)]
    if "Embedding" in kind:
        table = layer(np.arange(layer.input_dim)).numpy()
        untied = kind == "ReversibleEmbedding"
        return [table, layer(np.eye(layer.output_dim, dtype="float32"), reverse=True).numpy()] if untied else [table]
    if kind not in ("Dense", "EinsumDense"):
        return list(layer.get_weights())
    bias = [] if layer.bias is None else [layer.bias.numpy()]
    contracted = (2, 5) if kind == "EinsumDense" and layer.equation.startswith("abcd,") else None
    size = 10 if contracted else layer.input_spec.axes[-1] if kind == "Dense" else layer._kernel.shape[0]
    units = np.eye(size, dtype="float32")
    if kind == "EinsumDense":
        units = units.reshape((1, size, *(contracted or (size,))))
    kernel = layer(units).numpy() - (bias[0] if bias else 0)
    if kind == "EinsumDense":
        kernel = kernel[0].reshape((2, 5, -1)) if contracted else kernel[0]
    return [kernel, *bias]


def quantised() -> None:
    from keras.quantizers import Int4QuantizationConfig

    for mode, block in (("int8", 0), ("int4", -1), ("int4", 4)):
        layers = keras.layers
        keras.backend.clear_session()
        ids = keras.Input((6,))
        x = layers.Embedding(40, 7)(ids)
        x = layers.Dense(24)(x)
        x = layers.EinsumDense("abc,cde->abde", output_shape=(None, 3, 4), bias_axes="de")(x)
        x = layers.Reshape((6, 12))(x)
        x = layers.MultiHeadAttention(2, 5)(x, x)
        x = layers.Dense(9, use_bias=False)(x)
        untied = layers.ReversibleEmbedding(30, 9, tie_weights=False)
        untied(ids)
        model = keras.Model(ids, untied(x, reverse=True))
        randomise(model)
        model.quantize(mode, config=Int4QuantizationConfig(block_size=block) if mode == "int4" else None)
        after = [(layer.name, decoded(layer)) for layer in model.layers]
        for kind in (".weights.h5", ".h5"):
            file = f"{mode}_{block}{kind}"
            (model.save_weights if kind == ".weights.h5" else model.save)(str(FOLDER / file))
            enter(file, file, after, library="keras3", model="quantised", kind=kind, mode=mode, block=block)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5), keras.layers.Dense(4, use_bias=False)])
    randomise(model)
    before = layers_of(model)
    model.quantize("float8")
    model.save_weights(str(FOLDER / "float8.weights.h5"))
    enter("float8", "float8.weights.h5", before, library="keras3", model="float8", kind=".weights.h5")


def calibrated() -> None:
    """Gptq and awq, without the calibration: any numbers will do, and the layer itself says what kernel they are."""
    from keras.quantizers import AWQConfig, GPTQConfig

    rng = np.random.default_rng(1)
    for method, bits, bias in (("gptq", 4, True), ("gptq", 8, False), ("awq", 4, True)):
        layer = keras.layers.Dense(9, use_bias=bias)
        model = keras.Sequential([keras.Input((6,)), layer])
        make = GPTQConfig if method == "gptq" else AWQConfig
        options = {"weight_bits": bits} if method == "gptq" else {}
        layer.quantize(method, config=make(dataset=["a"], tokenizer=lambda text: text, group_size=4, **options))
        for name in ("quantized_kernel", "kernel_zero"):
            variable = getattr(layer, name)
            top = 16 if name == "kernel_zero" and bits == 4 else 256
            variable.assign(rng.integers(0, top, size=tuple(variable.shape)).astype("uint8"))
        layer.kernel_scale.assign(rng.uniform(0.5, 2, size=tuple(layer.kernel_scale.shape)))
        layer.g_idx.assign(np.array([0, 1, 0, 1, 1, 0], "float32"))
        if method == "awq":
            layer.awq_scales.assign(rng.uniform(0.5, 2, size=6))
        if bias:
            layer.bias.assign(rng.normal(size=9))
        setattr(layer, f"is_{method}_calibrated", True)
        file = f"{method}{bits}.weights.h5"
        model.save_weights(str(FOLDER / file))
        enter(f"{file} as saved", file, [], library="keras3", model="calibrated", kind="as saved")
        # Keras 3.15 leaves out the zero points here; a file as variable_serialization_spec promises:
        with h5py.File(FOLDER / f"whole_{file}", "w") as target:
            names = layer.variable_serialization_spec[method][0 if bias else 1 :]
            for index, name in enumerate(names):
                target[f"layers/dense/vars/{index}"] = getattr(layer, name).numpy()
        enter(file, f"whole_{file}", [(layer.name, decoded(layer))], library="keras3", model="calibrated", kind="whole")


if __name__ == "__main__":
    for write in (plain_files, many_layers, shards, half_precision, quantised, calibrated):
        write()
    np.savez(FOLDER / "expected.npz", **{key.replace("/", "|"): array for key, array in ARRAYS.items()})
    (FOLDER / "expected.json").write_text(json.dumps(CASES))
