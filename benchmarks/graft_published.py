"""Models of keras.applications onto those of torchvision, as they are and with their settings made those of Keras."""

from __future__ import annotations

import sys
import types
from typing import Any

from benchmarks.graft_case import NAMED, Case, set_epsilon
from torch import nn
from torch.nn import functional

SIZE = 96
PICTURES = [(2, 3, SIZE, SIZE)]


def installed() -> bool:
    """Whether torchvision is there."""
    # Beside a CPU build of torch the published torchvision fails when it registers operators that nothing here uses.
    sys.modules.setdefault("torchvision._meta_registrations", types.ModuleType("torchvision._meta_registrations"))
    try:
        import torchvision  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport]
    except ImportError:
        return False
    return True


def published(name: str) -> Any:
    """The model of keras.applications, without its last function: torchvision has none."""
    return lambda k: getattr(k.applications, name)(
        weights=None, input_shape=(SIZE, SIZE, 3), classifier_activation=None
    )


def of_torchvision(name: str) -> nn.Module:
    """The model of torchvision."""
    import torchvision  # pyright: ignore[reportMissingImports]

    return getattr(torchvision.models, name)()


def pad_right(_: nn.Module, inputs: Any) -> Any:
    """What Keras puts around a map of even size before a stride of 2: nothing above and left, a line below and right."""
    return (functional.pad(inputs[0], (0, 1, 0, 1)),)


def mobilenet(module: nn.Module) -> nn.Module:
    """What torchvision calls mobilenet_v2, with the padding and epsilon of Keras."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d) and part.stride == (2, 2):
            part.padding = (0, 0)
            part.register_forward_pre_hook(pad_right)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 0.001
    return set_epsilon(module)


def resnet(module: nn.Module) -> nn.Module:
    """What torchvision calls resnet50, with the stride in the first convolution of a block, and the epsilon of Keras."""
    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d) and name.endswith((".0.conv1", ".0.conv2")):
            first = name.endswith("conv1")
            shortcut = module.get_submodule(name[: -len("conv1")] + "downsample.0")
            part.stride = shortcut.stride if first else (1, 1)  # pyright: ignore[reportAttributeAccessIssue]
    return set_epsilon(module, 1.001e-5)


def densenet(module: nn.Module) -> nn.Module:
    """What torchvision calls densenet121, with the epsilon of Keras."""
    return set_epsilon(module, 1.001e-5)


PUBLISHED = (
    Case(
        "MobileNetV2 onto torchvision's, settings made those of Keras", published("MobileNetV2"),
        lambda: mobilenet(of_torchvision("mobilenet_v2")), PICTURES, known=True, tolerance=1e-4, limit=2.0, faster=5.0,
    ),
    Case(
        "MobileNetV2 onto torchvision's as it is", published("MobileNetV2"), lambda: of_torchvision("mobilenet_v2"),
        PICTURES, NAMED, mobilenet, ("features.0.0: padding", "features.0.1: epsilon"), tolerance=1e-4, limit=2.0, faster=5.0,
    ),
    Case(
        "ResNet50 onto torchvision's as it is", published("ResNet50"), lambda: of_torchvision("resnet50"),
        PICTURES, NAMED, resnet, ("layer2.0.conv1: stride", "layer2.0.conv2: stride", "bn1: epsilon"), tolerance=1e-4,
    ),
    Case(
        "ResNet50 onto torchvision's, settings made those of Keras", published("ResNet50"),
        lambda: resnet(of_torchvision("resnet50")), PICTURES, tolerance=1e-4,
    ),
    Case(
        "DenseNet121 onto torchvision's, settings made those of Keras", published("DenseNet121"),
        lambda: densenet(of_torchvision("densenet121")), PICTURES, known=True, tolerance=1e-4,
    ),
)  # fmt: skip
