"""Keras models of many kinds, each with the same network written in PyTorch by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from benchmarks.diagnosis_sequences import SEQUENCES
from benchmarks.diagnosis_twin import Twin
from benchmarks.graft_case import Net, norm
from benchmarks.graft_cases import chain, chain_net, residual, residual_net
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


def mobile(k: Any) -> Any:
    """Two depthwise blocks with ReLU6, the second with a stride, and a residual way."""
    la = k.layers
    first = k.Input((12, 10, 3))
    x = la.ReLU(6.0, name="stem_relu")(
        la.BatchNormalization(name="stem_bn")(la.Conv2D(8, 3, padding="same", use_bias=False, name="stem")(first))
    )
    y = la.DepthwiseConv2D(3, padding="same", use_bias=False, name="depth1")(x)
    y = la.ReLU(6.0, name="depth1_relu")(la.BatchNormalization(name="depth1_bn")(y))
    y = la.BatchNormalization(name="point1_bn")(la.Conv2D(8, 1, use_bias=False, name="point1")(y))
    x = la.Add(name="add")([x, y])
    y = la.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False, name="depth2")(x)
    y = la.ReLU(6.0, name="depth2_relu")(la.BatchNormalization(name="depth2_bn")(y))
    y = la.BatchNormalization(name="point2_bn")(la.Conv2D(12, 1, use_bias=False, name="point2")(y))
    return k.Model(first, la.Dense(5, activation="softmax", name="head")(la.GlobalAveragePooling2D(name="pool")(y)))


def run_mobile(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch."""
    x = F.relu6(p.stem_bn(p.stem(x)))
    y = p.point1_bn(p.point1(F.relu6(p.depth1_bn(p.depth1(x)))))
    x = x + y
    y = p.point2_bn(p.point2(F.relu6(p.depth2_bn(p.depth2(F.pad(x, (0, 1, 0, 1)))))))
    return torch.softmax(p.head(y.mean((2, 3))), -1)


def mobile_net() -> Net:
    """Its parts."""
    return Net(
        run_mobile, stem=nn.Conv2d(3, 8, 3, padding=1, bias=False), stem_bn=norm(8),
        depth1=nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), depth1_bn=norm(8),
        point1=nn.Conv2d(8, 8, 1, bias=False), point1_bn=norm(8),
        depth2=nn.Conv2d(8, 8, 3, stride=2, groups=8, bias=False), depth2_bn=norm(8),
        point2=nn.Conv2d(8, 12, 1, bias=False), point2_bn=norm(12), head=nn.Linear(12, 5),
    )  # fmt: skip


def inception(k: Any) -> Any:
    """Three branches side by side, one of them a pool with a border, and a factorised convolution."""
    la = k.layers
    first = k.Input((12, 10, 3))
    x = la.Conv2D(6, 3, padding="same", activation="relu", name="stem")(first)
    a = la.Conv2D(4, 1, activation="relu", name="one")(x)
    b = la.Conv2D(5, (1, 3), padding="same", activation="relu", name="wide")(x)
    b = la.Conv2D(5, (3, 1), padding="same", activation="relu", name="high")(b)
    c = la.Conv2D(3, 1, activation="relu", name="pooled")(la.AveragePooling2D(3, 1, padding="same", name="average")(x))
    x = la.Concatenate(name="join")([a, b, c])
    x = la.MaxPooling2D(3, 2, padding="same", name="max")(x)
    return k.Model(first, la.Dense(5, name="head")(la.GlobalMaxPooling2D(name="pool")(x)))


