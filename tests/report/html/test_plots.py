from __future__ import annotations

import re

import pytest
from tests.report.html.reports import check

from regraft.report.html.bounds import some
from regraft.report.html.code import coloured
from regraft.report.html.error_plot import HEIGHT, TOP, error_plot
from regraft.report.html.scale import log_scale, percent
from regraft.report.html.scatter import SIDE, scatter, scatters
from regraft.report.html.weights import step, weight_groups
from regraft.report.value import StatisticRow, TransferRow


def test_a_log_scale_puts_decades_at_equal_distances() -> None:
    scale = log_scale([1e-15, 3e-7, 1e-3], 10, 130)
    assert [scale.place(10.0**e) for e in (-3, -9, -15)] == [10, 70, 130]
    assert [scale.place(value) for value in (1e-30, 1e5)] == [130, 10]
    assert scale.ticks() == [
        (120.0, "10⁻¹⁴"), (100.0, "10⁻¹²"), (80.0, "10⁻¹⁰"), (60.0, "10⁻⁸"), (40.0, "10⁻⁶"), (20.0, "10⁻⁴"),
    ]  # fmt: skip


@pytest.mark.parametrize("values", [[], [0.0], [1.0], [1e-300, 1e300], [2e-15, 2e-15]])
def test_a_log_scale_of_anything(values: list[float]) -> None:
    scale = log_scale(values, 0, 100)
    assert scale.high - scale.low >= 3
    assert 2 <= len(scale.ticks()) <= 9
    assert all(0 <= scale.place(value) <= 100 for value in values if value)


def test_errors_that_are_0_or_missing_have_rows_of_their_own() -> None:
    plot = error_plot([check("a"), check("b", 0.0), check("c", None, None), check("d", 0.5, ok=False)])
    assert plot is not None
    zero, none = (y for y, _ in plot.rows)
    points = plot.points["float64"]

    assert [point.x for point in points] == ["12.5%", "37.5%", "62.5%", "87.5%"]
    assert points[1].y == zero
    assert points[2].y == none
    assert TOP <= points[3].y < points[0].y < zero < none < HEIGHT
    assert [point.ok for point in points] == [True, True, True, False]
    (limit,) = plot.limits["float64"]
    assert (limit.start, limit.stop) == ("0%", "100%")
    assert points[3].y < limit.y < points[0].y


def test_a_limit_line_has_a_piece_for_every_limit() -> None:
    rows = [check("a"), check("b"), check("c")]
    wide = [rows[0], *(type(row)(**{**vars(row), "limit64": 1e-5}) for row in rows[1:])]
    plot = error_plot(wide)
    assert plot is not None
    assert [(piece.start, piece.stop) for piece in plot.limits["float64"]] == [("0%", "33.33%"), ("33.33%", "100%")]


def test_nothing_compared_is_no_plot() -> None:
    assert error_plot([]) is None


def test_a_scatter_is_on_its_diagonal_where_both_agree() -> None:
    row = StatisticRow("bn", 0.1, "fits", "", 3, ((-2.0, -2.0, 0.5), (0.0, 0.0, 0.5), (2.0, 2.0, 0.5)))
    plot = scatter(row)
    dots = [tuple(map(int, found)) for found in re.findall(r"M(-?\d+) (-?\d+)h0", plot.dots)]

    assert [x + y for x, y in dots] == [SIDE] * 3
    assert (plot.low, plot.high, plot.shown) == ("-2.2", "2.2", 3)
    assert plot.band == pytest.approx(0.25 * 0.5 * 144 / 4.4, abs=0.1)


@pytest.mark.parametrize("point", [(0.0, 0.0, 0.0), (1e30, 1e30, 1.0), (3.0, 3.0, 1e9)])
def test_a_scatter_of_one_channel(point: tuple[float, float, float]) -> None:
    assert re.fullmatch(r"M80 80h0", scatter(StatisticRow("bn", 0.0, "fits", "", 1, (point,))).dots)


def test_the_worst_scatter_is_first_and_what_is_not_known_has_none() -> None:
    point = ((0.0, 1.0, 1.0),)
    rows = [
        StatisticRow("a", 0.1, "fits", "", 1, point),
        StatisticRow("b", None, "cannot tell", "constant"),
        StatisticRow("c", 0.7, "contradicts", "", 1, point),
    ]
    assert [plot.row.layer for plot in scatters(rows)] == ["c", "a"]


def test_some_rows_keep_what_weighs_most() -> None:
    assert some(range(100), 5) == [0, 20, 40, 60, 80]
    assert some(range(10), 4, lambda i: 2 if i == 7 else int(i in (1, 2, 3, 4, 5))) == [1, 2, 4, 7]
    assert some("abc", 5) == ["a", "b", "c"]
    assert [percent(share) for share in (0, 1 / 3, 1)] == ["0%", "33.33%", "100%"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("kh kw cin cout -> cout cin kh kw", "kh kw cin cout → cout cin kh kw"),
        ("units -> units", "units, as stored"),
        ("0 everywhere", "0 everywhere"),
    ],
)
def test_moves_in_words(words: str, expected: str) -> None:
    assert step(words) == expected


def test_weights_stand_by_layer_with_both_shapes() -> None:
    rows = (
        TransferRow("a", ("/a/k", "/a/b"), "cin units -> units cin; units -> units", ("a.w",), ((5, 3),), ((3, 5), (5,))),
        TransferRow("a", (), "0 everywhere", ("a.n",), ((),)),
        TransferRow("b", ("/b/k",), "as stored", ("b.w",), ((2,),)),
    )  # fmt: skip
    groups, left = weight_groups(rows)

    assert [(group.layer, len(group.rows)) for group in groups] == [("a", 2), ("b", 1)]
    assert groups[0].rows[0].variables == (("/a/k", "(3, 5)"), ("/a/b", "(5,)"))
    assert groups[0].rows[0].moves == ("cin units → units cin", "units, as stored")
    assert groups[1].rows[0].variables == (("/b/k", ""),)
    assert left == ""


def test_code_keeps_every_character_and_colours_what_it_knows() -> None:
    source = 'class A:\n    x = "<b>"  # \u202e note\n\n    def f(self):\n        return 1.5\n'
    code = coloured(source)
    plain = re.sub(r"</?i[^>]*>", "", code.html).replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"')

    assert plain == source.replace("\u202e", "\\u202e")
    assert '<i class="d">A</i>' in code.html
    assert '<i class="n">1.5</i>' in code.html
    assert code.numbers == "1\n2\n3\n4\n5"
    assert (code.lines, code.cut) == (5, False)


BROKEN = ["x = 'a\x0cb'\ny = 2\n", "a\u2028b = 1\n", "def (\n", '"""open', "\tx\n  y\n", "f'{x}'\n", ""]


@pytest.mark.parametrize("source", BROKEN)
def test_any_text_is_shown_in_full(source: str) -> None:
    plain = re.sub(r"</?i[^>]*>", "", coloured(source).html).replace("&#39;", "'").replace("&#34;", '"')
    assert plain == source.replace("\x0c", "\\x0c").replace("\u2028", "\\u2028").replace("\t", "\\t")


def test_long_code_is_cut_at_a_line() -> None:
    code = coloured("x = 1\n" * 100_000)
    assert code.cut
    assert code.lines == 100_000
    assert code.html.endswith("x = 1\n")
