"""
a test

    model = Model()
    model.load_state_dict(torch.load("model.pth", weights_only=True))
    model.eval()
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


class Model(nn.Module):
    """tagger: input (batch, length)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 7)
        self.context = KerasLSTM(7, 5, batch_first=True, bidirectional=True, zero_output_for_mask=True)
        self.dropout = nn.Dropout(0.3)
        self.tags = nn.Linear(10, 4)

    def forward(self, x: Tensor) -> Tensor:  # (batch, length)
        embedding_mask = x != 0
        x = self.embedding(x.long())  # (batch, time, 7)
        x = self.context(x, mask=embedding_mask)[0]  # (batch, time, 10)
        x = self.dropout(x)  # (batch, time, 10)
        x = F.softmax(self.tags(x), dim=2)  # (batch, time, 4)
        return x
