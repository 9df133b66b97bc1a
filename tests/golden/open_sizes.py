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


def pad_same(x: Tensor, window: tuple[int, ...], stride: tuple[int, ...], value: float = 0.0) -> Tensor:
    """Pad as TensorFlow does for "same": ceil(n / stride) windows fit, and the odd one goes to the end of an axis."""
    amounts: list[int] = []
    for axis in range(len(window) - 1, -1, -1):
        n, k, s = x.shape[axis + 2], window[axis], stride[axis]
        total = (n - 1) // s * s + k - n
        total = total if k >= s else max(total, 0)
        amounts += [total // 2, total - total // 2]
    return F.pad(x, amounts, value=value)


def avg_pool_same(x: Tensor, window: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Average pooling with TensorFlow's "same" padding, which does not count as part of a window."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(window) - 1]
    share = pool(pad_same(torch.ones_like(x[:1, :1]), window, stride), window, stride)
    return pool(pad_same(x, window, stride), window, stride) / share


class Model(nn.Module):
    """open_sizes: input (batch, 3, h, w), channels first; (batch, h, w, 3) in Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow_6 = nn.Conv2d(3, 6, 3, stride=2)
        self.mix_6 = nn.Conv2d(6, 6, 5, stride=2, groups=6)
        self.norm_6 = nn.LayerNorm(6, eps=0.001)
        self.narrow_8 = nn.Conv2d(6, 8, 3, stride=2)
        self.mix_8 = nn.Conv2d(8, 8, 5, stride=2, groups=8)
        self.norm_8 = nn.LayerNorm(8, eps=0.001)
        self.largest = nn.MaxPool2d(3, stride=2)
        self.kind = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:  # (batch, 3, h, w)
        x = self.narrow_6(pad_same(x, (3, 3), (2, 2)))  # (batch, 6, h, w)
        x = self.mix_6(pad_same(x, (5, 5), (2, 2)))  # (batch, 6, h, w)
        x = self.norm_6(x.permute(0, 2, 3, 1))  # (batch, ?, ?, 6)
        x = F.gelu(x)  # (batch, ?, ?, 6)
        x = self.narrow_8(pad_same(x.permute(0, 3, 1, 2), (3, 3), (2, 2)))  # (batch, 8, h, w)
        x = self.mix_8(pad_same(x, (5, 5), (2, 2)))  # (batch, 8, h, w)
        x = self.norm_8(x.permute(0, 2, 3, 1))  # (batch, ?, ?, 8)
        x = F.gelu(x)  # (batch, ?, ?, 8)
        x = avg_pool_same(x.permute(0, 3, 1, 2), (3, 3), (2, 2))  # (batch, 8, h, w)
        x = self.largest(pad_same(x, (3, 3), (2, 2), value=float("-inf")))  # (batch, 8, h, w)
        x = x.mean((2, 3))  # (batch, 8)
        x = self.kind(x)  # (batch, 5)
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
