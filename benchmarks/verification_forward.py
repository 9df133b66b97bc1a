"""Seconds of one plain float32 forward pass: ``verification_forward.py keras|torch FILE INPUTS REPEATS``."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np

side, file, inputs, repeats = sys.argv[1:5]
array = np.load(inputs)
if side == "keras":
    import keras
    import tensorflow as tf

    model = keras.models.load_model(file, compile=False)
    given = tf.constant(array)

    def forward() -> object:
        """One pass in Keras."""
        return model(given, training=False)
else:
    import torch
    from verification import subject_of  # the script beside this one

    from regraft.verify.trace import as_float32, emitted, in_torch

    subject = subject_of(Path(file))
    twin = as_float32(emitted(subject))
    tensor = in_torch(array, subject.input_orders[0], "float32")

    def forward() -> object:
        """One pass in PyTorch."""
        with torch.no_grad():
            return twin.model(tensor)


seconds: list[float] = []
for number in range(int(repeats) + 1):
    start = time.perf_counter()
    forward()
    if number:  # the first one warms up
        seconds.append(time.perf_counter() - start)
print(statistics.median(seconds))
