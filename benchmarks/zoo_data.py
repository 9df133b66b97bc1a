"""Small data sets on which the zoo is trained: scikit-learn's, and synthetic ones with something to learn."""

from __future__ import annotations

from functools import cache

import numpy as np

VOCABULARY, CLASSES = 500, 10


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """The 1797 digits of scikit-learn: (image, 8, 8) in 0..1, and their labels."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return (pixels.reshape(-1, 8, 8) / 16).astype("float32"), labels.astype("int64")


def images(size: int, count: int = 1797, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """
    Digits on a (size, size) canvas, magnified by a whole number and shifted a little: (count, size, size, channels).

    Further channels are the digit in other colours, each with a brightness of its own.
    """
    small, labels = digits()
    rng = np.random.default_rng(size)
    factor = size // 8
    canvas = np.zeros((count, size, size), "float32")
    large = np.kron(small[:count], np.ones((1, factor, factor), "float32"))
    free = size - 8 * factor
    for place, digit in enumerate(large):
        top, left = rng.integers(0, free + 1, 2)
        canvas[place, top : top + 8 * factor, left : left + 8 * factor] = digit
    tints = np.linspace(1.0, 0.5, channels, dtype="float32") * rng.uniform(0.8, 1.0, (count, 1, 1, channels))
    coloured = canvas[..., None] * tints + 0.05 * rng.standard_normal((count, size, size, channels))
    return np.clip(coloured, 0, 1).astype("float32"), labels[:count]


def centred(array: np.ndarray) -> np.ndarray:
    """Images of 0..1 scaled to -1..1, as many generators and MobileNets want them."""
    return array * 2 - 1


def table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A standardised table of scikit-learn, ``breast_cancer``, ``diabetes`` or ``wine``: (row, feature) and targets."""
    from sklearn import datasets

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    x = ((x - x.mean(0)) / x.std(0)).astype("float32")
    if name == "diabetes":
        return x, ((y - y.mean()) / y.std()).astype("float32")
    return x, y.astype("int64")


def sentences(count: int = 1200, length: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Token numbers (count, length) padded with zeros behind, and whether words of the first or second kind prevail."""
    rng = np.random.default_rng(length)
    labels = rng.integers(0, 2, count)
    tokens = rng.zipf(1.3, (count, length)) % (VOCABULARY - 50) + 50
    hints = rng.random((count, length)) < 0.15
    tokens[hints] = (rng.integers(1, 25, (count, length)) + 25 * labels[:, None])[hints]
    lengths = rng.integers(length // 3, length + 1, count)
    tokens[np.arange(length) >= lengths[:, None]] = 0
    return tokens.astype("int64"), labels.astype("int64")


def tagged(count: int = 600, length: int = 24, tags: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Token numbers (count, length), and a tag for each that depends on the token and the one before it."""
    tokens, _ = sentences(count, length)
    before = np.pad(tokens, ((0, 0), (1, 0)))[:, :-1]
    return tokens, (tokens + (before % 3)) % tags


def waves(count: int, steps: int, features: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy sums of two sines (count, steps, features), and which of ``classes`` frequencies is the main one."""
    rng = np.random.default_rng(steps * features)
    labels = rng.integers(0, classes, count)
    time = np.arange(steps)[None, :, None] / steps
    phases = rng.uniform(0, 2 * np.pi, (count, 1, features))
    main = np.sin(2 * np.pi * (2 + 3 * labels[:, None, None]) * time + phases)
    other = 0.5 * np.sin(2 * np.pi * rng.uniform(1, 9, (count, 1, 1)) * time)
    return (main + other + 0.2 * rng.standard_normal(main.shape)).astype("float32"), labels.astype("int64")


def frames(count: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """Four stacked frames of a bouncing ball (count, 84, 84, 4) in 0..1, and made-up values of four actions."""
    rng = np.random.default_rng(84)
    start, speed = rng.integers(10, 60, (count, 2)), rng.integers(-3, 4, (count, 2))
    x = np.zeros((count, 84, 84, 4), "float32")
    for i in range(count):
        for t in range(4):
            row, column = start[i] + t * speed[i]
            x[i, row : row + 6, column : column + 6, t] = 1
    values = np.stack([speed[:, 0], speed[:, 1], start[:, 0] / 20, start[:, 1] / 20], 1)
    return x, values.astype("float32")


def ratings(count: int = 2000, users: int = 60, items: int = 40) -> tuple[list[np.ndarray], np.ndarray]:
    """Pairs of user and item numbers, each (count, 1), and a rating from a hidden taste of three dimensions."""
    rng = np.random.default_rng(users)
    user, item = rng.integers(0, users, count), rng.integers(0, items, count)
    taste, traits = rng.standard_normal((users, 3)), rng.standard_normal((items, 3))
    score = (taste[user] * traits[item]).sum(1)
    return [user[:, None].astype("int64"), item[:, None].astype("int64")], score.astype("float32")
