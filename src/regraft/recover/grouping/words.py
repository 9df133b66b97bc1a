"""Words that authors put into layer names, and the layer types they mean: a convention, never more than a hint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regraft.blueprint import Label

#: Stands for the number of spatial axes in the type of a word: ``MaxPooling#D``.
RANK = "#"
#: Words for activation functions, under the names Keras gives the functions.
FUNCTIONS = {
    "relu": "relu",
    "sigmoid": "sigmoid",
    "sigm": "sigmoid",
    "tanh": "tanh",
    "softmax": "softmax",
    "selu": "selu",
    "gelu": "gelu",
    "swish": "swish",
    "silu": "swish",
    "softplus": "softplus",
    "softsign": "softsign",
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_swish",
    "mish": "mish",
}
MERGES = ("Concatenate", "Add", "Multiply", "Average", "Maximum", "Dot")


@dataclass(frozen=True)
class Word:
    """
    What a word means.

    Attributes:
        types: Layer types, likeliest first; ``#`` is the number of spatial axes.
        label: How far the word is to be trusted: ``supported`` where hardly anybody means something else by it.
        settings: Settings that it states too.
    """

    types: tuple[str, ...]
    label: Label = "assumed"
    settings: Mapping[str, str | float] = field(default_factory=dict)


#: Rows of the table: the words, the types they mean, and whether hardly anybody means another one.
ROWS: tuple[tuple[str, str, bool], ...] = (
    # ---- layers that hold variables; the shapes have the last word
    ("conv conv#d cnv convolution cnn pointwise pw pwconv proj projection bottleneck branch expand squeeze reduce",
     "Conv#D SeparableConv#D Conv#DTranspose DepthwiseConv#D Dense", True),
    ("depthwise dw dwconv depthwiseconv", "DepthwiseConv#D SeparableConv#D", True),
    ("sepconv separable separableconv sep", "SeparableConv#D", True),
    ("deconv upconv convtranspose transposedconv transposeconv tconv convt transposed",
     "Conv#DTranspose Conv#D UpSampling#D", True),
    ("fc dense linear logits hidden head classifier regressor mlp", "Dense Conv#D", True),
    ("predictions prediction pred preds output out outputs probs prob score scores",
     "Dense Conv#D TimeDistributed Activation", False),
    ("emb embed embedding embeddings lookup wordvec word2vec glove", "Embedding", True),
    ("bn batchnorm batchnormalization bnorm batchnormalisation", "BatchNormalization", True),
    ("norm normalization normalize", "BatchNormalization LayerNormalization GroupNormalization Normalization", False),
    ("ln layernorm", "LayerNormalization", True),
    ("gn groupnorm", "GroupNormalization", True),
    ("rmsnorm", "RMSNormalization", True),
    ("layerscale", "LayerScale", True),
    ("lstm", "LSTM CuDNNLSTM Bidirectional", True),
    ("gru", "GRU CuDNNGRU Bidirectional", True),
    ("rnn recurrent", "SimpleRNN LSTM GRU Bidirectional RNN", False),
    ("bilstm blstm bigru bidir bidirectional birnn bi", "Bidirectional", True),
    ("convlstm", "ConvLSTM2D", True),
    ("prelu", "PReLU", True),
    ("td timedist timedistributed", "TimeDistributed", True),
    ("attention attn mha selfattention multihead", "MultiHeadAttention Attention", False),
    # ---- layers without variables
    ("input inputs in img image images data tokens ids", "InputLayer", False),
    ("flatten flat flattened", "Flatten", True),
    ("dropout drop do dropped", "Dropout SpatialDropout#D", True),
    ("spatialdropout", "SpatialDropout#D", True),
    ("noise gaussiannoise", "GaussianNoise", True),
    ("maxpool maxpooling mp", "MaxPooling#D", True),
    ("pool pooling subsample downsample down", "MaxPooling#D AveragePooling#D", False),
    ("avgpool averagepool averagepooling avgpooling", "AveragePooling#D GlobalAveragePooling#D", False),
    ("gap globalavgpool globalaveragepool globalpool globalavg", "GlobalAveragePooling#D", True),
    ("gmp globalmaxpool globalmax", "GlobalMaxPooling#D", True),
    ("up upsample upsampling upscale unpool", "UpSampling#D", True),
    ("pad padding zeropad zeropadding", "ZeroPadding#D", True),
    ("crop cropping", "Cropping#D", True),
    ("concat concatenate concatenation cat joined", "Concatenate", True),
    ("merge merged join mixed fusion fuse", "Concatenate Add", False),
    ("add added sum plus", "Add", True),
    ("residual shortcut skip", "Add Concatenate", False),
    ("mul multiply multiplied product gate excite", "Multiply", False),
    ("avg average mean", "Average GlobalAveragePooling#D AveragePooling#D", False),
    ("max maximum", "Maximum MaxPooling#D", False),
    ("min minimum", "Minimum", False),
    ("sub subtract diff difference", "Subtract", False),
    ("dot cosine", "Dot", False),
    ("reshape reshaped", "Reshape", True),
    ("permute transpose", "Permute", False),
    ("repeat repeatvector", "RepeatVector", False),
    ("mask masking", "Masking", False),
    ("rescale rescaling", "Rescaling", False),
    ("resize resizing", "Resizing UpSampling#D", False),
    ("leaky leakyrelu lrelu", "LeakyReLU", True),
    ("elu", "ELU Activation", False),
    ("act activation actv nonlinearity nonlin", "Activation", False),
    ("lambda", "Lambda", True),
)  # fmt: skip


def table() -> dict[str, Word]:
    """The meaning of every word."""
    found: dict[str, Word] = {}
    for words, types, sure in ROWS:
        meaning = Word(tuple(types.split()), "supported" if sure else "assumed")
        found.update((word, meaning) for word in words.split())
    for word, function in FUNCTIONS.items():
        types = {"relu": ("Activation", "ReLU"), "softmax": ("Activation", "Softmax")}.get(function, ("Activation",))
        found[word] = Word(types, "assumed", {"activation": function})
    found["relu6"] = Word(("ReLU",), "assumed", {"max_value": 6.0})
    return found


WORDS = table()
