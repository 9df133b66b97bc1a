"""Small models of Keras 3 and tf-keras that between them show every shape of graph, with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.twin import randomise


def save(model: Any, path: Path) -> Path:
    """Random weights, then the file."""
    randomise(model, seed=len(path.name))
    model.save(path)
    return path


def nested(k: Any) -> Any:
    """A block used twice, a Sequential inside another, open sizes, two outputs."""
    inner = k.Input((None, None, 5), name="entry")
    x = k.layers.Conv2D(5, 3, padding="same", activation="relu", name="conv")(inner)
    block = k.Model(inner, k.layers.BatchNormalization(name="norm")(x), name="block")
    tail = k.Sequential([k.layers.GlobalAveragePooling2D(name="pool"), k.layers.Dense(7, name="dense")], name="tail")
    image = k.Input((None, None, 3), name="image")
    stem = k.layers.Conv2D(5, 3, strides=2, padding="same", name="stem")(image)
    once = block(stem)
    twice = block(k.layers.MaxPooling2D(2, name="half")(once))
    logits = k.layers.Softmax(name="classes")(tail(twice))
    return k.Model(image, [logits, once], name="nested")


def recurrent(k: Any) -> Any:
    """Keras 2 semantics: an LSTM with hard_sigmoid behind a mask."""
    words = k.Input((None,), dtype="int32", name="words")
    x = k.layers.Embedding(13, 5, mask_zero=True, name="embedding")(words)
    x = k.layers.LSTM(6, recurrent_activation="hard_sigmoid", dropout=0.2, return_sequences=True, name="lstm")(x)
    x = k.layers.Bidirectional(k.layers.GRU(4, reset_after=False), name="both")(x)
    return k.Model(words, k.layers.Dense(3, activation="softmax", name="head")(x), name="recurrent")


def channels_first(k: Any) -> Any:
    """Convolutions that TensorFlow's plain kernels lack in float64."""
    image = k.Input((3, 12, 10), name="image")
    x = k.layers.Conv2D(4, 3, data_format="channels_first", name="conv")(image)
    x = k.layers.BatchNormalization(axis=1, name="norm")(x)
    x = k.layers.Flatten(data_format="channels_first", name="flat")(x)
    return k.Model(image, k.layers.Dense(5, name="head")(x), name="first")


def volume(k: Any) -> Any:
    """3-D pooling, for which TensorFlow has no float64 at all."""
    image = k.Input((8, 6, 10, 2), name="image")
    x = k.layers.Conv3D(3, 3, padding="same", name="conv")(image)
    x = k.layers.MaxPooling3D(2, name="pool")(x)
    return k.Model(image, k.layers.Dense(4, name="head")(k.layers.Flatten(name="flat")(x)), name="volume")


def with_lambda(k: Any, canary: Path) -> Any:
    """A Lambda that leaves a trace when it runs: as the model is made, and never afterwards."""
    target = str(canary)

    def leave(x: Any) -> Any:
        from pathlib import Path as Place

        Place(target).write_text("ran", encoding="utf-8")
        return x * 2

    entry = k.Input((6,), name="entry")
    x = k.layers.Dense(5, activation="relu", name="before")(entry)
    side = k.layers.Dense(3, name="side")(x)
    x = k.layers.Lambda(leave, output_shape=(5,), name="code")(x)
    return k.Model(entry, [k.layers.Dense(2, name="after")(x), side], name="canary")
