"""What a user can give beside a weights-only file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Beside:
    """
    What a user has beside a weights-only file.

    Attributes:
        samples: ``.npy`` or ``.npz`` with real inputs, in Keras order, batch first.
        labels: ``.npy`` with the class number of each sample.
        pairs: Inputs, and the outputs that the original model gave for them.
        settings: Answers to what is open, by subject: ``{"conv2d_3.strides": "2"}``.
        candidates: How many architectures to write; those after the best go to folders of their own.
    """

    samples: Path | None = None
    labels: Path | None = None
    pairs: tuple[Path, Path] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    candidates: int = 1

    @property
    def paths(self) -> dict[str, Path | tuple[Path, ...] | None]:
        """The files that were given, by the option of ``regraft convert`` that names them."""
        return {"--samples": self.samples, "--labels": self.labels, "--pairs": self.pairs}
