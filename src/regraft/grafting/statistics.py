"""
The weights as the user's module would have them, against the statistics that its own BatchNorms would have.

A trained BatchNorm stores the mean of what reached it. Where a module goes straight from one BatchNorm through a function and a
convolution to the next, the first one and the weights say what that mean must be: weights that stand in each other's place do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from regraft.graft.network import Network, Node, Step
from regraft.graft.unit import Unit
from regraft.layout import Layout, apply
from regraft.moments.activations import FUNCTIONS, elu, relu
from regraft.moments.borders import window_shares
from regraft.moments.law import Law
from regraft.moments.linear import Linear
from regraft.moments.norms import Norm, misfit, norm
from regraft.moments.selfcheck import CONTRADICTS, DOUBTFUL

#: Functions of one element, by what the trace calls them.
NAMED = {
    "relu": "relu", "relu6": "relu6", "silu": "silu", "sigmoid": "sigmoid", "tanh": "tanh", "hardswish": "hard_silu",
    "hardsigmoid": "hard_sigmoid", "softplus": "softplus", "gelu": "gelu", "selu": "selu", "mish": "mish",
}  # fmt: skip
#: Keras' order of axes, by that of a parameter.
KERAS = {
    "cout cin": "cin cout",
    "cin cout": "cin cout",
    "cout cin kw": "kw cin cout",
    "cout cin kh kw": "kh kw cin cout",
    "cout cin kd kh kw": "kd kh kw cin cout",
}
ZERO_BORDER = frozenset({"pad"})

Change = Callable[[Law], Law]


@dataclass(frozen=True)
class Contradiction:
    """
    A BatchNorm whose stored mean is not what the layer in front of it makes.

    Attributes:
        norm: Its path in the user's module.
        layer: Path of the layer in front of it.
        misfit: In stored standard deviations.
        better: Path of a layer with the same sizes whose weights would fit, or empty.
    """

    norm: str
    layer: str
    misfit: float
    better: str = ""

    def __str__(self) -> str:
        would = f"; with the weights of {self.better} it would fit" if self.better else ""
        return (
            f"the statistics in the file contradict this pairing at {self.layer}: the mean that {self.norm} stores is "
            f"{self.misfit:.2f} standard deviations from what {self.layer} makes{would}"
        )


def contradictions(network: Network, state: Mapping[str, np.ndarray]) -> tuple[Contradiction, ...]:
    """
    Every BatchNorm that the weights in front of it contradict, in the order of the run.

    Args:
        network: The user's module as it ran.
        state: Its parameters as they would be, by key.
    """
    found: list[Contradiction] = []
    units = [node.unit for node in network.nodes if node.unit is not None]
    for node in network.nodes:
        way = path_to(network, node)
        if way is None or node.unit is None:
            continue
        first, between, last = way
        unit = first.unit
        stored, before = norm_of(node.unit, state), norm_of(network.nodes[first.before[0].source].unit, state)
        if unit is None or stored is None or before is None or stored.trouble or before.trouble:
            continue
        away = off(unit, state, first, before, between, last, stored)
        if away is None or away < CONTRADICTS:
            continue
        rivals = [
            (rival, other.name)
            for other in units
            if other.label == unit.label and other.name != unit.name
            if (rival := off(other, state, first, before, between, last, stored)) is not None and rival < DOUBTFUL
        ]
        found.append(Contradiction(node.name, unit.name, away, min(rivals)[1] if rivals else ""))
    return tuple(found)


def path_to(network: Network, node: Node) -> tuple[Node, list[Change], list[Change]] | None:
    """The layer in front of a BatchNorm that itself has one in front; with the functions on both ways."""
    if node.kind != "batch_norm" or len(node.before) != 1:
        return None
    first = network.nodes[node.before[0].source]
    if first.kind not in ("conv", "linear") or len(first.before) != 1:
        return None
    if network.nodes[first.before[0].source].kind != "batch_norm":
        return None
    between, last = changes(first.before[0].steps), changes(node.before[0].steps)
    return None if between is None or last is None else (first, between, last)


def changes(steps: Sequence[Step]) -> list[Change] | None:
    """Functions of one element; None if something else happens on the way."""
    found: list[Change] = []
    for step in steps:
        if step.kind in ZERO_BORDER:
            continue
        function = function_of(step)
        if function is None:
            return None
        found.append(lambda law, f=function: law.through(f))
    return found


def function_of(step: Step) -> Callable[[np.ndarray], np.ndarray] | None:
    """The function of a step; None if it is none of one element that is known."""
    if step.kind == "leaky_relu":
        return partial(relu, negative_slope=float(step.settings.get("negative_slope", 0.01)))
    if step.kind == "elu":
        return partial(elu, alpha=float(step.settings.get("alpha", 1.0)))
    if step.kind == "clamp" and (step.settings.get("min", step.settings.get("min_val")), step.settings.get("max", step.settings.get("max_val"))) == (0.0, 6.0):  # fmt: skip  # noqa: E501
        return FUNCTIONS["relu6"]
    return FUNCTIONS.get(NAMED.get(step.kind, ""))


def norm_of(unit: Unit | None, state: Mapping[str, np.ndarray]) -> Norm | None:
    """A BatchNorm with what it would store; None if it keeps no statistics."""
    if unit is None:
        return None
    names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    arrays = {names[role]: state[p.key] for role, p in unit.parameters.items() if role in names and p.key in state}
    if not {"moving_mean", "moving_variance"} <= set(arrays):
        return None
    return norm(arrays, float(unit.use.settings.get("eps") or 0.0))


def off(
    unit: Unit,
    state: Mapping[str, np.ndarray],
    first: Node,
    before: Norm,
    between: Sequence[Change],
    last: Sequence[Change],
    stored: Norm,
) -> float | None:
    """How far the stored mean is from what a layer makes at that place; None if that cannot be told."""
    kernel = kernel_of(unit, state)
    law = Law.of(before.output)
    if kernel is None or law.channels != kernel.cin or kernel.cout != stored.channels:
        return None
    for change in between:
        law = change(law)
    law = Law.of(kernel.moments(law.moments, shares_of(first, kernel)))
    for change in last:
        law = change(law)
    away = misfit(law.moments.mean[0], stored)
    return away if np.isfinite(away) else None


def kernel_of(unit: Unit, state: Mapping[str, np.ndarray]) -> Linear | None:
    """The weights of a layer in Keras' order; None if its axes are not known."""
    weight = unit.parameters.get("weight")
    order = KERAS.get(weight.axes) if weight is not None else None
    if weight is None or order is None or weight.key not in state:
        return None
    (kernel,) = apply((Layout(f"{weight.axes} -> {order}").bind(weight.shape),), (state[weight.key],))
    bias = unit.parameters.get("bias")
    array = state.get(bias.key) if bias is not None else None
    shift = np.zeros(kernel.shape[-1]) if array is None else np.asarray(array, np.float64)
    return Linear(np.asarray(kernel, np.float64), shift, groups=int(unit.use.settings.get("groups", 1) or 1))


