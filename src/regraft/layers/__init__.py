"""The catalogue: one class a layer type, one file a family. Common families are imported at once, rarer ones on demand."""

# pyright: reportUnusedImport=false

from regraft.layers import (  # noqa: F401 - importing a family fills the catalogue
    activation_layers,
    concatenate,
    conv,
    dense,
    global_pooling,
    inputs,
    merging,
    model,
    normalization,
    padding,
    pooling,
    regularization,
    reshaping,
)
from regraft.layers.base import ALIASES, CATALOGUE, Layer, Weight, build, layer_class, spec_of
from regraft.layers.forbidden import FORBIDDEN
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder, converted
from regraft.layers.settings import Reading, unread_keys
from regraft.layers.stored import Origin, Stored
from regraft.layers.version import KerasVersion


def _load_rest() -> None:
    """Import the families that most models do not need."""
    from regraft.layers import (  # noqa: F401
        activations,
        adaptive_pooling,
        applications,
        arithmetic,
        attention,
        augmentation,
        bidirectional,
        categories,
        contrast,
        conv_lstm,
        cudnn,
        depthwise,
        dot,
        einsum_dense,
        embedding,
        group_normalization,
        gru,
        identity,
        keras_1,
        layer_normalization,
        locally_connected,
        lstm,
        mask_operations,
        masking,
        multi_head_attention,
        preprocessing,
        resizing,
        reversible_embedding,
        rnn,
        simple_rnn,
        spectral_normalization,
        spectrograms,
        time_distributed,
        transposed,
        upsampling,
    )


CATALOGUE.on_demand(_load_rest)
ALIASES.on_demand(_load_rest)

__all__ = [
    "ALIASES",
    "CATALOGUE",
    "FORBIDDEN",
    "Arranged",
    "Arrival",
    "AxisOrder",
    "Carry",
    "Form",
    "KerasVersion",
    "Layer",
    "Origin",
    "Reading",
    "Site",
    "Stored",
    "Weight",
    "build",
    "converted",
    "layer_class",
    "spec_of",
    "unread_keys",
]
