"""A file without architecture: what it leaves open, the user's module answers; what the module cannot be is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.graft.twins import EXAMPLE, Twin
from tests.grafting.test_run import example, outputs_of_keras_semantics
from torch import Tensor, nn
from torch.nn import functional

from regraft import graft, samples
from regraft.grafting.files import graft_file

WEIGHTS = samples.path("digits.weights.h5")


def test_the_module_settles_what_the_file_leaves_open() -> None:
    """Stride, padding, pool and functions of the likeliest architecture are others: the module knows better."""
    twin = Twin()
    result = graft(WEIGHTS, twin, torch.zeros(EXAMPLE))
    assert not result.stated
    assert result.equal
    values = {choice.subject: choice.value for choice in result.blueprint.choices}
    assert values["conv2d_1.strides"] == "2, 2"
    assert values["max_pooling2d.pool_size"] == "2, 1"
    other = example(7)
    with torch.no_grad():
        found = twin.eval()(other).numpy()
    np.testing.assert_allclose(found, outputs_of_keras_semantics(other), atol=2e-6)


class Wrong(Twin):
    """Its first normalisation stands behind the function: the stored statistics cannot be those of its inputs."""

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm1(self.entry(x)))
        y = functional.relu(self.norm2(torch.tanh(self.first(x))))
        x = self.second(y) + x
        x = functional.max_pool2d(functional.relu(self.down(functional.pad(x, (0, 1, 0, 1)))), (2, 1))
        return functional.softmax(self.head(functional.relu(self.hidden(torch.flatten(x, 1)))), -1)


def test_a_module_that_the_statistics_contradict_is_not_called_equal() -> None:
    result = graft(WEIGHTS, Wrong(), torch.zeros(EXAMPLE))
    assert not result.equal
    assert any("tanh" in difference.found for difference in result.grafting.differences)


@pytest.mark.parametrize("slope", [0.2, 0.01])
def test_a_function_with_a_slope(tmp_path: Path, slope: float, monkeypatch: pytest.MonkeyPatch) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(5, 11), nn.Linear(11, 3)

        def forward(self, x: Tensor) -> Any:
            return self.two(functional.leaky_relu(self.one(x), slope))

    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype("float32") for shape in [(5, 11), (11,), (11, 3), (3,)]]
    np.savez(tmp_path / "w.npz", *arrays)
    net = Net()
    result = graft(tmp_path / "w.npz", net, torch.zeros(2, 5))
    assert result.equal
    np.testing.assert_array_equal(net.one.weight.detach().numpy(), arrays[0].T)


def test_the_command_says_that_the_module_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.graft import twins

    monkeypatch.chdir(tmp_path)
    report = graft_file(WEIGHTS, f"{twins.__file__}:Twin", "m.pth", shapes=[EXAMPLE])
    assert (report.status, report.architecture, report.exit_code) == ("equal", "recovered", 3)
    assert report.statistics is not None
    assert report.verification.status == "not verified"
    assert "conv2d_1.activation" in {choice.subject for choice in report.unsure}
