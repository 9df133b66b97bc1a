from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree

from regraft.layers import ALIASES, KerasVersion

RNG = np.random.default_rng(0)

#: Classes of the layers in all families of keras.applications, Keras 3.15.1 (listed from models built without weights).
CLASSES = """
    Activation Add AveragePooling2D BatchNormalization Concatenate Conv2D Cropping2D CustomScaleLayer Dense DepthwiseConv2D
    Dropout Flatten GlobalAveragePooling2D InputLayer LayerNormalization LayerScale MaxPooling2D Multiply Normalization ReLU
    Rescaling Reshape SeparableConv2D Sequential ZeroPadding2D
""".split()


def images(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


def test_every_layer_of_keras_applications_is_known() -> None:
    assert set(CLASSES) <= set(ALIASES)


@pytest.mark.oracle
def test_a_block_of_convnext(tmp_path: Path) -> None:
    import keras
    from keras.src.applications.convnext import LayerScale

    layers = keras.layers
    image = keras.Input((6, 5, 3))
    x = block = layers.Conv2D(8, 3)(image)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = layers.Dense(16, activation="gelu")(x)
    x = LayerScale(0.5, 8, name="scale")(layers.Dense(8)(x))
    held = LayerScale(0.5, 8, name="held")(block)
    model = keras.Model(image, [layers.Add()([block, x]), held, LayerScale(0.1, 3)(layers.GlobalMaxPooling2D()(image))])
    module = agree(model, [images(2, 6, 5, 3)], tmp_path, tolerance=1e-7)
    assert "self.scale = LayerScale(8)" in module.source, "between Dense layers the channels come last"
    assert "self.held = LayerScale(8, 1, 1)" in module.source
    assert "self.norm = nn.LayerNorm(8, eps=1e-06)" in module.source


@pytest.mark.oracle
def test_the_residual_scale_of_inception_resnet(tmp_path: Path) -> None:
    import keras
    from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

    image = keras.Input((6, 5, 3))
    one, two = (keras.layers.Conv2D(4, 3)(image) for _ in range(2))
    module = agree(keras.Model(image, CustomScaleLayer(0.25)([one, two])), [images(2, 6, 5, 3)], tmp_path)
    assert "+ 0.25 * " in module.source


def test_keras_2_must_be_told_of_these_classes() -> None:
    found = layer("LayerScale", {"init_values": 1e-6, "projection_dim": 8})
    assert found.caveats(KerasVersion(2, 15))
    assert not found.caveats(KerasVersion(3, 15))
    assert found.to_keras(KerasVersion(3, 15)) == {"init_values": 1e-6, "projection_dim": 8}
    assert layer("CustomScaleLayer", {"scale": 0.17}).to_keras(KerasVersion(3, 15)) == {"scale": 0.17}
