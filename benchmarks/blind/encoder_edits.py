"""Mistakes as edits of the text of ``encoder.py``: name, Keras layer, words of the cause, old text, new text."""

from __future__ import annotations

from benchmarks.blind.mistake import Mistake, made

ENCODER = made(
    "encoder",
    [
        ("mask of the padding inverted", "att", "mask", "pad = valid < 0.5", "pad = valid > 0.5"),
        ("mask of the padding left out", "att", "mask", "key_padding_mask=pad, ", ""),
        (
            "causal mask left out",
            "causal",
            "causal|mask",
            'scores = scores.masked_fill(future, float("-inf"))\n',
            "del future\n",
        ),
        (
            "causal mask hides the token itself",
            "causal",
            "mask|causal",
            "scores.masked_fill(future,",
            "scores.masked_fill(future & False | torch.triu(torch.ones(t, t, dtype=torch.bool), diagonal=2),",
        ),
        (
            "the past hidden for the future",
            "causal",
            "mask|causal|invert",
            "torch.triu(torch.ones(t, t, dtype=torch.bool), diagonal=1)",
            "torch.tril(torch.ones(t, t, dtype=torch.bool), diagonal=-1)",
        ),
        ("scores not scaled", "causal", "scal", " / (d // self.heads) ** 0.5", ""),
        ("scaled by the whole width", "causal", "scal", "(d // self.heads) ** 0.5", "d ** 0.5"),
        ("query and key exchanged", "att", "query|key|exchanged|order", "torch.cat([q, k, v])", "torch.cat([k, q, v])"),
        (
            "heads and width exchanged",
            "causal",
            "head",
            "q = self.q(x).view(b, t, self.heads, -1)",
            "q = self.q(x).view(b, t, -1, self.heads).transpose(2, 3)",
        ),
        ("heads joined in the wrong order", "causal", "head|reshape|order", '"bhqk,bkhd->bqhd"', '"bhqk,bkhd->bhqd"'),
        ("number of heads", "causal", "head", "CausalAttention(12, 2)", "CausalAttention(12, 3)"),
        ("number of heads of PyTorch's", "att", "head", "nn.MultiheadAttention(12, 3", "nn.MultiheadAttention(12, 4"),
        ("softmax over the queries", "causal", "softmax|axis", "scores.softmax(-1)", "scores.softmax(-2)"),
        (
            "output kernel not transposed",
            "att",
            "transpos",
            'w["att/attention_output/kernel"].reshape(12, 12).T',
            'w["att/attention_output/kernel"].reshape(12, 12)',
        ),
        (
            "kernels of query, key, value not transposed",
            "att",
            "transpos",
            'w[f"att/{n}/kernel"].reshape(12, 12).T',
            'w[f"att/{n}/kernel"].reshape(12, 12)',
        ),
        ("query bias missing", "causal", "bias", "for m, n in ((c.q", "c.q.bias.data.zero_()\n    for m, n in ((c.q"),
        (
            "epsilon of the first norms",
            "ln1",
            "epsilon",
            "self.ln1 = nn.LayerNorm(12, eps=1e-6)",
            "self.ln1 = nn.LayerNorm(12, eps=1e-3)",
        ),
        ("epsilon of PyTorch", "ln3", "epsilon", "nn.LayerNorm(12, eps=1e-3)", "nn.LayerNorm(12)"),
        ("gelu by tanh", "ff1", "gelu", "F.gelu(self.ff1(x))", 'F.gelu(self.ff1(x), approximate="tanh")'),
        ("no residual way", "add1", "missing|connection|residual|without", "self.ln1(x + a)", "self.ln1(a)"),
        (
            "residual way behind the norm",
            "add2 ln2",
            "missing|connection|order|residual|without|exchanged|norm",
            "self.ln2(x + f)",
            "x + self.ln2(f)",
        ),
        ("embedding not scaled", "scale", "scal|missing|operation", "self.tok(ids) * 12**0.5", "self.tok(ids)"),
        ("first token for the mean", "mean", "first|step|pool|token", "x = x.mean(dim=1)", "x = x[:, 0]"),
        (
            "weights of two norms exchanged",
            "ln1",
            "exchanged|ln2|weights",
            'getattr(net, n).weight.data = w[n + "/gamma"]',
            'm = {"ln1": "ln2", "ln2": "ln1"}.get(n, n)\n        getattr(net, n).weight.data = w[m + "/gamma"]',
        ),
    ],
)

ENCODER = [
    Mistake(
        m.pair,
        m.name,
        m.layers,
        m.words,
        (("    net.tok.weight.data", "    c.q.bias.data.zero_()\n    net.tok.weight.data"),),
    )
    if m.name == "query bias missing"
    else m
    for m in ENCODER
]
