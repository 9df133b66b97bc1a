"""Activations that a file does not list are put in where people put them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.recover.settings.drafts import Arrays, answers, bn_arrays, chain, graph, label, layer

from regraft.blueprint import LayerSpec
from regraft.recover.draft import Draft, Hints
from regraft.recover.settings import ask


def conv(name: str, filters: int, size: int = 3) -> LayerSpec:
    return layer("Conv2D", name, filters=filters, kernel_size=(size, size), strides=(1, 1), dilation_rate=(1, 1))


def norm(name: str) -> LayerSpec:
    return layer("BatchNormalization", name)


def put_in(draft: Draft) -> dict[str, str]:
    """The layer in front of each layer that was put in."""
    new = [spec.name for spec in draft.blueprint.layers if spec.type == "Activation"]
    return {call.layer: call.inputs[0].layer for call in draft.blueprint.calls if call.layer in new}


def test_behind_a_norm_that_feeds_a_layer_but_not_at_input_or_output() -> None:
    layers = [norm("bn"), conv("a", 4), norm("bn_1"), conv("b", 5), norm("bn_2")]
    draft = ask(chain(*layers, shape=(9, 8, 3), complete=False), Hints())
    draft.blueprint.check()
    assert put_in(draft) == {"activation": "bn_1"}
    assert answers(draft, "activation")[0] == "relu"
    assert answers(draft, "a")[0] == "linear"
    together = list(zip(answers(draft, "a"), answers(draft, "activation"), strict=True))
    assert ("relu", "linear") in together, "the function may stand in front of the norm"
    assert all("linear" in pair for pair in together)


def test_nothing_is_put_into_a_file_that_lists_all_layers() -> None:
    draft = ask(chain(conv("a", 4), norm("bn"), conv("b", 5), shape=(9, 8, 3)), Hints())
    assert put_in(draft) == {}
    assert answers(draft, "a")[0] == "relu"


def residual(arrays: Arrays | None = None) -> Draft:
    layers = [
        layer("InputLayer", "input", batch_shape=(None, 9, 8, 3)), conv("a", 4), norm("bn"), conv("b", 4), norm("bn_1"),
        layer("Add", "add"), layer("Activation", "activation", activation="relu"), conv("c", 5),
    ]  # fmt: skip
    layers = [spec for spec in layers if spec.type != "Activation"]
    edges = {"a": ["input"], "bn": ["a"], "b": ["bn"], "bn_1": ["b"], "add": ["bn", "bn_1"], "c": ["add"]}
    return graph(layers, edges, ["c"], arrays, complete=False)


def test_in_a_residual_block_behind_the_first_norm_and_the_sum() -> None:
    draft = ask(residual(), Hints())
    draft.blueprint.check()
    assert put_in(draft) == {"activation": "bn", "activation_1": "add"}
    add = next(call for call in draft.blueprint.calls if call.layer == "add")
    assert [ref.layer for ref in add.inputs] == ["activation", "bn_1"]


@pytest.mark.parametrize(("sign", "inside", "behind"), [(1, "relu", "linear"), (0, "linear", "relu")])
def test_signs_of_the_means_tell_on_which_side_of_the_norm_it_stands(sign: int, inside: str, behind: str) -> None:
    rng = np.random.default_rng(7)
    means = rng.normal(0.0, 1.5, 24)
    arrays = {
        "a": [rng.normal(size=(3, 3, 3, 24)), rng.normal(size=24)],
        "bn": bn_arrays(rng, 24, np.abs(means) if sign else means),
        "b": [rng.normal(size=(3, 3, 24, 5)), rng.normal(size=5)],
    }
    draft = ask(chain(conv("a", 24), norm("bn"), conv("b", 5), shape=(9, 8, 3), arrays=arrays, complete=False), Hints())
    assert (answers(draft, "a")[0], answers(draft, "activation")[0]) == (inside, behind)
    assert label(draft, "a") in ("supported", "assumed")
