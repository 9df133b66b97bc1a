"""The classes and functions of a user's file for Keras, inside the oracle's process."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

from regraft.layers.custom import load
from regraft.verify.custom_config import FUNCTION_LAYER


def objects_of(path: str, keras: Any, library: str) -> dict[str, Any]:
    """
    What a user's file gives to Keras, by name, with the layer that calls its functions.

    A file may import a module of the user's that takes Keras from TensorFlow; then it should be the one that runs.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1" if library == "tf_keras" else "0"
    found = load(Path(path)).keras_objects(keras)
    return {**found, FUNCTION_LAYER: function_layer(keras, found)}


def function_layer(keras: Any, functions: dict[str, Any]) -> type[Any]:
    """A layer that calls one of the functions by name, in the place of a Lambda."""
    takes = {name: inspect.signature(f).parameters for name, f in functions.items() if inspect.isfunction(f)}

    class RegraftFunction(keras.layers.Layer):
        def __init__(self, function: str, arguments: dict[str, Any], **settings: Any) -> None:
            super().__init__(**settings)
            self.by_name, self.function, self.arguments = function, functions[function], arguments

        def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
            given = {"mask": mask, "training": training}
            known = takes.get(self.by_name, {})
            return self.function(inputs, **self.arguments, **{k: v for k, v in given.items() if k in known})

    return RegraftFunction
