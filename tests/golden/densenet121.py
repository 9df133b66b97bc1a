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


class ConcatBlock(nn.Module):
    """Repeated 58 times, from conv2_block1_0_bn to conv5_block16_concat."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.bn_0 = nn.BatchNorm2d(in_channels, eps=1.001e-05, momentum=0.01)
        self.conv_1 = nn.Conv2d(in_channels, 128, 1, bias=False)
        self.bn_1 = nn.BatchNorm2d(128, eps=1.001e-05, momentum=0.01)
        self.conv_2 = nn.Conv2d(128, 32, 3, padding=1, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        x = self.bn_0(inputs)  # (batch, in_channels, h, w)
        x = F.relu(x, inplace=True)  # (batch, in_channels, h, w)
        x = self.conv_1(x)  # (batch, 128, h, w)
        x = self.bn_1(x)  # (batch, 128, h, w)
        x = F.relu(x, inplace=True)  # (batch, 128, h, w)
        x = self.conv_2(x)  # (batch, 32, h, w)
        x = torch.cat([inputs, x], dim=1)  # (batch, ?, h, w)
        return x


class ConvBlock(nn.Module):
    """Repeated 3 times, from pool2_bn to pool4_pool."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(in_channels, eps=1.001e-05, momentum=0.01)
        self.conv = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(x)  # (batch, in_channels, h, w)
        x = F.relu(x, inplace=True)  # (batch, in_channels, h, w)
        x = self.conv(x)  # (batch, channels, h, w)
        x = self.pool(x)  # (batch, channels, h, w)
        return x


