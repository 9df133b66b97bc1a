"""
Time the same model in several forms, in turn, in one process.

    python benchmarks/runtime_worker.py NAME FOLDER --against twin|keras|onnx [--contiguous] [--fold]

FOLDER holds what part c made: ``NAME.keras``, ``NAME_torch/model.py`` and ``model.pth``, ``NAME.onnx``. The input is
one array of images (batch, h, w, 3), which the forms that take (batch, 3, h, w) see through ``permute``: all work on the
same memory format. With ``--contiguous`` that view is copied. Everything runs in eval mode without autograd.
The last line that begins with a brace is JSON: seconds of one call by form and round, the largest difference of the
outputs, and how much they differ between images.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import torch
import torch.nn.functional as F  # noqa: N812 - the idiom of PyTorch

BATCH = 8
Call = Callable[[], torch.Tensor]


def emitted(folder: Path) -> torch.nn.Module:
    """The converted model, loaded as its file says."""
    space: dict[str, Any] = {"__name__": "model"}
    exec(compile((folder / "model.py").read_text(encoding="utf-8"), "model.py", "exec"), space)  # noqa: S102 - our own output
    model = space["Model"]()
    model.load_state_dict(torch.load(folder / "model.pth", weights_only=True))
    return model.eval()


def plain_twin(name: str, folder: Path, ours: torch.nn.Module, image: torch.Tensor) -> Call:
    """The hand-written model, with the weights of ours."""
    from twins import twin_of

    twin = twin_of(ours, name, image, ours(image).shape[1])
    return lambda: twin(image)


def keras_on_torch(name: str, folder: Path, ours: torch.nn.Module, image: torch.Tensor) -> Call:
    """Keras itself on its torch backend; called directly, which is faster than ``predict``."""
    import keras

    model = keras.models.load_model(folder / f"{name}.keras", compile=False)
    last = image.permute(0, 2, 3, 1)
    return lambda: model(last, training=False)


def onnx_to_torch(name: str, folder: Path, ours: torch.nn.Module, image: torch.Tensor) -> Call:
    """The ONNX file of tf2onnx, made a module by onnx2torch."""
    # Beside a CPU build of torch the published torchvision fails when it registers operators that nothing here uses.
    sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")
    import onnx2torch

    model = onnx2torch.convert(str(folder / f"{name}.onnx")).eval()
    last = image.permute(0, 2, 3, 1)
    return lambda: model(last)


def folded(model: torch.nn.Module) -> torch.nn.Module:
    """The model with each BatchNorm folded into its convolution, by PyTorch's own means."""
    from torch.fx.experimental.optimization import fuse

    return fuse(model)


OTHERS = {"twin": plain_twin, "keras": keras_on_torch, "onnx": onnx_to_torch}


def seconds(call: Call) -> float:
    """Time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@torch.inference_mode()
def main() -> None:
    """Load both forms, compare their outputs, time them in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--against", choices=OTHERS, required=True)
    parser.add_argument("--contiguous", action="store_true", help="images in PyTorch's default memory format")
    parser.add_argument("--fold", action="store_true", help="fold the BatchNorms of our model, as ONNX tools do")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=7, help="at least so many calls of each form")
    parser.add_argument("--seconds", type=float, default=25, help="and go on for so long")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(8)
    # Smooth images: white noise would look alike to a network that averages.
    image = F.interpolate(2 * torch.randn(BATCH, 3, 5, 5), (options.size, options.size), mode="bilinear")
    if not options.contiguous:
        image = image.contiguous(memory_format=torch.channels_last)
    ours = emitted(options.folder / f"{options.name}_torch")
    other = OTHERS[options.against](options.name, options.folder, ours, image)
    ours = folded(ours) if options.fold else ours
    calls = {"regraft": lambda: ours(image), options.against: other}
    expected, found = (call() for call in calls.values())
    for call in calls.values():
        seconds(call)
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    start = time.perf_counter()
    while len(rounds["regraft"]) < options.rounds or time.perf_counter() - start < options.seconds:
        # Back and forth, so that a drift of the machine's speed meets both alike.
        for name in list(calls)[:: -1 if len(rounds["regraft"]) % 2 else 1]:
            rounds[name].append(seconds(calls[name]))
    said = {
        "seconds": rounds,
        "difference": float((expected - found).abs().max() / expected.abs().max()),
        "spread": float(expected.std(0).max() / expected.abs().max()),
        "threads": torch.get_num_threads(),
        "memory_format": "contiguous" if options.contiguous else "channels_last",
        "batch": BATCH,
        "size": options.size,
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
