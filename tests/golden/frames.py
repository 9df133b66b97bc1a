"""
a test

    model = Model()
    model.load_state_dict(torch.load("model.pth", weights_only=True))
    model.eval()
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
