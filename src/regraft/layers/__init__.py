"""The catalogue: one class a layer type, one file a family. Importing this package fills it."""

from regraft.layers import (
    activations,
    adaptive_pooling,
    bidirectional,
    conv,
    dense,
    depthwise,
    embedding,
    global_pooling,
    gru,
    inputs,
    lstm,
    mask_operations,
    masking,
    merging,
    model,
    normalization,
    padding,
    pooling,
    reshaping,
    resizing,
    simple_rnn,
    time_distributed,
    transposed,
    upsampling,
)
from regraft.layers.base import ALIASES, CATALOGUE, Layer, Weight, build, layer_class, spec_of
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder, converted
from regraft.layers.settings import Reading, unread_keys
from regraft.layers.stored import Origin, Stored
from regraft.layers.version import KerasVersion

__all__ = [
    "ALIASES", "CATALOGUE", "Arranged", "Arrival", "AxisOrder", "Carry", "Form", "KerasVersion", "Layer", "Origin",
    "Reading", "Site", "Stored", "Weight", "activations", "adaptive_pooling", "bidirectional", "build", "conv",
    "converted", "dense", "depthwise", "embedding", "global_pooling", "gru", "inputs", "layer_class", "lstm",
    "mask_operations", "masking", "merging", "model", "normalization", "padding", "pooling", "reshaping", "resizing", "simple_rnn",
    "spec_of", "time_distributed", "transposed", "unread_keys", "upsampling",
]