def run_inception(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch."""
    x = F.relu(p.stem(x))
    a, b = F.relu(p.one(x)), F.relu(p.high(F.relu(p.wide(x))))
    c = F.relu(p.pooled(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)))
    x = F.max_pool2d(F.pad(torch.cat([a, b, c], 1), (0, 1, 0, 1), value=float("-inf")), 3, 2)
    return p.head(x.amax((2, 3)))


def inception_net() -> Net:
    """Its parts."""
    return Net(
        run_inception, stem=nn.Conv2d(3, 6, 3, padding=1), one=nn.Conv2d(6, 4, 1), wide=nn.Conv2d(6, 5, (1, 3), padding=(0, 1)),
        high=nn.Conv2d(5, 5, (3, 1), padding=(1, 0)), pooled=nn.Conv2d(6, 3, 1), head=nn.Linear(12, 5),
    )  # fmt: skip


def unet(k: Any) -> Any:
    """Down, up by a transposed convolution, up by interpolation, and ways across."""
    la = k.layers
    first = k.Input((12, 8, 3))
    a = la.Conv2D(6, 3, padding="same", activation="relu", name="down1")(first)
    b = la.Conv2D(8, 3, padding="same", activation="relu", name="down2")(la.MaxPooling2D(2, name="max1")(a))
    c = la.Conv2D(10, 3, padding="same", activation="relu", name="bottom")(la.MaxPooling2D(2, name="max2")(b))
    y = la.Conv2DTranspose(8, 2, strides=2, padding="same", name="up1")(c)
    y = la.Conv2D(8, 3, padding="same", activation="relu", name="merge1")(la.Concatenate(name="join1")([y, b]))
    y = la.UpSampling2D(2, interpolation="bilinear", name="up2")(y)
    y = la.Conv2D(6, 3, padding="same", activation="elu", name="merge2")(la.Concatenate(name="join2")([y, a]))
    return k.Model(first, la.Conv2D(2, 1, activation="sigmoid", name="mask")(y))


def run_unet(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch."""
    a = F.relu(p.down1(x))
    b = F.relu(p.down2(F.max_pool2d(a, 2)))
    c = F.relu(p.bottom(F.max_pool2d(b, 2)))
    y = F.relu(p.merge1(torch.cat([p.up1(c), b], 1)))
    y = F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
    return torch.sigmoid(p.mask(F.elu(p.merge2(torch.cat([y, a], 1)))))


def unet_net() -> Net:
    """Its parts."""
    return Net(
        run_unet, down1=nn.Conv2d(3, 6, 3, padding=1), down2=nn.Conv2d(6, 8, 3, padding=1), bottom=nn.Conv2d(8, 10, 3, padding=1),
        up1=nn.ConvTranspose2d(10, 8, 2, stride=2), merge1=nn.Conv2d(16, 8, 3, padding=1), merge2=nn.Conv2d(14, 6, 3, padding=1),
        mask=nn.Conv2d(6, 2, 1),
    )  # fmt: skip


def vgg(k: Any) -> Any:
    """A scaled input, convolutions, and two dense layers behind a flattened map."""
    la = k.layers
    return k.Sequential(
        [
            k.Input((12, 10, 3)), la.Rescaling(1 / 127.5, -1.0, name="scale"),
            la.Conv2D(6, 3, padding="same", activation="relu", name="conv1"),
            la.Conv2D(6, 3, padding="same", activation="relu", name="conv2"), la.MaxPooling2D(2, name="max1"),
            la.Conv2D(7, 3, padding="same", activation="relu", name="conv3"), la.MaxPooling2D(2, name="max2"),
            la.Flatten(name="flatten"), la.Dense(9, activation="relu", name="fc1"), la.Dropout(0.5, name="drop"),
            la.Dense(9, activation="relu", name="fc2"), la.Dense(4, activation="softmax", name="head"),
        ]
    )  # fmt: skip


def run_vgg(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch; the columns of the first Linear stand in its own order."""
    x = x / 127.5 - 1
    x = F.max_pool2d(F.relu(p.conv2(F.relu(p.conv1(x)))), 2)
    x = F.max_pool2d(F.relu(p.conv3(x)), 2)
    x = F.relu(p.fc1(x.flatten(1)))
    return torch.softmax(p.head(F.relu(p.fc2(p.drop(x)))), -1)


def vgg_net() -> Net:
    """Its parts."""
    return Net(
        run_vgg, conv1=nn.Conv2d(3, 6, 3, padding=1), conv2=nn.Conv2d(6, 6, 3, padding=1), conv3=nn.Conv2d(6, 7, 3, padding=1),
        fc1=nn.Linear(42, 9), fc2=nn.Linear(9, 9), drop=nn.Dropout(0.5), head=nn.Linear(9, 4),
    )  # fmt: skip


def siamese(k: Any) -> Any:
    """Two inputs through one tower, and their difference."""
    la = k.layers
    first, second = k.Input((9,), name="first"), k.Input((9,), name="second")
    one, two = la.Dense(8, activation="relu", name="tower1"), la.Dense(8, activation="tanh", name="tower2")
    rest = la.Subtract(name="difference")([two(one(first)), two(one(second))])
    return k.Model([first, second], la.Dense(3, activation="sigmoid", name="head")(rest))


def run_siamese(p: Any, first: Tensor, second: Tensor) -> Tensor:
    """The same in PyTorch."""
    a, b = (torch.tanh(p.tower2(torch.relu(p.tower1(x)))) for x in (first, second))
    return torch.sigmoid(p.head(a - b))


def siamese_net() -> Net:
    """Its parts."""
    return Net(run_siamese, tower1=nn.Linear(9, 8), tower2=nn.Linear(8, 8), head=nn.Linear(8, 3))


def autoencoder(k: Any) -> Any:
    """Strided convolutions down, a Dense and a Reshape, transposed convolutions up."""
    la = k.layers
    return k.Sequential(
        [
            k.Input((8, 12, 2)), la.Conv2D(6, 3, strides=2, padding="same", name="down1"), la.LeakyReLU(0.2, name="leaky1"),
            la.Conv2D(8, 3, strides=2, padding="same", name="down2"), la.LeakyReLU(0.2, name="leaky2"), la.Flatten(name="flatten"),
            la.Dense(5, name="code"), la.Dense(48, activation="relu", name="grow"), la.Reshape((2, 3, 8), name="map"),
            la.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu", name="up1"),
            la.Conv2DTranspose(2, 4, strides=2, padding="same", activation="tanh", name="up2"),
        ]
    )  # fmt: skip


def run_autoencoder(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch."""
    x = F.leaky_relu(p.down1(F.pad(x, (0, 1, 0, 1))), 0.2)
    x = F.leaky_relu(p.down2(F.pad(x, (0, 1, 0, 1))), 0.2)
    x = F.relu(p.grow(p.code(x.flatten(1)))).view(-1, 8, 2, 3)
    x = F.relu(p.up1(x)[:, :, :-1, :-1])
    return torch.tanh(p.up2(x))


def autoencoder_net() -> Net:
    """Its parts."""
    return Net(
        run_autoencoder, down1=nn.Conv2d(2, 6, 3, stride=2), down2=nn.Conv2d(6, 8, 3, stride=2), code=nn.Linear(48, 5),
        grow=nn.Linear(5, 48), up1=nn.ConvTranspose2d(8, 6, 3, stride=2), up2=nn.ConvTranspose2d(6, 2, 4, stride=2, padding=1),
    )  # fmt: skip


def bottleneck(k: Any) -> Any:
    """A block of 1x1, 3x3, 1x1 whose first convolution has the stride, as in the ResNet50 of Keras."""
    la = k.layers
    first = k.Input((12, 10, 3))
    x = la.ReLU(name="stem_relu")(
        la.BatchNormalization(epsilon=1.001e-5, name="stem_bn")(la.Conv2D(8, 3, padding="same", name="stem")(first))
    )
    y = la.ReLU(name="a_relu")(
        la.BatchNormalization(epsilon=1.001e-5, name="a_bn")(la.Conv2D(4, 1, strides=2, name="a")(x))
    )
    y = la.ReLU(name="b_relu")(
        la.BatchNormalization(epsilon=1.001e-5, name="b_bn")(la.Conv2D(4, 3, padding="same", name="b")(y))
    )
    y = la.BatchNormalization(epsilon=1.001e-5, name="c_bn")(la.Conv2D(12, 1, name="c")(y))
    x = la.BatchNormalization(epsilon=1.001e-5, name="short_bn")(la.Conv2D(12, 1, strides=2, name="short")(x))
    x = la.ReLU(name="out_relu")(la.Add(name="add")([x, y]))
    return k.Model(first, la.Dense(5, name="head")(la.GlobalAveragePooling2D(name="pool")(x)))


def run_bottleneck(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch."""
    x = F.relu(p.stem_bn(p.stem(x)))
    y = F.relu(p.b_bn(p.b(F.relu(p.a_bn(p.a(x))))))
    x = F.relu(p.short_bn(p.short(x)) + p.c_bn(p.c(y)))
    return p.head(x.mean((2, 3)))


def bottleneck_net() -> Net:
    """Its parts."""
    parts: dict[str, nn.Module] = {"stem": nn.Conv2d(3, 8, 3, padding=1), "a": nn.Conv2d(8, 4, 1, stride=2)}
    parts |= {"b": nn.Conv2d(4, 4, 3, padding=1), "c": nn.Conv2d(4, 12, 1), "short": nn.Conv2d(8, 12, 1, stride=2)}
    sizes = {"stem": 8, "a": 4, "b": 4, "c": 12, "short": 12}
    return Net(
        run_bottleneck, **parts, **{f"{n}_bn": norm(s, 1.001e-5) for n, s in sizes.items()}, head=nn.Linear(12, 5)
    )


PICTURE = [(4, 3, 12, 10)]
TWINS = (
    Twin("CNN chain", chain, chain_net, [(4, 3, 13, 10)]),
    Twin("residual net", residual, residual_net, PICTURE),
    Twin("bottleneck", bottleneck, bottleneck_net, PICTURE),
    Twin("MobileNet", mobile, mobile_net, PICTURE),
    Twin("Inception", inception, inception_net, PICTURE),
    Twin("U-Net", unet, unet_net, [(4, 3, 12, 8)]),
    Twin("VGG", vgg, vgg_net, PICTURE, scale=255.0),
    Twin("siamese", siamese, siamese_net, [(4, 9), (4, 9)]),
    Twin("autoencoder", autoencoder, autoencoder_net, [(4, 2, 8, 12)]),
    *SEQUENCES,
)

__all__ = ["TWINS", "Callable", "Sequence", "dataclass"]
