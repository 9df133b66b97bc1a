"""The conformance test itself: it draws the same cases again, sees a wrong conversion, and lets no new setting slip by."""

from __future__ import annotations

import dataclasses

import pytest
from tests.conformance.case import Case, Input
from tests.conformance.comparing import compare
from tests.conformance.drawing import drawn
from tests.conformance.overrides import OVERRIDES
from tests.conformance.settings import Scene, UndrawableError, drawn_for

from regraft.layers import CATALOGUE, activations


@pytest.mark.parametrize("name", ["Conv2D", "Bidirectional"])
def test_the_same_cases_are_drawn_again(name: str) -> None:
    first, second = (drawn(CATALOGUE[name], "keras", 10) for _ in range(2))
    assert first == second
    assert len({case.seed for case in first}) == 10


def test_a_setting_of_an_unknown_kind_is_refused() -> None:
    @dataclasses.dataclass
    class Declared:
        shape_of_things: complex = 1j

    (field,) = dataclasses.fields(Declared)
    with pytest.raises(UndrawableError, match=r"Dense\.shape_of_things: complex needs a row"):
        drawn_for(field, Scene(CATALOGUE["Dense"], 3, "keras"))


def test_rows_name_settings_that_there_are() -> None:
    for cls in CATALOGUE.values():
        row = OVERRIDES.get(cls.__name__)
        names = {field.name for field in dataclasses.fields(cls)}
        assert row is None or set(row.settings) <= names, cls.__name__


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_a_wrong_conversion_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [
        Case(CATALOGUE["Dense"](**{"units": 5, "activation": name}), (Input((4, 3)),)) for name in ("relu", "tanh")
    ]
    assert [one.status for one in compare(cases, "keras")] == ["equal", "equal"]
    monkeypatch.setitem(activations.EXPRESSIONS, "relu", "F.leaky_relu({x})")
    assert [one.status for one in compare(cases, "keras")] == ["different", "equal"]
