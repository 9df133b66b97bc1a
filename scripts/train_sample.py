"""
Train the sample model that ships with regraft, with the real Keras, and store it in every dialect the demo needs.

    python scripts/train_sample.py [--out src/regraft/samples] [--epochs 40]

Needs the extras ``oracle`` and ``dev``. The network is small but has the joints where a conversion goes wrong:
a strided ``same`` convolution on an even size (TensorFlow pads one side only), BatchNormalization without and with a
bias before it, a residual sum, a Flatten of a (2, 4, 20) map (three different lengths, so that no two axes can be
mistaken for each other), and layer names of which the user gave some and Keras the others.

Files written (all without optimizer state):
    digits.h5                    whole model, the HDF5 form of Keras 3
    digits.keras                 whole model, Keras 3 archive
    digits.weights.h5            weights alone, Keras 3
    digits_legacy_weights.h5     weights alone, by tf-keras (Keras 2) on the same network
    digits_images.npz            16 test images (16, 8, 8, 1) float32 in 0..1, and their labels (16,)
    digits.json                  how it was made, and what Keras answers on the 16 images
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 20
SHIPPED = 16
"""Number of test images that ship."""
SHIPPED_WRONG = 2
"""How many of them Keras gets wrong: a faithful conversion repeats the mistakes of its source."""


def build(k: Any) -> Any:
    """
    Give the network, untrained.

    Args:
        k: ``keras`` (3) or ``tf_keras`` (2): both know these layers by the same names.

    Returns:
        A functional model from (batch, 8, 8, 1) to (batch, 10) probabilities.
    """
    layers = k.layers
    image = k.Input((8, 8, 1), name="image")
    x = layers.Conv2D(12, 3, padding="same", use_bias=False, name="stem")(image)
    x = layers.BatchNormalization(name="stem_bn")(x)
    trunk = layers.ReLU()(x)  # (8, 8, 12)
    x = layers.Conv2D(12, 3, padding="same")(trunk)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(12, 3, padding="same", name="residual_conv")(x)
    x = layers.Add(name="skip")([trunk, x])
    x = layers.Conv2D(20, 3, strides=2, padding="same", activation="relu")(x)  # (4, 4, 20)
    x = layers.MaxPooling2D((2, 1))(x)  # (2, 4, 20)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Dense(32, activation="relu")(x)
    x = layers.Dense(10, activation="softmax", name="digit")(x)
    return k.Model(image, x, name="digits")


def fresh(k: Any, trained: Any) -> Any:
    """Give an uncompiled model with the weights of ``trained``, and layer names numbered from zero."""
    k.backend.clear_session()
    model = build(k)
    for source, target in zip(trained.layers, model.layers, strict=True):
        target.set_weights(source.get_weights())
    return model


def train(epochs: int, images: np.ndarray, labels: np.ndarray) -> Any:
    """Train the network on images (batch, 8, 8, 1) and labels (batch,), the same way each time."""
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    model = build(keras)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(images, labels, batch_size=64, epochs=epochs, verbose=0)
    print(f"trained {epochs} epochs, last training accuracy {history.history['accuracy'][-1]:.4f}")
    return model


def store(trained: Any, out: Path, images: np.ndarray) -> Any:
    """Write the four model files, read each back with its own Keras, and require the same answers from all."""
    model, old = fresh(keras, trained), fresh(tf_keras, trained)
    model.save(out / "digits.h5")
    model.save(out / "digits.keras")
    model.save_weights(out / "digits.weights.h5")
    old.save_weights(out / "digits_legacy_weights.h5", save_format="h5")

    again = [keras.models.load_model(out / name, compile=False) for name in ("digits.h5", "digits.keras")]
    for k, name in ((keras, "digits.weights.h5"), (tf_keras, "digits_legacy_weights.h5")):
        twin = build(k)
        twin.load_weights(out / name)
        again.append(twin)
    for twin in again:
        np.testing.assert_allclose(twin(images).numpy(), model(images).numpy(), rtol=0, atol=1e-6)
    return model


def write_facts(path: Path, facts: dict[str, Any]) -> None:
    """Write JSON a person can read: one line a fact, one line an image."""
    rows = ",\n".join("    " + json.dumps(row) for row in facts.pop("shipped"))
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in facts.items()]
    path.write_text("\n".join(["{", *lines, '  "shipped": [', rows, "  ]", "}", ""]), encoding="utf-8")


def main() -> None:
    """Train, store, read back, compare, record."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "src" / "regraft" / "samples")
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()

    pixels, labels = load_digits(return_X_y=True)
    images = (pixels.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=0.25, stratify=labels, random_state=SEED
    )
    trained = train(options.epochs, x_train, y_train)
    model = store(trained, options.out, x_test)

    right = model(x_test).numpy().argmax(axis=1) == y_test
    chosen = np.concatenate([np.flatnonzero(right)[: SHIPPED - SHIPPED_WRONG], np.flatnonzero(~right)[:SHIPPED_WRONG]])
    shown, truth = np.ascontiguousarray(x_test[chosen]), y_test[chosen].astype(np.int64)
    answers = model(shown).numpy()
    np.savez_compressed(options.out / "digits_images.npz", images=shown, labels=truth)
    shipped_right = int((answers.argmax(axis=1) == truth).sum())
    write_facts(
        options.out / "digits.json",
        {
            "data": "scikit-learn load_digits, scaled to 0..1 by 1/16",
            "keras": keras.__version__,
            "tf_keras": tf_keras.__version__,
            "tensorflow": tf.__version__,
            "seed": SEED,
            "epochs": options.epochs,
            "parameters": int(model.count_params()),
            "train_images": len(x_train),
            "test_images": len(x_test),
            "test_right": int(right.sum()),
            "test_accuracy": round(float(right.mean()), 6),
            "shipped_right": shipped_right,
            "shipped_accuracy": shipped_right / SHIPPED,
            "shipped": [
                {
                    "test_index": int(index),
                    "label": int(label),
                    "keras_prediction": int(row.argmax()),
                    "keras_probabilities": [round(float(p), 8) for p in row],
                }
                for index, label, row in zip(chosen, truth, answers, strict=True)
            ],
        },
    )
    print(f"right on {right.sum()} of {len(y_test)} test images, on {shipped_right} of the {SHIPPED} that ship")


if __name__ == "__main__":
    main()
