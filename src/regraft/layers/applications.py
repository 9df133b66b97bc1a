"""Layers that ``keras.applications`` defines beside its models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import Shape
from regraft.layers.activation_layers import number
from regraft.layers.base import Layer, Weight, flattened
from regraft.layers.form import Carry, Form, Site
from regraft.layers.settings import positive, setting
from regraft.layers.version import KerasVersion
from regraft.layout import Layout

CAVEAT = "it is a class of keras.applications: Keras 2 needs it among its custom_objects"


@dataclass(frozen=True, kw_only=True)
class LayerScale(Layer):
    """
    ConvNeXt: each channel times a learned number; the shape stays.

    Keras: ``keras/src/applications/convnext.py``; PyTorch: a product with a parameter.
    """

    keras_module: ClassVar = "keras.src.applications.convnext"
    masks: ClassVar = "drop"
    flat: ClassVar = "pass"
    weights: ClassVar = (Weight("gamma", "projection_dim -> projection_dim", torch="gamma", follows="projection_dim"),)

    projection_dim: int = setting(parse=positive)
    init_values: float = setting(1e-6, parse=number)

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return (CAVEAT,) if version.major < 3 else ()

    def torch(self, site: Site) -> Form:
        order = site.orders[0]
        behind = len(order.axes) - 1 - order.dim(-1) if order.axes else 0
        layout = Layout(f"projection_dim -> projection_dim{' 1' * behind}")
        if order.flat:
            layout = flattened(layout, "projection_dim", order.flat)
        layout = layout.bind(site.stored["gamma"])
        shape = ", ".join(map(str, layout.shape(site.stored["gamma"])))
        return Form(
            ("%self(%0)",),
            f"LayerScale({shape})",
            carries=(Carry(("gamma",), (layout,), ("gamma",)),),
            snippets=("LayerScale",),
        )


@dataclass(frozen=True, kw_only=True)
class CustomScaleLayer(Layer):
    """
    Inception-ResNet: the first tensor plus ``scale`` times the second, of the same shape.

    Keras: ``keras/src/applications/inception_resnet_v2.py``; PyTorch: ``+``.
    """

    keras_module: ClassVar = "keras.src.applications.inception_resnet_v2"
    masks: ClassVar = "drop"

    scale: float = setting(parse=number)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return next((shape for shape in inputs if shape is not None), None)

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return (CAVEAT,) if version.major < 3 else ()

    def torch(self, site: Site) -> Form:
        return Form((f"%0 + {self.scale!r} * %1",))
