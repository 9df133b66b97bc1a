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


class ConvBlock(nn.Module):
    """Repeated 12 times, from block_2_expand to block_16_project_BN."""

    def __init__(self, in_channels: int, channels: int, channels_2: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.expand_BN = nn.BatchNorm2d(channels, eps=0.001, momentum=0.001)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.depthwise_BN = nn.BatchNorm2d(channels, eps=0.001, momentum=0.001)
        self.project = nn.Conv2d(channels, channels_2, 1, bias=False)
        self.project_BN = nn.BatchNorm2d(channels_2, eps=0.001, momentum=0.001)

    def forward(self, x: Tensor) -> Tensor:
        x = self.expand(x)  # (batch, channels, h, w)
        x = self.expand_BN(x)  # (batch, channels, h, w)
        x = F.relu6(x, inplace=True)  # (batch, channels, h, w)
        x = self.depthwise(x)  # (batch, channels, h, w)
        x = self.depthwise_BN(x)  # (batch, channels, h, w)
        x = F.relu6(x, inplace=True)  # (batch, channels, h, w)
        x = self.project(x)  # (batch, channels_2, h, w)
        x = self.project_BN(x)  # (batch, channels_2, h, w)
        return x


class ConvBlock2(nn.Module):
    """Repeated 4 times, from block_1_expand to block_13_project_BN."""

    def __init__(self, in_channels: int, channels: int, channels_2: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.expand_BN = nn.BatchNorm2d(channels, eps=0.001, momentum=0.001)
        self.depthwise = nn.Conv2d(channels, channels, 3, stride=2, groups=channels, bias=False)
        self.depthwise_BN = nn.BatchNorm2d(channels, eps=0.001, momentum=0.001)
        self.project = nn.Conv2d(channels, channels_2, 1, bias=False)
        self.project_BN = nn.BatchNorm2d(channels_2, eps=0.001, momentum=0.001)

    def forward(self, x: Tensor) -> Tensor:
        x = self.expand(x)  # (batch, channels, h, w)
        x = self.expand_BN(x)  # (batch, channels, h, w)
        x = F.relu6(x, inplace=True)  # (batch, channels, h, w)
        x = F.pad(x, (0, 1, 0, 1))  # (batch, channels, h, w)
        x = self.depthwise(x)  # (batch, channels, h, w)
        x = self.depthwise_BN(x)  # (batch, channels, h, w)
        x = F.relu6(x, inplace=True)  # (batch, channels, h, w)
        x = self.project(x)  # (batch, channels_2, h, w)
        x = self.project_BN(x)  # (batch, channels_2, h, w)
        return x


class Model(nn.Module):
    """mobilenetv2_1.00_64: input (batch, 3, 64, 96), channels first; (batch, 64, 96, 3) in Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv1 = nn.Conv2d(3, 32, 3, stride=2, bias=False)
        self.bn_Conv1 = nn.BatchNorm2d(32, eps=0.001, momentum=0.001)
        self.expanded_conv_depthwise = nn.Conv2d(32, 32, 3, padding=1, groups=32, bias=False)
        self.expanded_conv_depthwise_BN = nn.BatchNorm2d(32, eps=0.001, momentum=0.001)
        self.expanded_conv_project = nn.Conv2d(32, 16, 1, bias=False)
        self.expanded_conv_project_BN = nn.BatchNorm2d(16, eps=0.001, momentum=0.001)
        self.block_1 = ConvBlock2(16, 96, 24)
        self.block_2 = ConvBlock(24, 144, 24)
        self.block_3 = ConvBlock2(24, 144, 32)
        self.block_4 = ConvBlock(32, 192, 32)
        self.block_5 = ConvBlock(32, 192, 32)
        self.block_6 = ConvBlock2(32, 192, 64)
        self.block_7 = ConvBlock(64, 384, 64)
        self.block_8 = ConvBlock(64, 384, 64)
        self.block_9 = ConvBlock(64, 384, 64)
        self.block_10 = ConvBlock(64, 384, 96)
        self.block_11 = ConvBlock(96, 576, 96)
        self.block_12 = ConvBlock(96, 576, 96)
        self.block_13 = ConvBlock2(96, 576, 160)
        self.block_14 = ConvBlock(160, 960, 160)
        self.block_15 = ConvBlock(160, 960, 160)
        self.block_16 = ConvBlock(160, 960, 320)
        self.Conv_1 = nn.Conv2d(320, 1280, 1, bias=False)
        self.Conv_1_bn = nn.BatchNorm2d(1280, eps=0.001, momentum=0.001)
        self.predictions = nn.Linear(1280, 13)

    def forward(self, x: Tensor) -> Tensor:  # (batch, 3, 64, 96)
        x = self.Conv1(F.pad(x, (0, 1, 0, 1)))  # (batch, 32, 32, 48)
        x = self.bn_Conv1(x)  # (batch, 32, 32, 48)
        x = F.relu6(x, inplace=True)  # (batch, 32, 32, 48)
        x = self.expanded_conv_depthwise(x)  # (batch, 32, 32, 48)
        x = self.expanded_conv_depthwise_BN(x)  # (batch, 32, 32, 48)
        x = F.relu6(x, inplace=True)  # (batch, 32, 32, 48)
        x = self.expanded_conv_project(x)  # (batch, 16, 32, 48)
        x = self.expanded_conv_project_BN(x)  # (batch, 16, 32, 48)
        block_1_project_BN = self.block_1(x)  # (batch, 24, 16, 24)
        x = self.block_2(block_1_project_BN)  # (batch, 24, 16, 24)
        x += block_1_project_BN  # (batch, 24, 16, 24)
        block_3_project_BN = self.block_3(x)  # (batch, 32, 8, 12)
        x = self.block_4(block_3_project_BN)  # (batch, 32, 8, 12)
        block_4_add = block_3_project_BN + x  # (batch, 32, 8, 12)
        x = self.block_5(block_4_add)  # (batch, 32, 8, 12)
        x += block_4_add  # (batch, 32, 8, 12)
        block_6_project_BN = self.block_6(x)  # (batch, 64, 4, 6)
        x = self.block_7(block_6_project_BN)  # (batch, 64, 4, 6)
        block_7_add = block_6_project_BN + x  # (batch, 64, 4, 6)
        x = self.block_8(block_7_add)  # (batch, 64, 4, 6)
        block_8_add = block_7_add + x  # (batch, 64, 4, 6)
        x = self.block_9(block_8_add)  # (batch, 64, 4, 6)
        x += block_8_add  # (batch, 64, 4, 6)
        block_10_project_BN = self.block_10(x)  # (batch, 96, 4, 6)
        x = self.block_11(block_10_project_BN)  # (batch, 96, 4, 6)
        block_11_add = block_10_project_BN + x  # (batch, 96, 4, 6)
        x = self.block_12(block_11_add)  # (batch, 96, 4, 6)
        x += block_11_add  # (batch, 96, 4, 6)
        block_13_project_BN = self.block_13(x)  # (batch, 160, 2, 3)
        x = self.block_14(block_13_project_BN)  # (batch, 160, 2, 3)
        block_14_add = block_13_project_BN + x  # (batch, 160, 2, 3)
        x = self.block_15(block_14_add)  # (batch, 160, 2, 3)
        x += block_14_add  # (batch, 160, 2, 3)
        x = self.block_16(x)  # (batch, 320, 2, 3)
        x = self.Conv_1(x)  # (batch, 1280, 2, 3)
        x = self.Conv_1_bn(x)  # (batch, 1280, 2, 3)
        x = F.relu6(x, inplace=True)  # (batch, 1280, 2, 3)
        x = x.mean((2, 3))  # (batch, 1280)
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
