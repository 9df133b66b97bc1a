"""What a self-test keeps of two runs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from regraft.verify.recorded import FLOOR, MARGIN, MOST, STORED, Digest, judged, run


def digest(name: str, *numbers: float) -> Digest:
    return name, [2, 3], list(numbers)


def test_what_is_allowed_follows_the_error_of_float32() -> None:
    exact = [digest("weight a", 0.5, 2, 1, 1), digest("module a", 0.5, 2, 1, 1), digest("output", 0.5, 2, 1, 1)]
    rounded = [
        digest("weight a", 0.5, 2, 1, 1),
        digest("module a", 0.5, 2, 1, 1 + 2e-5),
        digest("output", 0.5, 2, 1, 1),
    ]

    found = judged((), exact, rounded)

    assert [row.allowed for row in found.rows] == [STORED, pytest.approx(MARGIN * 1e-5), FLOOR]
    assert found.words == "1 weight, 1 module and 1 output"


@pytest.mark.parametrize("number", [1.5, float("nan"), float("inf")])
def test_what_float32_does_not_decide_is_not_compared(number: float) -> None:
    exact, rounded = [digest("module lots", 1, 2, 3, 4)], [digest("module lots", 1, 2, 3, number)]
    found = judged((), [*exact, digest("output", 0, 1, 0, 0)], [*rounded, digest("output", 0, 1, 0, 0)])

    assert found.unsteady == ("module lots",)
    assert [row.numbers for row in found.rows] == [None, [0, 1, 0, 0]]
    assert found.words == "1 module and 1 output, 1 of them by name and shape only,"


def test_of_very_many_tensors_some_are_compared() -> None:
    rows = [digest(f"module dense_{i}", i, i + 1.0, 0, 0) for i in range(3 * MOST)]
    rows += [digest("output[0]", 0, 1, 0, 0), digest("output[1]", 0, 1, 0, 0)]

    found = judged((), rows, rows)

    compared = [row.name for row in found.rows if row.numbers is not None]
    assert MOST / 2 < len(compared) <= MOST + 2
    assert compared[-2:] == ["output[0]", "output[1]"]
    assert len(found.rows) == len(rows)
    assert found.words.startswith(f"{3 * MOST} modules and 2 outputs, {len(rows) - len(compared)} of them by name")


def test_calls_and_parts_are_one_module() -> None:
    names = ("module encoder", "module encoder", "module lstm[0]", "module lstm[1][0]", "output")
    rows = [digest(name, 0, 1, 0, 0) for name in names]
    assert judged((), rows, rows).words == "2 modules and 1 output"


def test_a_run_leaves_no_hooks() -> None:
    model = nn.Sequential(nn.Linear(3, 4))

    def digests(model, inputs, show):
        model[0].register_forward_hook(lambda *_: show("module 0", [4], [0.0, 0.0, 0.0, 0.0]))
        model(*inputs)

    for _ in range(2):
        assert len(run(digests, model, [torch.zeros(2, 3)])) == 1
