"""Numbers as categories."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class OneHot(nn.Module):
    """A 1 in the place of each category: (..., depth), in the dtype of the module."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.depth = depth
        self.register_buffer("one", torch.ones(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.one_hot(x.long(), self.depth).to(self.one.dtype)


class Discretization(nn.Module):
    """The bin of each number; a boundary belongs to the bin above it."""

    def __init__(self, *boundaries: float) -> None:
        super().__init__()
        self.register_buffer("boundaries", torch.tensor(boundaries), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.bucketize(x.to(self.boundaries.dtype), self.boundaries, right=True)


class IntegerLookup(nn.Module):
    """
    The place of each integer in a vocabulary: 0 for the mask token if there is one, then unknown ones, then the vocabulary.

    Without a place for unknown integers they are an error, as in Keras (keras/src/layers/preprocessing/index_lookup.py).
    """

    def __init__(self, *vocabulary: int, unknown: int | None = 0, first: int = 1, mask: int | None = None) -> None:
        super().__init__()
        known, places = torch.tensor(vocabulary, dtype=torch.long).sort()
        self.register_buffer("known", known, persistent=False)
        self.register_buffer("places", places + first, persistent=False)
        self.unknown, self.mask = unknown, mask

    def forward(self, x: Tensor) -> Tensor:
        x = x.long()
        nearest = torch.searchsorted(self.known, x).clamp(max=len(self.known) - 1)
        found = self.known[nearest] == x
        if self.unknown is None and not bool(found.all()):
            raise ValueError("an integer is not in the vocabulary, which has no place for unknown ones")
        places = torch.where(found, self.places[nearest], self.unknown or 0)
        return places if self.mask is None else torch.where(x == self.mask, 0, places)
