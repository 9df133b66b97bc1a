"""Which model of torchvision or timm is the closest twin of which model of keras.applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Twin:
    """
    A pair of models.

    Attributes:
        model: Name in keras.applications.
        target: As ``regraft graft`` takes it.
        size: Height and width of the input.
        millions: Of parameters, roughly.
        options: Further arguments of the Keras model.
    """

    model: str
    target: str
    size: int
    millions: float
    options: Mapping[str, Any] = field(default_factory=dict)


#: A head of torchvision's VGG wants the map of a 224 x 224 image. NASNetMobile has no twin: timm's class has 18 cells.
MODELS = (
    Twin("ResNet50", "torchvision:resnet50", 96, 26),
    Twin("VGG16", "torchvision:vgg16", 224, 138),
    Twin("MobileNetV2", "torchvision:mobilenet_v2", 96, 4),
    Twin("MobileNetV2", "timm:mobilenetv2_100", 96, 4),
    Twin("DenseNet121", "torchvision:densenet121", 96, 8),
    Twin("EfficientNetB0", "timm:tf_efficientnet_b0", 96, 5),
    Twin("EfficientNetB0", "torchvision:efficientnet_b0", 96, 5),
    Twin("InceptionV3", "torchvision:inception_v3", 160, 24),
    Twin("InceptionV3", "timm:inception_v3", 160, 24),
    Twin("Xception", "timm:legacy_xception", 128, 23),
    Twin("ConvNeXtTiny", "torchvision:convnext_tiny", 96, 29),
    Twin("ConvNeXtTiny", "timm:convnext_tiny", 96, 29),
    Twin("MobileNetV3Large", "torchvision:mobilenet_v3_large", 96, 6),
    Twin("MobileNetV3Large", "timm:tf_mobilenetv3_large_100", 96, 6),
    Twin("MobileNetV3Small", "torchvision:mobilenet_v3_small", 96, 3),
    Twin("MobileNetV3Small", "timm:tf_mobilenetv3_small_100", 96, 3),
    Twin("MobileNet", "timm:mobilenetv1_100", 96, 4),
    Twin("ResNet50V2", "timm:resnetv2_50", 96, 26),
    Twin("InceptionResNetV2", "timm:inception_resnet_v2", 160, 56),
    Twin("EfficientNetV2B0", "timm:tf_efficientnetv2_b0", 96, 7),
    Twin("EfficientNetV2S", "timm:tf_efficientnetv2_s", 96, 22),
    Twin("EfficientNetV2S", "torchvision:efficientnet_v2_s", 96, 22),
    Twin("ResNet101", "torchvision:resnet101", 96, 45),
    Twin("ResNet152", "torchvision:resnet152", 96, 60),
    Twin("ResNet101V2", "timm:resnetv2_101", 96, 45),
    Twin("ResNet152V2", "timm:resnetv2_152", 96, 60),
    Twin("DenseNet169", "torchvision:densenet169", 96, 14),
    Twin("DenseNet201", "torchvision:densenet201", 96, 20),
    Twin("EfficientNetB1", "timm:tf_efficientnet_b1", 96, 8),
    Twin("EfficientNetB2", "timm:tf_efficientnet_b2", 96, 9),
    Twin("EfficientNetB3", "timm:tf_efficientnet_b3", 96, 12),
    Twin("EfficientNetB4", "timm:tf_efficientnet_b4", 96, 19),
    Twin("EfficientNetB5", "timm:tf_efficientnet_b5", 96, 30),
    Twin("EfficientNetB6", "timm:tf_efficientnet_b6", 96, 43),
    Twin("EfficientNetV2B1", "timm:tf_efficientnetv2_b1", 96, 8),
    Twin("EfficientNetV2B2", "timm:tf_efficientnetv2_b2", 96, 10),
    Twin("EfficientNetV2B3", "timm:tf_efficientnetv2_b3", 96, 14),
    Twin("ConvNeXtSmall", "torchvision:convnext_small", 96, 50),
    Twin("ConvNeXtBase", "torchvision:convnext_base", 96, 89),
    Twin("EfficientNetV2M", "timm:tf_efficientnetv2_m", 96, 54),
    Twin("EfficientNetB7", "timm:tf_efficientnet_b7", 96, 67),
    Twin("NASNetLarge", "timm:nasnetalarge", 96, 89),
    Twin("EfficientNetV2L", "timm:tf_efficientnetv2_l", 96, 119),
    Twin("VGG19", "torchvision:vgg19", 224, 144),
    Twin("ConvNeXtLarge", "torchvision:convnext_large", 96, 198),
    Twin("ConvNeXtXLarge", "timm:convnext_xlarge", 96, 350),
)
