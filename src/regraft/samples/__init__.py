"""
A small trained Keras model that ships with the package, in four dialects, and 16 images to try it on.

``python -m regraft.samples`` lists the files; ``path("digits.h5")`` gives one. How they were made is said in the
README beside them.
"""

from __future__ import annotations

from pathlib import Path

NAMES = (
    "digits.h5",
    "digits.keras",
    "digits.weights.h5",
    "digits_legacy_weights.h5",
    "digits_images.npz",
    "digits.json",
)
"""Every sample file: whole models, weights alone in both dialects, test images, the record of the training."""


def path(name: str) -> Path:
    """
    Find a sample file on this machine.

    Args:
        name: One of ``NAMES``.

    Raises:
        KeyError: If there is no such sample; the message lists those there are.
    """
    if name not in NAMES:
        raise KeyError(f"no sample {name!r}; there are: {', '.join(NAMES)}")
    return Path(__file__).with_name(name)
