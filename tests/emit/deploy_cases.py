"""Models whose emitted code is taken where PyTorch models go: compiled, exported, trained, loaded elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.golden.cases import tagger, two_towers

from regraft.samples import path as sample


@dataclass(frozen=True)
class Case:
    """
    One model.

    Attributes:
        file: Writes or finds the Keras file, given a folder.
        inputs: Inputs in PyTorch order for a number of samples.
        contains: What the emitted source must contain, so that the case shows what it is there for.
    """

    file: Callable[[Path], Path]
    inputs: Callable[[int], tuple[np.ndarray, ...]]
    contains: tuple[str, ...]


def noise(seed: int, *shape: int) -> np.ndarray:
    """Standard normal float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def words(count: int) -> tuple[np.ndarray, ...]:
    """(count, 9) of word numbers; sentences of several lengths, filled up with zeros behind and in front."""
    found = np.random.default_rng(3).integers(1, 50, (count, 9))
    found[::2, 6:] = 0
    found[1::3, :2] = 0
    return (found,)


def resnet() -> Any:
    """Two stages of bottleneck blocks as in ResNet50, narrow and on a small map."""
    from keras import Input, Model, layers

    def convolved(x: Any, name: str, filters: int, kernel: int, stride: int = 1) -> Any:
        x = layers.Conv2D(filters, kernel, strides=stride, padding="same", name=f"{name}_conv")(x)
        return layers.BatchNormalization(epsilon=1.001e-5, name=f"{name}_bn")(x)

    def block(x: Any, name: str, filters: int, stride: int = 1) -> Any:
        skip = x if stride == 1 else convolved(x, f"{name}_0", 4 * filters, 1, stride)
        x = layers.ReLU(name=f"{name}_1_relu")(convolved(x, f"{name}_1", filters, 1, stride))
        x = layers.ReLU(name=f"{name}_2_relu")(convolved(x, f"{name}_2", filters, 3))
        x = layers.Add(name=f"{name}_add")([skip, convolved(x, f"{name}_3", 4 * filters, 1)])
        return layers.ReLU(name=f"{name}_out")(x)

    image = Input((18, 22, 3), name="image")
    x = convolved(layers.ZeroPadding2D(3, name="stem_pad")(image), "stem", 20, 7, 2)
    x = layers.ReLU(name="stem_relu")(x)
    for name, filters, stride in (("a1", 5, 1), ("a2", 5, 1), ("b1", 7, 2), ("b2", 7, 1), ("b3", 7, 1)):
        x = block(x, name, filters, stride)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return Model(image, layers.Dense(11, activation="softmax", name="classes")(x), name="resnet")


def same() -> Any:
    """Strided "same" windows over maps of any size: how much is padded is known only when the model runs."""
    from keras import Input, Model, layers

    image = Input((None, None, 3), name="image")
    x = layers.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="conv")(image)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.DepthwiseConv2D(5, strides=3, padding="same", name="depthwise")(x)
    x = layers.AveragePooling2D(3, strides=2, padding="same", name="mean")(x)
    return Model(image, layers.Conv2D(4, 1, name="head")(x), name="same")


def gru() -> Any:
    """Recurrent layers of Keras 2 before 2.4: the reset gate acts before the matrix product."""
    from tf_keras import Input, Sequential, layers

    return Sequential(
        [
            Input((8, 3), name="signal"),
            layers.GRU(6, reset_after=False, return_sequences=True, name="first"),
            layers.GRU(5, reset_after=False, recurrent_activation="hard_sigmoid", name="last"),
            layers.Dense(4, name="out"),
        ],
        name="gru",
    )


def saved(build: Callable[[], Any], suffix: str) -> Callable[[Path], Path]:
    """A Keras model with weights that hide nothing, written to a folder."""

    def write(folder: Path) -> Path:
        from tests.twin import randomise

        model = build()
        randomise(model)
        file = folder / f"{build.__name__}{suffix}"
        model.save(file)
        return file

    return write


SHIPPED = {
    "digits": Case(
        lambda _: sample("digits.keras"), lambda n: (noise(0, n, 1, 8, 8),), ("nn.BatchNorm2d(", "flatten(")
    ),
}
BUILT = {
    "resnet": Case(saved(resnet, ".keras"), lambda n: (noise(1, n, 3, 18, 22),), ("class ResidualBlock(",)),
    "tagger": Case(saved(tagger, ".keras"), words, ("KerasLSTM(", "mask=")),
    "gru": Case(saved(gru, ".h5"), lambda n: (noise(2, n, 8, 3),), ("reset_after=False", "hard_sigmoid")),
    "same": Case(saved(same, ".keras"), lambda n: (noise(4, n, 3, 25, 32),), ("pad_same(", "avg_pool_same(")),
    "two_towers": Case(
        saved(two_towers, ".keras"), lambda n: (noise(5, n, 1, 12, 10), noise(6, n, 1, 12, 10)), ("class Encoder(",)
    ),
}
