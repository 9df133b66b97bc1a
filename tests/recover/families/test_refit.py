from __future__ import annotations

import pytest
from tests.recover.families.models import member, model

from regraft.blueprint import LayerSpec
from regraft.layers.walk import model_shapes
from regraft.recover.families.library import index, published
from regraft.recover.families.refit import default_config, misfits, padded, refitted, resettled, with_input

CONV = LayerSpec("c", "Conv2D", default_config("Conv2D", {"filters": 8, "kernel_size": (3, 3), "strides": (2, 2)}))
PAD = LayerSpec("p", "ZeroPadding2D", default_config("ZeroPadding2D", {"padding": ((0, 1), (0, 1))}))

RESETTLED = [
    (CONV, ((5, 1, 3, 12), (12,)), {"filters": 12, "kernel_size": (5, 1), "strides": (2, 2)}),
    (LayerSpec("d", "Dense", default_config("Dense", {"units": 3})), ((9, 4), (4,)), {"units": 4}),
    (
        LayerSpec("w", "DepthwiseConv2D", default_config("DepthwiseConv2D", {"kernel_size": (3, 3)})),
        ((5, 5, 7, 2),),
        {"kernel_size": (5, 5), "depth_multiplier": 2},
    ),
    (
        LayerSpec("t", "Conv2DTranspose", default_config("Conv2DTranspose", {"filters": 2, "kernel_size": (2, 2)})),
        ((4, 3, 6, 5), (6,)),
        {"filters": 6, "kernel_size": (4, 3)},
    ),
]


@pytest.mark.parametrize(("spec", "shapes", "expected"), RESETTLED, ids=lambda v: getattr(v, "type", ""))
def test_settings_follow_shapes(spec: LayerSpec, shapes: tuple, expected: dict) -> None:
    made = resettled(spec, shapes)
    assert made is not None
    assert {key: made.config[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("kernel", "size", "expected"),
    [((3, 3), (224, 224), ((0, 1), (0, 1))), ((3, 3), (225, 96), ((1, 1), (0, 1))), ((7, 5), (15, 14), ((3, 3), (1, 2))),
     ((5, 5), (None, 9), ((1, 2), (2, 2)))],
)  # fmt: skip
def test_padding_follows_parity(kernel: tuple, size: tuple, expected: tuple) -> None:
    conv = LayerSpec(
        "c", "DepthwiseConv2D", default_config("DepthwiseConv2D", {"kernel_size": kernel, "strides": (2, 2)})
    )
    assert padded(PAD, conv, (None, *size, 8)).config["padding"] == expected


def test_a_published_model_fits_itself_and_not_another_width() -> None:
    truth = model("MobileNetV2")
    shapes = {name: tuple(own) for name, own in truth.shapes.items()}
    assert not misfits(truth.blueprint, model_shapes(truth.blueprint), shapes)
    shapes["block_3_expand"] = ((1, 1, 25, 144),)
    (wrong,) = misfits(truth.blueprint, model_shapes(truth.blueprint), shapes)
    assert wrong == "block_3_expand takes 25 channels, 24 reach it"


def test_constants_for_three_channels_do_not_fit_four() -> None:
    source = published(member("ConvNeXtTiny"))
    made, shapes = refitted(source.blueprint, with_input(source.blueprint, (64, 64, 4)), source.pads)
    assert "3 constants, 4 channels" in misfits(made, shapes, {})[0]


@pytest.mark.oracle
def test_paddings_at_other_sizes_are_those_of_keras() -> None:
    import keras
    from keras.src.backend.common.stateless_scope import StatelessScope

    from regraft import keras_config

    for family, size in (("MobileNetV2", (97, 130)), ("EfficientNetB0", (75, 64)), ("NASNetMobile", (95, 95))):
        keras.backend.clear_session()
        with StatelessScope(initialize_variables=False):
            keras_model = getattr(keras.applications, family)(weights=None, input_shape=(*size, 3), include_top=False)
        truth = keras_config.parse(keras_model.to_json())
        source = published(member(family))
        made, _ = refitted(source.blueprint, with_input(source.blueprint, (*size, 3)), source.pads)
        for name in source.pads:
            assert made.by_name[name].config == truth.by_name[name].config, (family, name)


def test_pads_are_known_where_keras_has_them() -> None:
    assert any(published(m).pads for m in index().members if m.family == "EfficientNetB1")
    assert not published(member("ResNet50")).pads
