"""
What a file without architecture leaves open, answered by the user's module.

The module says strides, paddings, pools, functions and epsilons; the file's shapes and statistics say whether that can be
right. An answer is given only to a question that the recovered architecture has, and among its candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from regraft.blueprint import Blueprint, Choice
from regraft.emit.module import Module
from regraft.graft.canonical import borders, done, each
from regraft.graft.difference import paired_ways
from regraft.graft.doing import Done
from regraft.graft.matching import Matching
from regraft.graft.network import Node, Way
from regraft.graft.onto import Side

#: Steps that are functions, by what Keras calls them; a slope is added where there is one.
FUNCTIONS = frozenset(
    "relu relu6 elu selu silu gelu softplus sigmoid tanh softmax softsign mish hardsigmoid leaky_relu".split()
)
KERAS = {"hardsigmoid": "hard_sigmoid"}
POOLS = {"max_pool": "MaxPooling", "avg_pool": "AveragePooling"}


def answers(blueprint: Blueprint, module: Module, ours: Side, theirs: Side, found: Matching) -> dict[str, str]:
    """
    Settings by subject, as ``recover`` takes them, where the user's module has another than the recovered architecture.

    Args:
        blueprint: The recovered architecture, with its choices.
        module: The same as a module.
        ours: That module as it ran.
        theirs: The user's module as it ran.
        found: Which node of theirs is which of ours.
    """
    layers = {key: transfer.layer for transfer in module.transfers for key in transfer.parameters}
    asked = {choice.subject: choice for choice in blueprint.choices}
    told: dict[str, str] = {}
    for place, twin_place in found.pairs.items():
        node, twin = theirs.network.nodes[place], ours.network.nodes[twin_place]
        layer = layer_of(twin, layers)
        if layer:
            told |= {f"{layer}.{name}": value for name, value in of_unit(node)}
        for mine, other in paired_ways(twin, node, found):
            before = layer_of(ours.network.nodes[mine.source], layers)
            if before:
                told |= dict(of_way(blueprint, before, mine, other))
    return {subject: value for subject, value in told.items() if wanted(asked.get(subject), value)}


def wanted(choice: Choice | None, value: str) -> bool:
    """Whether a choice is there, may have this value, and has another."""
    return (
        choice is not None
        and choice.label in ("open", "assumed")
        and value != choice.value
        and value in choice.candidates
    )


def layer_of(node: Node, layers: Mapping[str, str]) -> str:
    """The Keras layer of a unit of the converted model; empty for what is none."""
    if node.unit is None:
        return ""
    return next((layers[p.key] for p in node.unit.parameters.values() if p.key in layers), "")


def of_unit(node: Node) -> Iterator[tuple[str, str]]:
    """Settings of a unit in the words of Keras."""
    unit = node.unit
    if unit is None or not unit.use.shapes:
        return
    settings, size = unit.use.settings, unit.use.shapes[0][2:]
    if unit.kind == "conv" and size:
        stride, dilation = (each(settings[name], len(size)) for name in ("stride", "dilation"))
        yield "strides", words(stride)
        weight = unit.parameters["weight"]
        kernel = [n for axis, n in zip(weight.axes.split(), weight.shape, strict=True) if axis in ("kd", "kh", "kw")]
        padding = padding_of(node, size, kernel, stride, dilation)
        if padding:
            yield "padding", padding
    if "norm" in unit.kind and isinstance(settings.get("eps"), float):
        yield "epsilon", f"{settings['eps']:.6g}"


def padding_of(
    node: Node, size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> str:
    """``same`` or ``valid``, by the zeros on either side; empty if it is neither."""
    assert node.unit is not None

    put = done(node.before[0].steps)[1] if node.before else ()
    before = [
        n - put[2 * (len(size) - 1 - i)] - put[2 * (len(size) - 1 - i) + 1] if put else n for i, n in enumerate(size)
    ]
    given = node.unit.use.settings["padding"]
    if given == "same":
        return "same"
    edges = borders(given, put, len(size))
    if not any(edges):
        return "valid"
    same: list[int] = []
    for n, k, s, d in zip(before, kernel, stride, dilation, strict=True):
        total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        same += [total // 2, total - total // 2]
    return "same" if tuple(same) == edges else ""


def of_way(blueprint: Blueprint, layer: str, mine: Way, other: Way) -> Iterator[tuple[str, str]]:
    """The function behind a layer, and the pool behind that."""
    expected, seen = done(mine.steps)[0], done(other.steps)[0]
    if expected == seen:
        return
    function = next((step for step in seen if step.kind in FUNCTIONS), None)
    yield f"{layer}.activation", function_words(function)
    pool = next((step for step in seen if step.kind in POOLS), None)
    name = pool_behind(blueprint, layer, POOLS[pool.kind]) if pool is not None else ""
    if pool is not None and name:
        settings = dict(pool.settings)
        yield f"{name}.pool_size", words(settings["kernel"])
        yield f"{name}.strides", words(settings["stride"])
        if not any(settings["border"]):
            yield f"{name}.padding", "valid"


def function_words(step: Done | None) -> str:
    """
    A function as the choices of a recovered architecture spell it.

    >>> function_words(Done("leaky_relu", (("negative_slope", 0.2),))), function_words(None)
    ('LeakyReLU(negative_slope=0.2)', 'linear')
    """
    if step is None:
        return "linear"
    if step.kind == "leaky_relu":
        return f"LeakyReLU(negative_slope={dict(step.settings).get('negative_slope', 0.01):g})"
    return KERAS.get(step.kind, step.kind)


def pool_behind(blueprint: Blueprint, layer: str, kind: str) -> str:
    """The pool that follows a layer before anything with weights does; empty if there is none."""
    after = {ref.layer: call.layer for call in blueprint.calls for ref in call.inputs}
    for _ in blueprint.calls:
        layer = after.get(layer, "")
        if not layer or re.match(kind, blueprint.by_name[layer].type):
            return layer
    return ""


def words(value: Sequence[int]) -> str:
    """Numbers as a choice spells them: ``2, 2``."""
    return ", ".join(map(str, value))
