"""A VGG16 as Keras itself writes it: a legacy whole-model file of 550 MB, the same numbers every time."""

from __future__ import annotations

import sys
from pathlib import Path

from measured import run

LARGEST_MB = 25088 * 4096 * 4 / 1e6  # the kernel of fc1

BUILD = """
import os, sys
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
keras.utils.set_random_seed(16)
keras.applications.VGG16(weights=None).save(sys.argv[1])
"""


def vgg16_file(work: Path) -> Path:
    """Path of the file under ``work``; made if it is not there. Needs keras with a backend."""
    target = work / "vgg16.h5"
    if not target.exists():
        unfinished = work / "unfinished_vgg16.h5"
        run([sys.executable, "-c", BUILD, str(unfinished)])
        unfinished.rename(target)
    return target
