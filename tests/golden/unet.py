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
    """Repeated 14 times, from conv2d to activation_13."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
        self.batch_normalization = nn.BatchNorm2d(channels, eps=0.001, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2d(x)  # (batch, channels, h, w)
        x = self.batch_normalization(x)  # (batch, channels, h, w)
        x = F.relu(x, inplace=True)  # (batch, channels, h, w)
        return x


class Model(nn.Module):
    """unet: input (batch, 2, h, w), channels first; (batch, h, w, 2) in Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_block_1 = ConvBlock(2, 4)  # conv2d to activation
        self.conv_block_2 = ConvBlock(4, 4)  # conv2d_1 to activation_1
        self.max_pooling2d = nn.MaxPool2d(2)
        self.conv_block_3 = ConvBlock(4, 6)  # conv2d_2 to activation_2
        self.conv_block_4 = ConvBlock(6, 6)  # conv2d_3 to activation_3
        self.max_pooling2d_1 = nn.MaxPool2d(2)
        self.conv_block_5 = ConvBlock(6, 8)  # conv2d_4 to activation_4
        self.conv_block_6 = ConvBlock(8, 8)  # conv2d_5 to activation_5
        self.max_pooling2d_2 = nn.MaxPool2d(2)
        self.conv_block_7 = ConvBlock(8, 10)  # conv2d_6 to activation_6
        self.conv_block_8 = ConvBlock(10, 10)  # conv2d_7 to activation_7
        self.conv2d_transpose = nn.ConvTranspose2d(10, 8, 2, stride=2)
        self.conv_block_9 = ConvBlock(16, 8)  # conv2d_8 to activation_8
        self.conv_block_10 = ConvBlock(8, 8)  # conv2d_9 to activation_9
        self.conv2d_transpose_1 = nn.ConvTranspose2d(8, 6, 2, stride=2)
        self.conv_block_11 = ConvBlock(12, 6)  # conv2d_10 to activation_10
        self.conv_block_12 = ConvBlock(6, 6)  # conv2d_11 to activation_11
        self.conv2d_transpose_2 = nn.ConvTranspose2d(6, 4, 2, stride=2)
        self.conv_block_13 = ConvBlock(8, 4)  # conv2d_12 to activation_12
        self.conv_block_14 = ConvBlock(4, 4)  # conv2d_13 to activation_13
        self.classes = nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:  # (batch, 2, h, w)
        x = self.conv_block_1(x)  # (batch, 4, h, w)
        activation_1 = self.conv_block_2(x)  # (batch, 4, h, w)
        x = self.max_pooling2d(activation_1)  # (batch, 4, h, w)
        x = self.conv_block_3(x)  # (batch, 6, h, w)
        activation_3 = self.conv_block_4(x)  # (batch, 6, h, w)
        x = self.max_pooling2d_1(activation_3)  # (batch, 6, h, w)
        x = self.conv_block_5(x)  # (batch, 8, h, w)
        activation_5 = self.conv_block_6(x)  # (batch, 8, h, w)
        x = self.max_pooling2d_2(activation_5)  # (batch, 8, h, w)
        x = self.conv_block_7(x)  # (batch, 10, h, w)
        x = self.conv_block_8(x)  # (batch, 10, h, w)
        x = self.conv2d_transpose(x)  # (batch, 8, h, w)
        x = torch.cat([x, activation_5], dim=1)  # (batch, 16, h, w)
        x = self.conv_block_9(x)  # (batch, 8, h, w)
        x = self.conv_block_10(x)  # (batch, 8, h, w)
        x = self.conv2d_transpose_1(x)  # (batch, 6, h, w)
        x = torch.cat([x, activation_3], dim=1)  # (batch, 12, h, w)
        x = self.conv_block_11(x)  # (batch, 6, h, w)
        x = self.conv_block_12(x)  # (batch, 6, h, w)
        x = self.conv2d_transpose_2(x)  # (batch, 4, h, w)
        x = torch.cat([x, activation_1], dim=1)  # (batch, 8, h, w)
        x = self.conv_block_13(x)  # (batch, 4, h, w)
        x = self.conv_block_14(x)  # (batch, 4, h, w)
        x = F.softmax(self.classes(x), dim=1)  # (batch, 3, h, w)
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
