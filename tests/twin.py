"""
Real Keras beside the emitted module: the harness of all layer tests.

``agree`` saves a Keras model, converts the file with regraft, and compares the outputs in float64 and float32.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from regraft.blueprint import Blueprint
from regraft.emit.module import Module, emit
from regraft.keras_config import parse
from regraft.layers.binding import bind
from regraft.verify.trace import default_dtype
from regraft.weights import read


def randomise(model: Any, seed: int = 0) -> None:
    """Random weights that hide nothing: non-trivial statistics, non-zero biases, gains around 1."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        path = getattr(weight, "path", weight.name)
        name, shape = path.split("/")[-1].split(":")[0], tuple(weight.shape)
        if "seed" in name or "int" in str(weight.dtype):
            continue
        if "variance" in name:
            value = rng.uniform(0.3, 2.0, shape)
        elif name in ("gamma", "scale"):
            value = rng.uniform(0.5, 1.5, shape)
        elif "kernel" in name or "embeddings" in name:
            value = rng.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[:-1])))
        else:
            value = rng.standard_normal(shape) * 0.3
        weight.assign(value.astype("float32"))


def converted(file: Path, config: str | None = None, *, selftest: bool = False) -> Module:
    """Convert a file to an emitted module."""
    tree = read(file)
    blueprint = parse(config or tree.config or "", keras_version=tree.keras_version)
    assert not [spec.name for spec in blueprint.layers if spec.unknown], [
        s.unknown for s in blueprint.layers if s.unknown
    ]
    return emit(blueprint, bind(blueprint, tree), "a test", selftest=selftest)


def loaded(module: Module, dtype: str = "float64") -> Any:
    """The emitted module, running, with its parameters."""
    import torch

    space = types.ModuleType("emitted")
    sys.modules["emitted"] = space
    exec(compile(module.source, "emitted.py", "exec"), space.__dict__)  # noqa: S102 - our own output
    model = space.Model()
    state = {
        name: torch.from_numpy(np.array(array))
        for transfer in module.transfers
        for name, array in zip(transfer.parameters, transfer.read(), strict=True)
    }
    model.load_state_dict(state, strict=True)
    return model.to(getattr(torch, dtype)).eval()


def in_torch_order(array: np.ndarray, order: Any) -> np.ndarray:
    """A Keras activation in the axis order of the emitted module."""
    return array.transpose(order.axes) if order.axes else array


def in_keras_order(array: np.ndarray, order: Any) -> np.ndarray:
    """An activation of the emitted module in Keras order."""
    return array.transpose(np.argsort(order.axes)) if order.axes else array


def run(module: Module, inputs: Sequence[np.ndarray], dtype: str = "float64") -> list[np.ndarray]:
    """Outputs of the emitted module, in Keras order, for inputs in Keras order."""
    import torch

    model = loaded(module, dtype)
    arguments = []
    for array, order in zip(inputs, module.input_orders, strict=True):
        tensor = torch.from_numpy(np.ascontiguousarray(in_torch_order(array, order)))
        arguments.append(tensor.to(getattr(torch, dtype)) if tensor.is_floating_point() else tensor)
    with torch.no_grad(), default_dtype(dtype):
        outputs = model(*arguments)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return [in_keras_order(out.numpy(), order) for out, order in zip(outputs, module.output_orders, strict=True)]


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference relative to the largest expected value."""
    assert found.shape == expected.shape, (found.shape, expected.shape)
    if not expected.size:
        return 0.0
    return float(np.abs(found.astype("float64") - expected).max() / max(np.abs(expected).max(), 1e-30))


def agree(
    model: Any,
    inputs: Sequence[np.ndarray],
    folder: Path,
    *,
    suffix: str = ".keras",
    tolerance: float = 1e-10,
    randomised: bool = True,
) -> Module:
    """
    Save, convert, compare. Returns the emitted module, so that a test can look at its source.

    The model may have any dtype policy; the comparison runs in float64 on a float64 copy of the model (Keras 3 and tf_keras).
    """
    import keras

    if randomised:
        randomise(model)
    file = folder / f"model{suffix}"
    model.save(file)
    module = converted(file)
    is_keras3 = isinstance(model, keras.Model)
    library = keras if is_keras3 else __import__("tf_keras")
    if is_keras3:
        before = (keras.config.dtype_policy(), keras.config.floatx())
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
    else:
        before = (library.mixed_precision.global_policy(), library.backend.floatx())
        library.backend.set_floatx("float64")
        library.mixed_precision.set_global_policy("float64")
    try:
        config = as_float64(model.get_config())
        exact = type(model).from_config(config)
        exact.set_weights(
            [np.asarray(w, "float64") if np.asarray(w).dtype.kind == "f" else w for w in model.get_weights()]
        )
        for part in exact._flatten_layers():
            getattr(part, "finalize_state", lambda: None)()  # Normalization computes with copies of its variables
        wide = [a.astype("float64") if a.dtype.kind == "f" else a for a in inputs]
        expected = exact(wide if len(wide) > 1 else wide[0], training=False)
    finally:
        if is_keras3:
            keras.config.set_floatx(before[1])
            keras.config.set_dtype_policy(before[0])
        else:
            library.backend.set_floatx(before[1])
            library.mixed_precision.set_global_policy(before[0])
    expected = expected if isinstance(expected, list | tuple) else [expected]
    found = run(module, wide)
    assert len(found) == len(expected)
    for i, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        error = relative_error(ours, np.asarray(theirs))
        assert error <= tolerance, f"output {i}: relative error {error:.2e}\n{module.source}"
    return module


def as_float64(config: Any) -> Any:
    """A Keras config with every float32 dtype replaced by float64."""
    if isinstance(config, dict):
        return {k: "float64" if k in ("dtype", "name") and v == "float32" else as_float64(v) for k, v in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(as_float64(item) for item in config)
    return config


def activations(
    module: Module, blueprint: Blueprint, inputs: Sequence[np.ndarray], dtype: str = "float64"
) -> dict[str, np.ndarray]:
    """What every layer of the emitted module gives, by layer name and in Keras order, for inputs in Keras order."""
    from regraft.verify.trace import as_float32, emitted

    state = {n: a for t in module.transfers for n, a in zip(t.parameters, t.read(), strict=True)}
    subject: Any = types.SimpleNamespace(
        blueprint=blueprint,
        source=module.source,
        probes=module.probes,
        input_orders=module.input_orders,
        output_orders=module.output_orders,
        state=lambda: state,
    )
    running = emitted(subject)
    seen: dict[str, np.ndarray] = {}
    ran = (running if dtype == "float64" else as_float32(running)).run(
        inputs, lambda spot, array: seen.__setitem__(spot.path, array.copy())
    )
    assert not ran.crash, f"{ran.crash}\n{module.source}"
    return seen
