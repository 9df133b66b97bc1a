"""
Models of packages for Keras 2, as records.

    python scripts/families/published_packages.py OUT.jsonl [PACKAGE...]

A package that is missing or does not run is reported and left out.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent)]
import legacy_keras  # noqa: F401 - makes "import keras" work
import tf_keras
from record import Record, shapes_of, write

CAFFE = "images RGB 0..255 become BGR, minus the mean 103.939, 116.779, 123.68; no scaling"
TF = "images RGB 0..255 are scaled to [-1, 1]: x / 127.5 - 1"
TORCH = "images RGB 0..255 are scaled to [0, 1], minus the mean 0.485, 0.456, 0.406, over 0.229, 0.224, 0.225"
RAW = "none: images RGB 0..255 as they are; the first BatchNormalization scales them"


def record(package: str, family: str, build: Callable[..., Any], variant: str = "", **more: Any) -> Record:
    """
    One model.

    Args:
        package: Its distribution.
        family: What the package calls the model.
        build: Builds it; called with ``top=False`` for the model without its top where ``body`` is given, and with
            ``classes=11`` where the shapes of inner layers follow the number of classes.
        variant: Which form.
        more: ``preprocessing``, ``inputs``; ``body=True``; ``classes=True``, or the names of these layers.
    """
    body, classes = more.pop("body", False), more.pop("classes", False)
    tf_keras.backend.clear_session()
    model = functional(build())
    shapes, config, name = shapes_of(model), model.to_json(), package
    del model
    parts: dict[str, Any] = {}
    if body:
        tf_keras.backend.clear_session()
        part = functional(build(top=False))
        parts = {"body": part.to_json(), "body_shapes": shapes_of(part)}
    if isinstance(classes, list):
        parts["classes"] = classes
    elif classes:
        tf_keras.backend.clear_session()
        other = shapes_of(build(classes=11))
        parts["classes"] = [layer for layer, found in other.items() if found != shapes.get(layer)]
    return Record(name, version(package), family, variant, config, shapes, **parts, **more)


def functional(model: Any) -> Any:
    """The graph of a model, also of one whose class keeps its config to itself."""
    plain = "layers" in model.get_config()
    return model if plain else tf_keras.Model(model.inputs, model.outputs, name=model.name)


def keras_applications() -> Iterator[Record]:
    """
    The names and the settings of the models before they moved into Keras (``res2a_branch2a``).

    Left out is ResNeXt, whose grouped convolutions are summed by Lambda layers, which are Python code.
    """
    import keras_applications as ka

    parts = {"backend": tf_keras.backend, "layers": tf_keras.layers, "models": tf_keras.models, "utils": tf_keras.utils}
    modules = {
        "vgg16": ("VGG16", CAFFE), "vgg19": ("VGG19", CAFFE), "resnet50": ("ResNet50", CAFFE),
        "resnet": ("ResNet101 ResNet152", CAFFE), "resnet_v2": ("ResNet50V2 ResNet101V2 ResNet152V2", TF),
        "densenet": ("DenseNet121 DenseNet169 DenseNet201", TORCH), "inception_v3": ("InceptionV3", TF),
        "inception_resnet_v2": ("InceptionResNetV2", TF), "xception": ("Xception", TF),
        "nasnet": ("NASNetMobile NASNetLarge", TF), "mobilenet": ("MobileNet", TF), "mobilenet_v2": ("MobileNetV2", TF),
    }  # fmt: skip
    for module, (names, preprocessing) in modules.items():
        for name in names.split():
            function = getattr(getattr(ka, module), name)
            alphas = {"MobileNet": (1.0, 0.25, 0.5, 0.75), "MobileNetV2": (1.0, 0.35, 0.5, 0.75, 1.3, 1.4)}
            for alpha in alphas.get(name, (None,)):
                chosen = {} if alpha is None else {"alpha": alpha}
                size = {"NASNetMobile": 224, "NASNetLarge": 331}.get(name)
                if size:
                    chosen["input_shape"] = (size, size, 3)

                def build(top: bool = True, function: Any = function, chosen: Any = chosen) -> Any:
                    return function(weights=None, include_top=top, **chosen, **parts)

                yield record("keras-applications", name, build, "" if alpha in (None, 1.0) else f"alpha {alpha}",
                             body=True, preprocessing=preprocessing)  # fmt: skip


def image_classifiers() -> Iterator[Record]:
    """
    ResNets with a BatchNormalization in front, and networks with squeeze and excitation.

    Left out are those with grouped convolutions (ResNeXt, SENet-154): they slice channels with Lambda layers, which are
    Python code.
    """
    from classification_models.tfkeras import Classifiers

    names = "resnet18 resnet34 resnet50 resnet101 resnet152 seresnet18 seresnet34 seresnet50 seresnet101 seresnet152"
    for name in names.split():
        function, _ = Classifiers.get(name)
        deep = name.startswith(("seresnet50", "seresnet1", "seresnext", "senet")) and name != "seresnet18"

        def build(top: bool = True, function: Any = function) -> Any:
            return function((224, 224, 3), weights=None, include_top=top)

        yield record("image-classifiers", name, build, body=True, preprocessing=TORCH if deep else RAW)


def efficientnet() -> Iterator[Record]:
    """EfficientNets with the preprocessing outside."""
    import efficientnet.tfkeras as package

    for i in range(8):
        function = getattr(package, f"EfficientNetB{i}")

        def build(top: bool = True, function: Any = function) -> Any:
            return function(weights=None, include_top=top)

        yield record("efficientnet", f"EfficientNetB{i}", build, body=True, preprocessing=TORCH)


def segmentation_models() -> Iterator[Record]:
    """U-Nets, Linknets, FPNs and PSPNets over published backbones."""
    import segmentation_models as sm

    sm.set_framework("tf.keras")
    backbones = (
        "vgg16 vgg19 resnet18 resnet34 resnet50 resnet101 resnet152 seresnet18 seresnet34 seresnet50 inceptionv3 "
        "inceptionresnetv2 densenet121 densenet169 densenet201 mobilenet mobilenetv2 "
        "efficientnetb0 efficientnetb1 efficientnetb2 efficientnetb3 efficientnetb4 efficientnetb5 efficientnetb6 efficientnetb7"
    ).split()
    forms: list[tuple[str, str, dict[str, Any]]] = [
        ("Unet", "", {}), ("Unet", "transposed", {"decoder_block_type": "transpose"}), ("Linknet", "", {}), ("FPN", "", {}),
        ("PSPNet", "", {}),
    ]  # fmt: skip
    for backbone in backbones:
        preprocessing = {"vgg": CAFFE, "den": TORCH, "eff": TORCH, "inc": TF, "mob": TF}.get(backbone[:3], RAW)
        for name, variant, chosen in forms:

            def build(classes: int = 1, name: str = name, backbone: str = backbone, chosen: Any = chosen) -> Any:
                size = (384, 384, 3) if name == "PSPNet" else (256, 256, 3)
                return getattr(sm, name)(backbone, encoder_weights=None, classes=classes, input_shape=size, **chosen)

            yield record("segmentation-models", f"{name} over {backbone}", build, variant, classes=["final_conv"],
                         preprocessing=preprocessing)  # fmt: skip


def keras_facenet() -> Iterator[Record]:
    """Inception-ResNet V1, whose Lambda layers scale or normalise."""
    from keras_facenet.inception_resnet_v1 import InceptionResNetV1

    text = "faces RGB, (x - 127.5) / 128, or each image minus its mean over its deviation, as the model was trained"
    for size in (512, 128):

        def build(classes: int = size) -> Any:
            return InceptionResNetV1(classes=classes)

        yield record("keras-facenet", "InceptionResNetV1", build, f"{size} numbers a face", preprocessing=text)


def keras_vggface() -> Iterator[Record]:
    """VGGFace, first and second version."""
    from keras_vggface.vggface import VGGFace

    first = "faces RGB 0..255 become BGR, minus the mean 93.5940, 104.7624, 129.1863"
    second = "faces RGB 0..255 become BGR, minus the mean 91.4953, 103.8827, 131.0912"
    for name in ("vgg16", "resnet50", "senet50"):

        def build(top: bool = True, name: str = name) -> Any:
            return VGGFace(model=name, weights=None, include_top=top, input_shape=(224, 224, 3))

        yield record("keras-vggface", f"VGGFace {name}", build, body=True,
                     preprocessing=first if name == "vgg16" else second)  # fmt: skip


def keras_unet_collection() -> Iterator[Record]:
    """U-Nets as the package's examples build them; other widths are found by their proportions."""
    from keras_unet_collection import models

    text = "as the author of the weights did it; the package has none"
    widths = [64, 128, 256, 512]
    for name, arguments in {
        "unet_2d": {"filter_num": [*widths, 1024]},
        "vnet_2d": {"filter_num": [16, 32, 64, 128, 256], "res_num_ini": 1, "res_num_max": 3, "pool": False},
        "unet_plus_2d": {"filter_num": widths},
        "r2_unet_2d": {"filter_num": widths},
        "att_unet_2d": {"filter_num": widths},
        "resunet_a_2d": {"filter_num": [32, 64, 128, 256, 512, 1024], "dilation_num": [1, 3, 15, 31]},
        "u2net_2d": {"filter_num_down": widths},
        "unet_3plus_2d": {"filter_num_down": widths},
    }.items():
        norms = (True,) if name in ("resunet_a_2d",) else (False, True)
        for norm in norms:
            for unpool in (False,) if name == "vnet_2d" else (True, False):

                def build(classes: int = 2, name: str = name, arguments: Any = arguments, norm: bool = norm,
                          unpool: bool = unpool) -> Any:  # fmt: skip
                    return getattr(models, name)(
                        (128, 128, 3), n_labels=classes, batch_norm=norm, unpool=unpool, **arguments
                    )

                words = ["with BatchNormalization"] * norm + ["transposed convolutions"] * (not unpool)
                yield record("keras-unet-collection", name, build, ", ".join(words), classes=True, preprocessing=text)


