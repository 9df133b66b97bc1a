"""
The architecture of DTLN as Keras JSON, for its weights files, which do not hold it.

    python examples/dtln/architecture.py > dtln.json              # model.h5
    python examples/dtln/architecture.py --norm > dtln_norm.json  # DTLN_norm_*.h5, which normalise the spectrum too
"""

from __future__ import annotations

import json
import sys
from typing import Any

BINS, CODES, FRAME, UNITS = 257, 256, 512, 128


def architecture(*, norm: bool = False) -> str:
    """The layers under the names that they have in the published files."""
    layers: list[dict[str, Any]] = []

    def add(kind: str, name: str, *sources: str | tuple[str, int], **config: Any) -> str:
        refs = [source if isinstance(source, tuple) else (source, 0) for source in sources]
        nodes = [[[source, 0, output, {}] for source, output in refs]] if refs else []
        layers.append({"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes})
        return name

    def mask(x: str, size: int, first: int) -> str:
        """Two recurrent layers that estimate a factor for each entry of each frame."""
        recurrent = {"units": UNITS, "return_sequences": True, "recurrent_activation": "sigmoid"}
        ends = ["" if n == 0 else f"_{n}" for n in (first, first + 1, first // 2)]
        x = add("LSTM", f"lstm{ends[0]}", x, **recurrent)
        x = add("Dropout", f"dropout{ends[2]}", x, rate=0.25)
        x = add("LSTM", f"lstm{ends[1]}", x, **recurrent)
        return add(
            "Activation", f"activation{ends[2]}", add("Dense", f"dense{ends[2]}", x, units=size), activation="sigmoid"
        )

    x = add("InputLayer", "input_1", batch_input_shape=[None, None], dtype="float32")
    magnitude = add("Lambda", "lambda", x)
    phase = (magnitude, 1)
    if norm:
        x = add("Lambda", "tf_op_layer_Log", add("Lambda", "tf_op_layer_AddV2", magnitude))
        x = add("InstantLayerNormalization", "instant_layer_normalization", x)
        x = add("Multiply", "multiply", magnitude, mask(x, BINS, 0))
        frames = add("Lambda", "lambda_1", x, phase)
    else:
        frames = add("Lambda", "lambda_1", mask(magnitude, BINS, 0), magnitude, phase)
    codes = add("Conv1D", "conv1d", frames, filters=CODES, kernel_size=[1], use_bias=False)
    x = add("InstantLayerNormalization", "instant_layer_normalization_1" if norm else "layer_normalization", codes)
    x = add("Multiply", "multiply_1" if norm else "multiply", codes, mask(x, CODES, 2))
    x = add("Conv1D", "conv1d_1", x, filters=FRAME, kernel_size=[1], padding="causal", use_bias=False)
    add("Lambda", "lambda_2", x)
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [["lambda_2", 0, 0]]}
    return json.dumps({"class_name": "Model", "config": {"name": "dtln", "layers": layers, **ends}})


if __name__ == "__main__":
    sys.stdout.write(architecture(norm="--norm" in sys.argv[1:]) + "\n")
