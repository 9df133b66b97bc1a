"""Mistakes that are put into a module: in its weights, or in one call of one function while it runs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

from regraft.graft.operations import name_of

Call = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """
    One mistake at a known place.

    Attributes:
        what: The kinds that name it rightly, the first as regraft calls it best.
        layers: Layers of Keras that are rightly called the first divergent one.
        name: In a few words.
        make: The faulty module, made of a right one.
    """

    what: tuple[str, ...]
    layers: tuple[str, ...]
    name: str
    make: Callable[[nn.Module], nn.Module]


class Faulty(nn.Module):
    """
    A module in which one call of one function does something else.

    Args:
        inner: The right module.
        name: Of the function.
        number: Which of its calls.
        instead: Takes the function and its arguments.
    """

    def __init__(self, inner: nn.Module, name: str, number: int, instead: Call) -> None:
        super().__init__()
        self.inner, self.name, self.number, self.instead = inner, name, number, instead

    def forward(self, *inputs: Tensor) -> Any:
        """The right module's, but for one call."""
        outer, count = self, [0]

        class Replacing(TorchFunctionMode):
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                if name_of(func) == outer.name:
                    count[0] += 1
                    if count[0] == outer.number + 1:
                        return outer.instead(func, *args, **(kwargs or {}))
                return func(*args, **(kwargs or {}))

        with Replacing():
            return self.inner(*inputs)


def at_call(name: str, number: int, instead: Call) -> Callable[[nn.Module], nn.Module]:
    """The mistake of one call."""
    return lambda module: Faulty(module, name, number, instead)


def in_weights(path: str, change: Callable[[Any], None]) -> Callable[[nn.Module], nn.Module]:
    """The mistake in the weights of one submodule."""

    def made(module: nn.Module) -> nn.Module:
        twin = copy.deepcopy(module)
        with torch.no_grad():
            change(twin.get_submodule(path))
        return twin

    return made


def one(function: Call) -> Call:
    """A function of the first argument in place of a call."""
    return lambda func, x, *args, **kwargs: function(x)


def averaged(rank: int, x: Tensor, kernel: Any = None, stride: Any = None, *rest: Any, **named: Any) -> Tensor:
    """The average of each window of a max pool, zeros in its border."""
    del rest
    size, step = named.get("kernel_size", kernel), named.get("stride", stride)
    return (F.avg_pool1d if rank == 1 else F.avg_pool2d)(x.nan_to_num(neginf=0.0), size, step)


def otherwise(function: Call, **new: Any) -> Call:
    """A call with other arguments."""

    def instead(f: Any, *args: Any, **named: Any) -> Any:
        bound = signature(function).bind(*args, **named)
        bound.apply_defaults()
        return function(**{**bound.arguments, **new})

    return instead


def turned(f: Any, x: Tensor, pads: Any, *args: Any, **named: Any) -> Tensor:
    """A border whose two ends are exchanged on every axis."""
    return f(x, [n for i in range(0, len(pads), 2) for n in (pads[i + 1], pads[i])], *args, **named)


def along_steps(f: Any, *args: Any, **named: Any) -> Tensor:
    """A layer normalisation along the second axis."""
    given = signature(F.layer_norm).bind(*args, **named)
    given.apply_defaults()
    x, weight, bias, eps = (given.arguments[n] for n in ("input", "weight", "bias", "eps"))
    return (x - x.mean(1, True)) / (x.var(1, unbiased=False, keepdim=True) + eps).sqrt() * weight + bias


