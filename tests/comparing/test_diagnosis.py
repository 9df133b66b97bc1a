"""A slice of the diagnosis benchmark: mistakes put into modules by a program, their layer and their cause."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from benchmarks.diagnosis import Built, Outcome, built, faults, outcome
from benchmarks.diagnosis_models import TWINS

from regraft.comparing import compare_models

pytestmark = pytest.mark.oracle

#: Model, layer of Keras, and the mistake as the benchmark calls it.
SLICE = [
    ("bottleneck", "a", "stride at the 3x3"),
    ("bottleneck", "stem_bn", "statistics of the batch"),
    ("bottleneck", "stem_bn", "mean and variance exchanged"),
    ("bottleneck", "stem_bn", "three mistakes at once"),
    ("bottleneck", "b", "kernel turned by 180 degrees"),
    ("bottleneck", "add", "no residual way"),
    ("MobileNet", "stem_relu", "SiLU for ReLU6"),
    ("MobileNet", "depth2", "the border on the other side"),
    ("MobileNet", "depth1_bn", "no normalisation"),
    ("Inception", "average", "the border counted"),
    ("Inception", "join", "joined in the other order"),
    ("U-Net", "up2", "align_corners"),
    ("U-Net", "merge2 (elu)", "another alpha"),
    ("VGG", "flatten", "flattened in the order of Keras"),
    ("VGG", "scale", "x / 255"),
    ("VGG", "fc2", "square weight not transposed"),
    ("siamese", "tower1", "inputs exchanged"),
    ("siamese", "tower1 (relu)", "GELU for ReLU"),
    ("autoencoder", "map", "reshaped in the order of PyTorch"),
    ("autoencoder", "up1", "transposed convolution cropped at the start"),
    ("LSTM", "lstm1", "gates i c f o"),
    ("LSTM", "lstm2", "the first step"),
    ("GRU both ways", "both1", "gates z r h of Keras left as they are"),
    ("GRU both ways", "both2", "last step of both directions"),
    ("text with mask", "lstm", "mask left out"),
    ("text with mask", "embed", "rows off by one"),
    ("transformer", "attention", "scores not divided"),
    ("transformer", "up (gelu)", "GELU by tanh"),
    ("transformer", "head (softmax)", "logits"),
    ("TCN", "conv1", "no border"),
]


@cache
def case(model: str) -> Built:
    with TemporaryDirectory() as folder:
        return built(next(twin for twin in TWINS if twin.name == model), Path(folder))


@pytest.mark.parametrize("model", [twin.name for twin in TWINS])
def test_equal_models_are_called_equal(model: str) -> None:
    found = case(model)
    report = compare_models(found.source, found.module, found.inputs)
    assert (report.status, report.causes, report.first) == ("equal", (), None)
    assert all(row.ok for row in report.rows)


@pytest.mark.parametrize(("model", "layer", "name"), SLICE)
def test_layer_and_cause_are_right(model: str, layer: str, name: str) -> None:
    known = [fault for fault in faults(case(model)) if fault.layers[0] == layer and fault.name == name]
    found = next(one for fault in known if (one := outcome(case(model), fault)))
    assert isinstance(found, Outcome)
    assert found.placed, f"first divergent layer {found.layer}, expected {found.fault.layers}"
    assert found.named, f"cause {found.cause}, expected {found.fault.what}"
