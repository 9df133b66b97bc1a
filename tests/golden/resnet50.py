"""
a test

    model = Model()
    model.load_state_dict(torch.load("model.pth", weights_only=True))
    model.eval()

    python model.py --selftest  # whether it computes here what it did when it was converted
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Repeated 12 times, from conv2_block2_1_conv to conv5_block3_out."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(in_channels, channels, 1)
        self.bn_1 = nn.BatchNorm2d(channels, eps=1.001e-05, momentum=0.01)
        self.conv_2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn_2 = nn.BatchNorm2d(channels, eps=1.001e-05, momentum=0.01)
        self.conv_3 = nn.Conv2d(channels, in_channels, 1)
        self.bn_3 = nn.BatchNorm2d(in_channels, eps=1.001e-05, momentum=0.01)

    def forward(self, inputs: Tensor) -> Tensor:
        x = self.conv_1(inputs)  # (batch, channels, h, w)
        x = self.bn_1(x)  # (batch, channels, h, w)
        x = F.relu(x, inplace=True)  # (batch, channels, h, w)
        x = self.conv_2(x)  # (batch, channels, h, w)
        x = self.bn_2(x)  # (batch, channels, h, w)
        x = F.relu(x, inplace=True)  # (batch, channels, h, w)
        x = self.conv_3(x)  # (batch, in_channels, h, w)
        x = self.bn_3(x)  # (batch, in_channels, h, w)
        x += inputs  # (batch, in_channels, h, w)
        x = F.relu(x, inplace=True)  # (batch, in_channels, h, w)
        return x


class ResidualBlock2(nn.Module):
    """Repeated 3 times, from conv3_block1_0_conv to conv5_block1_out."""

    def __init__(self, in_channels: int, channels: int, channels_2: int) -> None:
        super().__init__()
        self.conv_0 = nn.Conv2d(in_channels, channels, 1, stride=2)
        self.bn_0 = nn.BatchNorm2d(channels, eps=1.001e-05, momentum=0.01)
        self.conv_1 = nn.Conv2d(in_channels, channels_2, 1, stride=2)
        self.bn_1 = nn.BatchNorm2d(channels_2, eps=1.001e-05, momentum=0.01)
        self.conv_2 = nn.Conv2d(channels_2, channels_2, 3, padding=1)
        self.bn_2 = nn.BatchNorm2d(channels_2, eps=1.001e-05, momentum=0.01)
        self.conv_3 = nn.Conv2d(channels_2, channels, 1)
        self.bn_3 = nn.BatchNorm2d(channels, eps=1.001e-05, momentum=0.01)

    def forward(self, inputs: Tensor) -> Tensor:
        x = self.conv_0(inputs)  # (batch, channels, h, w)
        bn_0 = self.bn_0(x)  # (batch, channels, h, w)
        x = self.conv_1(inputs)  # (batch, channels_2, h, w)
        x = self.bn_1(x)  # (batch, channels_2, h, w)
        x = F.relu(x, inplace=True)  # (batch, channels_2, h, w)
        x = self.conv_2(x)  # (batch, channels_2, h, w)
        x = self.bn_2(x)  # (batch, channels_2, h, w)
        x = F.relu(x, inplace=True)  # (batch, channels_2, h, w)
        x = self.conv_3(x)  # (batch, channels, h, w)
        x = self.bn_3(x)  # (batch, channels, h, w)
        x += bn_0  # (batch, channels, h, w)
        x = F.relu(x, inplace=True)  # (batch, channels, h, w)
        return x


class Model(nn.Module):
    """resnet50: input (batch, 3, 64, 96), channels first; (batch, 64, 96, 3) in Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1_conv = nn.Conv2d(3, 64, 7, stride=2)
        self.conv1_bn = nn.BatchNorm2d(64, eps=1.001e-05, momentum=0.01)
        self.pool1_pool = nn.MaxPool2d(3, stride=2)
        self.conv2_block1_0_conv = nn.Conv2d(64, 256, 1)
        self.conv2_block1_0_bn = nn.BatchNorm2d(256, eps=1.001e-05, momentum=0.01)
        self.conv2_block1_1_conv = nn.Conv2d(64, 64, 1)
        self.conv2_block1_1_bn = nn.BatchNorm2d(64, eps=1.001e-05, momentum=0.01)
        self.conv2_block1_2_conv = nn.Conv2d(64, 64, 3, padding=1)
        self.conv2_block1_2_bn = nn.BatchNorm2d(64, eps=1.001e-05, momentum=0.01)
        self.conv2_block1_3_conv = nn.Conv2d(64, 256, 1)
        self.conv2_block1_3_bn = nn.BatchNorm2d(256, eps=1.001e-05, momentum=0.01)
        self.conv2_block2 = ResidualBlock(256, 64)
        self.conv2_block3 = ResidualBlock(256, 64)
        self.conv3_block1 = ResidualBlock2(256, 512, 128)
        self.conv3_block2 = ResidualBlock(512, 128)
        self.conv3_block3 = ResidualBlock(512, 128)
        self.conv3_block4 = ResidualBlock(512, 128)
        self.conv4_block1 = ResidualBlock2(512, 1024, 256)
        self.conv4_block2 = ResidualBlock(1024, 256)
        self.conv4_block3 = ResidualBlock(1024, 256)
        self.conv4_block4 = ResidualBlock(1024, 256)
        self.conv4_block5 = ResidualBlock(1024, 256)
        self.conv4_block6 = ResidualBlock(1024, 256)
        self.conv5_block1 = ResidualBlock2(1024, 2048, 512)
        self.conv5_block2 = ResidualBlock(2048, 512)
        self.conv5_block3 = ResidualBlock(2048, 512)
        self.predictions = nn.Linear(2048, 13)

    def forward(self, x: Tensor) -> Tensor:  # (batch, 3, 64, 96)
        x = F.pad(x, (3, 3, 3, 3))  # (batch, 3, 70, 102)
        x = self.conv1_conv(x)  # (batch, 64, 32, 48)
        x = self.conv1_bn(x)  # (batch, 64, 32, 48)
        x = F.relu(x, inplace=True)  # (batch, 64, 32, 48)
        x = F.pad(x, (1, 1, 1, 1))  # (batch, 64, 34, 50)
        pool1_pool = self.pool1_pool(x)  # (batch, 64, 16, 24)
        x = self.conv2_block1_0_conv(pool1_pool)  # (batch, 256, 16, 24)
        conv2_block1_0_bn = self.conv2_block1_0_bn(x)  # (batch, 256, 16, 24)
        x = self.conv2_block1_1_conv(pool1_pool)  # (batch, 64, 16, 24)
        x = self.conv2_block1_1_bn(x)  # (batch, 64, 16, 24)
        x = F.relu(x, inplace=True)  # (batch, 64, 16, 24)
        x = self.conv2_block1_2_conv(x)  # (batch, 64, 16, 24)
        x = self.conv2_block1_2_bn(x)  # (batch, 64, 16, 24)
        x = F.relu(x, inplace=True)  # (batch, 64, 16, 24)
        x = self.conv2_block1_3_conv(x)  # (batch, 256, 16, 24)
        x = self.conv2_block1_3_bn(x)  # (batch, 256, 16, 24)
        x += conv2_block1_0_bn  # (batch, 256, 16, 24)
        x = F.relu(x, inplace=True)  # (batch, 256, 16, 24)
        x = self.conv2_block2(x)  # (batch, 256, 16, 24)
        x = self.conv2_block3(x)  # (batch, 256, 16, 24)
        x = self.conv3_block1(x)  # (batch, 512, 8, 12)
        x = self.conv3_block2(x)  # (batch, 512, 8, 12)
        x = self.conv3_block3(x)  # (batch, 512, 8, 12)
        x = self.conv3_block4(x)  # (batch, 512, 8, 12)
        x = self.conv4_block1(x)  # (batch, 1024, 4, 6)
        x = self.conv4_block2(x)  # (batch, 1024, 4, 6)
        x = self.conv4_block3(x)  # (batch, 1024, 4, 6)
        x = self.conv4_block4(x)  # (batch, 1024, 4, 6)
        x = self.conv4_block5(x)  # (batch, 1024, 4, 6)
        x = self.conv4_block6(x)  # (batch, 1024, 4, 6)
        x = self.conv5_block1(x)  # (batch, 2048, 2, 3)
        x = self.conv5_block2(x)  # (batch, 2048, 2, 3)
        x = self.conv5_block3(x)  # (batch, 2048, 2, 3)
        x = x.mean((2, 3))  # (batch, 2048)
        x = F.softmax(self.predictions(x), dim=1)  # (batch, 13)
        return x


