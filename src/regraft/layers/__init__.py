"""The catalogue: one class a layer type, one file a family. Importing this package fills it."""

from regraft.layers import (
    activation_layers,
    activations,
    adaptive_pooling,
    applications,
    augmentation,
    bidirectional,
    concatenate,
    conv,
    dense,
    depthwise,
    dot,
    embedding,
    global_pooling,
    group_normalization,
    gru,
    inputs,
    layer_normalization,
    lstm,
    mask_operations,
    masking,
    merging,
    model,
    normalization,
    padding,
    pooling,
    preprocessing,
    regularization,
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
    "ALIASES", "Arranged", "Arrival", "AxisOrder", "CATALOGUE", "Carry", "Form", "KerasVersion", "Layer", "Origin",
    "Reading", "Site", "Stored", "Weight", "activation_layers", "activations", "adaptive_pooling", "applications",
    "augmentation", "bidirectional", "build", "concatenate", "conv", "converted", "dense", "depthwise", "dot",
    "embedding", "global_pooling", "group_normalization", "gru", "inputs", "layer_class", "layer_normalization",
    "lstm", "mask_operations", "masking", "merging", "model", "normalization", "padding", "pooling", "preprocessing",
    "regularization", "reshaping", "resizing", "simple_rnn", "spec_of", "time_distributed", "transposed",
    "unread_keys", "upsampling",
]
