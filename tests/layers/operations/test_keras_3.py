"""Every operation of Keras 3 against Keras itself: values in float64, and the JSON that Keras reads back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.layers.operations.cases import FAMILIES, TOLERANCES
from tests.layers.operations.harness import compared, roundtrip

pytestmark = pytest.mark.oracle


def in_float64(build: Callable[[], Any]) -> Any:
    import keras

    before = (keras.config.dtype_policy(), keras.config.floatx())
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        return build()
    finally:
        keras.config.set_floatx(before[1])
        keras.config.set_dtype_policy(before[0])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("channels_first", [False, True], ids=["as in Keras", "channels first"])
@pytest.mark.parametrize("family", FAMILIES)
def test_values(family: str, channels_first: bool, tmp_path: Path) -> None:
    import keras

    wrong, saved = compared(
        keras,
        keras.ops,
        FAMILIES[family],
        tmp_path,
        channels_first=channels_first,
        tolerance=TOLERANCES.get(family, 1e-10),
        wide=in_float64,
    )
    assert not wrong
    if not channels_first:
        assert not roundtrip(keras, saved)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", ["binary", "reductions", "indexing", "joins"])
def test_values_from_a_file_without_modules(family: str, tmp_path: Path) -> None:
    """HDF5 files of Keras 3 do not say where a class lives, so that operations look like layers."""
    import keras

    wrong, _ = compared(
        keras,
        keras.ops,
        FAMILIES[family],
        tmp_path,
        channels_first=True,
        tolerance=TOLERANCES.get(family, 1e-10),
        wide=in_float64,
        suffix=".h5",
    )
    assert not wrong
