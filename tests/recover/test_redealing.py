"""Vectors of BatchNorms that were dealt to the wrong layers of a network that Keras computes the statistics of."""

from __future__ import annotations

from itertools import combinations

import keras
import numpy as np
import pytest

from regraft.blueprint import Blueprint
from regraft.keras_config import parse
from regraft.recover.draft import Draft
from regraft.recover.part import Grouping, Part
from regraft.recover.redealing import climbed, redealt, rivals_of, swapped
from regraft.weights import Group, Variable, WeightTree

ROLES = ("gamma", "beta", "moving_mean", "moving_variance")
NORMS = ("norm_1", "norm_2", "norm_3")


@pytest.fixture(scope="module")
def network() -> tuple[Blueprint, dict[str, dict[str, np.ndarray]]]:
    """Four Dense layers, three of equal width behind a BatchNorm; every BatchNorm stores what Keras sends through it."""
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((9,), name="features")
    for i in range(4):
        x = keras.layers.Dense(24 if i < 3 else 5, use_bias=False, name=f"dense_{i}")(x)
        if i < 3:
            x = keras.layers.BatchNormalization(name=f"norm_{i + 1}", momentum=0.0)(x)
            x = keras.layers.Activation("relu", name=f"relu_{i}")(x)
    model = keras.Model(inputs, x)
    rng = np.random.default_rng(5)
    for name in NORMS:
        layer = model.get_layer(name)
        layer.gamma.assign(rng.uniform(0.4, 1.6, 24))
        layer.beta.assign(rng.normal(0, 0.6, 24))
    samples = rng.normal(0.3, 1.0, (20_000, 9)).astype("float32")
    for _ in NORMS:  # each pass settles one more layer
        model(samples, training=True)
    arrays = {
        layer.name: {weight.path.split("/")[-1]: np.asarray(weight) for weight in layer.weights}
        for layer in model.layers
        if layer.weights
    }
    return parse(model.to_json()), arrays


def test_rivals_are_of_one_width(network: tuple[Blueprint, dict[str, dict[str, np.ndarray]]]) -> None:
    blueprint, arrays = network
    assert rivals_of(blueprint, arrays) == list(combinations(NORMS, 2))
    narrow = {**arrays, "norm_2": {role: array[:7] for role, array in arrays["norm_2"].items()}}
    assert rivals_of(blueprint, narrow) == [("norm_1", "norm_3")]


@pytest.mark.parametrize(
    ("one", "other", "roles"),
    [
        ("norm_1", "norm_2", ("gamma", "beta")),
        ("norm_2", "norm_3", ("moving_mean", "moving_variance")),
        ("norm_1", "norm_3", ROLES),
        ("norm_1", "norm_2", ("beta",)),
        ("norm_1", "norm_2", ("gamma",)),
    ],
)
def test_an_exchange_is_undone(
    network: tuple[Blueprint, dict[str, dict[str, np.ndarray]]], one: str, other: str, roles: tuple[str, ...]
) -> None:
    blueprint, arrays = network
    wrong = swapped(arrays, one, other, roles)
    owners = climbed(blueprint, wrong, rivals_of(blueprint, wrong), 500)
    for name in NORMS:
        for role in ROLES:
            owner = owners.get((name, role), name)
            assert wrong[owner][role] is arrays[name][role], f"{name} has {role} of {owner}"


def test_what_is_right_stays(network: tuple[Blueprint, dict[str, dict[str, np.ndarray]]]) -> None:
    blueprint, arrays = network
    assert climbed(blueprint, arrays, rivals_of(blueprint, arrays), 500) == {}


def test_no_more_is_tried_than_allowed(network: tuple[Blueprint, dict[str, dict[str, np.ndarray]]]) -> None:
    blueprint, arrays = network
    wrong = swapped(arrays, "norm_1", "norm_2", ROLES)
    assert climbed(blueprint, wrong, rivals_of(blueprint, wrong), 0) == {}


def draft(blueprint: Blueprint, arrays: dict[str, dict[str, np.ndarray]], *, ordered: bool) -> Draft:
    """The network as a list of arrays; the group of a layer bears its name."""
    groups = tuple(
        Group(name, name, f"/{name}", tuple(variable(f"{name}/{role}", array) for role, array in of.items()))
        for name, of in arrays.items()
    )
    tree = WeightTree("arrays.npz", "keras-2", groups, "npz")
    parts = tuple(Part(group, blueprint.by_name[group.key].type) for group in groups)
    return Draft(Grouping(tree, parts, ordered=ordered, complete=False), blueprint)


def variable(path: str, array: np.ndarray) -> Variable:
    """An array as a stored variable."""
    return Variable(path, path.rsplit("/", maxsplit=1)[-1], array.shape, str(array.dtype), lambda: array)


def test_only_a_list_in_no_order_is_dealt_anew(network: tuple[Blueprint, dict[str, dict[str, np.ndarray]]]) -> None:
    blueprint, arrays = network
    wrong = swapped(arrays, "norm_1", "norm_2", ("gamma", "beta"))
    given = draft(blueprint, dict(wrong), ordered=True)  # type: ignore[arg-type]
    assert redealt(given) is given

    found = redealt(draft(blueprint, dict(wrong), ordered=False))  # type: ignore[arg-type]
    assert [choice.label for choice in found.choices] == ["assumed"]
    for tree in (found.grouping.tree.layers, tuple(part.group for part in found.grouping.parts)):
        held = {group.key: dict(zip(arrays[group.key], group.variables, strict=True)) for group in tree}
        assert all(np.array_equal(held[name][role].read(), arrays[name][role]) for name in NORMS for role in ROLES)
