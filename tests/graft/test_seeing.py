"""A module of which little is known is run on what it may take."""

from __future__ import annotations

import pytest
import torch
from tests.graft.gpt2 import GPT2
from torch import nn

from regraft.graft.seeing import seen, tried


@pytest.mark.parametrize("example", [(), (torch.ones(3, 4),)])
def test_a_module_with_a_table_is_tried_on_words(example: tuple[torch.Tensor, ...]) -> None:
    found, run, why = tried(GPT2(), example)
    assert run is not None
    assert why == ""
    assert not found[0].is_floating_point()
    assert tuple(found[0].shape) == ((3, 4) if example else (2, 5))


def test_what_runs_as_it_is_is_not_changed() -> None:
    example = (torch.ones(3, 4),)
    found, run, _ = tried(nn.Linear(4, 2), example)
    assert found is example
    assert run is not None


def test_the_first_reason_is_told() -> None:
    _, run, why = tried(nn.Linear(4, 2), (torch.ones(3, 5),))
    assert run is None
    assert "3x5" in why


def test_arguments_by_name() -> None:
    class Named(nn.Linear):
        def forward(self, input: torch.Tensor, *, scale: torch.Tensor) -> torch.Tensor:
            return super().forward(input) * scale

    run, why = seen(Named(4, 2), {"scale": torch.ones(2), "input": torch.ones(3, 4)})
    assert why == ""
    assert run is not None
    assert [use.kind for use in run.uses] == ["linear", "mul"]


def test_nothing_is_known() -> None:
    assert seen(nn.Linear(4, 2), ()) == (None, "nothing is known that it could be run on")
