"""
What the statistics of the BatchNorms of a file say about a graph whose activations are not known yet.

Means are carried from each BatchNorm to the next: through a relu, which is the habit of most networks, or through none at
the ends of blocks, whichever fits better. That is rough, but the same for all graphs that are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from regraft.moments.activations import after
from regraft.moments.moment import Moments
from regraft.moments.norms import Norm, misfit, nats, norm, pooled
from regraft.recover.wiring.graph import Graph
from regraft.recover.wiring.shortcuts import Shortcuts

Arrays = Mapping[str, Mapping[str, np.ndarray]]
Misfits = dict[str, float]


def weighed(found: Sequence[Shortcuts], arrays: Arrays) -> np.ndarray:
    """
    Costs of hypotheses by the statistics, in nats, 0 for the best; all 0 if nothing can be compared.

    Args:
        found: What is compared.
        arrays: The variables of the layers by name, kernels folded to ``(cin, cout)`` over their taps.
    """
    norms = {name: stored for name, held in arrays.items() if (stored := stored_norm(held)) is not None}
    if len(found) < 2 or not norms:
        return np.zeros(len(found))
    bare = [tensors for each in found if each.length for tensors in (each.ends, each.ends | each.starts)]
    rows = [
        best_of(each.graph, [each.ends, each.ends | each.starts] if each.length else bare, arrays, norms)
        for each in found
    ]
    costs: list[np.ndarray] = []
    for name, stored in norms.items():
        values = np.array([row.get(name, np.nan) for row in rows])
        if np.isfinite(values).all() and np.ptp(values) > 1e-3:
            costs.append(nats(values, int(stored.live.sum())))
    return pooled(costs) if costs else np.zeros(len(found))


def stored_norm(held: Mapping[str, np.ndarray]) -> Norm | None:
    """The BatchNorm that a layer is, if it is one that was trained."""
    if not {"moving_mean", "moving_variance"} <= set(held):
        return None
    stored = norm(held)
    return None if stored.trouble else stored


def best_of(graph: Graph, ends: Sequence[frozenset[str]], arrays: Arrays, norms: Mapping[str, Norm]) -> Misfits:
    """The misfits of a graph with or without activations at the ends of blocks, whichever are smaller in the middle."""
    tried = [carried(graph, bare, arrays, norms) for bare in (frozenset[str](), *ends)]
    return min(tried, key=lambda row: float(np.median(list(row.values()))) if row else 0.0)


def carried(graph: Graph, bare: frozenset[str], arrays: Arrays, norms: Mapping[str, Norm]) -> Misfits:
    """
    The misfit at every BatchNorm that others predict.

    Args:
        graph: Layers with variables, sums and joins.
        bare: Tensors that no activation follows.
        arrays: Of the layers.
        norms: The BatchNorms that were trained.
    """
    known: dict[str, Moments | None] = {}
    active: dict[str, Moments | None] = {}
    read = {node.inputs[0]: norms[node.name] for node in graph.nodes if node.name in norms and node.inputs}
    uses = Counter(name for node in graph.nodes for name in node.inputs)
    away: Misfits = {}
    for node in graph.nodes:
        made: Moments | None = None
        stored = norms.get(node.name)
        if stored is not None:
            arriving = known.get(node.inputs[0]) if node.inputs else None
            if arriving is not None and arriving.mean.shape == stored.mean.shape:
                away[node.name] = misfit(arriving.mean, stored)
            made = stored.output
        elif node.type == "Add":
            # What goes on elsewhere too is a shortcut, and starts behind the activation there.
            made = total([(known if uses[name] == 1 else active).get(name) for name in node.inputs])
        elif node.type == "Concatenate":
            made = joined([active.get(name) for name in node.inputs])
        elif "kernel" in arrays.get(node.name, {}) and node.inputs:
            made = through(active.get(node.inputs[0]), arrays[node.name])
        known[node.name] = active[node.name] = made
        if (told := read.get(node.name)) is not None:
            # What a BatchNorm stores of its input is better than any prediction of it.
            active[node.name] = Moments(told.mean, told.variance)
        elif made is not None and node.name not in bare and (stored is not None or node.type == "Add"):
            active[node.name] = after("relu", made.mean, made.variance)
    return away


def total(terms: Sequence[Moments | None]) -> Moments | None:
    """A sum of independent tensors."""
    present = [term for term in terms if term is not None]
    if len(present) < len(terms) or len({term.mean.shape for term in present}) != 1:
        return None
    return Moments(sum((t.mean for t in present), np.zeros(1)), sum((t.variance for t in present), np.zeros(1)))


def through(moments: Moments | None, held: Mapping[str, np.ndarray]) -> Moments | None:
    """What leaves a linear layer, ``kernel`` being ``(cin, cout)`` or, where no channels are mixed, ``(c,)``."""
    kernel, bias = held["kernel"], held.get("bias", 0.0)
    if moments is None or len(moments.mean) != len(kernel):
        return None
    if kernel.ndim == 1:
        return Moments(moments.mean * kernel + bias, moments.variance * np.square(kernel))
    return Moments(moments.mean @ kernel + bias, moments.variance @ np.square(kernel))


def joined(terms: Sequence[Moments | None]) -> Moments | None:
    """Channels of several tensors side by side."""
    present = [term for term in terms if term is not None]
    if len(present) < len(terms):
        return None
    return Moments(np.concatenate([t.mean for t in present]), np.concatenate([t.variance for t in present]))
