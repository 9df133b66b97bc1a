"""Blocks that repeat become a class, and compute what they did before."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.emit.toy import emitted, residual
from tests.twin import loaded


def reference(x: np.ndarray, module: object, blocks: int, prefix: str) -> np.ndarray:
    """The residual network in plain numpy, from the variables themselves."""
    arrays = {t.layer + "." + t.variables[0]: t.sources[0].read() for t in module.transfers}  # type: ignore[attr-defined]
    x = np.maximum(x @ arrays["stem.kernel"] + arrays["stem.bias"], 0)
    for b in range(1, blocks + 1):
        down, up = (prefix.format(b=b, part=p) for p in ("down", "up"))
        y = np.maximum(x @ arrays[f"{down}.kernel"] + arrays[f"{down}.bias"], 0)
        x = np.maximum(x + y @ arrays[f"{up}.kernel"] + arrays[f"{up}.bias"], 0)
    return x


@pytest.mark.parametrize(
    "names", ["block{b}_{part}", "{part}_{b}", "layer{b}{part}x"], ids=["prefix", "counter", "neither"]
)
@pytest.mark.parametrize(
    ("blocks", "widths", "folded"),
    [
        pytest.param(2, [5, 5], False, id="twice is not often enough"),
        pytest.param(3, [5, 5, 5], True, id="equal widths"),
        pytest.param(4, [5, 7, 8, 3], True, id="four widths"),
    ],
)
def test_a_block_that_repeats_three_times_is_a_class(names: str, blocks: int, widths: list[int], folded: bool) -> None:
    blueprint, sizes = residual(blocks, widths, names)
    module = emitted(blueprint, sizes)
    x = np.random.default_rng(0).standard_normal((3, 4))

    with torch.no_grad():
        found = loaded(module)(torch.from_numpy(x)).numpy()

    assert ("class ResidualBlock(nn.Module)" in module.source) is folded
    np.testing.assert_allclose(found, reference(x, module, blocks, names), rtol=1e-6, atol=1e-6)


def test_widths_that_differ_are_arguments_and_equal_ones_are_numbers() -> None:
    blueprint, sizes = residual(3, [5, 7, 8])
    source = emitted(blueprint, sizes).source
    assert "def __init__(self, features: int) -> None:" in source
    assert "self.down = nn.Linear(6, features)" in source
    assert "self.block2 = ResidualBlock(7)" in source


def test_every_parameter_is_filled_once_and_under_its_block() -> None:
    blueprint, sizes = residual(3, [5, 7, 8])
    module = emitted(blueprint, sizes)
    names = [name for transfer in module.transfers for name in transfer.parameters]
    assert sorted(names) == sorted(loaded(module).state_dict())
    assert "block3.up.weight" in names


def test_every_layer_of_every_instance_can_be_seen() -> None:
    blueprint, sizes = residual(3, [5, 7, 8])
    module = emitted(blueprint, sizes)
    seen = {(probe.module, probe.layer) for probe in module.probes}
    assert {("block1", "block1_down"), ("block2", "block2_add"), ("block3", "block3_up"), ("", "stem")} <= seen
    assert {layer.name for layer in blueprint.layers if layer.type != "InputLayer"} <= {p.layer for p in module.probes}


def test_layer_names_that_could_not_be_kept_stand_in_a_comment() -> None:
    blueprint, sizes = residual(3, [5, 5, 5], "{part}_{b}")
    assert "self.residual_block_2 = ResidualBlock()  # down_2 to out_2" in emitted(blueprint, sizes).source
