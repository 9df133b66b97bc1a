"""
Files of real Keras with random weights, converted without their architecture: the same model, the same function?

    python benchmarks/families.py --real [--whole] [--names ...] [--form ...] [--kind ...] [--json OUT]

Models of keras.applications are built at a small input size, also with other classes, channels, heads and in larger models,
filled with random numbers, and saved as Keras 3 ``.weights.h5``, as legacy ``.h5`` by Keras 2, and as the list of
``get_weights()`` in an ``.npz``, ordered and shuffled. The statistics of BatchNorms are those of random images. The
architecture is recovered, or with ``--whole`` the file is converted in a process of its own, whose time and peak memory
are measured. The outputs of the recovered model are compared with those of the original, both in float64, and with what
Keras itself computes in float32.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from benchmarks.recovery_memory import memory_peak, memory_restarted
from benchmarks.recovery_run import TOLERANCE, CannotRunError, error_of, runner
from tests.recover.families.files import canonical
from tests.twin import randomise

from regraft import keras_config
from regraft.blueprint import Blueprint, LayerSpec, TensorRef
from regraft.convert import convert
from regraft.errors import RegraftError
from regraft.recovery import recover
from regraft.weights import read

KINDS = ("weights.h5", "legacy", "ordered", "shuffled")
#: Real Keras computes in float32: this much of the largest output is rounding, through hundreds of layers.
ROUNDING = 1e-3


@dataclass(frozen=True)
class Real:
    """One file: the model, how it was saved, and what came back."""

    model: str
    form: str
    kind: str
    found: str = ""
    right: bool = False
    graph: bool = False
    error: float = float("inf")
    keras: float = float("inf")
    seconds: float = 0.0
    memory: float = 0.0
    labels: str = ""
    reason: str = ""

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.reason:
            return "FAILED"
        if self.kind == "shuffled":
            return "graph" if self.graph else "DIFFERENT"
        right = self.error <= TOLERANCE or self.error == self.keras
        return "equal" if right and self.keras <= ROUNDING else "DIFFERENT"


# ---- models: ``k`` is the package, Keras 3 or tf_keras


#: Models whose maps are halved from odd sizes, so that paddings follow the size: these at the published one.
PUBLISHED_SIZES = {"Xception": 299, "NASNetMobile": 224}


def size_of(name: str) -> int:
    """A small input that every map of the model fits into; a multiple of 32, so that paddings are the published ones."""
    return PUBLISHED_SIZES.get(name, 96 if name.startswith(("Inception", "ConvNeXt")) else 64)


def application(k: Any, name: str, channels: int = 3, **arguments: Any) -> Any:
    """A model of keras.applications."""
    size = size_of(name)
    return getattr(k.applications, name)(weights=None, input_shape=(size, size, channels), **arguments)


def own_head(k: Any, name: str) -> Any:
    """Fine-tuning as in every tutorial: pooling, dropout, classes of its own."""
    body = application(k, name, include_top=False)
    x = k.layers.GlobalAveragePooling2D()(body.output)
    x = k.layers.Dropout(0.3)(x)
    return k.Model(body.input, k.layers.Dense(5, activation="softmax")(x))


def deep_head(k: Any, name: str) -> Any:
    """Two Dense layers behind a Flatten."""
    body = application(k, name, include_top=False)
    x = k.layers.Flatten()(body.output)
    x = k.layers.Dense(64, activation="relu")(x)
    return k.Model(body.input, k.layers.Dense(5, activation="softmax")(x))


def normed_head(k: Any, name: str) -> Any:
    """A BatchNormalization in the head."""
    body = application(k, name, include_top=False)
    x = k.layers.GlobalAveragePooling2D()(body.output)
    x = k.layers.Dense(64, activation="relu")(x)
    x = k.layers.BatchNormalization()(x)
    return k.Model(body.input, k.layers.Dense(5, activation="softmax")(x))


def as_a_layer(k: Any, name: str) -> Any:
    """The backbone as a layer of a Sequential model."""
    size = size_of(name)
    body = application(k, name, include_top=False)
    return k.Sequential(
        [k.Input((size, size, 3)), body, k.layers.GlobalAveragePooling2D(), k.layers.Dropout(0.2),
         k.layers.Dense(5, activation="softmax")]
    )  # fmt: skip


#: Where feature extractors are cut off.
CUTS = {"VGG16": "block3_pool", "ResNet50": "conv4_block6_out", "MobileNetV2": "block_13_expand_relu",
        "DenseNet121": "pool3_relu", "ResNet50V2": "conv3_block4_out", "InceptionV3": "mixed7",
        "Xception": "add_5", "EfficientNetV2B0": "block5e_add"}  # fmt: skip


def cut(k: Any, name: str) -> Any:
    """A backbone up to a layer in its middle."""
    body = application(k, name, include_top=False)
    found = CUTS.get(name)
    end = body.get_layer(found).output if found in {layer.name for layer in body.layers} else None
    if end is None:
        end = body.layers[len(body.layers) * 2 // 3].output
    return k.Model(body.input, end)


def cut_with_head(k: Any, name: str) -> Any:
    """A backbone up to a layer in its middle, with a head."""
    body = cut(k, name)
    x = k.layers.GlobalAveragePooling2D()(body.output)
    return k.Model(body.input, k.layers.Dense(5, activation="softmax")(x))


#: The maps that a decoder joins, deepest first, and the end of the encoder.
SKIPS = {
    "VGG16": ("block5_pool", "block5_conv3", "block4_conv3", "block3_conv3", "block2_conv2"),
    "MobileNetV2": ("block_16_project", "block_13_expand_relu", "block_6_expand_relu", "block_3_expand_relu",
                    "block_1_expand_relu"),
    "ResNet50": ("conv5_block3_out", "conv4_block6_out", "conv3_block4_out", "conv2_block3_out", "conv1_relu"),
}  # fmt: skip


def unet(k: Any, name: str) -> Any:
    """A U-Net over a backbone, as tutorials build it."""
    body = application(k, name, include_top=False)
    last, *skips = SKIPS[name]
    x = body.get_layer(last).output
    for i, skip in enumerate(skips):
        width = 128 >> i
        x = k.layers.Conv2DTranspose(width, 3, strides=2, padding="same", activation="relu")(x)
        x = k.layers.Concatenate()([x, body.get_layer(skip).output])
        x = k.layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    x = k.layers.Conv2DTranspose(2, 3, strides=2, padding="same", activation="softmax")(x)
    return k.Model(body.input, x)


FORMS: dict[str, Callable[[Any, str], Any]] = {
    "published": application,
    "7 classes": lambda k, n: application(k, n, classes=7),
    "4 channels": lambda k, n: application(k, n, channels=4),
    "no top": lambda k, n: application(k, n, include_top=False),
    "own head": own_head,
    "deep head": deep_head,
    "normed head": normed_head,
    "as a layer": as_a_layer,
    "cut": cut,
    "cut with head": cut_with_head,
    "unet": unet,
}
NAMES = (
    "MobileNetV2 ResNet50V2 DenseNet121 EfficientNetV2B0 MobileNetV3Small NASNetMobile ConvNeXtTiny Xception InceptionV3 "
    "VGG16"
).split()


# ---- files


def saved(name: str, form: str, kinds: list[str], folder: Path) -> Iterator[tuple[str, Path]]:
    """The files of one model, each with ``truth.json`` and ``truth.npz`` beside it for as long as it is looked at."""
    import keras

    if set(kinds) - {"legacy"}:
        keras.backend.clear_session()
        model = FORMS[form](keras, name)
        trained(model)
        file = folder / "m.weights.h5"
        model.save_weights(file)
        told(model, file, folder)
        if "weights.h5" in kinds:
            yield "weights.h5", file
        arrays = model.get_weights()
        del model
        if "ordered" in kinds:
            np.savez(folder / "m.npz", *arrays)
            yield "ordered", folder / "m.npz"
        if "shuffled" in kinds:
            order = np.random.default_rng(0).permutation(len(arrays))
            np.savez(folder / "m.npz", *(arrays[i] for i in order))
            yield "shuffled", folder / "m.npz"
        del arrays
    if "legacy" in kinds:
        import tf_keras

        tf_keras.backend.clear_session()
        model = FORMS[form](tf_keras, name)
        trained(model)
        model.save_weights(folder / "m.h5")
        told(model, folder / "m.h5", folder)
        yield "legacy", folder / "m.h5"


def trained(model: Any) -> None:
    """Random numbers for all variables, and for BatchNorms the statistics that random images give with them."""
    randomise(model)
    norms = [layer for layer in model._flatten_layers() if "BatchNormalization" in type(layer).__name__]
    kept = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    shape = [size or 64 for size in model.input_shape[1:]]
    if norms:
        model(np.random.default_rng(2).uniform(-1, 1, (8, *shape)).astype("float32"), training=True)
    for layer, momentum in zip(norms, kept, strict=True):
        layer.momentum = momentum


def told(model: Any, file: Path, folder: Path) -> None:
    """Write down the architecture, inputs, and what the original and Keras make of them."""
    config = model.to_json()
    (folder / "truth.json").write_text(config, encoding="utf-8")
    rng = np.random.default_rng(1)
    shape = [size or 64 for size in model.input_shape[1:]]
    images = rng.uniform(-1, 1, (2, *shape)).astype("float32").astype("float64")
    found = model(images.astype("float32"), training=False)
    outputs = found if isinstance(found, list | tuple) else [found]
    try:
        original = runner(keras_config.parse(config), read(file))([images])
    except CannotRunError:  # Keras 2 writes some models with operations that only the code of TensorFlow says
        original = tuple(map(np.asarray, outputs))
    np.savez(folder / "truth.npz", images, *original, *map(np.asarray, outputs))


def measured(name: str, form: str, kind: str, file: Path, *, whole: bool) -> Real:
    """One file; the whole conversion in a process of its own."""
    if not whole:
        return Real(name, form, kind, **looked_at(file, whole=False))
    child = [sys.executable, __file__, "--child", str(file)]
    ran = subprocess.run(child, capture_output=True, text=True, check=False, timeout=1800)
    lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return Real(name, form, kind, reason=" ".join(ran.stderr.split())[-300:])
    return Real(name, form, kind, **json.loads(lines[-1]))


# ---- in the child


def looked_at(file: Path, *, whole: bool) -> dict[str, Any]:
    """Convert a file, or only recover its architecture, and compare with the truth beside it."""
    truth = keras_config.parse((file.parent / "truth.json").read_text(encoding="utf-8"))
    with np.load(file.parent / "truth.npz") as kept:
        images, *outputs = (kept[key] for key in kept.files)
    before = 0.0 if whole else memory_restarted()
    begun = time.perf_counter()
    try:
        if whole:
            made = convert(file, file.parent / "out", verify=False, force=True)
            best, tree, family = made.blueprint, made.tree, made.candidates[0].family
        else:
            first = recover(read(file))[0]
            best, tree, family = first.blueprint, first.tree, first.family
    except RegraftError as error:
        return {"reason": f"{type(error).__name__}: {error}"[:300]}
    found: dict[str, Any] = {"seconds": time.perf_counter() - begun, "memory": memory_peak() - before}
    labels = Counter(choice.label for choice in best.choices)
    half = len(outputs) // 2
    try:
        ours = runner(best, tree)([images])
        found |= {"error": error_of(ours, tuple(outputs[:half])), "keras": error_of(ours, tuple(outputs[half:]))}
    except CannotRunError as error:
        found["reason"] = str(error)
    return found | {
        "found": family,
        "graph": canonical(undropped(best)) == canonical(undropped(truth)),
        "labels": " ".join(f"{n} {label}" for label, n in sorted(labels.items())),
    }


def undropped(blueprint: Blueprint) -> Blueprint:
    """A blueprint without dropout, which leaves no trace in a file of arrays."""
    through = {c.layer: c.inputs[0] for c in blueprint.calls if "Dropout" in blueprint.by_name[c.layer].type}

    def source(ref: TensorRef) -> TensorRef:
        return source(through[ref.layer]) if ref.layer in through else ref

    layers = (spec for spec in blueprint.layers if spec.name not in through)
    calls = (replace(c, inputs=tuple(map(source, c.inputs))) for c in blueprint.calls if c.layer not in through)
    return replace(blueprint, layers=tuple(map(inside, layers)), calls=tuple(calls),
                   outputs=tuple(map(source, blueprint.outputs)))  # fmt: skip


def inside(spec: LayerSpec) -> LayerSpec:
    """A layer; if it is a model, without dropout as well."""
    inner = spec.config.get("blueprint")
    return replace(spec, config={"blueprint": undropped(inner)}) if isinstance(inner, Blueprint) else spec


def real(forms: list[str], kinds: list[str], names: list[str], *, whole: bool) -> Iterator[Real]:
    """All files, one after the other."""
    for name in names:
        for form in forms:
            if form == "unet" and name not in SKIPS:
                continue
            with tempfile.TemporaryDirectory(prefix="regraft-families-") as folder:
                for kind, file in saved(name, form, kinds, Path(folder)):
                    row = measured(name, form, kind, file, whole=whole)
                    yield row
                    file.unlink() if kind != "weights.h5" else None


def shown(row: Real) -> str:
    """One line."""
    return (
        f"{row.model:18} {row.form:13} {row.kind:10} {row.verdict:9} {'graph' if row.graph else '     '} "
        f"{row.error:8.1e} {row.keras:8.1e} {row.seconds:5.1f} s {row.memory:5.0f} MB  {row.found or '-'} ({row.labels}) "
        f"{row.reason}"
    )


def main(forms: list[str], kinds: list[str], names: list[str], out: Path | None, *, whole: bool) -> int:
    """Convert all files and print what came of it; 1 if one is neither equal nor honest about it."""
    rows: list[Real] = []
    for row in real(forms, kinds, names, whole=whole):
        rows.append(row)
        print(shown(row), flush=True)
    for kind in kinds:
        own = [row for row in rows if row.kind == kind]
        good = sum(row.verdict in ("equal", "graph") for row in own)
        print(f"{kind}: {good} of {len(own)}; slowest {max((r.seconds for r in own), default=0):.1f} s, "
              f"most memory {max((r.memory for r in own), default=0):.0f} MB")  # fmt: skip
    if out:
        out.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0 if all(row.verdict in ("equal", "graph") for row in rows) else 1


if __name__ == "__main__":
    print(json.dumps(looked_at(Path(sys.argv[2]), whole=True)))
