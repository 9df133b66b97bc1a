"""
Keras 2 under the name ``keras``, for packages that were written for it.

Import this first. Nothing is initialised with random numbers, so large models are built in seconds.
"""

from __future__ import annotations

import os
import sys
import types
import warnings
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
warnings.filterwarnings("ignore")

import tensorflow as tf
import tf_keras
from tf_keras.src import engine, initializers
from tf_keras.src.utils import data_utils, layer_utils


def zeros(self: Any, shape: Any, dtype: Any = None, **_: Any) -> Any:
    """In place of random numbers."""
    del self
    return tf.zeros(shape, dtype or "float32")


def install() -> None:
    """Make ``import keras`` and its old submodules give tf-keras."""
    for name, module in list(sys.modules.items()):
        if name == "tf_keras" or name.startswith("tf_keras."):
            sys.modules["keras" + name[len("tf_keras") :]] = module
    tf_keras.utils.layer_utils = layer_utils
    layers = types.ModuleType("keras.engine")
    layers.Layer = tf_keras.layers.Layer
    layers.InputSpec = tf_keras.layers.InputSpec
    topology = types.ModuleType("keras.engine.topology")
    topology.get_source_inputs = layer_utils.get_source_inputs
    topology.Layer = tf_keras.layers.Layer
    layers.topology = topology
    sys.modules |= {
        "keras.engine": layers,
        "keras.engine.topology": topology,
        "keras.utils.data_utils": data_utils,
        "keras.utils.layer_utils": layer_utils,
    }
    tf_keras.engine = layers
    for name in ("VarianceScaling", "RandomNormal", "RandomUniform", "TruncatedNormal", "Orthogonal"):
        getattr(initializers, name).__call__ = zeros
    assert engine


install()
