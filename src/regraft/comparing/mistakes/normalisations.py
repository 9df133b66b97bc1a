"""What goes wrong with normalisations: epsilon, statistics, axes, scale and shift."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from regraft.comparing.mistakes.mistake import Mistake, Place

EPSILONS = (1e-5, 1e-3, 1e-6, 1e-7, 1e-8, 1e-12, 1e-4, 1e-2, 2e-5, 1.001e-5, 0.0, 1e-1)


def mistakes(place: Place) -> Iterator[Mistake]:
    """Mistakes of a normalisation."""
    yield from lengths(place)
    spec = place.spec
    right = spec.config.get("epsilon")
    if isinstance(right, float):
        for epsilon in EPSILONS:
            if abs(epsilon - right) > 1e-6 * right:
                yield place.setting(
                    "epsilon",
                    f"epsilon is {epsilon:g}; in Keras {right:g}",
                    f"eps={right:g} in {{module}}",
                    epsilon=epsilon,
                )
    if spec.type in ("BatchNormalization", "SyncBatchNormalization"):
        yield from statistics(place)
    if spec.type == "LayerNormalization":
        yield from axes(place)
    if spec.type == "GroupNormalization":
        for groups in dict.fromkeys((1, 2, 4, 8, 16, 32, place.x.shape[-1])):
            if groups != spec.config.get("groups") and place.x.shape[-1] % groups == 0:
                yield place.setting(
                    "groups", f"{groups} groups; Keras has {spec.config.get('groups')}",
                    f"num_groups={spec.config.get('groups')} in {{module}}", groups=groups,
                )  # fmt: skip
    yield from affine(place)
    if "moving_mean" in place.variables:
        yield from fresh(place)


def statistics(place: Place) -> Iterator[Mistake]:
    """Other moving statistics, or those of the batch."""
    yield place.setting(
        "batch norm in training mode", "takes mean and variance of the batch; Keras takes the moving ones",
        "model.eval(), or training=False, and track_running_stats=True, in {module}", mode=2,
    )  # fmt: skip
    mean, variance = place.variable("moving_mean"), place.variable("moving_variance")
    if mean is None or variance is None:
        return
    yield place.edit(
        "batch norm statistics", "moving mean and variance are exchanged",
        "running_mean = moving_mean, running_var = moving_variance in {module}",
        moving_mean=lambda _: variance, moving_variance=lambda _: mean,
    )  # fmt: skip
    yield place.edit(
        "batch norm statistics", "the moving statistics were not loaded: mean 0 and variance 1",
        "load running_mean and running_var of {module}", moving_mean=np.zeros_like, moving_variance=np.ones_like,
    )  # fmt: skip
    yield place.edit(
        "batch norm statistics", "the moving mean is 0", "load running_mean of {module}", moving_mean=np.zeros_like
    )
    yield place.edit(
        "batch norm statistics",
        "the moving variance is 1",
        "load running_var of {module}",
        moving_variance=np.ones_like,
    )
    yield place.edit(
        "batch norm statistics", "the variance was taken for a standard deviation", "running_var = moving_variance in {module}",
        moving_variance=np.square,
    )  # fmt: skip
    yield place.edit(
        "batch norm statistics", "the variance holds standard deviations", "running_var = moving_variance in {module}",
        moving_variance=np.sqrt,
    )  # fmt: skip


def fresh(place: Place) -> Iterator[Mistake]:
    """A normalisation that was never filled."""
    fills = {
        "moving_mean": np.zeros_like,
        "moving_variance": np.ones_like,
        "gamma": np.ones_like,
        "beta": np.zeros_like,
    }
    yield place.edit_all(
        "batch norm statistics", "nothing was loaded: mean 0, variance 1, gamma 1, beta 0", "load the arrays of {module}",
        {name: fill for name, fill in fills.items() if name in place.variables},
    )  # fmt: skip


def affine(place: Place) -> Iterator[Mistake]:
    """Scale and shift exchanged, or left out."""
    gamma, beta = place.variable("gamma"), place.variable("beta")
    if gamma is not None and beta is not None and gamma.shape == beta.shape:
        yield place.edit(
            "gamma and beta", "gamma and beta are exchanged", "weight = gamma, bias = beta in {module}",
            gamma=lambda _: beta, beta=lambda _: gamma,
        )  # fmt: skip
        yield place.edit(
            "gamma and beta", "neither gamma nor beta was loaded", "load weight and bias of {module}",
            gamma=np.ones_like, beta=np.zeros_like,
        )  # fmt: skip
    if gamma is not None:
        yield place.edit(
            "gamma and beta", "gamma was not loaded: it is 1", "load weight of {module}", gamma=np.ones_like
        )
    if beta is not None:
        yield place.edit("gamma and beta", "beta was not loaded: it is 0", "load bias of {module}", beta=np.zeros_like)


def axes(place: Place) -> Iterator[Mistake]:
    """A layer normalisation along other axes."""
    rank = place.x.ndim
    epsilon, gamma, beta = place.spec.config.get("epsilon"), place.variable("gamma"), place.variable("beta")
    if rank < 3 or gamma is None:
        return
    for axes_ in ((1,), tuple(range(1, rank)), tuple(range(1, rank - 1))):
        names = "all axes but the batch" if len(axes_) == rank - 1 else f"axis {', '.join(map(str, axes_))}"
        code = f"(%0 - %0.mean({axes_}, keepdim=True)) / (%0.var({axes_}, keepdim=True, unbiased=False) + {epsilon}).sqrt()"
        made = affined(code, gamma, beta)
        if made:
            yield place.other(
                "normalisation axis", f"normalises along {names}; Keras along the last",
                "normalize along the last axis in {module}",
                "Written", code=made,
            )  # fmt: skip


def affined(code: str, gamma: np.ndarray, beta: np.ndarray | None) -> str:
    """A formula with scale and shift of the last axis; empty if they are too long to be written."""
    if gamma.size > 4096 or gamma.ndim > 1:
        return ""
    scale = f"torch.tensor({gamma.tolist()}, dtype=%0.dtype)"
    shift = f" + torch.tensor({beta.tolist()}, dtype=%0.dtype)" if beta is not None else ""
    return f"({code}) * {scale}{shift}"


def lengths(place: Place) -> Iterator[Mistake]:
    """Vectors of length 1 along another axis."""
    if place.spec.type != "UnitNormalization":
        return
    for axis in range(1, place.x.ndim - 1):
        yield place.setting(
            "normalisation axis", f"divides by the length along axis {axis} of Keras; Keras along the last",
            "F.normalize(x, dim=1) of a map with channels first, dim=-1 of one with channels last, in {module}", axis=(axis,),
        )  # fmt: skip
