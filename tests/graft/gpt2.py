"""A GPT-2 of our own under the names of transformers, so that its weights show what a square matrix is multiplied from."""

from __future__ import annotations

import torch
from torch import nn


class Turned(nn.Module):
    """A linear map with its matrix as TensorFlow has it: ``cin cout``, also where that is square."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(cin, cout))
        self.bias = nn.Parameter(torch.zeros(cout))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.bias, x.reshape(-1, x.shape[-1]), self.weight).reshape(*x.shape[:-1], -1)


class Straight(nn.Linear):
    """The same as PyTorch has it: ``cout cin``."""


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, kind: type[nn.Module]) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn, self.c_proj = kind(width, 3 * width), kind(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.c_attn(x).chunk(3, -1))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).flatten(2))


class Apart(Attention):
    """Queries, keys and values as three modules."""

    def __init__(self, width: int, heads: int, kind: type[nn.Module]) -> None:
        nn.Module.__init__(self)
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.c_proj = (kind(width, width) for _ in range(4))

    def c_attn(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.q_proj(x), self.k_proj(x), self.v_proj(x)], -1)


class Mlp(nn.Module):
    def __init__(self, width: int, kind: type[nn.Module]) -> None:
        super().__init__()
        self.c_fc, self.c_proj = kind(width, 4 * width), kind(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.c_proj(nn.functional.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, kind: type[nn.Module], apart: bool) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = (Apart if apart else Attention)(width, heads, kind)
        self.mlp = Mlp(width, kind)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT2(nn.Module):
    """With the sizes of ``GPT2Model`` in ``huggingface``."""

    def __init__(self, *, straight: bool = False, apart: bool = False, layers: int = 2, vocabulary: int = 49) -> None:
        super().__init__()
        kind = Straight if straight else Turned
        self.wte, self.wpe = nn.Embedding(vocabulary, 18), nn.Embedding(14, 18)
        self.h = nn.ModuleList(Block(18, 3, kind, apart) for _ in range(layers))
        self.ln_f = nn.LayerNorm(18)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for block in self.h:
            x = block(x)
        return self.ln_f(x)


Model = GPT2
