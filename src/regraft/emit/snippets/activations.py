"""Activation functions that PyTorch does not have."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def hard_sigmoid(x: Tensor) -> Tensor:
    """Hard sigmoid of Keras 1 and 2: slope 0.2, where PyTorch and Keras 3 have 1/6."""
    return torch.clamp(0.2 * x + 0.5, 0.0, 1.0)


def squareplus(x: Tensor) -> Tensor:
    """A smooth ReLU without exponentials; ``squareplus`` of Keras 3 with its default b = 4."""
    return (x + torch.sqrt(x * x + 4.0)) / 2.0


def sparse_plus(x: Tensor) -> Tensor:
    """0 up to -1, x from 1 on, a parabola between; ``sparse_plus`` of Keras 3."""
    return torch.where(x < 1.0, 0.25 * torch.clamp(x + 1.0, min=0.0) ** 2, x)


def sparse_sigmoid(x: Tensor) -> Tensor:
    """0 up to -1, 1 from 1 on, a line between; ``sparse_sigmoid`` of Keras 3."""
    return torch.clamp(0.5 * (x + 1.0), 0.0, 1.0)


def sparsemax(x: Tensor, dim: int) -> Tensor:
    """
    ``sparsemax`` as Keras computes it (keras/src/backend/tensorflow/nn.py).

    Its threshold sums the cumulative sums of the support, not the support itself, so the result is not the projection
    on the simplex that the paper defines: (1, 0.5) gives (0.25, 0), where the paper has (0.75, 0.25).
    """
    ranked, _ = torch.sort(x, dim=dim, descending=True)
    total = torch.cumsum(ranked, dim=dim)
    rank = torch.cumsum(torch.ones_like(ranked), dim=dim)
    support = ranked - (total - 1.0) / rank > 0
    threshold = (torch.where(support, total, 0.0).sum(dim, keepdim=True) - 1.0) / support.sum(dim, keepdim=True)
    return F.relu(x - threshold)


def relu(x: Tensor, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """The ReLU of Keras with all its settings: the slope counts from the threshold (keras/src/activations/activations.py)."""
    above = torch.clamp(F.threshold(x, threshold, 0.0), min=0.0, max=max_value)
    return above - negative_slope * F.relu(threshold - x) if negative_slope else above


def masked_softmax(x: Tensor, mask: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Softmax over the entries that the mask keeps; all zeros where it keeps none, as in Keras since 3.10."""
    mask = mask if mask.dtype == torch.bool else mask > 0.5
    logits = torch.where(mask, x, -1e9)
    return torch.where(mask, torch.exp(logits - torch.logsumexp(logits, dim=dim, keepdim=True)), 0.0)


class PReLU(nn.Module):
    """``weight * x`` for negative inputs, with a weight for every place that the shape names."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full(shape, 0.25))

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, x, self.weight * x)


class ParametricSoftplus(nn.Module):
    """``alpha * log(1 + exp(beta * x))`` of Keras 1, with an alpha and a beta for every place that the shape names."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.full(shape, 0.2))
        self.beta = nn.Parameter(torch.full(shape, 5.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.alpha * torch.logaddexp(self.beta * x, x.new_zeros(()))


class SReLU(nn.Module):
    """
    The S-shaped ReLU of Keras 1: slope ``a_left`` below ``t_left``, 1 up to ``t_left + |t_right|``, then ``a_right``.

    Keras: keras/layers/advanced_activations.py of Keras 1.2.2.
    """

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.t_left, self.a_left = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape))
        self.t_right, self.a_right = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.ones(shape))

    def forward(self, x: Tensor) -> Tensor:
        width = self.t_right.abs()
        middle = torch.minimum(F.relu(x - self.t_left), width)
        left, right = F.relu(self.t_left - x), F.relu(x - self.t_left - width)
        return self.t_left + middle - self.a_left * left + self.a_right * right
