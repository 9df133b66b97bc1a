"""The catalogue: one class a layer type, one file a family. Importing this package fills it."""

from regraft.layers import activations, dense, inputs, merging, model, normalization, reshaping
from regraft.layers.base import ALIASES, CATALOGUE, Layer, Weight, build, layer_class, spec_of
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder, converted
from regraft.layers.settings import Reading, unread_keys
from regraft.layers.stored import Origin, Stored
from regraft.layers.version import KerasVersion

__all__ = [
    "ALIASES", "CATALOGUE", "Arranged", "Arrival", "AxisOrder", "Carry", "Form", "KerasVersion", "Layer", "Origin",
    "Reading", "Site", "Stored", "Weight", "activations", "build", "converted", "dense", "inputs", "layer_class",
    "merging", "model", "normalization", "reshaping", "spec_of", "unread_keys",
]
