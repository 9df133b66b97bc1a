"""A Keras model as the user names it: a file, a function, a SavedModel; and what must not be loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from regraft.errors import ConfigError, FileError, OutputError, RegraftError
from regraft.samples import path as sample
from regraft.verify import KerasError, Oracle
from regraft.verify.origin import Origin, resolved
from regraft.weights import read

pytestmark = pytest.mark.oracle

BUILDERS = """
import keras, tf_keras
from pathlib import Path
from beside import WIDTH

def new(classes=5):
    return keras.Sequential([keras.layers.Input((7,)), keras.layers.Dense(WIDTH), keras.layers.Dense(classes)])

def old():
    return tf_keras.Sequential([tf_keras.layers.Input((7,)), tf_keras.layers.Dense(WIDTH)])

def relative():
    model = old()
    Path("was_here.txt").write_text("x")
    return model

def unbuilt():
    return keras.Sequential([keras.layers.Dense(3)])

def subclass():
    class Own(keras.Model):
        def call(self, x):
            return x
    return Own()

def nothing():
    return None

def failing():
    raise LookupError("no data here")
"""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    pytest.importorskip("keras")
    pytest.importorskip("tf_keras")
    with Oracle(timeout=200) as running:
        yield running


@pytest.fixture
def builders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "beside.py").write_text("WIDTH = 4\n")
    (tmp_path / "models.py").write_text(BUILDERS)
    monkeypatch.chdir(tmp_path)
    return Path("models.py")


def opened(text: str, oracle: Oracle) -> Origin:
    with resolved(text, oracle=oracle) as origin:
        return origin


def shapes(origin: Origin) -> list[tuple[int, ...]]:
    assert origin.file is not None
    return [variable.shape for variable in read(origin.file).variables()]


@pytest.mark.parametrize(
    ("call", "ending", "expected"),
    [
        ("new", ".keras", [(7, 4), (4,), (4, 5), (5,)]),
        ("new(classes=3)", ".keras", [(7, 4), (4,), (4, 3), (3,)]),
        ("old", ".h5", [(7, 4), (4,)]),
        ("relative()", ".h5", [(7, 4), (4,)]),
    ],
)
def test_a_function_of_the_user(
    call: str, ending: str, expected: list[tuple[int, ...]], builders: Path, oracle: Oracle
) -> None:
    origin = opened(f"{builders}:{call}", oracle)
    assert origin.file is not None
    assert (origin.kind, origin.file.suffix) == ("function", ending)
    assert sorted(shapes(origin)) == sorted(expected)
    assert "was imported and called" in origin.notes[0]
    assert Path("was_here.txt").exists() == (call == "relative()"), "paths are relative to where the user is"


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("models.py:missing", KerasError, "has no function 'missing'; it has"),
        ("models.py:nothing", KerasError, "class 'NoneType', which is no Keras model"),
        ("models.py:subclass", KerasError, "'Own', which no file describes"),
        ("models.py:unbuilt", KerasError, "has no weights yet: give it an Input layer"),
        ("models.py:failing", KerasError, "LookupError: no data here"),
        ("models.py:new(classes=WIDTH)", OutputError, "no name with plain arguments"),
        ("models.py:new(**{'classes': 3})", OutputError, "no name with plain arguments"),
        ("models.py", OutputError, "which function builds the model?"),
        ("other.py:new", FileError, "there is no such file"),
    ],
)
def test_functions_that_give_no_model(
    text: str, error: type[RegraftError], words: str, builders: Path, oracle: Oracle
) -> None:
    assert builders.exists()
    with pytest.raises(error, match=words.replace("?", r"\?").replace("**", r"\*\*")):
        opened(text, oracle)


def test_a_file_is_left_alone(oracle: Oracle) -> None:
    file = sample("digits.h5")
    assert opened(str(file), oracle) == Origin(str(file), "file", file, None, (), oracle)


def test_an_architecture_belongs_to_a_file(builders: Path, oracle: Oracle) -> None:
    with (
        pytest.raises(ConfigError, match="--architecture is for a file of weights"),
        resolved(f"{builders}:new", "x.json", oracle),
    ):
        pass
