"""The graft benchmark: no case of ours is wrong, and what is wrong is judged so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks.graft import Row, cell, run, shown, totals
from benchmarks.graft_bridges import BRIDGES
from benchmarks.graft_case import EITHER, NAMED, RIGHT, Case, Net
from benchmarks.graft_cases import MAPS, MISTAKES, NAMES, OWN, chain, chain_net
from benchmarks.graft_judge import ALARM, FAILED, REFUSED, SILENT, WRONG, Made, Outcome, judged, made, meets

from regraft import graft

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("case", OWN, ids=lambda case: case.name)
def test_no_case_is_wrong(case: Case) -> None:
    row = run(case, peer=False)
    assert row.met, shown(row)
    assert row.weightbridge is None
    if case.expected == RIGHT:
        assert row.regraft.said == "", "something is said of a module that is right"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(NAMES[1], tmp_path_factory.mktemp("chain"))


def filled(known: Made, net: Net) -> Net:
    graft(known.file, net, list(known.inputs))
    return net


def test_a_tool_that_says_nothing_of_a_mistake_is_wrong_in_silence(known: Made) -> None:
    for case in MISTAKES:
        net = filled(known, case.module())  # type: ignore[arg-type]
        assert judged(case, net, known, "", equal=True) == SILENT
        assert judged(case, net, known, "", equal=False) == WRONG, "nothing was named"


def test_the_weights_are_judged_apart_from_the_mistake(known: Made) -> None:
    case = next(case for case in MISTAKES if "epsilon" in case.name)
    net = filled(known, case.module())  # type: ignore[arg-type]
    assert judged(case, net, known, "bn1: epsilon", equal=False) == NAMED
    with torch.no_grad():
        net.get_parameter("conv3.weight").mul_(1.01)
    assert judged(case, net, known, "bn1: epsilon", equal=False) == WRONG


def test_right_weights_are_right_and_random_ones_are_not(known: Made) -> None:
    case = NAMES[1]
    assert judged(case, chain_net(), known, "", equal=True) == SILENT
    net = filled(known, chain_net())
    assert judged(case, net, known, "", equal=True) == RIGHT
    assert judged(case, net, known, "something", equal=False) == ALARM


def test_outputs_that_do_not_depend_on_the_input_are_no_case(tmp_path: Path) -> None:
    def constant(k: Any) -> Any:
        inputs = k.Input((13, 10, 3))
        return k.Model(inputs, k.layers.Rescaling(0.0, 1.0)(inputs))

    with pytest.raises(RuntimeError, match="alike"):
        made(Case("constant", constant, chain_net, MAPS), tmp_path)


def test_a_case_is_met_by_what_it_asks_for() -> None:
    right, named = NAMES[1], MISTAKES[0]
    either = next(case for case in BRIDGES if case.expected == EITHER)
    verdicts = (RIGHT, NAMED, REFUSED, SILENT, WRONG, ALARM, FAILED)
    met = {case.name: [v for v in verdicts if meets(case, Outcome(v))] for case in (right, named, either)}
    assert met == {right.name: [RIGHT], named.name: [NAMED], either.name: [RIGHT, REFUSED]}
    slow = Case("slow", chain, chain_net, MAPS, limit=2.0)
    assert meets(slow, Outcome(RIGHT, "", 1.9))
    assert not meets(slow, Outcome(RIGHT, "", 2.1))


def test_rows_say_what_each_tool_said() -> None:
    row = Row("a case", 5, RIGHT, True, Outcome(RIGHT, "", 0.5), Outcome(REFUSED, "no\npairs", 2.0))
    assert row.faster == 4
    assert "4.0 x\n      weightbridge: no pairs" in shown(row)
    assert "NOT AS ASKED" not in shown(row)
    assert cell(None) == "-"
    assert totals([row, row]) == "regraft: right 2\nweightbridge: refused 2"
