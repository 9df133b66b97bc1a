"""
Some forty typical small models, built and briefly trained as people do, for benchmarks on files nobody tuned on.

    python benchmarks/zoo.py OUT [--only TEXT] [--missing] [--seed 0]

Each is saved whole, as ``.keras`` or legacy ``.h5``, by the real Keras 3 or tf-keras; 16 real inputs of each lie in
``OUT/samples/<name>.npz``. Seeds are fixed by name, the whole set takes a few minutes on one core. The files are not
part of the project. Needs the extras ``oracle`` and ``dev``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

import numpy as np
from benchmarks import zoo_data as data
from benchmarks import zoo_images as images
from benchmarks import zoo_maps as maps
from benchmarks import zoo_sequences as sequences
from benchmarks import zoo_tables as tables

CLASSES, LOGITS = "sparse_categorical_crossentropy", "logits"
YES_NO, NUMBER = "binary_crossentropy", "mse"
SAMPLES = 16
BATCH = 16

#: Inputs and targets; lists of arrays where a model has several.
Data = tuple[Any, Any]


@dataclass(frozen=True)
class Entry:
    """
    One model of the zoo.

    Attributes:
        build: Makes it; its name is the name of the file.
        library: ``keras`` (3) or ``tf_keras`` (2).
        suffix: ``.keras`` or ``.h5``.
        data: Gives inputs and targets; lists where the model has several.
        loss: Of each output.
        epochs: Passes over the data, and one more with a small learning rate, which lets BatchNorm statistics settle.
        trained: Trained in its place, where the model itself cannot be; it has the same weights.
    """

    build: Callable[[Any], Any]
    library: str
    suffix: str
    data: Callable[[], Data]
    loss: Any
    epochs: int = 2
    trained: Callable[[Any], Any] | None = None


def masks(size: int, channels: int, classes: int = 1) -> Data:
    """Images, and where the digit is: 0..1 with one class, else a class number for each pixel."""
    x, _ = data.images(size, 600, channels)
    y = x[..., :1] > 0.3
    return x, y.astype("float32") if classes == 1 else y.astype("int64")


def latent() -> Data:
    """Normal numbers (image, 32) that determine the image (image, 28, 28, 1) in -1..1."""
    y, _ = data.images(28, 1200)
    rng = np.random.default_rng(32)
    z = y.reshape(len(y), -1) @ rng.standard_normal((784, 32))
    return ((z - z.mean(0)) / z.std(0) + 0.3 * rng.standard_normal(z.shape)).astype("float32"), data.centred(y)


def real_or_not() -> Data:
    """Digits in -1..1 and blurred noisy ones, and which is which."""
    x, _ = data.images(28, 1000)
    rng = np.random.default_rng(28)
    real = rng.integers(0, 2, len(x))
    mixed = 0.5 * x + 0.25 * np.roll(x, 2, 1) + 0.25 * np.roll(x, 2, 2) + 0.1 * rng.standard_normal(x.shape)
    return data.centred(np.where(real[:, None, None, None], x, mixed)).astype("float32"), real


def noisy(count: int = 500) -> Data:
    """Images with noise, and without."""
    clean, _ = data.images(24, count)
    rng = np.random.default_rng(24)
    return (clean + 0.2 * rng.standard_normal(clean.shape)).astype("float32"), clean


def centred_images() -> Data:
    """Coloured images in -1..1."""
    x, y = data.images(32, 1500, 3)
    return data.centred(x), y


def images_to_255() -> Data:
    """Coloured images in 0..255."""
    x, y = data.images(32, 1000, 3)
    return x * 255, y


def copied(x: np.ndarray) -> Data:
    """Inputs that are their own targets."""
    return x, x


def flat_digits() -> Data:
    """Digits as rows of 64."""
    x, y = data.digits()
    return x.reshape(-1, 64), y


def pairs_of_images() -> Data:
    """Two images, and whether they show the same digit."""
    x, labels = data.images(16, 1200)
    other = np.roll(np.argsort(labels, kind="stable"), 1)[np.argsort(np.argsort(labels, kind="stable"))]
    other[::2] = np.random.default_rng(2).permutation(len(x))[: len(other[::2])]
    return [x, x[other]], (labels == labels[other]).astype("int64")


def picture_and_facts() -> Data:
    """An image and six numbers; a label and a number."""
    x, labels = data.images(16, 1000)
    rng = np.random.default_rng(6)
    facts = rng.standard_normal((len(x), 6)).astype("float32")
    return [x, facts], [labels, (facts[:, 0] + x.mean((1, 2, 3)) * 3).astype("float32")]


def state_and_action() -> Data:
    """States of 8 numbers, actions of 2, and a value."""
    rng = np.random.default_rng(8)
    state, action = rng.standard_normal((1500, 8)).astype("float32"), rng.uniform(-1, 1, (1500, 2)).astype("float32")
    return [state, action], (np.sin(state[:, 0]) + state[:, 1:3].prod(1) * action[:, 0] - action[:, 1] ** 2)


def faces() -> Data:
    """Images, a label, and a box of four numbers."""
    x, labels = data.images(24, 1200, 3)
    rows, columns = x[..., 0].max(2), x[..., 0].max(1)
    box = np.stack([rows.argmax(1), columns.argmax(1), rows[:, ::-1].argmax(1), columns[:, ::-1].argmax(1)], 1) / 24
    return x, [labels, box.astype("float32")]


def wine_and_value() -> Data:
    """Rows of 13 numbers, a class, and a value."""
    x, y = data.table("wine")
    return x, [y, x[:, :3].sum(1)]


def lines_of_text() -> Data:
    """Images (500, 16, 64, 1) of seven digits, and a label for each of 16 columns."""
    small, labels = data.digits()
    rng = np.random.default_rng(64)
    chosen = rng.integers(0, len(small), (500, 7))
    x, y = np.zeros((500, 16, 64, 1), "float32"), np.full((500, 16), 10)
    for place in range(7):
        x[:, 4:12, 4 + 8 * place : 12 + 8 * place, 0] = small[chosen[:, place]]
        y[:, 1 + 2 * place : 3 + 2 * place] = labels[chosen[:, place]][:, None]
    return x, y


def positions() -> Data:
    """One-hot sequences (500, 96, 4), and for each place whether a motif begins there."""
    rng = np.random.default_rng(96)
    letters = rng.integers(0, 4, (500, 96))
    y = (letters == 2) & (np.roll(letters, -1, 1) == 3)
    return np.eye(4, dtype="float32")[letters], y.astype("int64") + (y & (np.roll(letters, 1, 1) == 0))


def brightness() -> Data:
    """Wide images, and one number."""
    x, labels = data.images(48, 500, 3)
    return np.concatenate([x, x[:, :, :16]], 2), (labels / 5 - 1).astype("float32")


KERAS, OLD = "keras", "tf_keras"
ZOO: tuple[Entry, ...] = (
    Entry(tables.mlp_dropout, OLD, ".h5", flat_digits, CLASSES, 3),
    Entry(tables.mlp_norm, KERAS, ".keras", flat_digits, CLASSES, 4),
    Entry(tables.mlp_norm_behind, OLD, ".h5", lambda: data.table("breast_cancer"), YES_NO, 8),
    Entry(tables.mlp_tanh_regression, KERAS, ".keras", lambda: data.table("diabetes"), NUMBER, 15),
    Entry(tables.mlp_selu, KERAS, ".h5", lambda: data.table("breast_cancer"), YES_NO, 10),
    Entry(tables.autoencoder_deep, OLD, ".h5", lambda: copied(flat_digits()[0]), NUMBER, 4),
    Entry(tables.actor_critic, KERAS, ".keras", wine_and_value, [CLASSES, NUMBER], 15),
    Entry(tables.siamese, KERAS, ".keras", pairs_of_images, YES_NO, 3),
    Entry(tables.two_in_two_out, KERAS, ".keras", picture_and_facts, [CLASSES, NUMBER], 3),
    Entry(tables.recommender, OLD, ".h5", data.ratings, NUMBER, 5),
    Entry(tables.ddpg_critic, KERAS, ".keras", state_and_action, NUMBER, 4),
    Entry(images.lenet, OLD, ".h5", lambda: data.images(28), CLASSES),
    Entry(images.mnist_cnn, KERAS, ".h5", lambda: data.images(28, 1000), CLASSES),
    Entry(images.vgg_flatten, OLD, ".h5", lambda: data.images(16, 1200, 3), CLASSES),
    Entry(images.vgg_global, KERAS, ".keras", lambda: data.images(16), CLASSES, 3),
    Entry(images.tutorial_cnn, KERAS, ".keras", images_to_255, LOGITS),
    Entry(images.strided_regression, OLD, ".h5", brightness, NUMBER, 3),
    Entry(images.dqn, OLD, ".h5", data.frames, NUMBER, 4),
    Entry(images.resnet, KERAS, ".keras", lambda: data.images(16, 1500), CLASSES, 3),
    Entry(images.resnet_preactivation, OLD, ".h5", lambda: data.images(24, 1200, 3), CLASSES, 3),
    Entry(images.inception, KERAS, ".keras", lambda: data.images(16, 1200, 3), CLASSES, 3),
    Entry(images.squeeze_excite, KERAS, ".h5", lambda: data.images(16, 1500), CLASSES, 3),
    Entry(images.densenet, OLD, ".h5", lambda: data.images(16, 1500), CLASSES, 3),
    Entry(images.mobilenet, KERAS, ".keras", centred_images, CLASSES, 3),
    Entry(images.inverted_residual, KERAS, ".keras", lambda: data.images(24, 1500), CLASSES, 3),
    Entry(images.separable, OLD, ".h5", lambda: data.images(32, 1000), CLASSES, 3),
    Entry(images.channels_first, KERAS, ".keras", lambda: data.images(16, 1200), CLASSES, 3, images.channels_last),
    Entry(images.prelu_heads, OLD, ".h5", faces, [CLASSES, NUMBER], 3),
    Entry(maps.unet, OLD, ".h5", lambda: masks(32, 1), YES_NO),
    Entry(maps.unet_norm, KERAS, ".keras", lambda: masks(32, 3, 2), CLASSES, 5),
    Entry(maps.autoencoder, OLD, ".h5", lambda: copied(data.images(28, 600)[0]), YES_NO),
    Entry(maps.autoencoder_dense, KERAS, ".keras", lambda: copied(data.images(16, 1200)[0]), YES_NO, 3),
    Entry(maps.dcgan_generator, KERAS, ".keras", latent, NUMBER, 3),
    Entry(maps.dcgan_discriminator, OLD, ".h5", real_or_not, YES_NO, 3),
    Entry(maps.denoiser, KERAS, ".keras", noisy, NUMBER, 4),
    Entry(sequences.text_cnn, OLD, ".h5", data.sentences, YES_NO, 3),
    Entry(sequences.text_cnn_widths, KERAS, ".keras", data.sentences, YES_NO, 3),
    Entry(sequences.lstm_classifier, OLD, ".h5", data.sentences, YES_NO, 3),
    Entry(sequences.bidirectional_classifier, KERAS, ".keras", data.sentences, LOGITS + " of one", 2),
    Entry(sequences.tagger, KERAS, ".keras", data.tagged, CLASSES, 3),
    Entry(sequences.gru_series, KERAS, ".keras", lambda: data.waves(800, 30, 3, 4), CLASSES, 3),
    Entry(sequences.lstm_forecast, OLD, ".h5", lambda: data.waves(600, 30, 1, 5), NUMBER, 3),
    Entry(sequences.activity_cnn, OLD, ".h5", lambda: data.waves(1000, 64, 9, 6), CLASSES, 3),
    Entry(sequences.conv_lstm, KERAS, ".keras", lambda: data.waves(1200, 64, 3, 5), CLASSES, 4),
    Entry(sequences.dilated_residual, KERAS, ".keras", positions, CLASSES, 8),
    Entry(sequences.resnet_series, OLD, ".h5", lambda: data.waves(1200, 64, 2, 5), CLASSES, 4),
    Entry(sequences.transformer_series, KERAS, ".keras", lambda: data.waves(800, 48, 3, 5), CLASSES, 3),
    Entry(sequences.transformer_text, KERAS, ".keras", data.sentences, YES_NO, 3),
    Entry(sequences.crnn, KERAS, ".keras", lines_of_text, CLASSES, 3),
)  # fmt: skip


def make(entry: Entry, out: Path, seed: int) -> Path:
    """Build, train and save one model, with some of its inputs."""
    k = __import__(entry.library)
    name = entry.build.__name__
    k.backend.clear_session()
    k.utils.set_random_seed((zlib.crc32(name.encode()) + seed) % 2**31)
    model = (entry.trained or entry.build)(k)
    x, y = entry.data()
    model.compile("adam", losses(k, entry.loss))
    model.fit(x, y, batch_size=BATCH, epochs=entry.epochs, verbose=0)
    rate = model.optimizer.learning_rate
    rate.assign(0.1 * float(rate.numpy()))
    model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    arrays = [a[:SAMPLES] for a in (x if isinstance(x, list) else [x])]
    if entry.trained is not None:
        k.backend.clear_session()
        last, model = model, entry.build(k)
        model.set_weights(last.get_weights())
        arrays = [np.moveaxis(a, -1, 1) for a in arrays]
    file = out / f"{name}{entry.suffix}"
    model.save(file)
    np.savez_compressed(out / "samples" / f"{name}.npz", **{f"input_{i}": a for i, a in enumerate(arrays)})
    return file


def losses(k: Any, names: Any) -> Any:
    """Losses by name; those on logits as objects."""
    if isinstance(names, list):
        return [losses(k, name) for name in names]
    if names == LOGITS:
        return k.losses.SparseCategoricalCrossentropy(from_logits=True)
    return k.losses.BinaryCrossentropy(from_logits=True) if names.startswith(LOGITS) else names


def main() -> None:
    """Make every model, or those whose name contains a text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--missing", action="store_true", help="leave files alone that are there")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other weights of the same models")
    options = parser.parse_args()
    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    (options.out / "samples").mkdir(parents=True, exist_ok=True)
    for entry in ZOO:
        name = entry.build.__name__
        there = (options.out / f"{name}{entry.suffix}").exists()
        if options.only in name and not (options.missing and there):
            started = time.perf_counter()
            file = make(entry, options.out, options.seed)
            print(f"{time.perf_counter() - started:6.1f} s  {file.name}", flush=True)


if __name__ == "__main__":
    main()
