"""The entry of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from regraft.blueprint import Shape
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, plain, setting
from regraft.layers.version import KerasVersion


def batch_shape(value: Any, _: Reading) -> Shape:
    """A shape with its batch axis; JSON nulls are axes that vary."""
    return None if value is None else plain(value)


@dataclass(frozen=True, kw_only=True)
class InputLayer(Layer):
    """
    An entry of the model: shape with batch axis, and dtype.

    Keras: ``keras/src/layers/core/input_layer.py``; PyTorch: an argument of ``forward``.
    """

    batch_shape: Shape = setting(None, old=("batch_input_shape",), parse=batch_shape)
    dtype: str = setting("float32", old=("input_dtype",), parse=lambda v, _: v if isinstance(v, str) else "float32")

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return self.batch_shape

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        key = "batch_shape" if version.major >= 3 else "batch_input_shape"
        return {key: self.batch_shape, "dtype": self.dtype}

    def torch(self, site: Site) -> Form:
        return Form(("%0",))
