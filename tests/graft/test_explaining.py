"""Two modules side by side: which axis differs, and what is likely behind it."""

from __future__ import annotations

import pytest
from torch import nn

from regraft.graft.causes import causes, spans
from regraft.graft.explaining import WIDTH, explain
from regraft.graft.pieces import Piece, registered
from regraft.graft.side_by_side import Row, side_by_side


def net(
    *,
    cin: int = 3,
    alpha: float = 1.0,
    kernel: int = 3,
    blocks: int = 2,
    norm: bool = True,
    bias: bool = True,
    side: int = 4,
    classes: int | None = 10,
) -> nn.Module:
    wide = [int(16 * alpha), int(32 * alpha), int(64 * alpha)]
    layers: list[nn.Module] = [nn.Conv2d(cin, wide[0], kernel, bias=bias)]
    layers += [nn.BatchNorm2d(wide[0])] if norm else []
    layers += [nn.Conv2d(wide[0], wide[1], 3, bias=bias)]
    for _ in range(blocks):
        layers += [nn.Sequential(nn.Conv2d(wide[1], wide[1], 3, bias=bias), nn.ReLU())]
    layers += [nn.Conv2d(wide[1], wide[2], 3, bias=bias), nn.Flatten(), nn.Linear(wide[2] * side * side, 24)]
    layers += [nn.Linear(24, classes)] if classes is not None else []
    return nn.Sequential(*layers)


def cell(*, both: bool = False, units: int = 5, words: int = 50) -> nn.Module:
    table, last = nn.Embedding(words, 4), nn.Linear(units * (2 if both else 1), 3)
    return nn.Sequential(table, nn.LSTM(4, units, batch_first=True, bidirectional=both), last)


def other() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3), *(nn.Conv2d(16 * 2**i, 32 * 2**i, 1) for i in range(6)), nn.Flatten(), nn.Linear(1024, 10)
    )


CASES: list[tuple[str, nn.Module, nn.Module, str]] = [
    ("classes", net(), net(classes=7), "another number of classes: 10 in the file, 7 in the module (8)"),
    ("channels", net(), net(cin=1), "another number of input channels: 3 in the file, 1 in the module (0) (gray"),
    ("alpha", net(), net(alpha=0.5), "every width x 0.5"),
    ("alpha and classes", net(), net(alpha=0.5, classes=7), "another number of classes: 10 in the file, 7"),
    ("kernel", net(kernel=5), net(), "another kernel size: 5x5 in the file, 3x3 in the module (0)"),
    ("input size", net(side=4), net(side=7), "sees 4x4x64 in the file's model, 7x7x64"),
    ("the module is deeper", net(), net(blocks=5), "the module has 3 layers more, of sizes that both have"),
    ("the file is deeper", net(blocks=3), net(), "the file has 1 layer more, of sizes that both have"),
    ("no head in the file", net(classes=None), net(), "include_top=False"),
    ("no head in the module", net(), net(classes=None), "include_top=True"),
    (
        "no normalisation in the module",
        net(),
        net(norm=False),
        "the file has 1 more (batch norm: 1), the module has none",
    ),
    (
        "no normalisation in the file",
        net(norm=False),
        net(),
        "the module has 1 more (batch norm: 1), the file has none",
    ),
    ("no biases", net(norm=False), net(norm=False, bias=False), "have bias=False, the file's layers use_bias=True"),
    ("another architecture", net(blocks=4), other(), "another architecture, or another version of it: "),
    ("both ways", cell(both=True), cell(), "1 runs both ways in the file and one way in the module"),
    ("vocabulary", cell(words=50), cell(words=60), "another vocabulary: 50 rows in the file, 60 in the module (0)"),
]


def compared(ours: nn.Module, theirs: nn.Module) -> list[Row]:
    return side_by_side(registered(ours), registered(theirs), {})


@pytest.mark.parametrize(("ours", "theirs", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_cause_is_named(ours: nn.Module, theirs: nn.Module, said: str) -> None:
    assert any(said in cause for cause in causes(compared(ours, theirs))), causes(compared(ours, theirs))
    assert all(len(line) <= WIDTH for line in explain(compared(ours, theirs)))


def test_of_equal_modules_nothing_is_claimed() -> None:
    rows = compared(net(), net())
    assert all(row.equal for row in rows)
    assert causes(rows) == ()


@pytest.mark.parametrize(
    ("ours", "theirs", "wrong"),
    [
        (net(), net(classes=7), "width"),
        (net(), net(cin=1), "classes"),
        (net(), net(kernel=5), "input size"),
        (net(norm=False), net(), "bias"),
        (net(bias=False), net(), "bias"),
    ],
)
def test_nothing_is_claimed_that_no_layer_shows(ours: nn.Module, theirs: nn.Module, wrong: str) -> None:
    assert not any(wrong in cause for cause in causes(compared(ours, theirs)))


def test_a_bias_that_goes_into_the_mean_behind_it_is_no_cause() -> None:
    folded = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4))
    whole = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    assert causes(compared(whole, folded)) == ()


def test_the_lines() -> None:
    lines = explain(compared(net(blocks=8), net(blocks=8, classes=7)))
    assert lines[0] == "The file has 14 layers with weights, the module has 14: 13 pairs, 1 but for a"
    assert "  ... 11 pairs ..." in lines
    at = lines.index("/ 14 (linear 24 -> 10)                 14 (linear 24 -> 7)")
    assert lines[at + 1] == "      cout (features that leave) 10 in the file, 7 in the module"


def test_extra_layers_stand_where_they_are() -> None:
    rows = compared(net(blocks=2), net(blocks=4))
    assert [row.ours is None for row in rows].count(True) == 2
    assert sum(row.equal for row in rows) == len(rows) - 2


def test_a_known_pair_is_kept_where_order_would_say_otherwise() -> None:
    one, two = (Piece(name, "linear", {"cin": 4, "cout": 4}) for name in "ab")
    rows = side_by_side([one, two], [one, two], {0: 1, 1: 0})
    assert [(row.ours.name, row.theirs.name) for row in rows if row.ours and row.theirs] == [("b", "a"), ("a", "b")]


def test_blocks_in_a_row_are_one_span() -> None:
    assert spans([f"layer3.{i}" for i in range(6, 23)]) == "layer3.6 to layer3.22"
