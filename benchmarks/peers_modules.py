"""The networks of ``peers.py`` in PyTorch, with the settings of Keras and the names of its layers."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def norm(channels: int) -> nn.BatchNorm2d:
    """As in Keras."""
    return nn.BatchNorm2d(channels, eps=0.001, momentum=0.01)


class Digits(nn.Module):
    """The sample of regraft: (batch, 1, 8, 8) → (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 12, 3, padding=1, bias=False)
        self.stem_bn = norm(12)
        self.conv2d = nn.Conv2d(12, 12, 3, padding=1)
        self.batch_normalization = norm(12)
        self.residual_conv = nn.Conv2d(12, 12, 3, padding=1)
        self.conv2d_1 = nn.Conv2d(12, 20, 3, stride=2)
        self.dense = nn.Linear(160, 32)
        self.digit = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Run it."""
        x = F.relu(self.stem_bn(self.stem(x)))
        x = x + self.residual_conv(F.relu(self.batch_normalization(self.conv2d(x))))
        x = F.max_pool2d(F.relu(self.conv2d_1(F.pad(x, (0, 1, 0, 1)))), (2, 1))
        return torch.softmax(self.digit(F.relu(self.dense(x.flatten(1)))), -1)


class Recurrent(nn.Module):
    """(batch, 7, 5) → (batch, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(5, 6, batch_first=True)
        self.gru = nn.GRU(6, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Run it."""
        x, _ = self.lstm(x)
        x, _ = self.gru(x)
        return x[:, -1]


class Attention(nn.Module):
    """(batch, 7, 8) → (batch, 7, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8, eps=0.001)
        self.dense = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Run it."""
        seen, _ = self.look(x, x, x, need_weights=False)
        return self.dense(self.norm(x + seen))


class Gelu(nn.Module):
    """(batch, 6) → (batch, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(6, 9)
        self.dense_1 = nn.Linear(9, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Run it."""
        return self.dense_1(F.gelu(self.dense(x)))


MODULES = {"digits": Digits, "recurrent": Recurrent, "attention": Attention, "gelu": Gelu}
