"""Keras versions, as far as they change numbers. Source of the differences: the Keras release tags."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class KerasVersion:
    """
    The version that wrote a file.

    ``2.2.4-tf`` and everything from 2.4 on is tf.keras; up to 2.3.1 without the suffix it is the stand-alone Keras.
    """

    major: int
    minor: int = 0
    patch: int = 0
    tf: bool = False

    @classmethod
    def parse(cls, text: str) -> KerasVersion:
        """
        Read a version attribute; an empty one means Keras 1, as in Keras' own loader.

        >>> KerasVersion.parse("2.2.4-tf")
        KerasVersion(major=2, minor=2, patch=4, tf=True)
        """
        numbers = [int(n[:6]) for n in re.findall(r"\d+", text.split("-", maxsplit=1)[0])[:3]]
        if not numbers:
            return cls(1)
        major, minor, patch = (*numbers, 0, 0)[:3]
        return cls(major, minor, patch, tf="tf" in text or (major, minor) >= (2, 4))

    def before(self, major: int, minor: int = 0, patch: int = 0) -> bool:
        """Whether this version is older than the given one."""
        return (self.major, self.minor, self.patch) < (major, minor, patch)

    @property
    def standalone(self) -> bool:
        """Keras 2.3.1 or older, not the one inside TensorFlow."""
        return not self.tf and self.major < 3

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
