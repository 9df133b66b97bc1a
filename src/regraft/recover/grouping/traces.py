"""All that the values of vectors of one length say of each other and of the kernels before them, as tables of log odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regraft.recover.grouping.affinity import (
    BIAS,
    beta_of_gamma,
    gamma_of_mean,
    gamma_of_variance,
    made_by,
    mean_of_variance,
    odds,
)
from regraft.recover.grouping.bag import Bag, Body
from regraft.recover.grouping.vectors import ROLES


@dataclass(frozen=True)
class Traces:
    """
    Tables over the vectors of one length; all in nats.

    Attributes:
        roles: Cost of each role, one a vector.
        pairs: For two roles of one norm the log odds of all pairs, the first role along the first axis.
        bias: Log odds of each vector as the bias of each body: ``(vectors, bodies)``.
        feeds: For each pair of mean and variance the body that most likely made them, -1 if there is none.
    """

    roles: dict[str, np.ndarray]
    pairs: dict[tuple[str, str], np.ndarray]
    bias: np.ndarray
    feeds: np.ndarray


def traces_of(bag: Bag, places: Sequence[int], bodies: Sequence[Body]) -> Traces:
    """The tables for some vectors of equal length, and bodies with so many channels."""
    roles = {role: np.array([bag.cost(role, i) for i in places]) for role in (*ROLES, "over")}
    vectors = bag.vector_rows(places)
    count = len(places)
    statistics = mean_of_variance(vectors, vectors)
    bias, feeds = np.zeros((count, len(bodies))), np.full((count, count), -1)
    if bodies:
        rows = [bag.rows(body) for body in bodies]
        made = np.array([made_by(vectors, r) for r in rows]).T
        bias = BIAS * made
        lengths = np.array([r.norms for r in rows])
        spread = odds(vectors, lengths, 0.25, 0.3) if lengths.shape[1] == vectors.shape[1] else np.zeros_like(made)
        fed = made[:, None, :] + spread[None, :, :]
        feeds = fed.argmax(axis=2)
        statistics = statistics + fed.max(axis=2)
    pairs = {
        ("moving_mean", "moving_variance"): statistics,
        ("beta", "gamma"): beta_of_gamma(vectors, vectors),
        ("gamma", "moving_variance"): gamma_of_variance(vectors, vectors),
        ("gamma", "moving_mean"): gamma_of_mean(vectors, vectors),
    }
    return Traces(roles, pairs, bias, feeds)


def norm_score(traces: Traces, roles: Sequence[str], vectors: Sequence[int]) -> float:
    """How well vectors go together as one norm, in nats."""
    found = -sum(float(traces.roles[role][i]) for role, i in zip(roles, vectors, strict=True))
    at = dict(zip(roles, vectors, strict=True))
    for (first, second), table in traces.pairs.items():
        if first in at and second in at:
            found += float(table[at[first], at[second]])
    return found
