from __future__ import annotations

import pytest
from tests.docs.matching import difference

PRINTED = """\
model.h5
  checked   equal to Keras, largest error 1.8e-15
  conv      Conv2D   3.0e-17 0 ok
Done in 0.97 s. (exit code 0)
"""


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param(PRINTED, id="as it is"),
        pytest.param("...\n", id="anything"),
        pytest.param("model.h5\n...\nDone in 0.97 s. (exit code 0)", id="lines between"),
        pytest.param(PRINTED.replace("Conv2D   3", "Conv2D 3"), id="spaces do not count"),
        pytest.param(PRINTED.replace("1.8e-15", "4.0e-16"), id="an error of the same size"),
        pytest.param(PRINTED.replace("0.97 s", "12 s"), id="a time"),
        pytest.param(PRINTED.replace("Conv2D   3.0e-17 0", "Conv2D ..."), id="text within a line"),
        pytest.param("...\n" + PRINTED + "...", id="no lines at all"),
    ],
)
def test_matches(expected: str) -> None:
    assert not difference(expected, PRINTED)


@pytest.mark.parametrize(
    ("expected", "missing"),
    [
        pytest.param(PRINTED.replace("Keras", "Karas"), "Karas", id="a word"),
        pytest.param(PRINTED.replace("1.8e-15", "1.8e-18"), "1.8e-18", id="an error that is larger than stated"),
        pytest.param(PRINTED.replace("code 0", "code 3"), "code 3", id="another exit code"),
        pytest.param("model.h5\n", "More is printed", id="lines that the page leaves out without saying so"),
        pytest.param(PRINTED + "and more\n", "and more", id="a line too many"),
        pytest.param("", "More is printed", id="nothing"),
    ],
)
def test_differs(expected: str, missing: str) -> None:
    assert missing in difference(expected, PRINTED).partition("It printed:")[0]
