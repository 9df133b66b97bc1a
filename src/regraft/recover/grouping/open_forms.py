"""Layer types whose arrays have no fixed number of axes, or no fixed number at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from regraft.blueprint import LayerSpec, Setting
from regraft.recover.grouping.held import Held

#: Settled here alone, whatever the table of forms says of them.
OPEN_TYPES = frozenset(
    {"PReLU", "LayerNormalization", "GroupNormalization", "RMSNormalization", "Normalization", "RNN"}
    | {"EinsumDense", "LocallyConnected1D", "LocallyConnected2D", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"}
)
RENORM = ("moving_stddev", "renorm_mean", "renorm_stddev")
#: Type of a cell by the number of gates.
CELLS = {1: "SimpleRNNCell", 3: "GRUCell", 4: "LSTMCell"}


@dataclass(frozen=True)
class OpenFit:
    """A type that fits, with its settings, its cost in nats, and the role of every array."""

    type: str
    settings: Mapping[str, Setting]
    cost: float
    roles: tuple[str, ...]


def open_forms(held: Held) -> Iterator[OpenFit]:
    """Every type of this file that the arrays can belong to."""
    shapes = held.shapes
    yield from cells(shapes)
    if len(shapes) > 7:
        return
    yield from alike(shapes)
    yield from input_statistics(shapes)
    yield from unshared(shapes)
    yield from einsum(shapes)
    yield from convolutional_lstm(shapes)


def along(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The last axes of the input, as many as a variable has."""
    return tuple(range(-len(shape), 0))


def alike(shapes: tuple[tuple[int, ...], ...]) -> Iterator[OpenFit]:
    """One array, or several of one shape: normalisations and slopes."""
    shape = shapes[0]
    rank = len(shape)
    if not rank or any(s != shape for s in shapes[1:]):
        return
    axis: dict[str, Setting] = {"axis": along(shape)}
    rare = 1.5 * (rank - 1)
    if len(shapes) == 1:
        single = all(size == 1 for size in shape[:-1])
        shared = tuple(i + 1 for i, size in enumerate(shape) if size == 1) if rank > 1 else ()
        yield OpenFit("PReLU", {"shared_axes": shared}, 4.5 if single else 5.0, ("alpha",))
        yield OpenFit("LayerNormalization", {**axis, "scale": True, "center": False}, 7.5 + rare, ("gamma",))
        yield OpenFit("LayerNormalization", {**axis, "scale": False, "center": True}, 7.5 + rare, ("beta",))
        yield OpenFit("RMSNormalization", axis, 6.0 + rare, ("scale",))
    elif len(shapes) == 2:
        yield OpenFit("LayerNormalization", {**axis, "scale": True, "center": True}, 3.5 + rare, ("gamma", "beta"))
    if rank == 1 and len(shapes) < 3:
        scale_only, shift_only = {"scale": True, "center": False}, {"scale": False, "center": True}
        if len(shapes) == 2:
            yield OpenFit("GroupNormalization", {"scale": True, "center": True}, 5.0, ("gamma", "beta"))
        else:
            yield OpenFit("GroupNormalization", scale_only, 9.0, ("gamma",))
            yield OpenFit("GroupNormalization", shift_only, 9.0, ("beta",))
    if rank == 1 and len(shapes) in (5, 6, 7):
        present = ("gamma", "beta")[: len(shapes) - 5]
        roles = (*present, "moving_mean", "moving_variance", *RENORM)
        settings = {"scale": "gamma" in present, "center": "beta" in present, "renorm": True}
        yield OpenFit("BatchNormalization", settings, 6.0, roles)


def input_statistics(shapes: tuple[tuple[int, ...], ...]) -> Iterator[OpenFit]:
    """Normalization: mean and variance of one shape, and a count."""
    if len(shapes) == 3 and shapes[0] == shapes[1] and shapes[2] in ((), (1,)):
        yield OpenFit("Normalization", {"axis": along(shapes[0])}, 4.5, ("mean", "variance", "count"))