def digests(model: nn.Module, inputs: list[Tensor], show) -> None:
    """
    Run a model and show name, shape and numbers of each weight, of what each module returns, and of each output.

    The numbers: mean, root mean square, and the sums along a sine and a cosine wave over all n entries, by sqrt(n).
    """
    angles = torch.arange(2**20, dtype=torch.float64)
    waves = torch.stack([torch.ones_like(angles), angles.sin(), angles.cos()])

    def see(name: str, value: object) -> None:
        if isinstance(value, tuple | list):
            for i, part in enumerate(value):
                see(f"{name}[{i}]", part)
        elif isinstance(value, Tensor):
            sums = torch.zeros(4, dtype=torch.float64)
            for part in value.detach().flatten().split(2**20):
                x = part.double().nan_to_num(0.0, 1.0, -1.0)
                sums += torch.cat([waves[:, : len(x)] @ x, (x @ x).reshape(1)])
            total, sine, cosine, squares = sums.tolist()
            n = max(1, value.numel())
            show(name, list(value.shape), [total / n, (squares / n) ** 0.5, sine / n**0.5, cosine / n**0.5])

    for name, tensor in model.state_dict().items():
        see(f"weight {name}", tensor)
    for name, module in model.named_modules():
        title = f"module {name}" if name else "output"
        module.register_forward_hook(lambda _module, _inputs, value, title=title: see(title, value))
    with torch.no_grad():
        model(*inputs)


