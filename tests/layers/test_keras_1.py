"""
Layers that only Keras 1 has, in files as it wrote them.

Keras 1 itself runs on no Python of today. What stands for it is Keras 3: the same model, put together from its layers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.twin import converted, relative_error, run
from tests.weights.build import write_legacy

from regraft.emit.module import Module

RNG = np.random.default_rng(8)
X, Y = RNG.standard_normal((4, 5)), RNG.standard_normal((4, 5))
IMAGE = RNG.standard_normal((2, 4, 3, 2))


def numbers(*shape: int) -> np.ndarray:
    """Weights that float32 holds exactly."""
    return RNG.standard_normal(shape).astype("float32").astype("float64")


def keras_1_module(path: Path, layer: dict[str, Any], weights: dict[str, np.ndarray], shape: tuple[int, ...]) -> Module:
    """One layer as a Sequential model, in a file of Keras 1.2.2."""
    layer = {**layer, "config": {**layer["config"], "name": "it", "batch_input_shape": [None, *shape]}}
    with h5py.File(path / "old.h5", "w") as file:
        file.attrs["keras_version"] = "1.2.2"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": [layer]})
        write_legacy(file.create_group("model_weights"), (("it", weights),), keras=1)
    return converted(path / "old.h5")


def dense(kernel: np.ndarray, bias: np.ndarray, activation: str, x: Any) -> Any:
    """Dense of Keras 3 in float64 with these weights."""
    import keras

    layer = keras.layers.Dense(kernel.shape[1], activation=activation, dtype="float64")
    layer.build((None, kernel.shape[0]))
    layer.set_weights([kernel, bias])
    return layer(x)


@pytest.mark.oracle
def test_highway(tmp_path: Path) -> None:
    kernel, gate_kernel, bias, gate_bias = numbers(5, 5), numbers(5, 5), numbers(5), numbers(5)
    weights = {"W": kernel, "W_carry": gate_kernel, "b": bias, "b_carry": gate_bias}
    layer = {"class_name": "Highway", "config": {"activation": "tanh", "bias": True}}
    module = keras_1_module(tmp_path, layer, weights, (5,))
    gate = dense(gate_kernel, gate_bias, "sigmoid", X)
    expected = gate * dense(kernel, bias, "tanh", X) + (1.0 - gate) * X
    (found,) = run(module, [X])
    assert relative_error(found, np.asarray(expected)) < 1e-12


@pytest.mark.oracle
def test_maxout_dense(tmp_path: Path) -> None:
    import keras

    kernel, bias = numbers(3, 5, 2), numbers(3, 2)
    layer = {"class_name": "MaxoutDense", "config": {"output_dim": 2, "nb_feature": 3, "bias": True}}
    module = keras_1_module(tmp_path, layer, {"W": kernel, "b": bias}, (5,))
    parts = [dense(k, b, "linear", X) for k, b in zip(kernel, bias, strict=True)]
    (found,) = run(module, [X])
    assert relative_error(found, np.asarray(keras.layers.Maximum(dtype="float64")(parts))) < 1e-12


@pytest.mark.oracle
@pytest.mark.parametrize("shared", [False, True])
def test_parametric_softplus(shared: bool, tmp_path: Path) -> None:
    import keras

    shape = (1, 1, 2) if shared else (4, 3, 2)
    alpha, beta = numbers(*shape), numbers(*shape)
    layer = {"class_name": "ParametricSoftplus", "config": {"alpha_init": 0.2, "beta_init": 5.0}}
    module = keras_1_module(tmp_path, layer, {"alphas": alpha, "betas": beta}, (4, 3, 2))
    (found,) = run(module, [IMAGE])
    assert relative_error(found, np.asarray(alpha * keras.ops.softplus(beta * IMAGE))) < 1e-12


@pytest.mark.oracle
def test_s_shaped_relu(tmp_path: Path) -> None:
    import keras

    t_left, a_left, t_right, a_right = (numbers(5) for _ in range(4))
    layer = {"class_name": "SReLU", "config": {"t_left_init": "zero", "a_right_init": "one"}}
    weights = {"t_left": t_left, "a_left": a_left, "t_right": t_right, "a_right": a_right}
    module = keras_1_module(tmp_path, layer, weights, (5,))
    (found,) = run(module, [3.0 * X])
    right = t_left + np.abs(t_right)
    x = 3.0 * X
    middle = keras.ops.where(x > t_left, x, t_left + a_left * (x - t_left))
    expected = keras.ops.where(x > right, right + a_right * (x - right), middle)
    assert relative_error(found, np.asarray(expected)) < 1e-12


@pytest.mark.oracle
@pytest.mark.parametrize("mode", ["sum", "mul", "ave", "max", "concat", "dot", "cos"])
def test_merge_of_two_branches(mode: str, tmp_path: Path) -> None:
    """Branches as layers of a Merge, as ``Sequential`` of Keras 1 had them."""
    import keras

    kernels = [numbers(5, 3), numbers(5, 3)]
    names = ("left", "right")
    branches = [
        {"class_name": "Sequential", "config": [
            {"class_name": "Dense", "config": {"name": name, "output_dim": 3, "bias": False, "batch_input_shape": [None, 5]}}
        ]}
        for name in names
    ]  # fmt: skip
    merge = {"class_name": "Merge", "config": {
        "name": "merge_1", "layers": branches, "mode": mode, "mode_type": "raw", "concat_axis": -1, "dot_axes": -1,
        "output_shape": None, "output_shape_type": "raw", "output_mask": None, "output_mask_type": "raw", "arguments": {},
    }}  # fmt: skip
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["keras_version"] = "1.2.2"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": [merge]})
        flat = [(name, {"W": kernel}) for name, kernel in zip(names, kernels, strict=True)]
        write_legacy(file.create_group("model_weights"), (*flat, ("merge_1", {})), keras=1)
    module = converted(tmp_path / "old.h5")
    left, right = (dense(k, np.zeros(3), "linear", x) for k, x in zip(kernels, (X, Y), strict=True))
    layers = keras.layers
    same = {"sum": layers.Add, "mul": layers.Multiply, "ave": layers.Average, "max": layers.Maximum}
    if mode in same:
        expected = np.asarray(same[mode](dtype="float64")([left, right]))
    elif mode == "concat":
        expected = np.asarray(layers.Concatenate(dtype="float64")([left, right]))
    else:
        expected = np.asarray(layers.Dot(-1, normalize=mode == "cos", dtype="float64")([left, right]))
    if mode == "cos":
        expected = expected[:, None]
    (found,) = run(module, [X, Y])
    assert relative_error(found, expected) < 1e-12
