from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from tests.report.html.reading import Page
from tests.report.html.reports import chain, report

from regraft.report.html import page
from regraft.report.value import VerificationRow

CODE = 'class Model:\n    """Doc."""\n\n    def forward(self, x):  # (batch, 3)\n        return x + 1.5\n'
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\"'><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;",
    "\x1b]0;x\x07\r\nset-cookie",
    "abc\u202edcba",
    "a\u2028b\ud800",
    "javascript:alert(1)",
    "x" * 10_000,
]


def ids_of_sections(seen: Page) -> list[str]:
    return [attributes["id"] for tag, attributes in seen.elements if tag == "section" and "id" in attributes]


def test_everything_a_report_says_is_on_its_page() -> None:
    seen = Page(page(report(["conv", "bn", "head"]), CODE))

    assert not seen.wrong
    assert seen.stack == []
    assert ids_of_sections(seen) == [
        "overview", "choices", "graph", "errors", "statistics", "weights", "code", "notes",
    ]  # fmt: skip
    assert len(seen.ids) == len(set(seen.ids))
    words = " ".join(seen.text.split())
    for said in (
        "my net.h5", "ab12", "Keras 2.3.1 on tensorflow", "the .h5 layout of Keras 2", "exit code 3", "2 of 3",
        "1.0e-15", "2.0e-07", "cin units → units cin", "conv.weight", "(3, 2)", "(2, 3)", "a metric", "a note",
        "a caveat", "float64: 1e-10", "return x + 1.5", "75.0 %", "bn.activation", "habit 1", "(batch, 5, 7, 11)",
    ):  # fmt: skip
        assert said in words, said


@pytest.mark.parametrize(
    ("change", "without"),
    [
        ({"verification": VerificationRow("not verified", reason="--no-verify was given")}, ["errors"]),
        ({"statistics": None}, ["statistics"]),
        ({"choices": (), "candidates": ()}, ["choices"]),
        ({"transfers": (), "graph": (), "layers": ()}, []),
    ],
)
def test_what_there_is_nothing_to_say_about_is_left_out(change: dict[str, object], without: list[str]) -> None:
    seen = Page(page(replace(report(["conv", "bn"]), **change)))  # type: ignore[arg-type]

    assert not seen.wrong
    sections = ids_of_sections(seen)
    assert [name for name in sections if name in without] == []
    assert "code" not in sections
    links = [attributes["href"][1:] for tag, attributes in seen.elements if tag == "a" and "href" in attributes]
    assert set(links) <= set(seen.ids)


def test_nothing_is_asked_of_the_network() -> None:
    html = page(report(chain(40)), CODE)
    seen = Page(html)

    assert {
        name for _, attributes in seen.elements for name in attributes if name in ("src", "srcset", "action", "data")
    } == set()
    links = {attributes["href"] for _, attributes in seen.elements if "href" in attributes}
    assert {link for link in links if not link.startswith("#")} == {"data:,"}
    assert not re.search(r"@import|url\((?!#)|sourceMappingURL|fetch\(|XMLHttpRequest|import\(", html)
    assert [kind for kind, _ in seen.elements if kind in ("img", "iframe", "object", "embed", "base", "form")] == []


def test_the_policy_allows_the_scripts_and_the_style_by_their_hashes_and_nothing_else() -> None:
    seen = Page(page(report(["conv"]), CODE))
    (policy,) = [a["content"] for _, a in seen.elements if a.get("http-equiv") == "Content-Security-Policy"]

    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
        for text in (*seen.texts("style"), *seen.texts("script"))
    ]
    assert len(hashes) == 3
    assert policy.startswith("default-src 'none'; ")
    assert sorted(re.findall(r"'sha256-[^']+'", policy)) == sorted(hashes)
    assert "unsafe" not in policy
    assert not [
        name for _, attributes in seen.elements for name in attributes if name == "style" or name.startswith("on")
    ]


@pytest.mark.parametrize("text", HOSTILE, ids=[repr(text[:12]) for text in HOSTILE])
def test_no_text_of_a_file_becomes_a_part_of_the_page(text: str) -> None:
    plain = report(["conv", "bn", "out"])
    hostile = report([text, text + "2", text + "3"], kind=text)
    hostile = replace(
        hostile,
        model=text,
        source=replace(hostile.source, file=text, dialect=text, keras_version=text, backend=text, order_source=text),
        notes=(text,),
        caveats=(text,),
        next_step=text,
        variables_listed=((text, text),),
        graph=tuple(replace(node, placeholder=text, settings=((text, text),)) for node in hostile.graph),
        layers=tuple(replace(row, placeholder=text) for row in hostile.layers),
        choices=tuple(replace(row, value=text, candidates=(text, "b"), evidence=text) for row in hostile.choices),
        command=("regraft", "convert", text, "-o", text),
        files={text: text},
    )
    calm = replace(
        plain,
        next_step="x",
        layers=tuple(replace(row, placeholder="x") for row in plain.layers),
        graph=tuple(replace(node, placeholder="x") for node in plain.graph),
    )
    html = page(hostile, f"x = {text[:500]!r}\n# {text[:500]}\n")
    seen, expected = Page(html), Page(page(calm, "x = 1\n# y\n"))

    assert not seen.wrong
    assert {tag for tag, _ in seen.elements} <= {tag for tag, _ in expected.elements} | {"wbr", "optgroup"}
    assert {name for _, a in seen.elements for name in a} <= {name for _, a in expected.elements for name in a}
    assert seen.data["graph"]["layers"]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u2028\ud800]", html)
    assert "x" * 2001 not in html


@pytest.mark.parametrize(("layers", "kilobytes"), [(200, 750), (10_000, 2500)])
def test_a_page_stays_small(layers: int, kilobytes: int) -> None:
    names = chain(layers)
    code = "".join(f"        self.{name} = nn.Linear(3, 2)  # (batch, 2)\n" for name in names)
    html = page(report(names), code)

    assert len(html.encode()) < kilobytes * 1000
    seen = Page(html)
    assert not seen.wrong
    if layers > 5000:
        assert "report.json has them all" in seen.text
        assert seen.data["graph"] is None
        assert "too many to draw" in seen.text


def test_what_fails_is_never_what_is_left_out() -> None:
    names = chain(9000)
    seen = Page(page(report(names, failing=names[5432])))

    assert [row for row in seen.data["checks"] if not row[6]] == [
        [names[5432], 5433, "5.0e-01", "2.0e-07", "1.0e-10", "3.0e-06", 0, ""]
    ]
    assert "layer-5433" in seen.ids