#: By the name of the function in PyTorch: kind, words, and what is done in its place.
CALLS: Mapping[str, tuple[tuple[str, str, Call], ...]] = {
    "relu": (
        ("missing activation", "no ReLU", one(lambda x: x)),
        ("another activation", "leaky ReLU", one(lambda x: F.leaky_relu(x, 0.01))),
        ("another activation", "GELU for ReLU", one(F.gelu)),
    ),
    "relu6": (("missing activation", "no ReLU6", one(lambda x: x)), ("another activation", "SiLU for ReLU6", one(F.silu))),
    "leaky_relu": (
        ("missing activation", "no leaky ReLU", one(lambda x: x)),
        ("another activation", "another slope", one(lambda x: F.leaky_relu(x, 0.01))),
        ("another activation", "slope of Keras by default", one(lambda x: F.leaky_relu(x, 0.3))),
    ),
    "elu": (
        ("another activation", "another alpha", one(lambda x: F.elu(x, 0.3))),
        ("missing activation", "no ELU", one(lambda x: x)),
    ),
    "gelu": (
        ("another activation", "GELU by tanh", one(lambda x: F.gelu(x, approximate="tanh"))),
        ("missing activation", "no GELU", one(lambda x: x)),
    ),
    "silu": (("another activation", "hard swish", one(F.hardswish)), ("another activation", "ReLU for swish", one(F.relu))),
    "tanh": (("another activation", "sigmoid for tanh", one(torch.sigmoid)), ("missing activation", "no tanh", one(lambda x: x))),
    "sigmoid": (
        ("another activation", "hard sigmoid", one(F.hardsigmoid)),
        ("another activation", "hard sigmoid of Keras 2", one(lambda x: (0.2 * x + 0.5).clamp(0, 1))),
        ("missing activation", "logits", one(lambda x: x)),
    ),
    "softmax": (
        ("missing activation", "logits", one(lambda x: x)),
        ("softmax axis", "softmax along the batch", one(lambda x: x.softmax(0))),
        ("another activation", "log_softmax", one(lambda x: x.log_softmax(-1))),
    ),
    "max_pool2d": (("kind of pool", "average for max", lambda f, x, *a, **k: averaged(2, x, *a, **k)),),
    "max_pool1d": (("kind of pool", "average for max", lambda f, x, *a, **k: averaged(1, x, *a, **k)),),
    "avg_pool2d": (
        ("count_include_pad", "the border counted", lambda f, x, *a, **k: f(x, *a)),
        ("kind of pool", "max for average", lambda f, x, *a, **k: F.max_pool2d(x, *a)),
    ),
    "amax": (("kind of pool", "mean for max", lambda f, x, *a, **k: x.mean(*a)),),
    "interpolate": (
        ("upsampling", "nearest", lambda f, x, **k: f(x, scale_factor=2, mode="nearest")),
        ("upsampling", "align_corners", lambda f, x, **k: f(x, scale_factor=2, mode="bilinear", align_corners=True)),
    ),
    "pad": (
        ("padding side", "the border on the other side", turned),
        ("padding", "no border", lambda f, x, p, *a, **k: f(x, [0] * len(p), *a, **k)),
    ),
    "cat": (("input order", "joined in the other order", lambda f, xs, *a, **k: f(list(xs)[::-1], *a, **k)),),
    "add": (
        ("missing connection", "no residual way", lambda f, x, y, **k: y),
        ("operation", "product for sum", lambda f, x, y, **k: x * y),
    ),
    "sub": (("input order", "difference the other way round", lambda f, x, y, **k: y.sub(x) if isinstance(y, Tensor) else 1 / 0),),
    "flatten": (("flatten order", "flattened in the order of Keras", lambda f, x, *a, **k: f(x.movedim(1, -1), 1)),),
    "batch_norm": (
        (
            "batch norm in training mode", "statistics of the batch",
            otherwise(F.batch_norm, running_mean=None, running_var=None, training=True),
        ),
        ("epsilon", "another epsilon", otherwise(F.batch_norm, eps=1e-6)),
    ),
    "layer_norm": (
        ("epsilon", "epsilon of Keras by default", otherwise(F.layer_norm, eps=1e-3)),
        ("normalisation axis", "normalised along the steps", along_steps),
    ),
    "dropout": (("dropout active", "dropout drops", lambda f, x, *a, **k: f(x, 0.5, True)),),
}  # fmt: skip


def convolved(rank: int) -> Iterator[tuple[str, str, Call]]:
    """Mistakes in the settings of a convolution."""

    def called(**new: Any) -> Call:
        names = ("stride", "padding", "dilation", "groups")

        def instead(f: Any, x: Tensor, w: Tensor, b: Tensor | None = None, *a: Any, **k: Any) -> Tensor:
            settings = dict(zip(names, a, strict=False)) | k | new
            return f(x, w, b, **settings)

        return instead

    def wider(f: Any, x: Tensor, w: Tensor, b: Tensor | None = None, *a: Any, **k: Any) -> Tensor:
        stride, padding, *rest = a
        return f(F.pad(x, tuple(n for p in reversed(padding) for n in (2 * p, 0))), w, b, stride, 0, *rest)

    def dilated(f: Any, x: Tensor, w: Tensor, b: Tensor | None = None, *a: Any, **k: Any) -> Tensor:
        stride, padding, _, *rest = a
        return f(x, w, b, stride, tuple(2 * p for p in padding), 2, *rest)

    yield "padding", "no padding", called(padding=0)
    yield "padding", "padding of 1", called(padding=1)
    yield "padding side", "the border on the other side", wider
    yield "dilation", "another dilation", dilated
    yield "stride", "another stride", called(stride=1)
    yield "stride", "a stride of 2", called(stride=2)
