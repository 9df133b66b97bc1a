"""Linear maps and attention that PyTorch has no module for."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class EinsumDense(nn.Module):
    """``einsum(equation, x, kernel) + bias`` (keras/src/layers/core/einsum_dense.py)."""

    def __init__(self, equation: str, kernel: tuple[int, ...], bias: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.equation = equation
        self.kernel = nn.Parameter(torch.zeros(kernel))
        self.bias = None if bias is None else nn.Parameter(torch.zeros(bias))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.einsum(self.equation, x, self.kernel)
        return x if self.bias is None else x + self.bias


def causal_mask(query: Tensor, value: Tensor) -> Tensor:
    """True where a step of ``query`` comes no earlier than one of ``value``: (1, target, source)."""
    return torch.ones(1, query.shape[1], value.shape[1], dtype=torch.bool, device=query.device).tril()


def window_mask(query: Tensor, value: Tensor, width: int) -> Tensor:
    """True where the steps of ``query`` and ``value`` are less than ``width`` apart: (1, target, source)."""
    near = torch.ones(1, query.shape[1], value.shape[1], dtype=torch.bool, device=query.device)
    return near.tril(width - 1).triu(1 - width)


class MultiHeadAttention(nn.Module):
    """
    Attention in several heads, with the freedoms that nn.MultiheadAttention does not give: heads of any width, a gate,
    heads that share keys and values, and masks of Keras, which are True where a query may look.

    Steps that may look nowhere get the mean of all values, zeros, or what they would get without a mask
    (``blind="mean"``, ``"zero"``, ``"all"``); versions of Keras differ there.
    Keras: keras/src/layers/attention/multi_head_attention.py and grouped_query_attention.py.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        head_dim: int,
        *,
        value_features: int | None = None,
        key_features: int | None = None,
        value_head_dim: int | None = None,
        out_features: int | None = None,
        shared_by: int = 1,
        bias: bool = True,
        gate: bool = False,
        dropout: float = 0.0,
        blind: str = "mean",
    ) -> None:
        super().__init__()
        self.heads, self.head_dim, self.shared_by, self.dropout, self.blind = heads, head_dim, shared_by, dropout, blind
        value_features, value_head_dim = value_features or features, value_head_dim or head_dim
        self.query = nn.Linear(features, heads * head_dim, bias=bias)
        self.key = nn.Linear(key_features or value_features, heads // shared_by * head_dim, bias=bias)
        self.value = nn.Linear(value_features, heads // shared_by * value_head_dim, bias=bias)
        self.gate = nn.Linear(features, heads * value_head_dim, bias=bias) if gate else None
        self.output = nn.Linear(heads * value_head_dim, out_features or features, bias=bias)

    def split(self, x: Tensor, heads: int) -> Tensor:
        """(batch, time, heads * dim) to (batch, heads, time, dim)."""
        x = x.unflatten(-1, (heads, -1)).transpose(1, 2)
        return x.repeat_interleave(self.heads // heads, dim=1)

    def join(self, x: Tensor, like: Tensor) -> Tensor:
        """(batch, heads, time, dim) to (batch, time, heads * dim)."""
        return x.transpose(1, 2).flatten(-2)

    def forward(
        self,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        mask: Tensor | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        q = self.split(self.query(query), self.heads)
        k = self.split(self.key(value if key is None else key), self.heads // self.shared_by)
        v = self.split(self.value(value), self.heads // self.shared_by)
        bias = weights = None
        if mask is not None:
            hidden = torch.finfo(q.dtype).min / 2 if self.blind == "mean" else -1e9
            bias = torch.zeros_like(mask, dtype=q.dtype).masked_fill(~mask, hidden)
        dropout = self.dropout if self.training else 0.0
        if need_weights:
            scores = self.head_dim**-0.5 * q @ k.transpose(-1, -2)
            weights = F.softmax(scores if bias is None else scores + bias, dim=-1)
            x = F.dropout(weights, dropout) @ v
        else:
            x = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout)
        if mask is not None and self.blind == "zero":
            x, weights = x * mask.any(-1, keepdim=True), None if weights is None else weights * mask
        x = self.join(x, query)
        if self.gate is not None:
            x = x * torch.sigmoid(self.gate(query))
        return self.output(x), weights


class AxesAttention(MultiHeadAttention):
    """Attention along other axes than the time of (batch, time, features); all other axes are like the batch."""

    def __init__(self, *sizes: int, axes: tuple[int, ...], **options) -> None:
        super().__init__(*sizes, **options)
        self.axes, self.last = axes, tuple(range(-1 - len(axes), -1))

    def split(self, x: Tensor, heads: int) -> Tensor:
        return x.unflatten(-1, (heads, -1)).movedim(self.axes, self.last).flatten(self.last[0], -2)

    def join(self, x: Tensor, like: Tensor) -> Tensor:
        sizes = [like.shape[axis] for axis in self.axes]
        return x.unflatten(-2, sizes).movedim(self.last, self.axes).flatten(-2)


class Attention(nn.Module):
    """
    Attention of one head without projections; the scores are not divided by the root of the width.

    The mask is True where a query may look: (batch, 1 or target, source). Keras: keras/src/layers/attention/attention.py.
    """

    def __init__(self, scale: bool = False, concat: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(())) if scale else 1.0
        self.concat_score_weight = nn.Parameter(torch.ones(())) if concat else None
        self.dropout = dropout

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        if self.concat_score_weight is None:
            return self.scale * (query @ key.transpose(-1, -2))
        both = query[..., :, None, :] + key[..., None, :, :]
        return self.concat_score_weight * torch.tanh(self.scale * both).sum(-1)

    def forward(
        self, query: Tensor, value: Tensor, key: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        scores = self.scores(query, value if key is None else key)
        if mask is not None:
            scores = torch.where(mask, scores, scores - 1e9)
        weights = F.softmax(scores, dim=-1)
        return F.dropout(weights, self.dropout, self.training) @ value, weights


class AdditiveAttention(Attention):
    """Attention of Bahdanau: the score is the sum of ``scale * tanh(query + key)`` over the features."""

    def __init__(self, features: int | None = None, dropout: float = 0.0) -> None:
        super().__init__(dropout=dropout)
        self.scale = 1.0 if features is None else nn.Parameter(torch.ones(features))

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        return (self.scale * torch.tanh(query[..., :, None, :] + key[..., None, :, :])).sum(-1)


class ReversibleEmbedding(nn.Embedding):
    """An embedding with a matrix of its own for the way back, from vectors to scores of the words."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__(rows, columns)
        self.reverse = nn.Linear(columns, rows, bias=False)
