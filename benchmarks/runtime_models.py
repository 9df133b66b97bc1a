"""
Write one model of keras.applications with random weights, and run for real it as the others are: a step of part c.

    python benchmarks/runtime_models.py keras NAME SIZE CLASSES OUT.keras
    python benchmarks/runtime_models.py onnx MODEL.keras OUT.onnx
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ["KERAS_BACKEND"] = "tensorflow"


def write_keras(name: str, size: int, classes: int, out: Path) -> None:
    """A model for (batch, size, size, 3); its weights keep signals alive, and its answers differ between images."""
    import keras
    import numpy as np

    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=classes)
    rng = np.random.default_rng(50)
    for weight in model.weights:
        kind, shape = weight.name, tuple(weight.shape)
        if kind == "moving_variance":
            value = rng.uniform(0.5, 2.0, shape)
        elif kind == "gamma":
            value = rng.uniform(0.7, 1.3, shape)
        elif "kernel" in kind:
            depthwise = len(shape) == 4 and shape[-1] == 1
            value = rng.standard_normal(shape) / np.prod(shape[:2] if depthwise else shape[:-1]) ** 0.5
        else:
            value = rng.standard_normal(shape) * 0.1
        weight.assign(value.astype("float32"))
    model.save(out)


def write_onnx(source: Path, out: Path) -> None:
    """The same model as ONNX, by tf2onnx; inputs stay (batch, h, w, 3)."""
    import keras
    import onnx
    import tensorflow as tf
    import tf2onnx

    model = keras.models.load_model(source, compile=False)
    signature = [tf.TensorSpec([None, *model.input_shape[1:]], tf.float32, name="x")]
    proto, _ = tf2onnx.convert.from_keras(model, input_signature=signature, opset=17)
    onnx.save(proto, str(out))


if __name__ == "__main__":
    if sys.argv[1] == "keras":
        write_keras(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
    else:
        write_onnx(Path(sys.argv[2]), Path(sys.argv[3]))
