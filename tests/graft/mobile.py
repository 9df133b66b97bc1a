"""Small own versions of the parts that keras.applications and its twins in PyTorch have in two spellings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SIZE = 12
SHAPE = (1, 3, SIZE, SIZE)


def inverted(keras: Any) -> Any:
    """An inverted residual with squeeze-and-excite as in MobileNetV3: a Rescaling in front, a normalisation without scale."""
    layers = keras.layers

    def hard_swish(x: Any) -> Any:
        return layers.Activation("hard_silu")(x)

    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    x = hard_swish(
        layers.BatchNormalization(scale=False)(layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x))
    )
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    s = layers.GlobalAveragePooling2D(keepdims=True)(y)
    s = layers.Conv2D(4, 1, activation="relu")(s)
    s = layers.Conv2D(8, 1, activation="hard_sigmoid")(s)
    y = layers.Conv2D(8, 1)(layers.Multiply()([y, s]))
    x = layers.Add()([x, layers.BatchNormalization()(y)])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(5, activation="softmax")(layers.Dense(6, activation="relu")(x)))


class Inverted(nn.Module):
    """
    The same: squeeze-and-excite with Linear layers, no bias before the normalisation, functions in the long spelling.

    Args:
        whole: Whether it prepares its input, pads as Keras does and ends in probabilities.
    """

    def __init__(self, *, whole: bool) -> None:
        super().__init__()
        self.whole = whole
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=0 if whole else 1, bias=False)
        self.bn = nn.BatchNorm2d(8, eps=1e-3, momentum=0.01)
        self.deep = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.deep_bn = nn.BatchNorm2d(8, eps=1e-3, momentum=0.01)
        self.squeeze, self.excite = nn.Linear(8, 4), nn.Linear(4, 8)
        self.out = nn.Conv2d(8, 8, 1, bias=False)
        self.out_bn = nn.BatchNorm2d(8, eps=1e-3, momentum=0.01)
        self.drop = nn.Identity()
        self.head = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 5))

    def forward(self, x: Tensor) -> Tensor:
        if self.whole:
            x = functional.pad((x - 127.5) / 127.5, (0, 1, 0, 1))
        x = self.bn(self.stem(x))
        x = x * functional.relu6(x + 3) / 6
        y = functional.relu(self.deep_bn(self.deep(x)))
        s = self.excite(functional.relu(self.squeeze(y.mean((2, 3)))))
        y = y * (functional.relu6(s + 3) / 6)[:, :, None, None]
        x = x + self.drop(self.out_bn(self.out(y)))
        x = self.head(x.mean((2, 3)))
        return x.softmax(-1) if self.whole else x


def scaled(keras: Any) -> Any:
    """A block of ConvNeXt with its layer scale, behind a Normalization with stored statistics."""
    from keras.src.applications.convnext import LayerScale

    layers = keras.layers
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(8, 4, strides=4)(layers.Normalization()(inputs))
    y = layers.LayerNormalization(epsilon=1e-6)(layers.DepthwiseConv2D(3, padding="same")(x))
    y = layers.Dense(8)(layers.Activation("gelu")(layers.Dense(16)(y)))
    x = layers.Add()([x, LayerScale(1e-6, 8)(y)])
    return keras.Model(inputs, layers.Dense(5)(layers.GlobalAveragePooling2D()(x)))


class Scaled(nn.Module):
    """
    The same in channels first.

    Args:
        reshaped: Whether the scale is a vector that the forward pass reshapes, or has the shape of a map.
    """

    def __init__(self, *, reshaped: bool) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.deep = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm = nn.LayerNorm(8, eps=1e-6)
        self.one, self.two = nn.Linear(8, 16), nn.Linear(16, 8)
        self.gamma = nn.Parameter(torch.ones(8) if reshaped else torch.ones(8, 1, 1))
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.two(functional.gelu(self.one(self.norm(self.deep(x).permute(0, 2, 3, 1))))).permute(0, 3, 1, 2)
        x = x + self.gamma.reshape(-1, 1, 1) * y
        return self.head(x.mean((2, 3)))


def activated_before(keras: Any) -> Any:
    """Residual blocks that normalise first, with biases that their twin has no place for, as in ResNetV2."""
    layers = keras.layers
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(8, 3, padding="same")(inputs)
    for _ in range(2):
        y = layers.ReLU()(layers.BatchNormalization(epsilon=1e-5)(x))
        x = layers.Add()([x, layers.Conv2D(8, 3, padding="same")(y)])
    x = layers.BatchNormalization(epsilon=1e-5)(layers.MaxPooling2D(2)(x))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(inputs, layers.Dense(5)(x))


class ActivatedBefore(nn.Module):
    """
    The same without biases.

    Args:
        bare: Whether the last sum reaches the head without a normalisation that could make up for them.
    """

    def __init__(self, *, bare: bool = False) -> None:
        super().__init__()
        self.bare = bare
        self.entry = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(8, eps=1e-5, momentum=0.01) for _ in range(3))
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1, bias=False) for _ in range(2))
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.entry(x)
        for norm, conv in zip(self.norms, self.convs, strict=False):
            x = x + conv(functional.relu(norm(x)))
        x = functional.max_pool2d(functional.relu(x) if self.bare else x, 2)
        return self.head(functional.relu(self.norms[2](x)).mean((2, 3)))


def dense(keras: Any) -> Any:
    """Layers that each take all before them, and a pool that counts the map alone."""
    layers = keras.layers
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(6, 3, padding="same", use_bias=False)(inputs)
    for _ in range(3):
        y = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Concatenate()([x, layers.Conv2D(4, 3, padding="same", use_bias=False)(y)])
    x = layers.AveragePooling2D(3, 1, padding="same")(x)
    return keras.Model(inputs, layers.Dense(5)(layers.GlobalAveragePooling2D()(layers.Conv2D(7, 1)(x))))


class Dense(nn.Module):
    """
    The same, with one list of all that was made so far.

    Args:
        whole: Whether the pool counts the map alone.
    """

    def __init__(self, *, whole: bool) -> None:
        super().__init__()
        self.entry = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        widths = (6, 10, 14)
        self.norms = nn.ModuleList(nn.BatchNorm2d(n, eps=1e-3, momentum=0.01) for n in widths)
        self.convs = nn.ModuleList(nn.Conv2d(n, 4, 3, padding=1, bias=False) for n in widths)
        self.pool = nn.AvgPool2d(3, 1, padding=1, count_include_pad=not whole)
        self.last, self.head = nn.Conv2d(18, 7, 1), nn.Linear(7, 5)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.entry(x)]
        for norm, conv in zip(self.norms, self.convs, strict=True):
            parts.append(conv(functional.relu(norm(torch.cat(parts, 1)))))
        return self.head(self.last(self.pool(torch.cat(parts, 1))).mean((2, 3)))
