"""
Where a layer needs more than its declaration says: values of a setting, what may stand together, what it is given.

A new layer needs a row here only if a setting of it has neither a known name nor a plain type, or if it takes
anything but one tensor.
"""

from __future__ import annotations

from hypothesis import strategies as st
from tests.conformance import attention, preprocessing, recurrent, special
from tests.conformance.augmentations import arguments
from tests.conformance.mending import depthwise, locally, transposed, windows
from tests.conformance.override import Override
from tests.conformance.settings import axes, axis, eighths, none_or, one_of, sizes, states, whole

from regraft.layers import Layer

#: Rows by class name; a class without one has that of the nearest class it derives from.
OVERRIDES: dict[str, Override] = {
    # Windows
    "Windowed": Override(mend=windows),
    "Depthwise": Override(mend=depthwise),
    "Separable": Override(mend=depthwise),
    "Transposed": Override(mend=transposed, settings={"output_padding": none_or(sizes(0, 2))}),
    "Pooling": Override(settings={"strides": none_or(sizes(1, 3))}),
    # Its Keras on a CPU ends the process for one step, or one output step, along any axis (a division by zero).
    "AdaptivePooling": Override(least=2, unsized=False),
    # Keras 3 has no data_format for it.
    "Cropping1D": Override(settings={"data_format": one_of("channels_last")}),
    "UpSampling2D": Override(settings={"interpolation": one_of("nearest", "bilinear", "bicubic")}),
    "Resizing": Override(
        settings={
            "interpolation": one_of("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"),
            "crop_to_aspect_ratio": one_of(False, False, False, True),
        },
        refuses="interpolation '(area|lanczos3|lanczos5)'|aspect ratio",
        unable="interpolation area, lanczos3, lanczos5; crop_to_aspect_ratio, pad_to_aspect_ratio",
    ),
    "RandomCrop": Override(case=special.cropped_to_its_size),
    "CenterCrop": Override(least=8),
    # Elementwise and normalisation
    "Activation": Override(flat=True),
    "Dense": Override(flat=True),
    "ReLU": Override(settings={"max_value": none_or(whole(1, 6))}, flat=True),
    "LeakyReLU": Override(flat=True),
    "PReLU": Override(settings={"shared_axes": special.shared_axes}, flat=True, unsized=False),
    # Keras refuses a mask over other axes than the last.
    "Softmax": Override(settings={"axis": lambda scene: axis(scene) | axes(scene)}, maskable=False),
    "BatchNormalization": Override(settings={"renorm": one_of(False)}, flat=True),
    "GroupNormalization": Override(case=special.in_groups),
    "OverAxes": Override(unsized=False),
    "RMSNormalization": Override(case=special.over_axes),
    "Normalization": Override(case=special.with_statistics, settings={"mean": one_of(None), "variance": one_of(None)}),
    "Rescaling": Override(settings={"scale": eighths(0.125, 3), "offset": eighths(-2, 2)}),
    "LayerScale": Override(case=special.scaled_channels),
    "CustomScaleLayer": Override(inputs=(2, 2), call="list"),
    "Stochastic": Override(flat=True),
    "SpatialDropout": Override(),
    "Dropout": Override(settings={"noise_shape": one_of(None)}, flat=True),
    "AlphaDropout": Override(settings={"noise_shape": one_of(None)}, flat=True),
    # Shapes
    "InputLayer": Override(case=special.an_input, settings={"batch_shape": one_of(None), "dtype": one_of("float32")}),
    "Reshape": Override(case=special.reshaped, settings={"target_shape": one_of(())}),
    "Permute": Override(case=special.permuted, settings={"dims": one_of(())}),
    "RepeatVector": Override(ndim=(2, 2)),
    "Embedding": Override(case=special.looked_up),
    # Several inputs
    "Elementwise": Override(case=special.merged),
    "Subtract": Override(case=special.subtracted),
    "Concatenate": Override(case=special.concatenated),
    "Dot": Override(case=special.multiplied, settings={"axes": one_of(1)}),
    "Arithmetic": Override(case=special.computed),
    "MaskOperation": Override(case=special.of_flags),
    "NotEqual": Override(case=special.compared),
    "Any": Override(case=special.any_flag),
    # Recurrent
    "Recurrent": Override(case=recurrent.run_over_time, settings={"activation": states}),
    "Cell": Override(case=recurrent.cell_over_time, settings={"activation": states}),
    "StackedRNNCells": Override(case=recurrent.cell_over_time, settings={"cells": recurrent.cells}),
    "RNN": Override(case=recurrent.run_over_time, settings={"cell": recurrent.cell}),
    "Bidirectional": Override(
        case=recurrent.both_ways,
        settings={
            "layer": recurrent.recurrent_layer,
            "merge_mode": one_of("concat", "sum", "mul", "ave", None),
            "backward_layer": one_of(None),
        },
    ),
    "TimeDistributed": Override(case=recurrent.at_every_step, settings={"layer": recurrent.inner_layer}),
    "ConvLSTM": Override(
        case=attention.maps_over_time,
        # Keras compiles every channels-first convolution on a CPU, which takes a second each.
        settings={"activation": states, "data_format": one_of(*["channels_last"] * 9, "channels_first")},
        mend=windows,
    ),
    # Attention. Widths of heads have a root that is exact: TensorFlow rounds the others to float32 in a float64 model.
    # Heads of width 1 are left out: where there are as many heads as steps, Keras adds their biases to the steps (as in
    # drawing.sound).
    "Attention": Override(case=attention.of_lists, settings={"score_mode": one_of("dot", "concat")}),
    "AdditiveAttention": Override(case=attention.of_lists),
    "MultiHeadAttention": Override(
        case=attention.of_heads,
        settings={
            "num_heads": whole(1, 4),
            "key_dim": one_of(4, 16),
            "value_dim": none_or(whole(2, 5)),
            "output_shape": one_of((), (5,), (3, 2)),
            "attention_axes": one_of(()),
            "sliding_window": none_or(whole(1, 4)),
        },
    ),
    "GroupQueryAttention": Override(
        case=attention.of_heads,
        settings={
            "head_dim": one_of(4, 16),
            "num_key_value_heads": whole(1, 3),
            "sliding_window": none_or(whole(1, 4)),
        },
    ),
    "EinsumDense": Override(
        case=attention.by_letters,
        settings={"equation": one_of(""), "output_shape": one_of(()), "bias_axes": one_of(None)},
    ),
    "SpectralNormalization": Override(case=attention.normalised, settings={"layer": attention.wrapped}),
    "LocallyConnected": Override(
        settings={"implementation": whole(1, 3)}, mend=locally, unsized=False, refuses="implementation 3"
    ),
    "ReversibleEmbedding": Override(
        case=special.looked_up, settings={"reverse_dtype": one_of(None), "logit_soft_cap": none_or(whole(1, 4))}
    ),
    "ConvertToTensor": Override(case=attention.to_tensor),
    # Preprocessing
    "Discretization": Override(
        case=preprocessing.numbers,
        settings={"bin_boundaries": preprocessing.boundaries, "output_mode": preprocessing.modes},
    ),
    "CategoryEncoding": Override(
        case=preprocessing.categories, settings={"num_tokens": whole(2, 6), "output_mode": preprocessing.encodings}
    ),
    "IntegerLookup": Override(
        case=preprocessing.integers,
        settings={
            "vocabulary": preprocessing.vocabulary,
            "output_mode": preprocessing.modes,
            "max_tokens": one_of(None),
            "num_oov_indices": one_of(1),
            "mask_token": one_of(None),
            "oov_token": one_of(-1),
        },
    ),
    "Contrast": Override(
        case=preprocessing.pixels,
        settings={
            "value_range": one_of((0, 255), (0, 1)),
            "tile_grid_size": one_of((1, 1), (2, 3), (4, 4), (8, 8)),
            "clip_limit": one_of(1.0, 2.0, 4.0),
        },
    ),
    "STFTSpectrogram": Override(
        case=preprocessing.signal,
        settings={
            "mode": one_of("log", "magnitude", "psd", "real", "imag", "angle", "stft"),
            "frame_length": one_of(8, 12, 16),
            "frame_step": one_of(None, 3, 5),
            "fft_length": one_of(None, 16, 32),
            "window": one_of("hann", "hamming", None),
            "scaling": one_of("density", "spectrum", None),
            "padding": one_of("valid", "same"),
        },
    ),
    "MelSpectrogram": Override(
        case=preprocessing.signal,
        settings={
            "fft_length": one_of(32, 64),
            "sequence_stride": one_of(8, 16, 20),
            "sequence_length": one_of(None, 24),
            "window": one_of("hann", "hamming"),
            "sampling_rate": one_of(8000, 16000),
            "num_mel_bins": one_of(4, 9),
            "min_freq": one_of(20.0, 125.0),
            "max_freq": one_of(None, 3000.0),
            "top_db": one_of(80.0, 20.0),
            "mag_exp": one_of(1.0, 2.0),
            "min_power": one_of(1e-10, 1e-5),
            "ref_power": one_of(1.0, 0.5),
        },
    ),
    # Augmentation
    "Augmentation": Override(settings={"settings": arguments}, maskable=False, ndim=(4, 4), channels=st.just(3)),
}


#: Classes that only Keras 1 had, which runs on no Python of today; tests/layers compares them with its formulas.
KERAS_1 = frozenset({"Cosine", "Highway", "MaxoutDense", "ParametricSoftplus", "SReLU"})
#: Classes that tf-keras 2.21 has and cannot build beside Keras 3.
UNBUILDABLE_IN_2 = {"SpectralNormalization": "it makes an InputSpec of Keras 3, which its own base class refuses"}
#: Classes of which real Keras cannot build a model, and why; the test looks whether that still holds.
UNBUILDABLE = {
    "Remasked": "it is no layer of Keras: it stands for what Keras 3 does to the masks of a model inside a model",
    "MaxNumBoundingBoxes": "it takes a dictionary of boxes and labels, not a tensor",
    "Equalization": "Keras gives its input out again as its own symbolic output, and then finds a cycle in the model",
}


def override_of(cls: type[Layer]) -> Override:
    """The row of a class: of its name, or of the nearest class it derives from."""
    return next((OVERRIDES[base.__name__] for base in cls.__mro__ if base.__name__ in OVERRIDES), Override())
