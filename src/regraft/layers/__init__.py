"""The catalogue: one class a layer type, one file a family. Importing this package fills it."""

from regraft.layers import (
    activations,
    bidirectional,
    dense,
    embedding,
    gru,
    inputs,
    lstm,
    masking,
    merging,
    model,
    normalization,
    reshaping,
    simple_rnn,
    time_distributed,
)
from regraft.layers.base import ALIASES, CATALOGUE, Layer, Weight, build, layer_class, spec_of
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder, converted
from regraft.layers.settings import Reading, unread_keys
from regraft.layers.stored import Origin, Stored
from regraft.layers.version import KerasVersion

__all__ = [
    "ALIASES", "Arranged", "Arrival", "AxisOrder", "CATALOGUE", "Carry", "Form", "KerasVersion", "Layer", "Origin",
    "Reading", "Site", "Stored", "Weight", "activations", "bidirectional", "build", "converted", "dense", "embedding",
    "gru", "inputs", "layer_class", "lstm", "masking", "merging", "model", "normalization", "reshaping", "simple_rnn",
    "spec_of", "time_distributed", "unread_keys",
]
