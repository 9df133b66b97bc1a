"""What a naive translation of an operation would cost: each is far off, and the table of cases shows that ours is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.oracle

Naive = Callable[[Any, Any, Any], Any]

#: Name, Keras' operation, the PyTorch expression that looks the same, and the least error it makes.
TRAPS: list[tuple[str, Callable[[Any, Any], Any], Naive, float]] = [
    ("depth_to_space", lambda k, x: k.depth_to_space(x, 2),
     lambda torch, f, x: f.pixel_shuffle(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1), 1.0),
    ("median of two middles", lambda k, x: k.median(x, axis=1), lambda torch, f, x: x.median(dim=1).values, 0.05),
    ("biased variance", lambda k, x: k.var(x, axis=1), lambda torch, f, x: x.var(dim=1), 0.1),
    ("gelu by tanh", lambda k, x: k.gelu(x), lambda torch, f, x: f.gelu(x), 1e-5),
    ("repeat", lambda k, x: k.repeat(x, 2, axis=1), lambda torch, f, x: x.repeat(1, 2, 1, 1), 0.5),
    ("mod", lambda k, x: k.mod(x, 0.75), lambda torch, f, x: x.fmod(0.75), 0.5),
    ("leaky_relu", lambda k, x: k.leaky_relu(x), lambda torch, f, x: f.leaky_relu(x), 0.1),
    ("nearest pixel", lambda k, x: k.image.resize(x, (3, 5), interpolation="nearest", data_format="channels_last"),
     lambda torch, f, x: f.interpolate(x.permute(0, 3, 1, 2), (3, 5)).permute(0, 2, 3, 1), 0.5),
    ("padding of the last axis first", lambda k, x: k.pad(x, ((0, 0), (1, 0), (0, 0), (0, 0)))[:, :4],
     lambda torch, f, x: f.pad(x, (0, 0, 0, 0, 0, 1))[:, :4], 0.5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "keras_form", "naive", "least"), TRAPS, ids=[row[0] for row in TRAPS])
def test_the_naive_translation_is_wrong(name: str, keras_form: Any, naive: Naive, least: float) -> None:
    import keras
    import torch

    x = np.random.default_rng(5).standard_normal((2, 4, 6, 8)).astype("float32")
    theirs = np.asarray(keras_form(keras.ops, x))
    found = naive(torch, torch.nn.functional, torch.from_numpy(x)).numpy()
    assert found.shape == theirs.shape
    assert np.abs(found - theirs).max() / np.abs(theirs).max() > least
