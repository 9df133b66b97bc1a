from __future__ import annotations

import lzma

from regraft.blueprint import LayerSpec
from regraft.layers import build
from regraft.layers.walk import model_shapes
from regraft.recover.families.library import DATA, Member, index, published

#: Every function of keras.applications of Keras 3.15 that builds a model.
APPLICATIONS = """
    ConvNeXtBase ConvNeXtLarge ConvNeXtSmall ConvNeXtTiny ConvNeXtXLarge DenseNet121 DenseNet169 DenseNet201 EfficientNetB0
    EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 EfficientNetB5 EfficientNetB6 EfficientNetB7
    EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2L EfficientNetV2M EfficientNetV2S
    InceptionResNetV2 InceptionV3 MobileNet MobileNetV2 MobileNetV3Large MobileNetV3Small NASNetLarge NASNetMobile ResNet101
    ResNet101V2 ResNet152 ResNet152V2 ResNet50 ResNet50V2 VGG16 VGG19 Xception
""".split()


def applications() -> list[Member]:
    return [m for m in index().members if m.package == "keras.applications 3.15"]


def test_every_application_is_there() -> None:
    assert {m.family for m in applications()} == set(APPLICATIONS)


def test_the_library_is_small() -> None:
    assert sum(path.stat().st_size for path in DATA.glob("*.xz")) < 1_000_000
    assert all(len(lzma.decompress(path.read_bytes())) < 50_000_000 for path in DATA.glob("*.xz"))


def test_titles_are_unique() -> None:
    titles = [m.title for m in index().members]
    assert len(set(titles)) == len(titles), sorted({t for t in titles if titles.count(t) > 1})


def test_every_blueprint_is_sound_and_has_the_variables_of_the_index() -> None:
    wrong = []
    for member in index().members:
        source = published(member)
        source.blueprint.check()
        held = {spec.name: variables(spec) for spec in source.blueprint.layers}
        for name, key in zip(member.names, member.keys, strict=True):
            if held[name] not in (None, len(index().keys[key])):
                wrong.append((member.title, name, held[name], index().keys[key]))
        silent = [name for name, count in held.items() if count and name not in member.names]
        wrong += [(member.title, name, "not in the index") for name in silent]
    assert not wrong


#: Packages whose layers are all known; two U-Nets and the RetinaNets hold code of their authors.
WHOLE = ("keras.applications", "keras-applications", "image-classifiers", "efficientnet", "segmentation-models", "keras-facenet",
         "keras-vggface", "keras-resnet", "csbdeep", "stardist")  # fmt: skip


def test_no_layer_of_these_packages_is_a_placeholder() -> None:
    found = {
        (member.title, spec.name)
        for member in index().members
        if member.package.split(" ")[0] in WHOLE
        for spec in published(member).blueprint.layers
        if spec.unknown
    }
    assert not found


def variables(spec: LayerSpec) -> int | None:
    """How many variables a layer has; None if nobody knows."""
    return None if spec.unknown else len(build(spec).variables())


def test_every_application_has_a_body_and_says_what_to_do_with_images() -> None:
    for member in applications():
        source = published(member)
        assert source.cut is not None, member.title
        assert source.preprocessing, member.title
        assert not any(spec.unknown for spec in source.blueprint.layers), member.title
        assert member.body >= len(member.keys) - 3, member.title


def test_shapes_flow_through_every_application() -> None:
    for member in applications():
        if not member.variant:
            blueprint = published(member).blueprint
            shape = model_shapes(blueprint)[blueprint.outputs[0]]
            assert shape == (None, 1000), member.title
