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


def over_time(
    module: nn.RNNBase, x: Tensor, states: tuple[Tensor, ...], mask: Tensor | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """
    Run the `step` of a recurrent module along (batch, time, features), in each of its directions.

    Where the mask (batch, time) is False, the states stay as they are, and the output repeats the one before it or is
    zero. Keras: keras/src/backend/tensorflow/rnn.py.
    """
    sequences, ends = [], []
    for direction, suffix in enumerate(("_l0", "_l0_reverse")[: 1 + module.bidirectional]):
        weight_ih, weight_hh = getattr(module, f"weight_ih{suffix}"), getattr(module, f"weight_hh{suffix}")
        bias_ih, bias_hh = (getattr(module, f"{name}{suffix}", None) for name in ("bias_ih", "bias_hh"))
        gates = F.linear(x, weight_ih, bias_ih)
        state = tuple(s[direction] for s in states)
        output, outputs = torch.zeros_like(state[0]), []
        times = list(range(x.shape[1]))
        for t in reversed(times) if direction else times:
            new = module.step(gates[:, t], state, weight_hh, bias_hh)
            if mask is None:
                output, state = new[0], new
            else:
                keep = mask[:, t, None]
                output = torch.where(keep, new[0], 0.0 if module.zero_output_for_mask else output)
                state = tuple(torch.where(keep, n, s) for n, s in zip(new, state, strict=True))
            outputs.append(output)
        sequences.append(torch.stack(outputs[::-1] if direction else outputs, dim=1))
        ends.append(state)
    return torch.cat(sequences, dim=-1), tuple(torch.stack(end) for end in zip(*ends, strict=True))


def zero_state(module: nn.RNNBase, x: Tensor) -> Tensor:
    """The state before the first step: (directions, batch, units)."""
    return x.new_zeros(1 + module.bidirectional, x.shape[0], module.hidden_size)


class KerasLSTM(nn.RNNBase):
    """An nn.LSTM that takes a mask and any activations. Keras: keras/src/layers/rnn/lstm.py."""

    def __init__(
        self,
        *sizes: int,
        activation=torch.tanh,
        recurrent_activation=torch.sigmoid,
        zero_output_for_mask=False,
        **options,
    ) -> None:
        super().__init__("LSTM", *sizes, **options)
        self.activation = activation
        self.recurrent_activation = recurrent_activation
        self.zero_output_for_mask = zero_output_for_mask

    def step(self, gates: Tensor, state: tuple[Tensor, ...], weight: Tensor, bias: Tensor | None) -> tuple[Tensor, ...]:
        h, c = state
        i, f, g, o = (gates + F.linear(h, weight, bias)).chunk(4, dim=-1)
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
        return self.recurrent_activation(o) * self.activation(c), c

    def forward(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        return over_time(self, x, state or (zero_state(self, x), zero_state(self, x)), mask)


class KerasGRU(nn.RNNBase):
    """
    An nn.GRU that takes a mask and any activations, and can apply the reset gate before the matrix product.

    Keras: keras/src/layers/rnn/gru.py.
    """

    def __init__(
        self,
        *sizes: int,
        activation=torch.tanh,
        recurrent_activation=torch.sigmoid,
        reset_after=True,
        zero_output_for_mask=False,
        **options,
    ) -> None:
        super().__init__("GRU", *sizes, **options)
        self.activation = activation
        self.recurrent_activation = recurrent_activation
        self.reset_after = reset_after
        self.zero_output_for_mask = zero_output_for_mask

    def step(self, gates: Tensor, state: tuple[Tensor, ...], weight: Tensor, bias: Tensor | None) -> tuple[Tensor, ...]:
        (h,) = state
        r, z, n = gates.chunk(3, dim=-1)
        if self.reset_after:
            hidden_r, hidden_z, hidden_n = F.linear(h, weight, bias).chunk(3, dim=-1)
            r, z = self.recurrent_activation(r + hidden_r), self.recurrent_activation(z + hidden_z)
            n = n + r * hidden_n
        else:
            weight_r, weight_z, weight_n = weight.chunk(3)
            bias_r, bias_z, bias_n = (None,) * 3 if bias is None else bias.chunk(3)
            r = self.recurrent_activation(r + F.linear(h, weight_r, bias_r))
            z = self.recurrent_activation(z + F.linear(h, weight_z, bias_z))
            n = n + F.linear(r * h, weight_n, bias_n)
        return (z * h + (1 - z) * self.activation(n),)

    def forward(self, x: Tensor, state: Tensor | None = None, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        outputs, (state,) = over_time(self, x, (zero_state(self, x) if state is None else state,), mask)
        return outputs, state


class Model(nn.Module):
    """speech: input (batch, time, 13)."""

    def __init__(self) -> None:
        super().__init__()
        self.old_gru = KerasGRU(13, 8, batch_first=True, reset_after=False)
        self.both = KerasGRU(8, 6, batch_first=True, bidirectional=True, zero_output_for_mask=True)
        self.first = KerasLSTM(6, 5, batch_first=True)
        self.second = KerasLSTM(5, 5, batch_first=True, recurrent_activation=F.hardsigmoid)
        self.word = nn.Linear(5, 4)

    def forward(self, inputs: Tensor) -> Tensor:  # (batch, time, 13)
        padded_mask = (inputs != 0.0).any(dim=-1)
        padded = torch.where(padded_mask.unsqueeze(-1), inputs, 0.0)  # (batch, time, 13)
        x = inputs != 0.0  # (batch, time, 13)
        any = x.any(dim=2)  # (batch, length)
        x = self.old_gru(padded, mask=any)[0]  # (batch, time, 8)
        ahead, back = self.both(x, mask=any)[0].chunk(2, dim=-1)
        x = ahead + back  # (batch, time, 6)
        sequence, (h, c) = self.first(x, mask=any)
        first, first_1, first_2 = sequence, h[0], c[0]  # (batch, time, 5)
        x = self.second(first, (first_1[None], first_2[None]))[0][:, -1]  # (batch, 5)
        x = F.softmax(self.word(x), dim=1)  # (batch, 4)
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