def keras_resnet() -> Iterator[Record]:
    """ResNets with the padding of Caffe, the backbones of keras-retinanet."""
    import keras_resnet.models as package

    for depth in (18, 34, 50, 101, 152, 200):

        def build(classes: int = 1000, depth: int = depth) -> Any:
            function = getattr(package, f"ResNet2D{depth}")
            return function(tf_keras.Input((224, 224, 3)), include_top=True, classes=classes)

        yield record("keras-resnet", f"ResNet2D{depth}", build, classes=True, preprocessing=CAFFE)


def keras_retinanet() -> Iterator[Record]:
    """RetinaNet for training; its pyramid resizes maps with a class of the package."""
    from keras_retinanet.models.resnet import resnet_retinanet

    for name in ("resnet50", "resnet101", "resnet152"):

        def build(classes: int = 80, name: str = name) -> Any:
            return resnet_retinanet(classes, backbone=name, inputs=tf_keras.Input((800, 1333, 3)))

        yield record("keras-retinanet", f"RetinaNet over {name}", build, classes=True, preprocessing=CAFFE)


def csbdeep() -> Iterator[Record]:
    """U-Nets of CARE."""
    from csbdeep.internals.nets import common_unet

    text = "each image scaled so that its 2nd percentile is 0 and its 99.8th is 1"
    for axes, kernels in ((2, (5, 3)), (3, (3,))):
        for depth in (2, 3, 4):
            for kernel in kernels:
                for residual in (True, False):

                    def build(
                        axes: int = axes, depth: int = depth, kernel: int = kernel, residual: bool = residual
                    ) -> Any:
                        size = (None,) * axes
                        return common_unet(axes, depth, kernel, 32, residual=residual)((*size, 1))

                    words = f"{axes} axes, depth {depth}, kernels of {kernel}" + ", residual" * residual
                    yield record("csbdeep", "U-Net of CARE", build, words, preprocessing=text)


