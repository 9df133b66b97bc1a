"""What the twins of keras.applications do in another way, in small: right places for all weights, and every difference named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.graft import mobile
from tests.graft.mobile import SHAPE

from regraft import graft
from regraft.grafting.result import Graft

pytestmark = pytest.mark.oracle
MAKERS: dict[str, Callable[[Any], Any]] = {
    "inverted": mobile.inverted,
    "scaled": mobile.scaled,
    "before": mobile.activated_before,
    "dense": mobile.dense,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Any]]:
    """Each model of Keras with its file."""
    import keras
    from tests.twin import randomise

    found: dict[str, tuple[Path, Any]] = {}
    for name, make in MAKERS.items():
        model = make(keras)
        randomise(model)
        for layer in model.layers:
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()  # else it computes with what it had when it was made
        path = tmp_path_factory.mktemp("twins") / f"{name}.keras"
        model.save(path)
        found[name] = path, model
    return found


def example(top: float = 255.0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(3).uniform(0, top, SHAPE)).float()


def differs(model: Any, module: torch.nn.Module, inputs: torch.Tensor) -> float:
    """The module against the real Keras."""
    expected = np.asarray(model(inputs.permute(0, 2, 3, 1).numpy()))
    with torch.no_grad():
        return float(np.abs(module.eval()(inputs).numpy() - expected).max() / np.abs(expected).max())


def told(result: Graft) -> list[tuple[str, str, str]]:
    return [(d.what, d.expected, d.found) for d in result.grafting.differences]


def test_a_mobile_block_in_another_spelling_is_equal(made: dict[str, tuple[Path, Any]]) -> None:
    """Rescaling, hard-swish, squeeze-and-excite as Linear, a folded bias, a normalisation without scale, a head of two."""
    path, model = made["inverted"]
    module = mobile.Inverted(whole=True)
    result = graft(path, module, example())
    assert result.problems == ()
    assert told(result) == []
    assert result.equal
    assert torch.all(module.bn.weight == 1)
    assert differs(model, module, example()) < 1e-5


def test_what_a_mobile_block_lacks_is_named_with_its_line(made: dict[str, tuple[Path, Any]]) -> None:
    path, model = made["inverted"]
    module = mobile.Inverted(whole=False)
    result = graft(path, module, example())
    assert result.comparison is not None
    assert [what for what, _, _ in told(result)] == ["padding", "what happens on the way", "what happens on the way"]
    lines = [d.fix for d in result.grafting.differences]
    assert lines[0] == "padding=0 there, and torch.nn.functional.pad(x, (0, 1, 0, 1)) in front of it"
    assert lines[1] == "call the module with x * 0.00784313725 - 1"
    assert lines[2] == "take torch.softmax(result, -1) of its result"
    module.stem.padding = (0, 0)
    inputs = torch.nn.functional.pad(example() * 0.00784313725 - 1, (0, 1, 0, 1))
    with torch.no_grad():
        found = torch.softmax(module.eval()(inputs), -1).numpy()
    expected = np.asarray(model(example().permute(0, 2, 3, 1).numpy()))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("reshaped", [True, False])
def test_a_layer_scale_has_its_place_and_statistics_in_front_are_a_line(
    made: dict[str, tuple[Path, Any]], reshaped: bool
) -> None:
    path, model = made["scaled"]
    module = mobile.Scaled(reshaped=reshaped)
    result = graft(path, module, example(1.0))
    assert result.problems == ()
    (difference,) = result.grafting.differences
    assert difference.fix.startswith("call the module with x * torch.tensor([")
    assert result.comparison is not None
    assert (result.comparison.effects[difference.place] or 0) > 1e-3
    mean, variance = (np.asarray(weight) for weight in model.layers[1].weights[:2])
    prepared = (example(1.0) - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(variance).sqrt().view(-1, 1, 1)
    expected = np.asarray(model(example(1.0).permute(0, 2, 3, 1).numpy()))
    with torch.no_grad():
        np.testing.assert_allclose(module.eval()(prepared).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_biases_go_along_sums_into_the_normalisations_behind_them(
    made: dict[str, tuple[Path, Any]], tmp_path: Path
) -> None:
    path, model = made["before"]
    module = mobile.ActivatedBefore()
    result = graft(path, module, example(1.0))
    assert result.problems == ()
    assert result.equal
    assert differs(model, module, example(1.0)) < 1e-5
    written = tmp_path / "mapping.toml"
    written.write_text(result.mapping.to_toml(), encoding="utf-8")
    again = mobile.ActivatedBefore()
    assert graft(path, again, example(1.0), mapping=written).mapping == result.mapping
    assert all(
        torch.equal(a, b) for a, b in zip(again.state_dict().values(), module.state_dict().values(), strict=True)
    )


def test_a_bias_that_a_function_keeps_from_its_normalisation_is_refused(made: dict[str, tuple[Path, Any]]) -> None:
    path, _ = made["before"]
    module = mobile.ActivatedBefore(bare=True)
    result = graft(path, module, example(1.0))
    assert result.comparison is None
    assert all(
        "has no place for" in problem and ".bias = torch.nn.Parameter(" in problem for problem in result.problems
    )


def test_joins_of_joins_are_one_join(made: dict[str, tuple[Path, Any]]) -> None:
    path, model = made["dense"]
    module = mobile.Dense(whole=True)
    result = graft(path, module, example(1.0))
    assert {pair.how for pair in result.grafting.pairs} == {"structure"}
    assert told(result) == []
    assert result.equal
    assert differs(model, module, example(1.0)) < 1e-5


def test_a_pool_that_counts_its_border_is_named(made: dict[str, tuple[Path, Any]]) -> None:
    result = graft(made["dense"][0], mobile.Dense(whole=False), example(1.0))
    (difference,) = result.grafting.differences
    assert "over the map alone" in difference.expected
    assert "over map and border" in difference.found
    assert difference.fix == "count_include_pad=False in that pool"
