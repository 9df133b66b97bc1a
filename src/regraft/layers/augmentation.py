"""Random changes of the inputs that Keras makes in training only: at inference they are the identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from regraft.blueprint import Shape
from regraft.errors import BlueprintError, UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, plain, positive, setting
from regraft.layers.spatial import MapShape, data_format
from regraft.layers.version import KerasVersion

#: Keys that every layer has and that are written apart from its settings.
COMMON = frozenset({"name", "trainable", "dtype", "batch_input_shape"})
#: Classes of Keras 2 and 3 that hand their input on unchanged at inference, whatever their settings.
CLASSES = (
    "AugMix CutMix Equalization MaxNumBoundingBoxes MixUp RandAugment RandomBrightness RandomColorDegeneration "
    "RandomColorJitter RandomContrast RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale "
    "RandomHeight RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation "
    "RandomSharpness RandomShear RandomTranslation RandomWidth RandomZoom Solarization"
).split()


@dataclass(frozen=True, kw_only=True)
class Augmentation(Layer, abstract=True):
    """
    The identity at inference; its settings are kept as Keras wrote them.

    Keras: ``keras/src/layers/preprocessing/image_preprocessing``; PyTorch: nothing, or torchvision in training.
    """

    masks: ClassVar = "drop"

    settings: Mapping[str, Any] = setting(keras=False)

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        return cls(settings={key: plain(value) for key, value in reading.config.items() if key not in COMMON})

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return dict(self.settings)

    def torch(self, site: Site) -> Form:
        if len(site.inputs) != 1:
            raise UnknownLayerError(
                f"layer {quote(site.name)} receives {len(site.inputs)} tensors: images with labels or boxes"
            )
        return Form(("%0",))


AUGMENTATIONS = {name: type(name, (Augmentation,), {"__doc__": Augmentation.__doc__}) for name in CLASSES}


@dataclass(frozen=True, kw_only=True)
class Pipeline(Augmentation):
    """
    Several augmentations in a row.

    Keras: ``keras/src/layers/preprocessing/pipeline.py``; PyTorch: nothing.
    """

    takes_trainable: ClassVar = False

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        for layer in reading.config.get("layers", ()):
            if layer.get("class_name") not in AUGMENTATIONS:
                raise UnknownLayerError(f"Pipeline with {quote(layer.get('class_name'))}, which acts at inference")
        return super().from_keras(reading)


@dataclass(frozen=True, kw_only=True)
class RandomCrop(Layer):
    """
    The identity at inference for images that have the wanted size already; others Keras would resize.

    Keras: ``keras/src/layers/preprocessing/image_preprocessing/random_crop.py``; PyTorch: nothing.
    """

    masks: ClassVar = "drop"
    rank: ClassVar = 2

    height: int = setting(parse=positive)
    width: int = setting(parse=positive)
    data_format: str = setting("channels_last", parse=data_format)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        return config if version.major >= 3 else {k: v for k, v in config.items() if k != "data_format"}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        first = self.data_format == "channels_first"
        return ("RandomCrop of Keras 2 knows channels last only",) if first and version.major < 3 else ()

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        image = MapShape.of(inputs[0], 2, self.data_format)
        if image.sizes != (self.height, self.width):
            raise BlueprintError(
                f"RandomCrop to {self.height} x {self.width} resizes images of {image.sizes} at inference"
            )
        return inputs[0]

    def torch(self, site: Site) -> Form:
        return Form(("%0",))