class Model(nn.Module):
    """densenet121: input (batch, 3, 64, 96), channels first; (batch, 64, 96, 3) in Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1_conv = nn.Conv2d(3, 64, 7, stride=2, bias=False)
        self.conv1_bn = nn.BatchNorm2d(64, eps=1.001e-05, momentum=0.01)
        self.pool1 = nn.MaxPool2d(3, stride=2)
        self.conv2_block1 = ConcatBlock(64)
        self.conv2_block2 = ConcatBlock(96)
        self.conv2_block3 = ConcatBlock(128)
        self.conv2_block4 = ConcatBlock(160)
        self.conv2_block5 = ConcatBlock(192)
        self.conv2_block6 = ConcatBlock(224)
        self.pool2 = ConvBlock(256, 128)
        self.conv3_block1 = ConcatBlock(128)
        self.conv3_block2 = ConcatBlock(160)
        self.conv3_block3 = ConcatBlock(192)
        self.conv3_block4 = ConcatBlock(224)
        self.conv3_block5 = ConcatBlock(256)
        self.conv3_block6 = ConcatBlock(288)
        self.conv3_block7 = ConcatBlock(320)
        self.conv3_block8 = ConcatBlock(352)
        self.conv3_block9 = ConcatBlock(384)
        self.conv3_block10 = ConcatBlock(416)
        self.conv3_block11 = ConcatBlock(448)
        self.conv3_block12 = ConcatBlock(480)
        self.pool3 = ConvBlock(512, 256)
        self.conv4_block1 = ConcatBlock(256)
        self.conv4_block2 = ConcatBlock(288)
        self.conv4_block3 = ConcatBlock(320)
        self.conv4_block4 = ConcatBlock(352)
        self.conv4_block5 = ConcatBlock(384)
        self.conv4_block6 = ConcatBlock(416)
        self.conv4_block7 = ConcatBlock(448)
        self.conv4_block8 = ConcatBlock(480)
        self.conv4_block9 = ConcatBlock(512)
        self.conv4_block10 = ConcatBlock(544)
        self.conv4_block11 = ConcatBlock(576)
        self.conv4_block12 = ConcatBlock(608)
        self.conv4_block13 = ConcatBlock(640)
        self.conv4_block14 = ConcatBlock(672)
        self.conv4_block15 = ConcatBlock(704)
        self.conv4_block16 = ConcatBlock(736)
        self.conv4_block17 = ConcatBlock(768)
        self.conv4_block18 = ConcatBlock(800)
        self.conv4_block19 = ConcatBlock(832)
        self.conv4_block20 = ConcatBlock(864)
        self.conv4_block21 = ConcatBlock(896)
        self.conv4_block22 = ConcatBlock(928)
        self.conv4_block23 = ConcatBlock(960)
        self.conv4_block24 = ConcatBlock(992)
        self.pool4 = ConvBlock(1024, 512)
        self.conv5_block1 = ConcatBlock(512)
        self.conv5_block2 = ConcatBlock(544)
        self.conv5_block3 = ConcatBlock(576)
        self.conv5_block4 = ConcatBlock(608)
        self.conv5_block5 = ConcatBlock(640)
        self.conv5_block6 = ConcatBlock(672)
        self.conv5_block7 = ConcatBlock(704)
        self.conv5_block8 = ConcatBlock(736)
        self.conv5_block9 = ConcatBlock(768)
        self.conv5_block10 = ConcatBlock(800)
        self.conv5_block11 = ConcatBlock(832)
        self.conv5_block12 = ConcatBlock(864)
        self.conv5_block13 = ConcatBlock(896)
        self.conv5_block14 = ConcatBlock(928)
        self.conv5_block15 = ConcatBlock(960)
        self.conv5_block16 = ConcatBlock(992)
        self.bn = nn.BatchNorm2d(1024, eps=1.001e-05, momentum=0.01)
        self.predictions = nn.Linear(1024, 13)

    def forward(self, x: Tensor) -> Tensor:  # (batch, 3, 64, 96)
        x = F.pad(x, (3, 3, 3, 3))  # (batch, 3, 70, 102)
        x = self.conv1_conv(x)  # (batch, 64, 32, 48)
        x = self.conv1_bn(x)  # (batch, 64, 32, 48)
        x = F.relu(x, inplace=True)  # (batch, 64, 32, 48)
        x = F.pad(x, (1, 1, 1, 1))  # (batch, 64, 34, 50)
        x = self.pool1(x)  # (batch, 64, 16, 24)
        x = self.conv2_block1(x)  # (batch, 96, 16, 24)
        x = self.conv2_block2(x)  # (batch, 128, 16, 24)
        x = self.conv2_block3(x)  # (batch, 160, 16, 24)
        x = self.conv2_block4(x)  # (batch, 192, 16, 24)
        x = self.conv2_block5(x)  # (batch, 224, 16, 24)
        x = self.conv2_block6(x)  # (batch, 256, 16, 24)
        x = self.pool2(x)  # (batch, 128, 8, 12)
        x = self.conv3_block1(x)  # (batch, 160, 8, 12)
        x = self.conv3_block2(x)  # (batch, 192, 8, 12)
        x = self.conv3_block3(x)  # (batch, 224, 8, 12)
        x = self.conv3_block4(x)  # (batch, 256, 8, 12)
        x = self.conv3_block5(x)  # (batch, 288, 8, 12)
        x = self.conv3_block6(x)  # (batch, 320, 8, 12)
        x = self.conv3_block7(x)  # (batch, 352, 8, 12)
        x = self.conv3_block8(x)  # (batch, 384, 8, 12)
        x = self.conv3_block9(x)  # (batch, 416, 8, 12)
        x = self.conv3_block10(x)  # (batch, 448, 8, 12)
        x = self.conv3_block11(x)  # (batch, 480, 8, 12)
        x = self.conv3_block12(x)  # (batch, 512, 8, 12)
        x = self.pool3(x)  # (batch, 256, 4, 6)
        x = self.conv4_block1(x)  # (batch, 288, 4, 6)
        x = self.conv4_block2(x)  # (batch, 320, 4, 6)
        x = self.conv4_block3(x)  # (batch, 352, 4, 6)
        x = self.conv4_block4(x)  # (batch, 384, 4, 6)
        x = self.conv4_block5(x)  # (batch, 416, 4, 6)
        x = self.conv4_block6(x)  # (batch, 448, 4, 6)
        x = self.conv4_block7(x)  # (batch, 480, 4, 6)
        x = self.conv4_block8(x)  # (batch, 512, 4, 6)
        x = self.conv4_block9(x)  # (batch, 544, 4, 6)
        x = self.conv4_block10(x)  # (batch, 576, 4, 6)
        x = self.conv4_block11(x)  # (batch, 608, 4, 6)
        x = self.conv4_block12(x)  # (batch, 640, 4, 6)
        x = self.conv4_block13(x)  # (batch, 672, 4, 6)
        x = self.conv4_block14(x)  # (batch, 704, 4, 6)
        x = self.conv4_block15(x)  # (batch, 736, 4, 6)
        x = self.conv4_block16(x)  # (batch, 768, 4, 6)
        x = self.conv4_block17(x)  # (batch, 800, 4, 6)
        x = self.conv4_block18(x)  # (batch, 832, 4, 6)
        x = self.conv4_block19(x)  # (batch, 864, 4, 6)
        x = self.conv4_block20(x)  # (batch, 896, 4, 6)
        x = self.conv4_block21(x)  # (batch, 928, 4, 6)
        x = self.conv4_block22(x)  # (batch, 960, 4, 6)
        x = self.conv4_block23(x)  # (batch, 992, 4, 6)
        x = self.conv4_block24(x)  # (batch, 1024, 4, 6)
        x = self.pool4(x)  # (batch, 512, 2, 3)
        x = self.conv5_block1(x)  # (batch, 544, 2, 3)
        x = self.conv5_block2(x)  # (batch, 576, 2, 3)
        x = self.conv5_block3(x)  # (batch, 608, 2, 3)
        x = self.conv5_block4(x)  # (batch, 640, 2, 3)
        x = self.conv5_block5(x)  # (batch, 672, 2, 3)
        x = self.conv5_block6(x)  # (batch, 704, 2, 3)
        x = self.conv5_block7(x)  # (batch, 736, 2, 3)
        x = self.conv5_block8(x)  # (batch, 768, 2, 3)
        x = self.conv5_block9(x)  # (batch, 800, 2, 3)
        x = self.conv5_block10(x)  # (batch, 832, 2, 3)
        x = self.conv5_block11(x)  # (batch, 864, 2, 3)
        x = self.conv5_block12(x)  # (batch, 896, 2, 3)
        x = self.conv5_block13(x)  # (batch, 928, 2, 3)
        x = self.conv5_block14(x)  # (batch, 960, 2, 3)
        x = self.conv5_block15(x)  # (batch, 992, 2, 3)
        x = self.conv5_block16(x)  # (batch, 1024, 2, 3)
        x = self.bn(x)  # (batch, 1024, 2, 3)
        x = F.relu(x, inplace=True)  # (batch, 1024, 2, 3)
        x = x.mean((2, 3))  # (batch, 1024)
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
