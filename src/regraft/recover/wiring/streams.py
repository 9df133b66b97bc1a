"""
What the BatchNorms of a file say of a layer behind a tensor, for tensors that were made in any order.

A tensor is what leaves a piece, or the sum of two tensors; its moments follow from the gammas and betas of the norms in
it. Each of the kernels that fit it predicts from them the mean that the norm behind that kernel has stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log

import numpy as np

from regraft.moments.activations import after
from regraft.moments.moment import Moments
from regraft.moments.norms import Norm
from regraft.moments.takers import Taker, takers


@dataclass(frozen=True)
class Tensor:
    """
    What leaves a piece, a sum or a join.

    Attributes:
        piece: The piece that made it, or the newest one.
        width: Channels.
        beside: The other term of a sum or join.
        bent: Whether a relu stands before that term is added; of a join, whether that term comes first.
        joined: Whether it is a join.
    """

    piece: int
    width: int
    beside: Tensor | None = None
    bent: bool = False
    joined: bool = False

    @cached_property
    def _hash(self) -> int:
        return hash((self.piece, self.width, self.beside, self.bent, self.joined))

    def __hash__(self) -> int:
        """Kept, since sums hold sums hold sums."""
        return self._hash


class Streams:
    """
    The pieces of a file by the statistics that they hold.

    Args:
        stored: For each piece the norm behind its kernel, if it was trained.
        outputs: For each piece the norm that its output leaves, if it was trained.
        kernels: For each piece the kernel of its first layer, summed over taps: ``(cin, cout)``, or ``(c,)`` where no
            channels are mixed; None where there is none.
        biases: Of the same, 0 where there is none.
        misfit: A usual one, in standard deviations.
    """

    def __init__(
        self,
        stored: Sequence[Norm | None],
        outputs: Sequence[Norm | None],
        kernels: Sequence[np.ndarray | None],
        biases: Sequence[np.ndarray | float],
        misfit: float,
    ) -> None:
        self._outputs, self._misfit = outputs, misfit
        self._takers: dict[int, list[int]] = {}
        self._wanted: dict[int, list[Taker]] = {}
        for i, (norm, kernel) in enumerate(zip(stored, kernels, strict=True)):
            if norm is None or kernel is None or kernel.shape[-1] != norm.channels:
                continue
            full = np.diag(kernel) if kernel.ndim == 1 else kernel
            bias = np.broadcast_to(biases[i], norm.mean.shape)
            if all(np.isfinite(values).all() for values in (full, bias, norm.mean[norm.live])):
                self._takers.setdefault(len(full), []).append(i)
                self._wanted.setdefault(len(full), []).append(
                    Taker(full[:, norm.live], bias[norm.live], norm.mean[norm.live], norm.sd[norm.live])
                )
        self._compared = {width: takers(found) for width, found in self._wanted.items()}
        self.told = lru_cache(maxsize=20_000)(self._told)
        self.moments = lru_cache(maxsize=20_000)(self._moments)

    def lowest(self, width: int, piece: int) -> float:
        """
        What the best of all single tensors costs, by which costs of different pieces can be compared.

        It is at most what a usual misfit costs, since none of them may be the right one; 0 if nothing can be told.
        """
        if piece not in self._takers.get(width, ()):
            return 0.0
        usual = float(self._compared[width].worth[self._takers[width].index(piece)]) * log(self._misfit)
        makers = [
            i for i, norm in enumerate(self._outputs) if norm is not None and norm.channels == width and i != piece
        ]
        return min(usual, *(self.told(Tensor(i, width)).get(piece, 0.0) for i in makers), 0.0)

    def _moments(self, tensor: Tensor) -> Moments | None:
        """The moments of a tensor before any activation of its own."""
        norm = self._outputs[tensor.piece]
        if norm is None:
            return None
        own = norm.output
        if tensor.beside is None:
            return own if norm.channels == tensor.width else None
        other = self.moments(tensor.beside)
        if other is None or tensor.width != (len(own.mean) + len(other.mean) if tensor.joined else len(own.mean)):
            return None
        if tensor.joined:
            first, second = (other, own) if tensor.bent else (own, other)
            return Moments(np.append(first.mean, second.mean), np.append(first.variance, second.variance))
        if len(other.mean) != tensor.width:
            return None
        if tensor.bent:
            other = after("relu", other.mean, other.variance)
        return Moments(own.mean + other.mean, own.variance + other.variance)

    def _told(self, tensor: Tensor) -> dict[int, float]:
        """For each piece whose kernel fits a tensor what it costs, less than 0, that it takes it; empty if unknown."""
        moments = self.moments(tensor)
        wanted = self._compared.get(tensor.width)
        if moments is None or wanted is None:
            return {}
        own, lift = self._outputs[tensor.piece], None
        if own is not None and tensor.beside is not None and not tensor.joined:
            lift = np.sqrt(own.output.variance)
        best = wanted.nats(moments, lift)
        return dict(zip(self._takers[tensor.width], best.tolist(), strict=True))
