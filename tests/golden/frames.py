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


class ConvLSTM(nn.Module):
    """
    An LSTM over (batch, time, channels, *map) whose gates i, f, c, o are made by convolutions of input and state.

    Where the mask (batch, time) is False, the states stay as they are, and the output repeats the one before it or is
    zero. Keras: keras/src/layers/rnn/conv_lstm.py.
    """

    def __init__(
        self,
        input: nn.Module,
        state: nn.Module,
        activation=torch.tanh,
        recurrent_activation=torch.sigmoid,
        zero_output_for_mask: bool = False,
    ) -> None:
        super().__init__()
        self.input, self.state = input, state
        self.activation, self.recurrent_activation = activation, recurrent_activation
        self.zero_output_for_mask = zero_output_for_mask

    def forward(
        self, x: Tensor, states: tuple[Tensor, Tensor] | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        gates = self.input(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        zeros = torch.zeros_like(gates[:, 0].chunk(4, dim=1)[0])
        h, c = (zeros, zeros) if states is None else states
        output, outputs = zeros, []
        for t in range(x.shape[1]):
            i, f, g, o = (gates[:, t] + self.state(h)).chunk(4, dim=1)
            new_c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
            new_h = self.recurrent_activation(o) * self.activation(new_c)
            if mask is None:
                output, h, c = new_h, new_h, new_c
            else:
                keep = mask[:, t].view(-1, *(1,) * (h.dim() - 1))
                output = torch.where(keep, new_h, 0.0 if self.zero_output_for_mask else output)
                h, c = torch.where(keep, new_h, h), torch.where(keep, new_c, c)
            outputs.append(output)
        return torch.stack(outputs, dim=1), (h, c)


class Model(nn.Module):
    """frames: input (batch, 5, 16, 12, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.look = ConvLSTM(nn.Conv2d(1, 24, 3, padding=1), nn.Conv2d(6, 24, 3, padding=1, bias=False))
        self.norm = nn.BatchNorm3d(6, eps=0.001, momentum=0.01)
        self.remember = ConvLSTM(
            nn.Conv2d(6, 16, (2, 3)), nn.Sequential(nn.ZeroPad2d((1, 1, 0, 1)), nn.Conv2d(4, 16, (2, 3), bias=False))
        )
        self.next = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # (batch, 5, 16, 12, 1)
        x = self.look(x.permute(0, 1, 4, 2, 3))[0]  # (batch, 5, 6, 16, 12)
        x = self.norm(x.transpose(1, 2))  # (batch, 6, 5, 16, 12)
        x = self.remember(F.pad(x.transpose(1, 2), (1, 1, 0, 1)))[0][:, -1]  # (batch, 4, 16, 12)
        x = torch.sigmoid(self.next(x))  # (batch, 1, 16, 12)
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
