"""Mistakes in the weights of one module, by its class: what goes wrong when arrays of Keras are copied by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from benchmarks.diagnosis_faults import Fault, in_weights
from torch import Tensor, nn


def of_module(layer: str, path: str, part: nn.Module) -> Iterator[Fault]:
    """Every mistake that the arrays of a submodule allow."""
    for what, name, change in changes(part):
        yield Fault((what,), (layer,), name, in_weights(path, change))


def changes(part: nn.Module) -> Iterator[tuple[str, str, Any]]:
    """What may become of the arrays of one module: kind, words, what is done to it."""
    if isinstance(part, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d):
        yield from of_kernel(part)
    elif isinstance(part, nn.Linear):
        if part.in_features == part.out_features:
            yield "weight transposed", "square weight not transposed", lambda p: p.weight.copy_(p.weight.T.clone())
        yield "weight transposed", "weight reshaped, not transposed", reshaped
        yield "missing bias", "bias not loaded", lambda p: p.bias.zero_()
    elif isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
        yield "gamma and beta", "gamma and beta exchanged", lambda p: exchange(p.weight, p.bias)
        yield "batch norm statistics", "mean and variance exchanged", lambda p: exchange(p.running_mean, p.running_var)
        yield "batch norm statistics", "statistics not loaded", unloaded
        yield "epsilon", "epsilon of PyTorch", epsilon
    elif isinstance(part, nn.LayerNorm):
        yield "gamma and beta", "gamma and beta exchanged", lambda p: exchange(p.weight, p.bias)
        yield "epsilon", "epsilon of PyTorch", epsilon
    elif isinstance(part, nn.LSTM):
        yield "gate order", "gates i c f o", lambda p: gates(p, (0, 2, 1, 3))
        yield "gate order", "gates i f o c", lambda p: gates(p, (0, 1, 3, 2))
        yield "missing bias", "bias not loaded", lambda p: biases(p, lambda b, _: 0 * b)
        yield "recurrent bias", "bias twice", lambda p: p.bias_hh_l0.copy_(p.bias_ih_l0)
        yield "weight transposed", "weight_hh gate by gate not transposed", lambda p: by_gate(p.weight_hh_l0, 4)
    elif isinstance(part, nn.GRU):
        yield "gate order", "gates z r h of Keras left as they are", lambda p: gates(p, (1, 0, 2))
        yield "recurrent bias", "halves of the bias exchanged", halves
        yield "recurrent bias", "bias_hh not loaded", lambda p: biases(p, lambda b, n: 0 * b if "hh" in n else b)
        if part.bidirectional:
            yield "directions exchanged", "directions exchanged", directions
    elif isinstance(part, nn.Embedding):
        yield "embedding offset", "rows off by one", lambda p: p.weight.copy_(p.weight.roll(1, 0))


def of_kernel(part: Any) -> Iterator[tuple[str, str, Any]]:
    """What may become of a kernel."""
    size = part.kernel_size
    if max(size) > 1:
        yield (
            "kernel flipped",
            "kernel turned by 180 degrees",
            lambda p: p.weight.copy_(p.weight.flip(*range(2, p.weight.ndim))),
        )
    if len(size) == 2 and size[0] == size[1] > 1:
        yield (
            "weight transposed",
            "height and width of the kernel exchanged",
            lambda p: p.weight.copy_(p.weight.mT.clone()),
        )
    if part.weight.shape[0] == part.weight.shape[1] > 1:
        yield (
            "weight transposed",
            "channels of the kernel exchanged",
            lambda p: p.weight.copy_(p.weight.transpose(0, 1).clone()),
        )
    if not isinstance(part, nn.ConvTranspose2d) and part.groups == 1:
        yield "weight transposed", "kernel reshaped, not permuted", reshaped
    if part.bias is not None:
        yield "missing bias", "bias not loaded", lambda p: p.bias.zero_()


def reshaped(part: Any) -> None:
    """The numbers in the order of Keras, in the shape of PyTorch."""
    w = part.weight
    keras = w.permute(*range(2, w.ndim), 1, 0).contiguous() if w.ndim > 2 else w.T.contiguous()
    w.copy_(keras.reshape(w.shape))


def exchange(a: Tensor, b: Tensor) -> None:
    """Two arrays with each other's numbers."""
    kept = a.clone()
    a.copy_(b)
    b.copy_(kept)


def unloaded(part: Any) -> None:
    """The statistics of a fresh module."""
    part.running_mean.zero_()
    part.running_var.fill_(1.0)


def epsilon(part: Any) -> None:
    """What PyTorch takes where nobody says otherwise."""
    part.eps = 1e-5


def recurrent(part: Any) -> Iterator[tuple[str, Tensor]]:
    """Arrays of a recurrent module."""
    yield from part.named_parameters()


def gates(part: Any, order: tuple[int, ...]) -> None:
    """The blocks of every array in another order."""
    for _, array in recurrent(part):
        blocks = array.chunk(len(order))
        array.copy_(torch.cat([blocks[i].clone() for i in order]))


def by_gate(array: Tensor, count: int) -> None:
    """Every square block transposed."""
    array.copy_(torch.cat([block.T.clone() for block in array.chunk(count)]))


def biases(part: Any, change: Any) -> None:
    """Other biases."""
    for name, array in recurrent(part):
        if "bias" in name:
            array.copy_(change(array, name))


def halves(part: Any) -> None:
    """bias_ih and bias_hh exchanged, in both directions."""
    for name, array in recurrent(part):
        if "bias_ih" in name:
            exchange(array, getattr(part, name.replace("ih", "hh")))


def directions(part: Any) -> None:
    """The two directions exchanged."""
    for name, array in recurrent(part):
        if name.endswith("_reverse"):
            exchange(array, getattr(part, name.removesuffix("_reverse")))
