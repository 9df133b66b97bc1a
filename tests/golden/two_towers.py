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


class Encoder(nn.Module):
    """encoder: input (batch, 1, 12, 10), channels first; (batch, 12, 10, 1) in Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.edges = nn.Conv2d(1, 5, 3)
        self.pool = nn.MaxPool2d(2)
        self.code = nn.Linear(100, 6)

    def forward(self, x: Tensor) -> Tensor:  # (batch, 1, 12, 10)
        x = F.relu(self.edges(x))  # (batch, 5, 10, 8)
        x = self.pool(x)  # (batch, 5, 5, 4)
        x = x.flatten(1)  # (batch, 100)
        x = self.code(x)  # (batch, 6)
        return x


class Model(nn.Module):
    """
    two_towers.

    Inputs:
        left: (batch, 1, 12, 10), channels first; (batch, 12, 10, 1) in Keras
        right: (batch, 1, 12, 10), channels first; (batch, 12, 10, 1) in Keras
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.same = nn.Linear(12, 1)
        self.kind = nn.Linear(6, 3)

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:  # (batch, 1, 12, 10); (batch, 1, 12, 10)
        encoder = self.encoder(left)  # (batch, 6)
        x = self.encoder(right)  # (batch, 6)
        x = torch.cat([encoder, x], dim=1)  # (batch, 12)
        same = torch.sigmoid(self.same(x))  # (batch, 1)
        x = self.kind(encoder)  # (batch, 3)
        return same, x


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
