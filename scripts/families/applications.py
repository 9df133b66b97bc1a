"""
Every model of ``keras.applications`` of Keras 3, in the forms that its arguments give, as records.

    python scripts/families/applications.py OUT.jsonl [TEXT]

Only models whose names contain TEXT.
Models are built with variables that are never filled, so this takes seconds a model and little memory.
"""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
warnings.filterwarnings("ignore")

import keras
from keras.src.backend.common.stateless_scope import StatelessScope
from keras.src.utils import file_utils

sys.path[:0] = [str(Path(__file__).resolve().parent)]
from record import Record, shapes_of, write

CAFFE = "images RGB 0..255 become BGR, minus the mean 103.939, 116.779, 123.68; no scaling"
TF = "images RGB 0..255 are scaled to [-1, 1]: x / 127.5 - 1"
TORCH = "images RGB 0..255 are scaled to [0, 1], minus the mean 0.485, 0.456, 0.406, over 0.229, 0.224, 0.225"
INSIDE = "none: the model takes images RGB 0..255 and scales them itself"
OUTSIDE = "images RGB 0..255 are scaled to [-1, 1] by the caller: built with include_preprocessing=False"
OUTSIDE_MEAN = (
    "images RGB 0..255 are normalised by the caller with the mean and deviation of ImageNet: "
    "built with include_preprocessing=False"
)
#: What ``preprocess_input`` of each family does, by the beginning of its name; the first that fits.
PREPROCESSING = {
    "ResNet50V2": TF, "ResNet101V2": TF, "ResNet152V2": TF, "ResNet": CAFFE, "VGG": CAFFE, "DenseNet": TORCH,
    "ConvNeXt": INSIDE, "EfficientNet": INSIDE, "MobileNetV3": INSIDE, "": TF,
}  # fmt: skip


def builders() -> dict[str, Any]:
    """Every function that builds a model."""
    found = vars(keras.applications).items()
    return {n: f for n, f in sorted(found) if inspect.isfunction(f) and "weights" in inspect.signature(f).parameters}


def forms(name: str, function: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The forms of a family: what they are called, and their arguments."""
    yield "", {}
    if name == "MobileNet":
        yield from ((f"alpha {a}", {"alpha": a}) for a in (0.25, 0.5, 0.75))
    if name == "MobileNetV2":
        yield from ((f"alpha {a}", {"alpha": a}) for a in (0.35, 0.5, 0.75, 1.3, 1.4))
    if name.startswith("MobileNetV3"):
        yield "alpha 0.75", {"alpha": 0.75}
        yield "minimalistic", {"minimalistic": True}
    if name.startswith("EfficientNetB"):
        yield "pretrained", {"weights": "imagenet"}
    if "include_preprocessing" in inspect.signature(function).parameters:
        yield "without preprocessing", {"include_preprocessing": False}
    if name.startswith("EfficientNetV2B"):
        yield "input channels other than 3", {"channels": 4}


def build(function: Any, channels: int = 3, size: tuple[int, int] | None = None, **arguments: Any) -> Any:
    """One model whose variables have shapes and no values."""
    size = size or default_size(function)
    keras.backend.clear_session()
    arguments = {"weights": None, "input_shape": (*size, channels), **arguments}
    with StatelessScope(initialize_variables=False):
        return function(**arguments)


#: Sizes that stay odd, and even, when they are halved five times, rounded up.
ODD, EVEN = (385, 257), (512, 256)
SIZES: dict[str, tuple[int, int]] = {}


def default_size(function: Any) -> tuple[int, int]:
    """The published input size: what the model takes when none is given."""
    name = function.__name__
    if name not in SIZES:
        with StatelessScope(initialize_variables=False):
            SIZES[name] = function(weights=None).input_shape[1:3]
    return SIZES[name]


def record(name: str, function: Any, variant: str, arguments: dict[str, Any]) -> Record:
    """One form of one family."""
    model = build(function, **arguments)
    body = build(function, include_top=False, **arguments)
    resized = [build(function, include_top=False, size=size, **arguments).to_json() for size in (ODD, EVEN)]
    preprocessing = next(text for start, text in PREPROCESSING.items() if name.startswith(start))
    if not arguments.get("include_preprocessing", True):
        preprocessing = OUTSIDE if name.startswith("MobileNet") or name[-1] in "SML" else OUTSIDE_MEAN
    height, width = default_size(function)
    return Record(
        "keras.applications",
        ".".join(keras.__version__.split(".")[:2]),
        name,
        variant,
        model.to_json(),
        shapes_of(model),
        body=body.to_json(),
        body_shapes=shapes_of(body),
        resized=resized,
        preprocessing=preprocessing,
        inputs=f"published for {height} x {width}",
    )


def main() -> None:
    """Build every form of every family."""
    # Weights named "imagenet" change how EfficientNet is built; they are neither fetched nor loaded here.
    file_utils.get_file = lambda *_, **__: ""
    keras.Model.load_weights = lambda *_, **__: None
    records: list[Record] = []
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    for name, function in builders().items():
        for variant, arguments in forms(name, function) if wanted in name else ():
            records.append(record(name, function, variant, arguments))
            print(name, variant, len(records[-1].shapes), flush=True)
    write(Path(sys.argv[1]), records)


if __name__ == "__main__":
    main()
