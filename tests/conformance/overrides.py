"""
Where a layer needs more than its declaration says: values of a setting, what may stand together, what it is given.

A new layer needs a row here only if a setting of it has neither a known name nor a plain type, or if it takes
anything but one tensor.
"""

from __future__ import annotations

from hypothesis import strategies as st
from tests.conformance import attention, recurrent, special
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
    "GroupedQueryAttention": Override(
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
    # Augmentation
    "Augmentation": Override(settings={"settings": arguments}, maskable=False, ndim=(4, 4), channels=st.just(3)),
}


#: Classes that only Keras 1 had, which runs on no Python of today; tests/layers compares them with its formulas.
KERAS_1 = frozenset({"Cosine", "Highway", "MaxoutDense", "ParametricSoftplus", "SReLU"})
#: Classes that tf-keras 2.21 has and cannot build beside Keras 3.
UNBUILDABLE_IN_2 = {"SpectralNormalization": "it makes an InputSpec of Keras 3, which its own base class refuses"}
#: Classes of which real Keras cannot build a model, and why; the test looks whether that still holds.
UNBUILDABLE = {
    "Equalization": "Keras gives its input out again as its own symbolic output, and then finds a cycle in the model",
}


def override_of(cls: type[Layer]) -> Override:
    """The row of a class: of its name, or of the nearest class it derives from."""
    return next((OVERRIDES[base.__name__] for base in cls.__mro__ if base.__name__ in OVERRIDES), Override())
