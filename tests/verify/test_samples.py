"""Inputs that the user brings: what fits is taken, what does not is said, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.verify.subjects import chain, layer

from regraft.errors import FileError
from regraft.verify.samples import checked, load_samples, sample_case

IMAGES = chain(layer("act"), shape=(None, 7, 9, 3))
WORDS = chain(layer("embedding", "Embedding", input_dim=11, output_dim=4), shape=(None, None), dtype="int32")


def test_floats_are_rounded_to_float32() -> None:
    given = np.random.default_rng(1).standard_normal((4, 7, 9, 3))
    (found,) = checked(IMAGES, [given])
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, given.astype(np.float32))


def test_integers_stay_integers_and_many_become_few() -> None:
    given = np.arange(80, dtype="uint8").reshape(40, 2) % 11
    (found,) = checked(WORDS, [given])
    assert (found.dtype, found.shape) == (np.int64, (32, 2))
    assert sample_case(WORDS, [given]).words == "your samples: 40x2"


@pytest.mark.parametrize(
    ("model", "arrays", "words"),
    [
        (IMAGES, [np.ones((2, 7, 9, 3))] * 2, "the model has 1 inputs (entry), samples were given for 2"),
        (IMAGES, [np.ones((2, 9, 7, 3))], "shape (2, 9, 7, 3), expected (any, 7, 9, 3)"),
        (IMAGES, [np.ones((2, 3, 7, 9))], "they look channels first, and the Keras model is channels last"),
        (IMAGES, [np.ones((7, 9, 3))], "shape (7, 9, 3), expected (any, 7, 9, 3)"),
        (IMAGES, [np.full((1, 7, 9, 3), np.nan)], "189 NaN or infinite numbers"),
        (IMAGES, [np.ones((0, 7, 9, 3))], "there are none"),
        (WORDS, [np.full((2, 5), 11)], "numbers from 11 to 11, expected integers from 0 to 10"),
        (WORDS, [np.full((2, 5), -1)], "numbers from -1 to -1, expected integers from 0 to 10"),
        (WORDS, [np.full((2, 5), 0.5)], "fractions (float64), expected integers"),
    ],
)
def test_what_does_not_fit(model: Any, arrays: list[np.ndarray], words: str) -> None:
    with pytest.raises(FileError) as wrong:
        checked(model, arrays, ["x.npy"])
    assert words in str(wrong.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no array", "cannot be read as samples"),
        (None, "cannot be read as samples"),
        ("<U3", "expected one array of numbers"),
    ],
)
def test_files_that_are_no_samples(content: Any, words: str, tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    if isinstance(content, str):
        np.save(file, np.array(["a", "b"], content))
    elif content is not None:
        file.write_bytes(content)
    with pytest.raises(FileError, match=words):
        load_samples([file])


def test_no_pickle_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match="cannot be read as samples"):
        load_samples([tmp_path / "x.npy"])
