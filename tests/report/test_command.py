from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from regraft.cli.app import app
from regraft.report.command import convert_command, shown


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"paths": {"--architecture": Path("net.json"), "--blueprint": None}}, ["--architecture", "net.json"]),
        ({"paths": {"--pairs": (Path("x.npy"), Path("y.npy"))}}, ["--pairs", "x.npy", "y.npy"]),
        ({"input_shapes": ((64, None, 1), (7,))}, ["--input-shape", "64,?,1", "--input-shape", "7"]),
        ({"settings": {"a.strides": "2, 2", "b.x": "1"}}, ["--set", "a.strides=2, 2", "--set", "b.x=1"]),
        ({"candidates": 4}, ["--candidates", "4"]),
        ({"format": "both"}, ["--format", "both"]),
        ({"switches": {"verify": False, "theano-kernels": None}}, ["--no-verify"]),
        ({"switches": {"theano-kernels": True, "selftest": False}}, ["--theano-kernels", "--no-selftest"]),
    ],
)
def test_a_command_says_what_was_given_and_the_program_understands_it(
    given: dict[str, Any], expected: list[str]
) -> None:
    words = convert_command("net.h5", "out", **{"paths": {}, **given})

    assert list(words) == ["regraft", "convert", "net.h5", *expected, "-o", "out"]
    _, bound, _ = app.parse_args(list(words[1:]), exit_on_error=False)
    assert bound.arguments["file"] == "net.h5"
    assert len(bound.arguments) == 2 + len({word for word in expected if word.startswith("--")})


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["regraft", "convert", "my net.h5"], "regraft convert 'my net.h5'"),
        (["--set", "a;rm -rf ~.x=$(id)"], "--set 'a;rm -rf ~.x=$(id)'"),
        (["--set", "a'b.x=1"], """--set 'a'"'"'b.x=1'"""),
        (["x\ny"], ""),
        (["x\u202ey"], ""),
        (["x" * 5000], ""),
    ],
)
def test_what_is_copied_is_what_is_seen(words: list[str], expected: str) -> None:
    assert shown(words) == expected


def test_a_file_is_no_option() -> None:
    assert convert_command("-rf", "-o", paths={})[2:] == ("./-rf", "-o", "./-o")
