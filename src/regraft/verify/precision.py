"""
How exact a float64 comparison can be, layer by layer.

TensorFlow keeps some constants in float32 even inside a float64 model, and resizes images in float32. What comes
out of such layers, and everything behind them, gets a wider limit. Measured with keras 3.15.1 and tf-keras 2.21.0
against the exact formulas: LeakyReLU 1e-8, gelu 2e-9, ReLU(max_value=0.7) 2e-8, Rescaling 4e-8, Normalization with
mean and variance in its config 2e-8; MobileNetV3's rescaling to [-1, 1], where values cancel, 1.2e-7. Bilinear
UpSampling2D 6e-8, Resizing 4e-7. All other activations, poolings, normalisations and recurrent layers: below 1e-15.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from regraft.blueprint import Blueprint, LayerSpec
from regraft.verify.steps import Path, steps

EXACT = 1e-10
#: Behind constants that TensorFlow rounds to float32.
ROUNDED_CONSTANTS = 1e-6
#: Behind layers that TensorFlow computes in float32.
SINGLE_PRECISION = 5e-6
FLOAT32_STEP = 2e-7
#: How many times Keras' own float32 error ours may be.
MARGIN = 8.0
#: The limit of a float32 comparison that has no float64 beside it.
FLOAT32_ALONE = 2e-4

ACTIVATIONS = frozenset({"leaky_relu", "gelu", "gelu_tanh"})
CONSTANTS = frozenset(
    "LeakyReLU Rescaling Normalization Attention AdditiveAttention MultiHeadAttention GroupQueryAttention GaussianNoise "
    "Discretization".split()
)
RESIZING = frozenset("UpSampling2D Resizing".split())
SINGLE = frozenset("CenterCrop MelSpectrogram STFTSpectrogram ContrastLimitedAdaptiveHistogramEqualization".split())

GATES = (
    f"float64: max|d| <= {EXACT:g} max|y| ({ROUNDED_CONSTANTS:g} behind constants that TensorFlow keeps in float32, "
    f"{SINGLE_PRECISION:g} behind float32 resizing); float32: max|d| <= {MARGIN:g} x Keras' own float32 error, at least "
    f"{FLOAT32_STEP:g} max|y|"
)


def limit(spec: LayerSpec) -> float:
    """What the float64 error of one layer may be, given exact inputs."""
    if spec.type in SINGLE or (spec.type in RESIZING and spec.config.get("interpolation", "bilinear") != "nearest"):
        return SINGLE_PRECISION
    if spec.type in CONSTANTS or any(text in ACTIVATIONS for text in texts(spec)):
        return ROUNDED_CONSTANTS
    if spec.type == "ReLU" and any(
        spec.config.get(key) not in (None, 0, 0.0, 6, 6.0) for key in ("max_value", "negative_slope")
    ):
        return ROUNDED_CONSTANTS
    return EXACT


def texts(value: object) -> Iterator[str]:
    """Every string in the settings of a layer, those of wrapped layers included; nested models are steps of their own."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, LayerSpec):
        yield from texts(value.config)
        if value.type in CONSTANTS:
            yield "leaky_relu"
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item)


def limits(blueprint: Blueprint) -> dict[Path, float]:
    """The float64 limit of every layer: its own, or a wider one that reaches it."""
    found: dict[Path, float] = {}
    for step in steps(blueprint):
        reached = max((found.get(parent, EXACT) for parent in step.parents), default=EXACT)
        found[step.path] = max(found.get(step.path, EXACT), limit(step.spec), reached)
    return found
