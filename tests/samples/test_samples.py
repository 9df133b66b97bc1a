from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from regraft import samples

RECORD: dict[str, Any] = json.loads(samples.path("digits.json").read_text(encoding="utf-8"))
ORDER = "stem stem_bn conv2d batch_normalization residual_conv conv2d_1 dense digit".split()
KERAS_3_GROUPS = "conv2d batch_normalization conv2d_1 batch_normalization_1 conv2d_2 conv2d_3 dense dense_1".split()


def legacy_arrays(group: h5py.Group) -> list[np.ndarray]:
    return [group[name][weight][()] for name in ORDER for weight in group[name].attrs["weight_names"]]


def keras_3_arrays(file: h5py.File) -> list[np.ndarray]:
    layers = (file["layers"][name]["vars"] for name in KERAS_3_GROUPS)
    return [layer[key][()] for layer in layers for key in sorted(layer, key=int)]


def read_all(name: str) -> list[np.ndarray]:
    path = samples.path(name)
    if name == "digits.keras":
        with zipfile.ZipFile(path) as archive, h5py.File(BytesIO(archive.read("model.weights.h5"))) as file:
            return keras_3_arrays(file)
    with h5py.File(path) as file:
        if name == "digits.weights.h5":
            return keras_3_arrays(file)
        return legacy_arrays(file.get("model_weights", file))


def images_and_labels() -> tuple[np.ndarray, np.ndarray]:
    with np.load(samples.path("digits_images.npz"), allow_pickle=False) as data:
        return data["images"], data["labels"]


@pytest.mark.parametrize("name", samples.NAMES)
def test_every_sample_ships_and_is_small(name: str) -> None:
    assert 0 < samples.path(name).stat().st_size < 1_000_000


def test_nothing_ships_without_a_name() -> None:
    shipped = {file.name for file in Path(samples.__file__).parent.iterdir() if file.is_file()}
    assert shipped - {"__init__.py", "__main__.py", "README.md"} == set(samples.NAMES)


def test_an_unknown_sample_is_told_which_there_are() -> None:
    with pytest.raises(KeyError, match=r"no sample 'letters.h5'; there are: digits.h5, "):
        samples.path("letters.h5")


@pytest.mark.parametrize("name", ["digits.keras", "digits.weights.h5", "digits_legacy_weights.h5"])
def test_all_dialects_hold_the_same_weights(name: str) -> None:
    expected, found = read_all("digits.h5"), read_all(name)

    assert sum(array.size for array in expected) == RECORD["parameters"]
    assert len(found) == len(expected)
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("name", "whole"), [("digits.h5", True), ("digits_legacy_weights.h5", False)])
def test_only_whole_models_carry_their_architecture(name: str, whole: bool) -> None:
    with h5py.File(samples.path(name)) as file:
        assert ("model_config" in file.attrs) is whole
        assert "optimizer_weights" not in file


def test_the_images_are_those_of_the_record() -> None:
    images, labels = images_and_labels()

    assert images.shape == (16, 8, 8, 1)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)
    assert labels.tolist() == [row["label"] for row in RECORD["shipped"]]


def test_the_record_adds_up() -> None:
    rows = RECORD["shipped"]

    assert all(row["keras_prediction"] == np.argmax(row["keras_probabilities"]) for row in rows)
    assert sum(row["keras_prediction"] == row["label"] for row in rows) == RECORD["shipped_right"]
    assert RECORD["shipped_accuracy"] == RECORD["shipped_right"] / len(rows)
    assert RECORD["test_accuracy"] == pytest.approx(RECORD["test_right"] / RECORD["test_images"], abs=1e-6)


@pytest.mark.oracle
def test_keras_still_gives_the_recorded_answers() -> None:
    keras = pytest.importorskip("keras")
    images, _ = images_and_labels()
    recorded = np.array([row["keras_probabilities"] for row in RECORD["shipped"]])

    for name in ("digits.h5", "digits.keras"):
        model = keras.models.load_model(samples.path(name), compile=False)
        np.testing.assert_allclose(np.asarray(model(images, training=False)), recorded, rtol=0, atol=1e-6)