def shares_of(node: Node, kernel: Linear) -> np.ndarray | None:
    """How much of the map each tap of a convolution sees, the border of zeros counted; None for no border."""
    if node.unit is None or not kernel.taps or not node.unit.use.shapes:
        return None
    settings, rank = node.unit.use.settings, len(kernel.taps)
    sizes = list(node.unit.use.shapes[0][2:])
    own = settings.get("padding", 0)
    if len(sizes) != rank:
        return None
    same = [((taps - 1) // 2, taps // 2) for taps in kernel.taps]
    padding = same if own == "same" else [(n, n) for n in each(0 if own == "valid" else own, rank)]
    for step in node.before[0].steps:
        if step.kind in ZERO_BORDER:
            for axis, (low, high) in enumerate(
                zip(step.settings["pad"][::2], step.settings["pad"][1::2], strict=False)
            ):
                place = rank - 1 - axis
                if place >= 0:
                    padding[place] = (padding[place][0] + low, padding[place][1] + high)
                    sizes[place] -= low + high
    return window_shares(
        kernel.taps,
        sizes,
        list(padding),
        each(settings.get("stride", 1), rank),
        each(settings.get("dilation", 1), rank),
    )


def each(value: object, rank: int) -> tuple[int, ...]:
    """A setting for every axis."""
    found = tuple(int(n) for n in value) if isinstance(value, list | tuple) else (int(str(value)),)
    return found if len(found) == rank else found[:1] * rank