def selftest() -> None:
    """Compare this file and its weights with selftest.npz, up to the first weight, module or output that differs."""
    import json
    import sys
    import zipfile
    from pathlib import Path

    folder = Path(__file__).parent
    with zipfile.ZipFile(folder / "selftest.npz") as file:
        kept = json.loads(file.read("expected.json"))
        inputs = [
            torch.frombuffer(bytearray(file.read(f"{name}.npy")[-size:]), dtype=getattr(torch, dtype)).reshape(shape)
            for name, dtype, shape, size in kept["inputs"]
        ]
    model = Model().eval()
    model.load_state_dict(torch.load(folder / "model.pth", weights_only=True))
    rows, off = iter(kept["rows"]), [0.0]

    def compare(name: str, shape: list[int], found: list[float]) -> None:
        expected_name, expected_shape, expected, allowed = next(rows, ("nothing", [], None, 0.0))
        expected = expected or found  # not kept where they are random, or too many
        off.append(max(abs(a - b) for a, b in zip(found, expected, strict=True)) / (expected[1] or 1.0))
        if [name, shape] != [expected_name, expected_shape] or not off[-1] <= allowed:
            sys.exit(
                f"selftest: {name} differs, and all before it agree.\n"
                f"  expected {expected_name} {expected_shape} {expected}, within {allowed:.0e} of the second number\n"
                f"  found    {name} {shape} {found}\n"
                "A weight that differs: its file is another one, or damaged. Anything else: its settings, or a line\n"
                "before it, have changed, or this machine or version of torch computes it in another way."
            )

    digests(model, inputs, compare)
    if missing := next(rows, None):
        sys.exit(f"selftest: {missing[0]} did not run, and all before it agree.")
    print(f"selftest: {kept['what']} as recorded (largest difference {max(off):.0e} of the scale), {kept['reference']}")


if __name__ == "__main__":
    import sys

    sys.exit(selftest() if sys.argv[1:] == ["--selftest"] else __doc__)
