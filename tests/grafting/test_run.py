"""The shipped digits model onto modules as users write them: right ones are filled, mistakes are found and named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.graft.twins import EXAMPLE, Twin

from regraft import graft, samples
from regraft.emit.module import emit
from regraft.layers.binding import bind
from regraft.recovery import run
from regraft.stated import read_blueprint
from regraft.weights import read, write_variables

FILE = samples.path("digits.h5")


def example(seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(EXAMPLE)).float()


def outputs_of_keras_semantics(inputs: torch.Tensor) -> np.ndarray:
    tree = read(FILE)
    return run(read_blueprint(tree, None, None), tree, (inputs.permute(0, 2, 3, 1).numpy(),)).outputs[0]


@pytest.mark.parametrize(
    "options",
    [{}, {"folded": True}, {"last": True}, {"pointwise": True}, {"folded": True, "last": True, "pointwise": True}],
    ids=["plain", "bias folded", "channels last before the Linear", "head of size 1", "all three"],
)
def test_a_module_that_computes_the_same_gets_the_weights(options: dict[str, Any]) -> None:
    twin = Twin(**options)
    result = graft(FILE, twin, example())
    assert result.problems == ()
    assert result.grafting.differences == ()
    assert result.equal
    assert not result.grafting.unused
    other = example(7)
    with torch.no_grad():
        found = twin.eval()(other).numpy()
    np.testing.assert_allclose(found, outputs_of_keras_semantics(other), atol=2e-6)


MISTAKES: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("a wrong epsilon", {"epsilon": 1e-5}, "norm1", "epsilon", "0.001"),
    ("a wrong padding", {"padding": 0}, "first", "padding", "1 1 1 1"),
    ("no softmax", {"softmax": False}, "head -> output 1", "what happens on the way", "softmax"),
    ("normalisation behind the function", {"late": True}, "first -> norm2", "what happens on the way", "nothing"),
]


@pytest.mark.parametrize(
    ("options", "where", "what", "expected"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES]
)
def test_a_mistake_is_found_and_named(options: dict[str, Any], where: str, what: str, expected: str) -> None:
    result = graft(FILE, Twin(**options), example())
    assert not result.equal
    first = result.grafting.differences[0]
    assert (first.where, first.what, first.expected) == (where, what, expected)


def test_layers_that_are_called_in_another_order_get_the_weights_of_their_place() -> None:
    """The names of the two convolutions say the opposite of what the module does; what it does counts."""
    result = graft(FILE, Twin(swapped=True), example())
    assert result.equal
    pairs = {pair.target: pair.source for pair in result.grafting.pairs}
    assert (pairs["second"], pairs["first"]) == ("conv2d", "residual_conv")


def test_what_can_be_set_is_set() -> None:
    twin = Twin(epsilon=1e-5)
    result = graft(FILE, twin, example(), fix=True)
    assert [difference.what for difference in result.fixed] == ["epsilon", "epsilon"]
    assert twin.norm1.eps == twin.norm2.eps == pytest.approx(1e-3)
    assert result.equal


def test_another_number_of_classes_is_refused_and_nothing_is_changed() -> None:
    twin = Twin(classes=7)
    before = {name: tensor.clone() for name, tensor in twin.state_dict().items()}
    result = graft(FILE, twin, example())
    assert result.comparison is None
    assert result.grafting.lone_target == ("head",)
    assert result.grafting.lone_source == ("digit",)
    assert all(torch.equal(before[name], tensor) for name, tensor in twin.state_dict().items())


def test_an_emitted_module_takes_its_own_weights(tmp_path: Path) -> None:
    tree = read(FILE)
    blueprint = read_blueprint(tree, None, None)
    space: dict[str, Any] = {}
    exec(compile(emit(blueprint, bind(blueprint, tree), "a test").source, "model.py", "exec"), space)  # noqa: S102 - our own output
    result = graft(FILE, space["Model"](), example())
    assert result.equal
    assert {pair.how for pair in result.grafting.pairs} == {"structure"}


@pytest.mark.parametrize("options", [{}, {"last": True, "pointwise": True}, {"folded": True}])
def test_the_way_back_is_exact(tmp_path: Path, options: dict[str, Any]) -> None:
    twin = Twin(**options)
    result = graft(FILE, twin, example())
    tree = read(FILE)
    stored = {variable.path: variable.read() for variable in tree.variables()}
    state = {name: tensor.numpy() for name, tensor in twin.state_dict().items()}
    arrays = result.mapping.variables(state, stored.__getitem__)
    kept = {path for path in stored if options.get("folded") and "/conv2d/" in path and "bias" in path}
    assert set(arrays) == set(stored) - kept, "a bias that went into a mean stays as it is"
    assert write_variables(FILE, tmp_path / "same.h5", arrays) == 0
    assert (tmp_path / "same.h5").read_bytes() == FILE.read_bytes()
    state["head.weight"] = state["head.weight"] * 2
    changed = result.mapping.variables(state, stored.__getitem__)
    assert write_variables(FILE, tmp_path / "other.h5", changed) == 1
    again = {variable.path: variable.read() for variable in read(tmp_path / "other.h5").variables()}
    for path, array in stored.items():
        assert (
            again[path].tobytes()
            == (array * 2 if path.endswith("digit/kernel") or path.endswith("digit/kernel:0") else array).tobytes()
        )
