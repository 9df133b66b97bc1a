"""A search without end is cut short, and what it leaves is not called sure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks.scaling_hostile import sums

from regraft.recover.draft import Hints
from regraft.recover.grouping import group
from regraft.recover.wiring import wire
from regraft.weights import read


@pytest.mark.parametrize("most", [400, 1200])
def test_sums_without_end_are_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    backward = sys.modules["regraft.recover.wiring.backward"]  # ``regraft.recover`` is a function too
    monkeypatch.setattr(backward, "MOST_MADE", most)
    monkeypatch.setattr(backward, "MADE_PER_LAYER", 0)
    (grouping,) = group(read(sums(tmp_path, 8)))
    best = wire(grouping, Hints())[0]
    assert len(best.blueprint.calls) == 16
    assert all(choice.label != "supported" for choice in best.choices if choice.subject == "edges")
