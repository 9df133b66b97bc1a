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


class Model(nn.Module):
    """digits: input (batch, 1, 8, 8), channels first; (batch, 8, 8, 1) in Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 12, 3, padding=1, bias=False)
        self.stem_bn = nn.BatchNorm2d(12, eps=0.001, momentum=0.01)
        self.conv2d = nn.Conv2d(12, 12, 3, padding=1)
        self.batch_normalization = nn.BatchNorm2d(12, eps=0.001, momentum=0.01)
        self.residual_conv = nn.Conv2d(12, 12, 3, padding=1)
        self.conv2d_1 = nn.Conv2d(12, 20, 3, stride=2)
        self.max_pooling2d = nn.MaxPool2d((2, 1))
        self.dropout = nn.Dropout(0.3)
        self.dense = nn.Linear(160, 32)
        self.digit = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:  # (batch, 1, 8, 8)
        x = self.stem(x)  # (batch, 12, 8, 8)
        x = self.stem_bn(x)  # (batch, 12, 8, 8)
        re_lu = F.relu(x, inplace=True)  # (batch, 12, 8, 8)
        x = self.conv2d(re_lu)  # (batch, 12, 8, 8)
        x = self.batch_normalization(x)  # (batch, 12, 8, 8)
        x = F.relu(x, inplace=True)  # (batch, 12, 8, 8)
        x = self.residual_conv(x)  # (batch, 12, 8, 8)
        x += re_lu  # (batch, 12, 8, 8)
        x = F.relu(self.conv2d_1(F.pad(x, (0, 1, 0, 1))))  # (batch, 20, 4, 4)
        x = self.max_pooling2d(x)  # (batch, 20, 2, 4)
        x = x.flatten(1)  # (batch, 160)
        x = self.dropout(x)  # (batch, 160)
        x = F.relu(self.dense(x))  # (batch, 32)
        x = F.softmax(self.digit(x), dim=1)  # (batch, 10)
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
