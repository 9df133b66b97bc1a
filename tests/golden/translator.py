"""
a test

    model = Model()
    model.load_state_dict(torch.load("model.pth", weights_only=True))
    model.eval()

    python model.py --selftest  # whether it computes here what it did when it was converted
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def causal_mask(query: Tensor, value: Tensor) -> Tensor:
    """True where a step of ``query`` comes no earlier than one of ``value``: (1, target, source)."""
    return torch.ones(1, query.shape[1], value.shape[1], dtype=torch.bool, device=query.device).tril()


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


class Model(nn.Module):
    """
    translator.

    Inputs:
        source: (batch, length)
        target: (batch, length)
    """

    def __init__(self) -> None:
        super().__init__()
        self.target_words = nn.Embedding(50, 16)
        self.decoder_self = MultiHeadAttention(16, 4, 4)
        self.decoder_norm_1 = nn.LayerNorm(16, eps=0.001)
        self.source_words = nn.Embedding(40, 16)
        self.encoder_self = nn.MultiheadAttention(16, 4, batch_first=True)
        self.encoder_norm_1 = nn.LayerNorm(16, eps=0.001)
        self.encoder_wide = nn.Linear(16, 32)
        self.encoder_narrow = nn.Linear(32, 16)
        self.encoder_norm_3 = nn.LayerNorm(16, eps=0.001)
        self.decoder_other = nn.MultiheadAttention(16, 4, batch_first=True)
        self.decoder_norm_2 = nn.LayerNorm(16, eps=0.001)
        self.decoder_wide = nn.Linear(16, 32)
        self.decoder_narrow = nn.Linear(32, 16)
        self.decoder_norm_3 = nn.LayerNorm(16, eps=0.001)
        self.next = nn.Linear(16, 50)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:  # (batch, length); (batch, length)
        target_words = self.target_words(target.long())  # (batch, time, 16)
        visible = causal_mask(target_words, target_words)
        x = self.decoder_self(target_words, target_words, mask=visible)[0]  # (batch, time, 16)
        x = target_words + x  # (batch, time, 16)
        decoder_norm_1 = self.decoder_norm_1(x)  # (batch, time, 16)
        source_words = self.source_words(source.long())  # (batch, time, 16)
        x = self.encoder_self(source_words, source_words, source_words, need_weights=False)[0]  # (batch, time, 16)
        x = source_words + x  # (batch, time, 16)
        encoder_norm_1 = self.encoder_norm_1(x)  # (batch, time, 16)
        x = F.gelu(self.encoder_wide(encoder_norm_1))  # (batch, time, 32)
        x = self.encoder_narrow(x)  # (batch, time, 16)
        x = encoder_norm_1 + x  # (batch, time, 16)
        x = self.encoder_norm_3(x)  # (batch, time, 16)
        x = self.decoder_other(decoder_norm_1, x, x, need_weights=False)[0]  # (batch, time, 16)
        x = decoder_norm_1 + x  # (batch, time, 16)
        decoder_norm_2 = self.decoder_norm_2(x)  # (batch, time, 16)
        x = F.gelu(self.decoder_wide(decoder_norm_2))  # (batch, time, 32)
        x = self.decoder_narrow(x)  # (batch, time, 16)
        x = decoder_norm_2 + x  # (batch, time, 16)
        x = self.decoder_norm_3(x)  # (batch, time, 16)
        x = F.softmax(self.next(x), dim=2)  # (batch, time, 50)
        return x


def digests(model: nn.Module, inputs: list[Tensor], show) -> None:
    """
    Run a model and show name, shape and numbers of each weight, of what each module returns, and of each output.

    The numbers: mean, root mean square, and the sums along a sine and a cosine wave over all n entries, by sqrt(n).
    """
    angles = torch.arange(2**20, dtype=torch.float64)
    waves = torch.stack([torch.ones_like(angles), angles.sin(), angles.cos()])

    def see(name: str, value: object) -> None:
        if isinstance(value, tuple | list):
            for i, part in enumerate(value):
                see(f"{name}[{i}]", part)
        elif isinstance(value, Tensor):
            sums = torch.zeros(4, dtype=torch.float64)
            for part in value.detach().flatten().split(2**20):
                x = part.double().nan_to_num(0.0, 1.0, -1.0)
                sums += torch.cat([waves[:, : len(x)] @ x, (x @ x).reshape(1)])
            total, sine, cosine, squares = sums.tolist()
            n = max(1, value.numel())
            show(name, list(value.shape), [total / n, (squares / n) ** 0.5, sine / n**0.5, cosine / n**0.5])

    for name, tensor in model.state_dict().items():
        see(f"weight {name}", tensor)
    for name, module in model.named_modules():
        title = f"module {name}" if name else "output"
        module.register_forward_hook(lambda _module, _inputs, value, title=title: see(title, value))
    with torch.no_grad():
        model(*inputs)


def selftest() -> None:
    """Compare this file and its weights with selftest.npz, up to the first weight, module or output that differs."""
    import json
    import sys
    import zipfile
    from pathlib import Path

    folder = Path(__file__).parent
    with zipfile.ZipFile(folder / "selftest.npz") as file:
        kept = json.loads(file.read("expected.json"))
        inputs = [
            torch.frombuffer(bytearray(file.read(f"{name}.npy")[-size:]), dtype=getattr(torch, dtype)).reshape(shape)
            for name, dtype, shape, size in kept["inputs"]
        ]
    model = Model().eval()
    model.load_state_dict(torch.load(folder / "model.pth", weights_only=True))
    rows, off = iter(kept["rows"]), [0.0]

    def compare(name: str, shape: list[int], found: list[float]) -> None:
        expected_name, expected_shape, expected, allowed = next(rows, ("nothing", [], None, 0.0))
        expected = expected or found  # not kept where they are random, or too many
        off.append(max(abs(a - b) for a, b in zip(found, expected, strict=True)) / (expected[1] or 1.0))
        if [name, shape] != [expected_name, expected_shape] or not off[-1] <= allowed:
            sys.exit(
                f"selftest: {name} differs, and all before it agree.\n"
                f"  expected {expected_name} {expected_shape} {expected}, within {allowed:.0e} of the second number\n"
                f"  found    {name} {shape} {found}\n"
                "A weight that differs: its file is another one, or damaged. Anything else: its settings, or a line\n"
                "before it, have changed, or this machine or version of torch computes it in another way."
            )

    digests(model, inputs, compare)
    if missing := next(rows, None):
        sys.exit(f"selftest: {missing[0]} did not run, and all before it agree.")
    print(f"selftest: {kept['what']} as recorded (largest difference {max(off):.0e} of the scale), {kept['reference']}")


if __name__ == "__main__":
    import sys

    sys.exit(selftest() if sys.argv[1:] == ["--selftest"] else __doc__)
