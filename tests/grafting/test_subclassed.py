"""Models that are Python code, written by the real Keras in every layout of its files, onto a module by names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from regraft.grafting.by_names import graft_by_names, reason
from regraft.weights import read

pytestmark = pytest.mark.oracle
WIDTH, HEADS, KEY, INNER, WORDS, CLASSES = 14, 2, 7, 20, 29, 5


class Attention(nn.Module):
    """Queries, keys and values in one matrix, taken as three blocks or head by head."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.qkv, self.out = nn.Linear(WIDTH, 3 * HEADS * KEY), nn.Linear(HEADS * KEY, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.how == "blocks":
            q, k, v = self.qkv(x).reshape(*x.shape[:2], 3, HEADS, KEY).permute(2, 0, 3, 1, 4)
        else:
            q, k, v = self.qkv(x).reshape(*x.shape[:2], HEADS, 3, KEY).permute(3, 0, 2, 1, 4)
        y = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.out(y.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, eps=1e-3), nn.LayerNorm(WIDTH, eps=1e-3)
        self.attn = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True) if how == "torch" else Attention(how)
        self.fc1, self.fc2 = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm1(x)
        x = x + (self.attn(y, y, y, need_weights=False)[0] if self.how == "torch" else self.attn(y))
        return x + self.fc2(torch.relu(self.fc1(self.norm2(x))))


class Net(nn.Module):
    def __init__(self, how: str = "torch") -> None:
        super().__init__()
        self.emb = nn.Embedding(WORDS, WIDTH)
        self.blocks = nn.ModuleList(Block(how) for _ in range(2))
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.emb(ids)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def keras_net(keras: Any) -> Any:
    """The same network in Keras, as a class."""

    class KerasBlock(keras.layers.Layer):  # pyright: ignore[reportGeneralTypeIssues]
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.norm1 = keras.layers.LayerNormalization(name="norm1")
            self.attn = keras.layers.MultiHeadAttention(HEADS, KEY, name="attn")
            self.norm2 = keras.layers.LayerNormalization(name="norm2")
            self.fc1 = keras.layers.Dense(INNER, activation="relu", name="fc1")
            self.fc2 = keras.layers.Dense(WIDTH, name="fc2")

        def call(self, x: Any) -> Any:
            y = self.norm1(x)
            x = x + self.attn(y, y)
            return x + self.fc2(self.fc1(self.norm2(x)))

    class KerasNet(keras.Model):  # pyright: ignore[reportGeneralTypeIssues]
        def __init__(self) -> None:
            super().__init__(name="net")
            self.emb = keras.layers.Embedding(WORDS, WIDTH, name="emb")
            self.blocks = [KerasBlock(name=f"block_{i}") for i in range(2)]
            self.head = keras.layers.Dense(CLASSES, name="head")

        def call(self, ids: Any) -> Any:
            x = self.emb(ids)
            for block in self.blocks:
                x = block(x)
            return self.head(x)

    return KerasNet()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, np.ndarray, np.ndarray]]:
    """Files in every layout, with an input and what Keras makes of it."""
    import keras
    import tf_keras

    folder = tmp_path_factory.mktemp("subclassed")
    found: dict[str, tuple[Path, np.ndarray, np.ndarray]] = {}
    for name, library in (("keras", keras), ("tf_keras", tf_keras)):
        model = keras_net(library)
        ids = np.random.default_rng(0).integers(0, WORDS, (2, 6))
        model(ids)
        rng = np.random.default_rng(1)
        model.set_weights([0.4 * rng.standard_normal(w.shape).astype("float32") for w in model.get_weights()])
        out = np.array(model(ids))
        model.save_weights(str(folder / f"{name}.weights.h5"))
        found[f"{name}.weights.h5"] = (folder / f"{name}.weights.h5", ids, out)
        if library is tf_keras:
            model.save_weights(str(folder / "legacy.h5"), save_format="h5")
            found["legacy.h5"] = (folder / "legacy.h5", ids, out)
        else:
            model.save(folder / "net.keras")
            found["net.keras"] = (folder / "net.keras", ids, out)
    return found


@pytest.mark.parametrize("file", ["keras.weights.h5", "tf_keras.weights.h5", "legacy.h5", "net.keras"])
@pytest.mark.parametrize("how", ["torch", "blocks"])
def test_every_layout(file: str, how: str, written: dict[str, tuple[Path, np.ndarray, np.ndarray]]) -> None:
    path, ids, expected = written[file]
    tree = read(path)
    if file != "net.keras":  # it has a configuration, which is tried first
        assert reason(tree, "net.py:Net", None)
    module = Net(how)
    found = graft_by_names(tree, module, (torch.from_numpy(ids),))
    assert found.problems == ()
    assert found.complete
    with torch.no_grad():
        result = module.eval()(torch.from_numpy(ids)).numpy()
    assert np.abs(result - expected).max() < 1e-5 * np.abs(expected).max()
    assert not any("taken to stand" in note for note in found.notes), "the run or the class says how the three lie"


def test_three_that_lie_head_by_head_are_refused(written: dict[str, tuple[Path, np.ndarray, np.ndarray]]) -> None:
    path, ids, _ = written["legacy.h5"]
    found = graft_by_names(read(path), Net("by heads"), (torch.from_numpy(ids),))
    assert any("head by head" in problem for problem in found.problems)


def test_without_a_run_the_order_of_the_three_is_said(written: dict[str, tuple[Path, np.ndarray, np.ndarray]]) -> None:
    class Unknown(Net):
        def forward(self, *_: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("it takes something else")

    path, _, _ = written["legacy.h5"]
    found = graft_by_names(read(path), Unknown("blocks"))
    assert any("taken to stand one behind another" in note for note in found.notes)


def test_a_functional_model_is_not_for_names(tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((7,))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Dense(5)(inputs)))
    model.save_weights(tmp_path / "f.weights.h5")
    assert reason(read(tmp_path / "f.weights.h5"), "net.py:Net", None) == ""
