"""
The layer classes that come with Keras, by name: to tell them from an author's own, and to read default layer names.

Only names, so that ``inspect`` need not bring the catalogue, which says what each of them does. Sources:
``keras/api/layers`` of Keras 3.15, ``tf_keras/layers`` of 2.21, ``keras/layers`` of 1.2, and the two classes that
``keras/src/applications`` defines.
"""

from __future__ import annotations

import re
from functools import cache

MODELS = ("Sequential", "Functional", "Model")

CLASSES = frozenset(
    """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout
    AtrousConvolution1D AtrousConvolution2D Attention AugMix AutoContrast Average AveragePooling1D AveragePooling2D
    AveragePooling3D BatchNormalization BatchNormalizationV1 BatchNormalizationV2 Bidirectional CategoryEncoding
    CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D Conv2DTranspose
    Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose Convolution2D
    Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D Cropping2D Cropping3D CuDNNGRU CuDNNLSTM
    CutMix Deconvolution2D Deconvolution3D Dense DenseFeatures DepthwiseConv1D DepthwiseConv2D Discretization Dot
    Dropout ELU EinsumDense Embedding Equalization Flatten GRU GRUCell GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D
    GlobalMaxPooling3D GroupNormalization GroupQueryAttention GroupedQueryAttention HashedCrossing Hashing Highway
    Identity InputLayer IntegerLookup LSTM LSTMCell LayerNormalization LeakyReLU LocallyConnected1D LocallyConnected2D
    Masking
    MaxNumBoundingBoxes MaxPooling1D MaxPooling2D MaxPooling3D Maximum MaxoutDense MelSpectrogram Merge Minimum MixUp
    MultiHeadAttention Multiply Normalization PReLU ParametricSoftplus Permute Pipeline RMSNormalization RNN
    RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop
    RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHeight RandomHue
    RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear
    RandomTranslation RandomWidth RandomZoom ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding
    SReLU STFTSpectrogram SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D SimpleRNN
    SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization
    StackedRNNCells StringLookup Subtract SyncBatchNormalization TextVectorization ThresholdedReLU TimeDistributed
    TimeDistributedDense UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D
    ZeroPadding3D
    AvgPool1D AvgPool2D AvgPool3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D
    GlobalMaxPool3D MaxPool1D MaxPool2D MaxPool3D
    CustomScaleLayer LayerScale
    SlicingOpLambda TFOpLambda TensorFlowOpLayer
    """.split()
)

FOREIGN = frozenset({"Lambda", "TFSMLayer", "TorchModuleWrapper", "FlaxLayer", "JaxLayer"})
"""Classes of Keras that wrap what is not in the file, or is not data."""


def is_custom(class_name: str, module: str) -> bool:
    """
    Whether what a layer does is code of the author's own, which no file holds.

    Args:
        class_name: As in the architecture.
        module: Where its class comes from; Keras 3 and late versions of 2 say it, else it is empty.

    >>> is_custom("Conv2D", ""), is_custom("Lambda", "keras.layers"), is_custom("Mean", "keras.src.ops.numpy")
    (False, True, False)
    """
    if class_name in FOREIGN:
        return True
    from_keras = module.partition(".")[0] in ("keras", "tf_keras")
    return not from_keras and class_name not in CLASSES and class_name not in MODELS


def class_of(stem: str) -> str:
    """
    The class whose default name is ``stem``, or empty.

    >>> class_of("max_pooling2d"), class_of("convolution2d"), class_of("input"), class_of("stem")
    ('MaxPooling2D', 'Convolution2D', 'InputLayer', '')
    """
    return _by_default_name().get(stem, "")


@cache
def _by_default_name() -> dict[str, str]:
    """``conv2d`` is what Keras 2 and 3 make of ``Conv2D``; Keras 1 wrote ``maxpooling2d``, all small."""
    found = {"input": "InputLayer"}
    for name in (*MODELS, *sorted(CLASSES | FOREIGN)):
        words = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()
        found.setdefault(words, name)
        found.setdefault(name.lower(), name)
    return found


def stem_of(key: str) -> str:
    """
    A default name without its count.

    >>> stem_of("conv2d_12"), stem_of("dense")
    ('conv2d', 'dense')
    """
    return re.sub(r"_\d+$", "", key)
