"""Layers that reshape, mask or draw random numbers, in a graph that torch.export and torch.compile must follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.twin import agree, loaded


@pytest.mark.oracle
def test_any_batch_size_after_export(tmp_path: Path) -> None:
    import keras
    import torch

    layers = keras.layers
    image, code = keras.Input((4, 6, 3)), keras.Input((5,))
    held = layers.Conv2D(10, 3, padding="same")(image)
    decoded = layers.Conv2D(3, 2)(layers.Reshape((3, 4, 7))(layers.Dense(84)(code)))
    gate = layers.Reshape((1, 1, 10))(layers.GlobalAveragePooling2D()(held))
    repeated = layers.SpatialDropout1D(0.2)(layers.RepeatVector(4)(code))
    outputs = [decoded, layers.Multiply()([held, gate]), layers.Reshape((24, 10))(held), repeated]
    outputs += [
        layers.Reshape((6, 40))(layers.Permute((2, 1, 3))(held)),
        layers.Dot((1, 1), normalize=True)([code, code]),
    ]
    functions = [
        layers.Normalization(),
        layers.PReLU(),
        layers.LayerNormalization(axis=(1, 2), scale=False, center=False),
    ]
    functions += [
        layers.GaussianNoise(0.2),
        layers.Activation("sparsemax"),
        layers.UnitNormalization((1, 2)),
        layers.ReLU(3.0, 0.1, 0.2),
    ]
    outputs += [f(held) for f in functions] + [layers.Rescaling([1.0, 2.0, 3.0])(image)]
    rng = np.random.default_rng(0)
    inputs = [rng.random((2, 4, 6, 3)).astype("float32"), rng.random((2, 5)).astype("float32")]
    model = loaded(agree(keras.Model([image, code], outputs), inputs, tmp_path, tolerance=1e-6), "float32")
    batch = torch.export.Dim("batch", min=1, max=64)
    example, other = ((torch.rand(n, 3, 4, 6), torch.rand(n, 5)) for n in (3, 7))
    exported = torch.export.export(model, example, dynamic_shapes=({0: batch}, {0: batch})).module()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    for ours, theirs, again in zip(model(*other), exported(*other), compiled(*other), strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(again, ours, rtol=1e-5, atol=1e-5)
