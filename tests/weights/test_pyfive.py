"""A second reader by other hands sees the same tree: pyfive, which is pure Python and shares no code with HDF5."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.weights.build import legacy, saving_lib, whole_model

from regraft.weights import read

pyfive = pytest.importorskip("pyfive")


def arrays(group: Any, path: str = "") -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for name in group:
        node = group[name]
        if hasattr(node, "shape"):
            found[f"{path}/{name}"] = node[()]
        else:
            found |= arrays(node, f"{path}/{name}")
    return found


def some_layers(seed: int, numbered: bool) -> list[tuple[str, dict[str, np.ndarray]]]:
    rng = random.Random(seed)
    layers = []
    for count in range(rng.randint(1, 40)):
        rank = rng.randint(0, 4)
        shapes = [tuple(rng.randint(1, 6) for _ in range(rank)) for _ in range(rng.randint(0, 4))]
        dtype = rng.choice(["f4", "f8", "f2", "i8", ">f4", "u1"])
        values = [np.random.default_rng(seed + i).normal(size=s).astype(dtype) for i, s in enumerate(shapes)]
        name = f"{rng.choice(['dense', 'conv2d', 'z', 'A'])}_{count}"
        layers.append((name, {(str(i) if numbered else f"w{i}:0"): value for i, value in enumerate(values)}))
    return layers


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("make", [legacy, saving_lib, whole_model])
def test_same_tree(tmp_path: Path, seed: int, make: Any) -> None:
    path = make(tmp_path / "x.h5", layers=some_layers(seed, make is saving_lib))
    tree = read(path)
    with pyfive.File(str(path)) as file:
        theirs = {p: array for p, array in arrays(file).items() if not p.startswith("/optimizer")}
    mine = {v.path: v.read() for v in tree.variables()}
    assert mine.keys() == theirs.keys()
    for where, array in mine.items():
        assert array.shape == np.shape(theirs[where])
        np.testing.assert_array_equal(array, theirs[where])