def unshared(shapes: tuple[tuple[int, ...], ...]) -> Iterator[OpenFit]:
    """Locally connected layers: a kernel for every place of the output (``tf_keras/layers/locally_connected``)."""
    kernel, *rest = shapes
    if len(kernel) != 3 or len(rest) != 1:
        return
    places, _, filters = kernel
    (bias,) = rest
    settings: dict[str, Setting] = {"filters": filters, "use_bias": True}
    if bias == (places, filters):
        yield OpenFit("LocallyConnected1D", settings, 5.0, ("kernel", "bias"))
    if len(bias) == 3 and bias[-1] == filters and bias[0] * bias[1] == places:
        yield OpenFit("LocallyConnected2D", settings, 5.0, ("kernel", "bias"))


def einsum(shapes: tuple[tuple[int, ...], ...]) -> Iterator[OpenFit]:
    """EinsumDense: a kernel of any rank; the bias has some of its axes."""
    kernel, *rest = shapes
    if len(kernel) < 2 or len(rest) > 1 or (rest and not set(rest[0]) <= {*kernel, 1}):
        return
    usual = len(kernel) == 3 and rest and rest[0] in (kernel[1:], kernel[-1:])
    roles = ("kernel", "bias")[: len(shapes)]
    yield OpenFit("EinsumDense", {}, 6.0 if usual else 8.0, roles)


def convolutional_lstm(shapes: tuple[tuple[int, ...], ...]) -> Iterator[OpenFit]:
    """ConvLSTM over maps of rank 1 to 3."""
    rank = len(shapes[0]) - 2
    if rank not in (1, 2, 3) or len(shapes) not in (2, 3) or len(shapes[1]) != rank + 2:
        return
    kernel, recurrent = shapes[:2]
    filters, gates = recurrent[-2:]
    if gates != 4 * filters or kernel[-1] != gates or shapes[2:] not in ((), ((gates,),)):
        return
    settings = {"filters": filters, "kernel_size": kernel[:rank], "use_bias": len(shapes) == 3}
    yield OpenFit(f"ConvLSTM{rank}D", settings, 5.0, ("kernel", "recurrent_kernel", "bias")[: len(shapes)])


def cells(shapes: tuple[tuple[int, ...], ...]) -> Iterator[OpenFit]:
    """An RNN with one cell, or with several one on the other."""
    specs: list[LayerSpec] = []
    roles: list[str] = []
    start = 0
    while start < len(shapes):
        found = _cell(shapes[start : start + 3], f"cell_{len(specs)}")
        if found is None or (specs and shapes[start][0] != specs[-1].config["units"]):
            return
        count = 3 if found.config["use_bias"] else 2
        roles += ("kernel", "recurrent_kernel", "bias")[:count]
        specs.append(found)
        start += count
    if specs:
        whole = specs[0] if len(specs) == 1 else LayerSpec("cells", "StackedRNNCells", {"cells": tuple(specs)})
        yield OpenFit("RNN", {"cell": whole}, 9.0 if len(specs) == 1 else 4.5, tuple(roles))


def _cell(shapes: tuple[tuple[int, ...], ...], name: str) -> LayerSpec | None:
    if len(shapes) < 2 or len(shapes[0]) != 2 or len(shapes[1]) != 2:
        return None
    units, gates = shapes[1]
    count, rest = divmod(gates, units)
    if rest or count not in CELLS or shapes[0][1] != gates:
        return None
    bias = shapes[2] if len(shapes) > 2 else ()
    after = count == 3 and bias == (2, gates)
    settings: dict[str, Setting] = {"units": units, "use_bias": after or bias == (gates,)}
    if count == 3 and settings["use_bias"]:
        settings["reset_after"] = after
    return LayerSpec(name, CELLS[count], settings)