def stardist() -> Iterator[Record]:
    """Star-convex shapes in two and three axes."""
    from stardist.models import Config2D, Config3D, StarDist2D, StarDist3D

    text = "each image scaled so that its 1st percentile is 0 and its 99.8th is 1"
    for grid in ((1, 1), (2, 2), (4, 4)):

        def build2(grid: Any = grid) -> Any:
            return StarDist2D(Config2D(n_rays=32, grid=grid), name=None, basedir=None).keras_model

        yield record("stardist", "StarDist2D", build2, f"grid {grid[0]}", preprocessing=text)
    for backbone in ("unet", "resnet"):

        def build3(backbone: str = backbone) -> Any:
            return StarDist3D(Config3D(backbone=backbone, rays=96), name=None, basedir=None).keras_model

        yield record("stardist", "StarDist3D", build3, backbone, preprocessing=text)


PACKAGES = (keras_applications, image_classifiers, efficientnet, segmentation_models, keras_facenet, keras_vggface,
            keras_unet_collection, keras_resnet, keras_retinanet, csbdeep, stardist)  # fmt: skip


def main() -> None:
    """Build all models of the packages that run."""
    out, *wanted = sys.argv[1:]
    records: list[Record] = []
    for package in PACKAGES:
        if wanted and package.__name__ not in wanted:
            continue
        try:
            for one in package():
                records.append(one)
                print(package.__name__, one.family, one.variant, len(one.shapes), flush=True)
        except Exception:
            print(f"FAILED {package.__name__}", flush=True)
            traceback.print_exc()
    write(Path(out), records)


if __name__ == "__main__":
    main()
