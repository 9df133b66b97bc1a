"""Keras 3 and tf-keras behind one face, inside the oracle's process."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from regraft.verify.oracle_graph import Capture


@dataclass
class Library:
    """
    One of the two libraries.

    Attributes:
        name: ``keras`` or ``tf_keras``.
        module: The imported package.
        compiled: Captures whose operations the plain kernels lack, and their compiled form.
    """

    name: str
    module: Any
    compiled: dict[int, Any] = field(default_factory=dict)

    @property
    def description(self) -> str:
        """Library and backend with versions."""
        import tensorflow as tf

        return f"{self.name.replace('_', '-')} {self.module.__version__}, tensorflow {tf.__version__}"

    @contextmanager
    def precision(self, dtype: str) -> Generator[None]:
        """Everything built inside computes in ``dtype``; ``floatx`` alone would leave layers in float32."""
        config = self.module.config if self.name == "keras" else self.module.backend
        policies = self.module.config if self.name == "keras" else self.module.mixed_precision
        get, put = (
            (policies.dtype_policy, policies.set_dtype_policy)
            if self.name == "keras"
            else (policies.global_policy, policies.set_global_policy)
        )
        before = config.floatx(), get()
        config.set_floatx(dtype)
        put(dtype)
        try:
            yield
        finally:
            config.set_floatx(before[0])
            put(before[1])

    def from_json(self, text: str) -> Any:
        """
        A model from JSON that holds allowed names only.

        Keras 3 writes two kinds of JSON: with the module of each class, and, in ``.h5`` files, without; the second is read
        by its loader for legacy files.
        """
        config = json.loads(text)
        if self.name == "keras" and isinstance(config, dict) and "module" not in config:
            from keras.src.legacy.saving.saving_utils import model_from_config

            return model_from_config(config)
        return self.module.models.model_from_json(text)

    def knowing(self, objects: Mapping[str, Any]) -> AbstractContextManager[Any]:
        """Inside, classes and functions of the user are found by their names."""
        place = self.module.saving if self.name == "keras" else self.module.utils
        return place.custom_object_scope(dict(objects))

    def clear(self) -> None:
        """Forget the models before."""
        self.compiled.clear()
        self.module.backend.clear_session()

    def evaluate(self, capture: Capture, arrays: Sequence[np.ndarray]) -> list[Any]:
        """
        Every tensor of a model for these inputs.

        TensorFlow's plain kernels on a CPU lack channels-first convolutions and 3-D pooling in float64; its compiler,
        XLA, has most of them.
        """
        import tensorflow as tf

        inputs = [tf.constant(array) for array in arrays]
        if id(capture) in self.compiled:
            return self.compiled[id(capture)](inputs)
        try:
            return capture(inputs)
        except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError, tf.errors.NotFoundError) as plain:
            compiled = tf.function(capture, jit_compile=True, autograph=False)
            try:
                found = compiled(inputs)
            except Exception:
                raise plain from None
            self.compiled[id(capture)] = compiled
            return found


def library(name: str) -> Library:
    """Import one of the two libraries; the other is left alone."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    if name == "tf_keras":
        import tf_keras

        return LIBRARIES.setdefault(name, Library(name, tf_keras))
    import keras

    return LIBRARIES.setdefault(name, Library(name, keras))


LIBRARIES: dict[str, Library] = {}
