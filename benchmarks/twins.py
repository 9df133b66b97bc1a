"""
ResNet50 and MobileNetV2 as a person writes them in plain PyTorch, with the paddings and epsilons of keras.applications.

What the emitted models are timed against: the style is torchvision's (blocks as classes, ``nn.Sequential``, activations
in place, BatchNorm apart), the operations are those of Keras, so that with the same weights the outputs are equal.
"""

from __future__ import annotations

from itertools import chain

import torch
import torch.nn.functional as F  # noqa: N812 - the idiom of PyTorch
from torch import Tensor, nn


class Bottleneck(nn.Module):
    """``1x1 -> 3x3 -> 1x1`` beside a shortcut; the stride is in the first convolution, as in the first ResNet."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        out = 4 * channels
        self.downsample: nn.Module | None = None
        if stride != 1 or channels_in != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels_in, out, 1, stride), norm(out))
        self.conv1, self.bn1 = nn.Conv2d(channels_in, channels, 1, stride), norm(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1), norm(channels)
        self.conv3, self.bn3 = nn.Conv2d(channels, out, 1), norm(out)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, channels_in, h, w) to (batch, 4 * channels, h / stride, w / stride)."""
        identity = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        x += identity
        return self.relu(x)


def norm(channels: int) -> nn.BatchNorm2d:
    """BatchNorm with the epsilon of keras.applications.resnet."""
    return nn.BatchNorm2d(channels, eps=1.001e-5, momentum=0.01)


class ResNet50(nn.Module):
    """(batch, 3, h, w) to (batch, classes) probabilities."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, stride=2, padding=3), norm(64)
        self.relu = nn.ReLU(inplace=True)
        # Keras pads with zeros before the pool; behind a ReLU that is the same as padding with minus infinity.
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = self.stage(64, 64, 3, 1)
        self.layer2 = self.stage(256, 128, 4, 2)
        self.layer3 = self.stage(512, 256, 6, 2)
        self.layer4 = self.stage(1024, 512, 3, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, classes)

    def stage(self, channels_in: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
        """Blocks of one map size."""
        more = (Bottleneck(4 * channels, channels) for _ in range(blocks - 1))
        return nn.Sequential(Bottleneck(channels_in, channels, stride), *more)

    def forward(self, x: Tensor) -> Tensor:
        """Classify images."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        x = torch.flatten(self.avgpool(x), 1)
        return F.softmax(self.fc(x), dim=1)


def conv_norm(channels_in: int, channels: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Padding where a stride needs it, convolution, BatchNorm: Keras pads such maps of even size at the end only."""
    padding = kernel // 2 if stride == 1 else 0
    conv = nn.Conv2d(channels_in, channels, kernel, stride, padding, groups=groups, bias=False)
    pad = [nn.ZeroPad2d((0, 1, 0, 1))] if stride != 1 else []
    return [*pad, conv, nn.BatchNorm2d(channels, eps=1e-3, momentum=0.001)]


class InvertedResidual(nn.Module):
    """Widen by 1x1, filter each channel by 3x3, narrow by 1x1."""

    def __init__(self, channels_in: int, channels: int, stride: int, widening: int) -> None:
        super().__init__()
        wide = widening * channels_in
        self.shortcut = stride == 1 and channels_in == channels
        expand = [*conv_norm(channels_in, wide), nn.ReLU6(inplace=True)] if widening != 1 else []
        depthwise = [*conv_norm(wide, wide, 3, stride, groups=wide), nn.ReLU6(inplace=True)]
        self.conv = nn.Sequential(*expand, *depthwise, *conv_norm(wide, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, channels_in, h, w) to (batch, channels, h / stride, w / stride)."""
        return x + self.conv(x) if self.shortcut else self.conv(x)


class MobileNetV2(nn.Module):
    """(batch, 3, h, w) to (batch, classes) probabilities; ``h`` and ``w`` are multiples of 32."""

    #: widening, channels, blocks, stride of the first
    STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

    def __init__(self, classes: int) -> None:
        super().__init__()
        features: list[nn.Module] = [*conv_norm(3, 32, 3, 2), nn.ReLU6(inplace=True)]
        last = 32
        for widening, channels, blocks, stride in self.STAGES:
            for block in range(blocks):
                features.append(InvertedResidual(last, channels, stride if block == 0 else 1, widening))
                last = channels
        features += [*conv_norm(last, 1280), nn.ReLU6(inplace=True)]
        self.features = nn.Sequential(*features)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Classify images."""
        x = self.features(x)
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return F.softmax(self.classifier(x), dim=1)


TWINS = {"ResNet50": ResNet50, "MobileNetV2": MobileNetV2}


def twin_of(model: nn.Module, name: str, x: Tensor, classes: int) -> nn.Module:
    """
    The twin ``name`` with the weights of ``model``.

    Both are run on ``x`` once; the modules that hold weights meet in the order in which they run.

    Raises:
        ValueError: They do not have the same modules in the same order.
    """
    twin = TWINS[name](classes).eval()
    ours, theirs = run_order(model, x), run_order(twin, x)
    if [shapes(m) for m in ours] != [shapes(m) for m in theirs]:
        pairs = zip(ours, theirs, strict=False)
        where = next((i for i, (a, b) in enumerate(pairs) if shapes(a) != shapes(b)), min(len(ours), len(theirs)))
        message = (
            f"{name}: {len(ours)} modules with weights against {len(theirs)}, the first that differ are number {where}"
        )
        raise ValueError(message)
    for source, target in zip(ours, theirs, strict=True):
        target.load_state_dict(source.state_dict())
    return twin


@torch.no_grad()
def run_order(model: nn.Module, x: Tensor) -> list[nn.Module]:
    """The modules that hold weights themselves, in the order in which they run."""
    order: list[nn.Module] = []
    own = [m for m in model.modules() if any(True for _ in chain(m.parameters(False), m.buffers(False)))]
    hooks = [module.register_forward_hook(lambda module, *_: order.append(module)) for module in own]
    model(x)
    for hook in hooks:
        hook.remove()
    return order


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of one module."""
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
