"""
The vectors of one length, dealt out: to biases, and to the gammas, betas, means and variances of norms.

How many norms there are follows from how many vectors and kernels of that length there are; which vector has which
role from its sign and size; which ones belong together from their traces of training (``affinity``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from regraft.recover.grouping.assignment import assign
from regraft.recover.grouping.bag import Bag, Body
from regraft.recover.grouping.climbing import Climb, Deal, Exchange
from regraft.recover.grouping.traces import Traces, traces_of

#: Never chosen where anything else is possible.
NEVER = 60.0
#: Vectors of one length that are compared each with each; DenseNet121 and NASNetMobile have 240.
MOST_VECTORS = 500
#: Vectors times what they may belong to; in those two networks under 100,000.
MOST_CELLS = 150_000
#: Roles that sign and size hardly tell apart, and the others, the surest first.
LOOSE = ("beta", "moving_mean")
FIRMEST = ("moving_variance", "gamma", "alpha")


@dataclass(frozen=True)
class Style:
    """
    How the norms of a network look.

    Attributes:
        type: Of the norm; empty for none.
        roles: Of its vectors.
        cost: Of one such norm, in nats.
    """

    type: str
    roles: tuple[str, ...]
    cost: float


STYLES = (
    Style("BatchNormalization", ("gamma", "beta", "moving_mean", "moving_variance"), 1.4),
    Style("BatchNormalization", ("beta", "moving_mean", "moving_variance"), 3.4),
    Style("LayerNormalization", ("gamma", "beta"), 3.5),
    Style("BatchNormalization", ("gamma", "moving_mean", "moving_variance"), 4.4),
    Style("BatchNormalization", ("moving_mean", "moving_variance"), 4.9),
    Style("PReLU", ("alpha",), 5.0),
)


@dataclass
class Dealt:
    """
    What became of the vectors of one length; all by place in the file.

    Attributes:
        norms: The vectors of each norm, in the order of its style.
        biases: For each body its bias.
        over: Vectors without a role.
        follows: For each norm the body that feeds it, -1 if the values do not say.
        swaps: Exchanges of two vectors, with their costs.
    """

    norms: list[list[int]] = field(default_factory=list)
    biases: dict[int, int] = field(default_factory=dict)
    over: list[int] = field(default_factory=list)
    follows: list[int] = field(default_factory=list)
    swaps: list[Exchange] = field(default_factory=list)


def counts(style: Style, vectors: int, bodies: int) -> tuple[int, int, int]:
    """How many norms and biases, and how many vectors are over: every kernel is treated alike if that is possible."""
    size = len(style.roles)
    best: tuple[float, int, int, int] | None = None
    for norms in range(vectors // size + 1):
        rest = vectors - norms * size
        biases = min(rest, bodies)
        over = rest - biases
        uneven = min(biases, bodies - biases)
        cost = 9.0 * over + 2.0 * uneven + style.cost * norms + 0.7 * (bodies - biases) + 2.0 * max(0, norms - bodies)
        # A bias in front of a BatchNormalization does nothing, though many networks have it.
        cost += 1.5 * min(norms, biases) + 1.5 * min(norms, max(bodies - norms, 0))
        if best is None or cost < best[0]:
            best = (cost, norms, biases, over)
    assert best is not None
    return best[1], best[2], best[3]


def style_cost(bag: Bag, style: Style, places: list[int], bodies: int) -> float:
    """How well the vectors of one length go with a style, in nats."""
    norms, biases, over = counts(style, len(places), bodies)
    firm, rest = cast_roles(bag, style, places, norms)
    fit = sum(bag.cost(role, i) for role, taken in firm.items() for i in taken)
    loose = [role for role in LOOSE if role in style.roles and norms] + (["bias"] if biases else [])
    fit += sum(min((bag.cost(role, i) for role in loose), default=0.0) for i in rest)
    return fit + style.cost * norms + 9.0 * over + 0.7 * (bodies - biases) + 2.0 * min(biases, bodies - biases)


def cast_roles(bag: Bag, style: Style, places: list[int], norms: int) -> tuple[dict[str, list[int]], list[int]]:
    """Variances and gammas by how they look, and the vectors that are left for the other roles."""
    rest = list(places)
    firm: dict[str, list[int]] = {}
    for role in sorted((r for r in style.roles if r not in LOOSE), key=FIRMEST.index):
        others = [r for r in ("gamma", "beta", "moving_mean", "bias") if r not in (role, *firm)]
        gain = {i: bag.cost(role, i) - min(bag.cost(other, i) for other in others) for i in rest}
        firm[role] = sorted(rest, key=gain.__getitem__)[:norms]
        rest = [i for i in rest if i not in firm[role]]
    return firm, rest


def deal(bag: Bag, style: Style, places: list[int], bodies: list[Body]) -> Dealt:
    """
    Deal the vectors of one length out.

    Args:
        bag: All arrays.
        style: Of the norms.
        places: The vectors.
        bodies: Layers with so many channels that may have a bias.
    """
    norms, biases, over = counts(style, len(places), len(bodies))
    if len(places) > MOST_VECTORS or len(places) * (len(places) + len(bodies)) > MOST_CELLS:
        return _in_order(bag, style, places, norms, biases)
    traces = traces_of(bag, places, bodies)
    number = {place: i for i, place in enumerate(places)}
    cast, _ = cast_roles(bag, style, places, norms) if norms else ({}, places)
    firm = {role: [number[i] for i in taken] for role, taken in cast.items()}
    taken = {i for vectors in firm.values() for i in vectors}
    rest = [i for i in range(len(places)) if i not in taken]
    found, exchanges = Climb(_first_deal(style, traces, firm, rest, norms, biases, over), traces).run()
    at = [dict(zip(style.roles, norm, strict=True)) for norm in found.norms]
    return Dealt(
        [[places[i] for i in norm] for norm in found.norms],
        {body: places[i] for body, i in found.biases.items()},
        [places[i] for i in found.over],
        _feeders(traces, at, len(bodies)),
        [Exchange(e.cost, places[e.first], places[e.second]) for e in exchanges],
    )


def _in_order(bag: Bag, style: Style, places: list[int], norms: int, biases: int) -> Dealt:
    """Too many vectors to compare each with each: variances and gammas by how they look, the others as they come."""
    firm, rest = cast_roles(bag, style, places, norms) if norms else ({}, list(places))
    for role in LOOSE:
        if role in style.roles:
            firm[role], rest = rest[:norms], rest[norms:]
    made = [[firm[role][i] for role in style.roles] for i in range(norms)]
    return Dealt(
        made, dict(enumerate(rest[:biases])), rest[biases:], [-1] * norms, [Exchange(0.0, i, i) for i in places]
    )


def _first_deal(
    style: Style, traces: Traces, firm: dict[str, list[int]], rest: list[int], norms: int, biases: int, over: int
) -> Deal:
    """Means to variances, betas to gammas, biases to kernels, all at once; then gammas to variances."""
    columns = [(role, i) for role in LOOSE if role in style.roles for i in range(norms)]
    columns += [("bias", k) for k in range(traces.bias.shape[1])] if biases else []
    columns += [("over", k) for k in range(over)]
    chosen: dict[tuple[str, int], int] = {}
    if rest:
        scores = np.array([[_loose_score(traces, firm, role, k, i) for role, k in columns] for i in rest])
        spare = len(columns) - len(rest)
        if spare > 0:
            # Some kernels have no bias: their columns go to rows that are nobody's.
            blank = [[0.0 if role == "bias" else -NEVER for role, _ in columns]] * spare
            scores = np.vstack([scores, blank])
        picked = assign(-scores)
        chosen = {columns[j]: rest[i] for i, j in enumerate(picked[: len(rest)])}
    variances = firm.get("moving_variance", list(range(norms)))
    trained = [firm["gamma"][i] if "gamma" in firm else chosen.get(("beta", i), -1) for i in range(norms)]
    partner = list(range(norms))
    if "moving_variance" in firm and "gamma" in firm and norms > 1:
        table = traces.pairs["gamma", "moving_variance"][np.ix_(trained, variances)]
        partner = [int(j) for j in assign(-table)]
    made: list[list[int]] = []
    for i in range(norms):
        vectors = {role: taken[i] for role, taken in firm.items()}
        vectors |= {"beta": chosen.get(("beta", i), -1), "moving_mean": chosen.get(("moving_mean", partner[i]), -1)}
        if "moving_variance" in firm:
            vectors["moving_variance"] = variances[partner[i]]
        made.append([vectors[role] for role in style.roles])
    own = {k: i for (role, k), i in chosen.items() if role == "bias"}
    return Deal(style.roles, made, own, [i for (role, _), i in chosen.items() if role == "over"])


def _loose_score(traces: Traces, firm: dict[str, list[int]], role: str, k: int, vector: int) -> float:
    """How well a vector fills a slot: the mean beside variance k, the beta beside gamma k, the bias of body k."""
    if role == "over":
        return -9.0
    own = -float(traces.roles[role][vector])
    if role == "bias":
        return own + float(traces.bias[vector, k])
    beside = "moving_variance" if role == "moving_mean" else "gamma"
    return own + (float(traces.pairs[role, beside][vector, firm[beside][k]]) if beside in firm else 0.0)


def _feeders(traces: Traces, norms: list[dict[str, int]], bodies: int) -> list[int]:
    """For each norm the body whose kernel made its mean and variance; each body once."""
    found: list[int] = []
    for norm in norms:
        mean, variance = norm.get("moving_mean"), norm.get("moving_variance")
        body = -1 if not bodies or mean is None or variance is None else int(traces.feeds[mean, variance])
        found.append(-1 if body in found else body)
    return found
