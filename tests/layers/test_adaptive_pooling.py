"""Pools to a given size: the same windows in Keras and PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.maps import branches, lines_of, noise
from tests.layers.reading import layer as read_layer
from tests.twin import agree, converted, relative_error, run

from regraft.layers.adaptive_pooling import AdaptiveAveragePooling2D, AdaptiveMaxPooling1D


def test_settings_and_shapes() -> None:
    pool = read_layer("AdaptiveAveragePooling2D", {"output_size": [3, 4], "data_format": "channels_first"})
    assert pool == AdaptiveAveragePooling2D(output_size=(3, 4), data_format="channels_first")
    assert pool.shape(((None, 5, None, 9),)) == (None, 5, 3, 4)
    assert AdaptiveMaxPooling1D(output_size=3).shape((None,)) == (None, 3, None)


@pytest.mark.oracle
@pytest.mark.parametrize(("rank", "shape"), [(1, (7, 3)), (2, (7, 10, 3)), (2, (None, None, 3))])
def test_they_compute_what_keras_computes(rank: int, shape: Any, tmp_path: Path) -> None:
    import keras

    kinds = [getattr(keras.layers, f"Adaptive{kind}Pooling{rank}D") for kind in ("Average", "Max")]
    model = branches(keras, shape, [kind(size) for kind in kinds for size in (2, 3, 5, 7)])
    size = (7, 10)[:rank]
    module = agree(model, [noise(2, *size, 3)], tmp_path, tolerance=1e-6)
    assert lines_of(module.source, "Avg")[0].endswith(f"= nn.AdaptiveAvgPool{rank}d(2)")


@pytest.mark.oracle
def test_three_axes_in_float32(tmp_path: Path) -> None:
    import keras

    kinds = [keras.layers.AdaptiveAveragePooling3D, keras.layers.AdaptiveMaxPooling3D]
    model = branches(keras, (4, 5, 6, 3), [kind((2, 3, 4)) for kind in kinds])
    model.save(tmp_path / "m.keras")
    x = noise(2, 4, 5, 6, 3)
    for ours, theirs in zip(run(converted(tmp_path / "m.keras"), [x], "float32"), model(x), strict=True):
        assert relative_error(ours, np.asarray(theirs)) < 1e-6
