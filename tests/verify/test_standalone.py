"""Where tf-keras is not the stand-alone Keras that wrote a file, the oracle does as that did."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from regraft.convert import convert


@pytest.mark.oracle
@pytest.mark.parametrize("version", ["2.2.4", "2.4.0"])
def test_masked_steps_of_a_bidirectional(version: str, tmp_path: Path) -> None:
    """The stand-alone 2.2.4 repeats the output at masked steps, tf.keras gives zeros; both are converted as they are."""
    import tf_keras

    layers = tf_keras.layers
    lstm = layers.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid")
    model = tf_keras.Sequential(
        [layers.Masking(0.0, input_shape=(6, 3), name="mask"), layers.Bidirectional(lstm, name="both")]
    )
    file = tmp_path / "model.h5"
    model.save(file)
    with h5py.File(file, "a") as stored:
        for group in (stored, stored["model_weights"]):
            group.attrs["keras_version"] = version

    conversion = convert(file, tmp_path / "out")

    assert conversion.report.verification.status == "equal", conversion.report.verification.reason
    assert ("zero_output_for_mask" in conversion.module.source.split("class Model")[1]) is (version == "2.4.0")
