"""STFTSpectrogram and MelSpectrogram beside real Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.twin import agree, converted, relative_error, run

RNG = np.random.default_rng(10)
SIGNAL, CHANNELS = RNG.standard_normal((3, 200)), RNG.standard_normal((3, 90, 2))
MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_stft(suffix: str, tmp_path: Path) -> None:
    import keras
    from keras import layers

    entry = keras.Input((90, 2))
    frames: dict[str, Any] = {"frame_length": 20, "frame_step": 7, "fft_length": 32}
    outputs = [layers.STFTSpectrogram(mode=mode, **frames)(entry) for mode in MODES]
    outputs.append(layers.STFTSpectrogram(mode="magnitude", padding="same", expand_dims=True, **frames)(entry))
    image = layers.STFTSpectrogram(mode="psd", frame_length=16, expand_dims=True)(entry)
    outputs.append(layers.Conv2D(4, (3, 2))(image))
    agree(keras.Model(entry, outputs), [CHANNELS], tmp_path, suffix=suffix, randomised=False, tolerance=1e-9)


@pytest.mark.oracle
def test_mel(tmp_path: Path) -> None:
    """Keras computes the filters in float32, and fails in a float64 model."""
    import keras
    from keras import layers

    entry = keras.Input((200,))
    small: dict[str, Any] = {"fft_length": 64, "sequence_stride": 20, "num_mel_bins": 9, "sampling_rate": 8000}
    cases: tuple[dict[str, Any], ...] = (
        {},
        {"sequence_length": 49, "window": "hamming", "max_freq": 3000.0, "top_db": 20.0},
        {"power_to_db": False, "mag_exp": 1.0, "window": None},
        {"ref_power": 3.0, "min_power": 1e-3, "min_freq": 100.0},
    )
    outputs = [layers.MelSpectrogram(**small, **case)(entry) for case in cases]
    model = keras.Model(entry, outputs)
    model.save(tmp_path / "mel.keras")
    signal = SIGNAL.astype("float32")
    found = run(converted(tmp_path / "mel.keras"), [signal], "float32")
    for ours, theirs in zip(found, model(signal), strict=True):
        assert relative_error(ours, np.asarray(theirs)) < 1e-5
