"""What the tests of the recurrent layers share: masked sequences, reading a config, and a naive translation to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from tests.layers.reading import layer
from tests.twin import relative_error, run

from regraft.emit.module import Module
from regraft.layers import Layer, build, spec_of


def sequences(*, masked: bool, seed: int = 0) -> np.ndarray:
    """(batch 5, time 7, features 3); masked: padded right, left, with holes, not at all, and everywhere."""
    x = np.random.default_rng(seed).standard_normal((5, 7, 3)).astype("float32")
    if masked:
        x[0, 4:] = 0
        x[1, :3] = 0
        x[2, [0, 2, 5]] = 0
        x[4] = 0
    return x


def read(class_name: str, version: str = "3.5.0", **config: Any) -> Layer:
    """A layer from the config that a Keras version wrote."""
    found = layer(class_name, config, version)
    assert build(spec_of("again", found)) == found
    return found


def naive_error(module: Module, inputs: Sequence[np.ndarray], *changes: tuple[str, str]) -> float:
    """How far off the module is if its source were translated naively; the right source is what it is compared with."""
    source = module.source
    for old, new in changes:
        assert old in source, f"{old!r} is not in\n{source}"
        source = source.replace(old, new)
    wide = [a.astype("float64") if a.dtype.kind == "f" else a for a in inputs]
    right, wrong = run(module, wide), run(replace(module, source=source), wide)
    return max(relative_error(w, r) for w, r in zip(wrong, right, strict=True))
