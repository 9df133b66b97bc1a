"""
a test

    model = Model()
    model.load_state_dict(torch.load("model.pth", weights_only=True))
    model.eval()
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
