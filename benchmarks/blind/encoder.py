"""A transformer: ``nn.MultiheadAttention`` with a mask of the padding, then attention by einsum."""

import torch
import torch.nn.functional as F
from torch import nn


class CausalAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(dim, dim)
        self.v = nn.Linear(dim, dim)
        self.o = nn.Linear(dim, dim)

    def forward(self, x):
        b, t, d = x.shape
        q = self.q(x).view(b, t, self.heads, -1)
        k = self.k(x).view(b, t, self.heads, -1)
        v = self.v(x).view(b, t, self.heads, -1)
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / (d // self.heads) ** 0.5
        future = torch.triu(torch.ones(t, t, dtype=torch.bool), diagonal=1)
        scores = scores.masked_fill(future, float("-inf"))
        out = torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), v)
        return self.o(out.reshape(b, t, d))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(40, 12)
        self.att = nn.MultiheadAttention(12, 3, batch_first=True)
        self.ln1 = nn.LayerNorm(12, eps=1e-6)
        self.ff1 = nn.Linear(12, 20)
        self.ff2 = nn.Linear(20, 12)
        self.ln2 = nn.LayerNorm(12, eps=1e-6)
        self.causal = CausalAttention(12, 2)
        self.ln3 = nn.LayerNorm(12, eps=1e-3)
        self.out = nn.Linear(12, 5)

    def forward(self, ids, valid):
        x = self.tok(ids) * 12**0.5
        pad = valid < 0.5
        a, _ = self.att(x, x, x, key_padding_mask=pad, need_weights=False)
        x = self.ln1(x + a)
        f = self.ff2(F.gelu(self.ff1(x)))
        x = self.ln2(x + f)
        x = self.ln3(x + self.causal(x))
        x = x.mean(dim=1)
        return self.out(x)


def load(net, w):
    w = {k: torch.from_numpy(v) for k, v in w.items()}
    q, k, v = (w[f"att/{n}/kernel"].reshape(12, 12).T for n in ("query", "key", "value"))
    net.att.in_proj_weight.data = torch.cat([q, k, v])
    net.att.in_proj_bias.data = torch.cat([w[f"att/{n}/bias"].reshape(-1) for n in ("query", "key", "value")])
    net.att.out_proj.weight.data = w["att/attention_output/kernel"].reshape(12, 12).T.contiguous()
    net.att.out_proj.bias.data = w["att/attention_output/bias"]
    c = net.causal
    for m, n in ((c.q, "query"), (c.k, "key"), (c.v, "value")):
        m.weight.data = w[f"causal/{n}/kernel"].reshape(12, 12).T.contiguous()
        m.bias.data = w[f"causal/{n}/bias"].reshape(-1)
    c.o.weight.data = w["causal/attention_output/kernel"].reshape(12, 12).T.contiguous()
    c.o.bias.data = w["causal/attention_output/bias"]
    net.tok.weight.data = w["tok/embeddings"]
    for n in ("ln1", "ln2", "ln3"):
        getattr(net, n).weight.data = w[n + "/gamma"]
        getattr(net, n).bias.data = w[n + "/beta"]
    for n in ("ff1", "ff2", "out"):
        getattr(net, n).weight.data = w[n + "/kernel"].T.contiguous()
        getattr(net, n).bias.data = w[n + "/bias"]
