"""Settings as lines for the user's own code."""

from __future__ import annotations

import pytest
from torch import nn

from regraft.graft.difference import Difference
from regraft.graft.setting import lines


def net(count: int) -> nn.Module:
    return nn.Sequential(*(nn.BatchNorm1d(3) for _ in range(count)), nn.LayerNorm(3))


def set_on(*places: int, what: str = "epsilon", value: str = "0.001") -> list[Difference]:
    return [Difference(str(place), "layer", what, value, "1e-05") for place in places]


CASES: list[tuple[str, list[Difference], list[str]]] = [
    ("few", set_on(0, 2), ["0", "2"]),
    ("all of a class", set_on(0, 1, 2, 3, 4), ["isinstance(part, torch.nn.BatchNorm1d)"]),
    ("many, not all", set_on(0, 1, 2, 3), ["for name in ('0', '1', '2', '3')"]),
    ("both settings", [*set_on(1), *set_on(1, what="momentum", value="0.01")], ["eps = 0.001", "momentum = 0.01"]),
]


@pytest.mark.parametrize(("fixed", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_lines_set_what_was_set(fixed: list[Difference], words: list[str]) -> None:
    import torch

    module = net(5)
    found = "\n".join(lines(fixed, module))
    assert all(word in found for word in words)
    other = net(5)
    exec(found, {"model": other, "torch": torch})  # noqa: S102 - our own output
    names = {"epsilon": "eps", "momentum": "momentum"}
    for difference in fixed:
        assert getattr(other.get_submodule(difference.where), names[difference.what]) == float(difference.expected)
    if not any(d.where == "4" for d in fixed):
        assert other.get_submodule("4").eps == 1e-5  # pyright: ignore[reportAttributeAccessIssue]
    assert other.get_submodule("5").eps == 1e-5  # pyright: ignore[reportAttributeAccessIssue]
