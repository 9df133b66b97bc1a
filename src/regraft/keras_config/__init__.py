"""Keras JSON of versions 1, 2 and 3 as a blueprint, and a blueprint as Keras JSON. Nothing from the JSON is run."""

from regraft.keras_config.dump import caveats, dump
from regraft.keras_config.parse import parse

__all__ = ["caveats", "dump", "parse"]
