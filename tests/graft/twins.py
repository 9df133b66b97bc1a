"""The digits network as a user might write it in PyTorch, right or with one mistake."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

EXAMPLE = (2, 1, 8, 8)


class Twin(nn.Module):
    """
    Names, order of definition and layout are the user's own.

    Args:
        folded: Whether the convolutions before a normalisation have no bias.
        last: Whether the map is flattened with the channels last.
        pointwise: Whether the head is a convolution of size 1.
        epsilon: Of both normalisations.
        padding: Of the second convolution.
        softmax: Whether the outputs are probabilities.
        swapped: Whether the two convolutions of equal shape are called in the other order than their names say.
        late: Whether the second normalisation comes behind the function.
        classes: Width of the head.
    """

    def __init__(
        self,
        *,
        folded: bool = False,
        last: bool = False,
        pointwise: bool = False,
        epsilon: float = 1e-3,
        padding: int = 1,
        softmax: bool = True,
        swapped: bool = False,
        late: bool = False,
        classes: int = 10,
    ) -> None:
        super().__init__()
        self.last, self.softmax, self.swapped, self.late, self.pointwise = last, softmax, swapped, late, pointwise
        self.head = nn.Conv2d(32, classes, 1) if pointwise else nn.Linear(32, classes)
        self.hidden = nn.Linear(160, 32)
        self.down = nn.Conv2d(12, 20, 3, stride=2)
        self.second = nn.Conv2d(12, 12, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(12, eps=epsilon, momentum=0.01)
        self.first = nn.Conv2d(12, 12, 3, padding=padding, bias=not folded)
        self.norm1 = nn.BatchNorm2d(12, eps=epsilon, momentum=0.01)
        self.entry = nn.Conv2d(1, 12, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm1(self.entry(x)))
        first, second = (self.second, self.first) if self.swapped else (self.first, self.second)
        y = first(x)
        y = self.norm2(functional.relu(y)) if self.late else functional.relu(self.norm2(y))
        y = y if y.shape == x.shape else functional.pad(y, (1, 1, 1, 1))
        x = second(y) + x
        x = functional.max_pool2d(functional.relu(self.down(functional.pad(x, (0, 1, 0, 1)))), (2, 1))
        x = x.permute(0, 2, 3, 1).reshape(len(x), -1) if self.last else torch.flatten(x, 1)
        x = functional.relu(self.hidden(x))
        x = self.head(x[:, :, None, None])[:, :, 0, 0] if self.pointwise else self.head(x)
        return functional.softmax(x, -1) if self.softmax else x
