"""
The vectors of one length, dealt out: to biases, and to the gammas, betas, means and variances of norms.

How many norms there are follows from how many vectors and kernels of that length there are; which vector has which
role from its sign and size; which ones belong together from their traces of training (``affinity``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from regraft.recover.grouping.affinity import (
    BIAS,
    beta_of_gamma,
    gamma_of_variance,
    made_by,
    mean_of_variance,
    odds,
)
from regraft.recover.grouping.assignment import assign, exchanges
from regraft.recover.grouping.bag import Bag, Body
from regraft.recover.grouping.vectors import role_cost

#: Never chosen where anything else is possible.
NEVER = 60.0


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
class Swap:
    """Two arrays that may be exchanged, and what that costs in nats."""

    cost: float
    first: int
    second: int


@dataclass
class Dealt:
    """
    What became of the vectors of one length.

    Attributes:
        norms: The vectors of each norm, in the order of its style.
        biases: For each body its bias.
        over: Vectors without a role.
        follows: For each norm the body that feeds it, if the values say.
        swaps: Exchanges of two vectors, with their costs.
    """

    norms: list[list[int]] = field(default_factory=list)
    biases: dict[int, int] = field(default_factory=dict)
    over: list[int] = field(default_factory=list)
    follows: list[int] = field(default_factory=list)
    swaps: list[Swap] = field(default_factory=list)


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
        cost += 1.0 * min(norms, biases)
        if best is None or cost < best[0]:
            best = (cost, norms, biases, over)
    assert best is not None
    return best[1], best[2], best[3]


def style_cost(bag: Bag, style: Style, places: list[int], bodies: int) -> float:
    """How well the vectors of one length go with a style, in nats."""
    norms, biases, over = counts(style, len(places), bodies)
    slots = [role for role in style.roles for _ in range(norms)] + ["bias"] * biases + ["over"] * over
    costs = _role_costs(bag, places, slots)
    fit = float(costs[np.arange(len(places)), assign(costs)].sum())
    return fit + style.cost * norms + 9.0 * over + 0.7 * (bodies - biases) + 2.0 * min(biases, bodies - biases)


def _role_costs(bag: Bag, places: list[int], slots: list[str]) -> np.ndarray:
    by_role = {role: [role_cost(role, bag.looks(i)) for i in places] for role in set(slots)}
    return np.array([by_role[role] for role in slots]).T


def deal(bag: Bag, style: Style, places: list[int], bodies: list[Body]) -> Dealt:
    """
    Deal the vectors of one length out.

    Args:
        bag: All arrays.
        style: Of the norms.
        places: The vectors.
        bodies: Layers with so many channels that may have a bias.
    """
    norms, biases, _over = counts(style, len(places), len(bodies))
    found = Dealt()
    fixed = [role for role in style.roles if role not in ("beta", "moving_mean")]
    firm: dict[str, list[int]] = {}
    rest = list(places)
    if norms:
        slots = [role for role in fixed for _ in range(norms)]
        others = "beta" if not biases else "bias"
        costs = _role_costs(bag, rest, [*slots, *[others] * (len(rest) - len(slots))])
        chosen = assign(costs)
        for role in fixed:
            first = slots.index(role)
            firm[role] = [rest[i] for i, j in enumerate(chosen) if first <= j < first + norms]
        rest = [i for i in rest if not any(i in taken for taken in firm.values())]
    _deal_rest(bag, style, rest, firm, bodies, norms, biases, found)
    return found


def _deal_rest(
    bag: Bag,
    style: Style,
    rest: list[int],
    firm: dict[str, list[int]],
    bodies: list[Body],
    norms: int,
    biases: int,
    found: Dealt,
) -> None:
    """Means to variances, betas to gammas, biases to kernels, all at once; then gammas to variances."""
    variances, gammas = firm.get("moving_variance", []), firm.get("gamma", [])
    has_beta, has_mean = "beta" in style.roles, "moving_mean" in style.roles
    columns: list[tuple[str, int]] = []
    if has_mean:
        columns += [("mean", i) for i in range(norms)]
    if has_beta:
        columns += [("beta", i) for i in range(norms)]
    columns += [("bias", k) for k in range(len(bodies))] if biases else []
    spare = len(rest) - len(columns)
    columns += [("over", k) for k in range(max(spare, 0))]
    if not rest:
        _finish(bag, style, firm, {}, {}, norms, bodies, found)
        return
    vectors = bag.vector_rows(rest)
    made = np.array([made_by(vectors, bag.rows(body.places[-1])) for body in bodies]).T if bodies else None
    scores = np.zeros((len(rest), len(columns)))
    role_of = {"mean": "moving_mean", "over": "over"}
    for role in ("mean", "beta", "bias", "over"):
        at = [j for j, (kind, _) in enumerate(columns) if kind == role]
        if not at:
            continue
        own = -np.array([role_cost(role_of.get(role, role), bag.looks(i)) for i in rest])[:, None]
        which = [columns[j][1] for j in at]
        if role == "mean":
            pairs = mean_of_variance(vectors, bag.vector_rows(variances))
            fits = pairs[:, which] + (made.max(axis=1)[:, None] if made is not None else 0.0)
        elif role == "beta":
            fits = beta_of_gamma(vectors, bag.vector_rows(gammas))[:, which] if gammas else np.zeros((len(rest), len(at)))
        elif role == "bias" and made is not None:
            fits = BIAS * made[:, which]
        else:
            fits = np.full((len(rest), len(at)), -9.0)
        scores[:, at] = own + fits
    if biases < len(bodies) and biases:
        # Some kernels have no bias: their columns stay empty, so rows that are nobody's fill up.
        scores = np.vstack([scores, np.zeros((len(columns) - len(rest), len(columns)))])
        blank = [j for j, (kind, _) in enumerate(columns) if kind != "bias"]
        scores[len(rest) :, blank] = -NEVER
    chosen = assign(-scores)[: len(rest)]
    means = {columns[j][1]: rest[i] for i, j in enumerate(chosen) if columns[j][0] == "mean"}
    betas = {columns[j][1]: rest[i] for i, j in enumerate(chosen) if columns[j][0] == "beta"}
    found.biases = {columns[j][1]: rest[i] for i, j in enumerate(chosen) if columns[j][0] == "bias"}
    found.over = [rest[i] for i, j in enumerate(chosen) if columns[j][0] == "over"]
    found.swaps += _swaps(rest, exchanges(-scores[: len(rest)], chosen))
    _finish(bag, style, firm, means, betas, norms, bodies, found)


def _swaps(places: list[int], costs: np.ndarray) -> list[Swap]:
    return [
        Swap(max(float(costs[i, j]), 0.0), places[i], places[j])
        for i in range(len(places))
        for j in range(i)
        if np.isfinite(costs[i, j])
    ]


def _finish(
    bag: Bag,
    style: Style,
    firm: dict[str, list[int]],
    means: dict[int, int],
    betas: dict[int, int],
    norms: int,
    bodies: list[Body],
    found: Dealt,
) -> None:
    """Put each norm together: gamma and beta of one half, mean and variance of the other."""
    if not norms:
        return
    variances, gammas = firm.get("moving_variance", []), firm.get("gamma", [])
    partner = list(range(norms))
    if variances:
        moved = bag.vector_rows([means[i] for i in range(norms)]) if means else bag.vector_rows(variances)
        spread = bag.vector_rows(variances)
        trainable = gammas or [betas[i] for i in range(norms)] if (gammas or betas) else []
        if trainable and norms > 1:
            scores = gamma_of_variance(bag.vector_rows(trainable), moved, spread)
            partner = [int(j) for j in assign(-scores)]
            found.swaps += _swaps(trainable, exchanges(-scores, np.array(partner)))
        if bodies:
            found.follows = _feeders(bag, moved, spread, bodies)
    alphas = firm.get("alpha", [])
    for i in range(norms):
        vectors = {
            "gamma": gammas[i] if gammas else None,
            "beta": betas.get(i),
            "moving_mean": means.get(partner[i]) if variances else means.get(i),
            "moving_variance": variances[partner[i]] if variances else None,
            "alpha": alphas[i] if alphas else None,
        }
        found.norms.append([place for role in style.roles if (place := vectors[role]) is not None])
    if found.follows:
        found.follows = [found.follows[partner[i]] for i in range(norms)]


def _feeders(bag: Bag, means: np.ndarray, variances: np.ndarray, bodies: list[Body]) -> list[int]:
    """For each mean and variance the body whose kernel made them, -1 where there are too few."""
    scores = np.array([made_by(means, bag.rows(body.places[-1])) for body in bodies]).T
    lengths = np.array([bag.rows(body.places[-1]).norms for body in bodies])
    if lengths.shape[1] == variances.shape[1]:
        scores = scores + odds(variances, lengths, 0.25, 0.3)
    if len(means) <= len(bodies):
        return [int(j) for j in assign(-scores)]
    found = [-1] * len(means)
    for body, row in enumerate(assign(-scores.T)):
        found[int(row)] = body
    return found
