"""Activation functions that PyTorch does not have."""

import torch
from torch import Tensor


def hard_sigmoid(x: Tensor) -> Tensor:
    """Hard sigmoid of Keras 1 and 2: slope 0.2, where PyTorch and Keras 3 have 1/6."""
    return torch.clamp(0.2 * x + 0.5, 0.0, 1.0)
