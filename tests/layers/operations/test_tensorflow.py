"""Functions and nodes of TensorFlow in models of tf.keras, against tf-keras itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.layers.operations.cases import Row
from tests.layers.operations.harness import compared, roundtrip
from tests.layers.operations.tensorflow_cases import FUNCTIONS, NODES, OPERATORS, SINGLE

pytestmark = pytest.mark.oracle

#: tf.image.resize weighs in float32 whatever it is given, and so do nodes, whose dtype stands in the file.
TOLERANCE = 2e-6
TABLES = {"operators": OPERATORS, "functions": FUNCTIONS, "single": SINGLE, "nodes": NODES}


def in_float64(build: Callable[[], Any]) -> Any:
    import tf_keras

    before = (tf_keras.mixed_precision.global_policy(), tf_keras.backend.floatx())
    tf_keras.backend.set_floatx("float64")
    tf_keras.mixed_precision.set_global_policy("float64")
    try:
        return build()
    finally:
        tf_keras.backend.set_floatx(before[1])
        tf_keras.mixed_precision.set_global_policy(before[0])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("channels_first", [False, True], ids=["as in Keras", "channels first"])
@pytest.mark.parametrize("table", TABLES)
def test_values(table: str, channels_first: bool, tmp_path: Path) -> None:
    import tensorflow as tf
    import tf_keras

    wrong, saved = compared(
        tf_keras,
        tf,
        rows_of(table),
        tmp_path,
        channels_first=channels_first,
        tolerance=TOLERANCE,
        wide=in_float64 if table in ("operators", "functions") else lambda build: build(),
        suffix=".h5",
        nodes=table == "nodes",
    )
    assert not wrong
    if not channels_first:
        assert not roundtrip(tf_keras, saved, 2)


def rows_of(table: str) -> Sequence[Row]:
    return TABLES[table]
