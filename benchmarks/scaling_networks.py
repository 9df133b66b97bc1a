"""
Networks of any number of layers, made without Keras: a blueprint, and weights with the statistics that training leaves.

The mean and the variance of every BatchNormalization follow from the layers before it, up to some noise, so that recovery
has as much to compare as in a trained file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from benchmarks.stripping import Original

from regraft.blueprint import Blueprint, Call, LayerSpec, Setting, TensorRef
from regraft.layers.base import build
from regraft.layers.binding import bind
from regraft.layers.naming import snake_case
from regraft.weights import Group, Variable, WeightTree

CLASSES = 10
#: How far training and sampling leave the statistics from what the layers before make of them.
NOISE = 0.05
FEATURES = 64
#: What comes after a list of ``vars``: the roles of a BatchNormalization.
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


class Tensor(NamedTuple):
    """A tensor with the mean and the variance of its channels."""

    ref: TensorRef
    mean: np.ndarray
    variance: np.ndarray


@dataclass
class Builder:
    """Layers are added one by one; each method returns the tensor that leaves."""

    seed: int = 0
    specs: list[LayerSpec] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def add(self, kind: str, inputs: tuple[Tensor, ...], arrays: dict[str, np.ndarray], **config: Setting) -> TensorRef:
        """One layer with the name that Keras gives it."""
        stem = {"Input": "input_1"}.get(kind, snake_case(kind))
        name = stem if not self.counts[stem] else f"{stem}_{self.counts[stem]}"
        self.counts[stem] += 1
        spec = LayerSpec(name, kind, config)
        self.specs.append(LayerSpec(name, kind, build(spec).config))
        if inputs:
            self.calls.append(Call(name, tuple(tensor.ref for tensor in inputs)))
        variables = tuple(variable(f"{name}/{role}:0", array) for role, array in arrays.items())
        self.groups.append(Group(name, name, f"/{name}", variables))
        return TensorRef(name)

    def input(self, *shape: int) -> Tensor:
        """Images or features whose channels are scaled to zero mean."""
        ref = self.add("InputLayer", (), {}, batch_shape=(None, *shape))
        return Tensor(ref, np.zeros(shape[-1]), np.ones(shape[-1]))

    def conv(self, x: Tensor, filters: int, size: int = 3, strides: int = 1, *, bias: bool = False) -> Tensor:
        """A convolution with He weights."""
        kernel = self.kernel((size, size, len(x.mean), filters))
        offset = {"bias": self.rng.normal(0, 0.05, filters).astype("f4")} if bias else {}
        ref = self.add(
            "Conv2D",
            (x,),
            {"kernel": kernel, **offset},
            filters=filters,
            kernel_size=(size, size),
            strides=(strides, strides),
            padding="same",
            use_bias=bias,
        )
        return self.linear(ref, x, kernel.reshape(-1, len(x.mean), filters), offset.get("bias"))

    def dense(self, x: Tensor, units: int, activation: str = "linear") -> Tensor:
        """A Dense layer with a bias."""
        kernel = self.kernel((len(x.mean), units))
        bias = self.rng.normal(0, 0.05, units).astype("f4")
        ref = self.add("Dense", (x,), {"kernel": kernel, "bias": bias}, units=units, activation=activation)
        made = self.linear(ref, x, kernel[None], bias)
        return rectified(made) if activation == "relu" else made

    def kernel(self, shape: tuple[int, ...]) -> np.ndarray:
        """Random weights that keep the spread behind a relu."""
        return self.rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape).astype("f4")

    def linear(self, ref: TensorRef, x: Tensor, kernel: np.ndarray, bias: np.ndarray | None) -> Tensor:
        """Moments behind a kernel of (taps, channels, filters)."""
        mean = x.mean @ kernel.sum(0)
        return Tensor(ref, mean if bias is None else mean + bias, x.variance @ np.square(kernel).sum(0) + 1e-4)

    def norm(self, x: Tensor) -> Tensor:
        """A BatchNormalization that has seen what arrives."""
        size, rng = len(x.mean), self.rng
        deviation = np.sqrt(x.variance)
        arrays = {
            "gamma": rng.uniform(0.6, 1.4, size),
            "beta": rng.normal(0.0, 0.3, size),
            "moving_mean": x.mean + NOISE * deviation * rng.normal(size=size),
            "moving_variance": x.variance * np.exp(NOISE * rng.normal(size=size)),
        }
        ref = self.add("BatchNormalization", (x,), {name: array.astype("f4") for name, array in arrays.items()})
        return Tensor(ref, arrays["beta"], np.square(arrays["gamma"]))

    def relu(self, x: Tensor) -> Tensor:
        """An Activation layer."""
        ref = self.add("Activation", (x,), {}, activation="relu")
        return rectified(Tensor(ref, x.mean, x.variance))

    def merged(self, kind: str, *tensors: Tensor) -> Tensor:
        """A sum or a concatenation."""
        ref = self.add(kind, tensors, {})
        together = np.concatenate if kind == "Concatenate" else lambda parts: np.sum(parts, axis=0)
        return Tensor(ref, together([t.mean for t in tensors]), together([t.variance for t in tensors]))

    def plain(self, kind: str, x: Tensor, **config: Setting) -> Tensor:
        """A layer that leaves the moments roughly as they are."""
        return Tensor(self.add(kind, (x,), {}, **config), x.mean, x.variance)

    @property
    def size(self) -> int:
        """Layers so far."""
        return len(self.specs)

    def finished(self, x: Tensor, name: str) -> Original:
        """The network, bound to its arrays."""
        first = TensorRef(self.specs[0].name)
        blueprint = Blueprint(name, tuple(self.specs), tuple(self.calls), (first,), (x.ref,), keras_version="3.15.1")
        tree = WeightTree(name, "keras-2", tuple(self.groups), "layer_names", keras_version="3.15.1")
        return Original(Path(name), tree, blueprint, bind(blueprint, tree))


def variable(path: str, array: np.ndarray) -> Variable:
    """An array as a stored variable."""
    return Variable(f"/{path}", path, array.shape, str(array.dtype), lambda: array)


def rectified(x: Tensor) -> Tensor:
    """Moments of a normal variable behind a relu."""
    deviation = np.sqrt(x.variance)
    ratio = x.mean / deviation
    density = np.exp(-0.5 * np.square(ratio)) / np.sqrt(2 * np.pi)
    share = 0.5 * (1 + np.tanh(0.7978845608 * (ratio + 0.044715 * ratio**3)))
    mean = x.mean * share + deviation * density
    square = (np.square(x.mean) + x.variance) * share + x.mean * deviation * density
    return Tensor(x.ref, mean, np.maximum(square - np.square(mean), 1e-6))


def chain(layers: int) -> Original:
    """Convolution, BatchNormalization, relu, over and over; the map is halved and the width grows three times."""
    net = Builder(1)
    x = net.input(64, 64, 3)
    stages = [layers * k // 4 for k in (1, 2, 3)]
    done, width = 0, 16
    while net.size + 5 <= layers:
        halve = done < len(stages) and net.size >= stages[done]
        done, width = done + halve, width + 16 * halve
        x = net.relu(net.norm(net.conv(x, width, strides=2 if halve else 1)))
    return net.finished(net.dense(net.plain("GlobalAveragePooling2D", x), CLASSES, "softmax"), "chain")


def residual(layers: int) -> Original:
    """Blocks of two convolutions beside a shortcut, as in ResNet; the map is halved three times."""
    net = Builder(2)
    x = net.relu(net.norm(net.conv(net.input(64, 64, 3), 16)))
    stages = [layers * k // 4 for k in (1, 2, 3)]
    done, width = 0, 16
    while net.size + 9 <= layers or not done:
        halve = done < len(stages) and net.size >= stages[done]
        done, width = done + halve, width + 16 * halve
        if not halve and net.size + 9 > layers:
            break
        inner = net.relu(net.norm(net.conv(x, width, strides=2 if halve else 1)))
        inner = net.norm(net.conv(inner, width))
        beside = net.norm(net.conv(x, width, 1, strides=2)) if halve else x
        x = net.relu(net.merged("Add", inner, beside))
    return net.finished(net.dense(net.plain("GlobalAveragePooling2D", x), CLASSES, "softmax"), "residual")


def dense(layers: int) -> Original:
    """Dense layers with a Dropout behind every other; no BatchNormalization tells anything."""
    net = Builder(3)
    x = net.input(FEATURES)
    widths = (64, 48, 32, 48)
    while net.size + 3 <= layers:
        x = net.dense(x, widths[net.size * 5 // layers % len(widths)], "relu")
        if net.size % 4 == 3:
            x = net.plain("Dropout", x, rate=0.2)
    return net.finished(net.dense(x, CLASSES, "softmax"), "dense")


def unet(layers: int) -> Original:
    """Down and up again over three levels, with a concatenation at each; more layers make each level deeper."""
    net = Builder(4)
    x = net.input(64, 64, 1)
    repeats = max(1, (layers - 12) // (7 * 3))

    def level(x: Tensor, width: int) -> Tensor:
        for _ in range(repeats):
            x = net.relu(net.norm(net.conv(x, width)))
        return x

    beside: list[Tensor] = []
    for width in (8, 16, 32):
        x = level(x, width)
        beside.append(x)
        x = net.plain("MaxPooling2D", x)
    x = level(x, 48)
    for width in (32, 16, 8):
        x = net.plain("UpSampling2D", x)
        x = level(net.merged("Concatenate", x, beside.pop()), width)
    return net.finished(net.conv(x, 1, 1, bias=True), "unet")


KINDS: dict[str, Callable[[int], Original]] = {"chain": chain, "residual": residual, "dense": dense, "unet": unet}
