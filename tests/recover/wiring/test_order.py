"""The order in which Keras lists the layers of a model, against Keras itself, of both majors."""

from __future__ import annotations

import random
from typing import Any

import pytest

from regraft.keras_config import parse
from regraft.recover.wiring.order import model_order


def random_model(library: Any, seed: int) -> Any:
    """A graph of Dense layers, sums and joins with several inputs, outputs and a shared layer."""
    rng = random.Random(seed)
    layers = library.layers
    inputs = [library.Input((4,), name=f"in_{i}") for i in range(rng.randint(1, 3))]
    shared = layers.Dense(4, name="shared")
    tensors = list(inputs)
    for i in range(rng.randint(4, 14)):
        kind = rng.random()
        if kind < 0.5:
            tensors.append(layers.Dense(4, name=f"dense_{i}")(rng.choice(tensors[-4:])))
        elif kind < 0.6:
            tensors.append(shared(rng.choice(tensors)))
        elif kind < 0.8:
            tensors.append(layers.Add(name=f"add_{i}")(rng.choices(tensors, k=rng.randint(2, 3))))
        else:
            both = layers.Concatenate(name=f"join_{i}")([rng.choice(tensors), rng.choice(tensors[-3:])])
            tensors.append(layers.Dense(4, name=f"after_{i}")(both))
    outputs = rng.sample(tensors[len(inputs) :], k=rng.randint(1, 2))
    return library.Model(inputs, outputs)


@pytest.mark.oracle
@pytest.mark.parametrize("major", [2, 3])
def test_random_graphs(major: int) -> None:
    if major == 3:
        import keras as library
    else:
        import tf_keras as library
    for seed in range(40):
        model = random_model(library, seed)
        blueprint = parse(model.to_json(), keras_version=library.__version__)
        assert model_order(blueprint) == [layer.name for layer in model.layers], seed


@pytest.mark.oracle
def test_a_sequential_model_lists_no_input() -> None:
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.ReLU(), keras.layers.Dense(2)])
    assert model_order(parse(model.to_json())) == [layer.name for layer in model.layers]
