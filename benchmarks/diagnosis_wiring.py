"""Mistakes in the wiring of a module and in front of it: what no single call holds."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from benchmarks.diagnosis_faults import Fault, at_call, in_weights, one
from benchmarks.diagnosis_sequences import run_text_unmasked
from benchmarks.graft_case import Net
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class Before(nn.Module):
    """A module with something done to its inputs first."""

    def __init__(self, inner: nn.Module, change: Callable[..., tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.inner, self.change = inner, change

    def forward(self, *inputs: Tensor) -> Any:
        """The right module's of other inputs."""
        return self.inner(*self.change(*inputs))


def before(change: Callable[..., tuple[Tensor, ...]]) -> Callable[[nn.Module], nn.Module]:
    """Something done to the inputs."""
    return lambda module: Before(module, change)


def running(run: Callable[..., Any]) -> Callable[[nn.Module], nn.Module]:
    """Another forward pass."""

    def made(module: nn.Module) -> nn.Module:
        twin = copy.deepcopy(module)
        assert isinstance(twin, Net)
        twin.run = run
        return twin

    return made


def setting(**settings: tuple[str, Any]) -> Callable[[nn.Module], nn.Module]:
    """Attributes of parts set otherwise."""

    def made(module: nn.Module) -> nn.Module:
        twin = copy.deepcopy(module)
        for part, (name, value) in settings.items():
            setattr(twin.get_submodule(part), name, value)
        return twin

    return made


def both(*steps: Callable[[nn.Module], nn.Module]) -> Callable[[nn.Module], nn.Module]:
    """Several mistakes at once."""

    def made(module: nn.Module) -> nn.Module:
        for step in steps:
            module = step(module)
        return module

    return made


def run_gru_last(p: Any, x: Tensor) -> Tensor:
    """The last step of both directions."""
    return torch.softmax(p.head(p.both2(p.both1(x)[0])[0][:, -1]), -1)


def run_gru_exchanged(p: Any, x: Tensor) -> Tensor:
    """The backward direction first."""
    hidden = p.both2(p.both1(x)[0])[1]
    return torch.softmax(p.head(torch.cat([hidden[-1], hidden[-2]], -1)), -1)


def attending(
    scale: float, *, masked: bool = False, interleaved: bool = False, later: bool = False
) -> Callable[..., Tensor]:
    """The transformer with another scale, a causal mask, other heads, or the normalisation in front."""

    def run(p: Any, x: Tensor) -> Tensor:
        x = p.embed(x)
        sizes = (4, 2) if interleaved else (2, 4)
        q, k, v = (part(x).unflatten(-1, sizes) for part in (p.query, p.key, p.value))
        q, k, v = ((t.permute(0, 3, 1, 2) if interleaved else t.transpose(1, 2)) for t in (q, k, v))
        scores = q @ k.transpose(-1, -2) / scale
        if masked:
            scores = scores.masked_fill(torch.ones_like(scores).triu(1).bool(), float("-inf"))
        x = p.norm1(x + p.output((torch.softmax(scores, -1) @ v).transpose(1, 2).flatten(2)))
        y = p.down(F.gelu(p.up(x)))
        x = x + p.norm2(y) if later else p.norm2(x + y)
        return torch.softmax(p.head(x.mean(1)), -1)

    return run


def run_lstm_first(p: Any, x: Tensor) -> Tensor:
    """The first step in place of the last."""
    return p.head(p.lstm2(p.lstm1(x)[0])[0][:, 0])


def run_lstm_backwards(p: Any, x: Tensor) -> Tensor:
    """The sequence read from its end."""
    return p.head(p.lstm2(p.lstm1(x.flip(1))[0])[0][:, -1])


def as_in_keras(part: Any) -> None:
    """The rows of the Dense in front of a Reshape as Keras has them."""
    for array in (part.weight, part.bias):
        array.copy_(array.unflatten(0, (8, 2, 3)).movedim(0, 2).flatten(0, 2))


no_shift = at_call("sub", 0, one(lambda x: x))
SCALE = ("preprocessing", "missing layer")
WIRED: Mapping[str, tuple[Fault, ...]] = {
    "CNN chain": (
        Fault(("preprocessing",), ("conv1",), "x / 255 in front", before(lambda x: (x / 255,))),
        Fault(("preprocessing",), ("conv1",), "x / 127.5 - 1 in front", before(lambda x: (x / 127.5 - 1,))),
        Fault(("channel order",), ("conv1",), "BGR for RGB", before(lambda x: (x.flip(1),))),
        Fault(
            ("preprocessing",), ("conv1",), "BGR less the caffe means",
            before(lambda x: (x.flip(1) - torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1),)),
        ),
        Fault(
            ("axes of the input",), ("conv1",), "channels last read as channels first",
            before(lambda x: (x.movedim(1, -1).reshape(x.shape),)),
        ),
    ),
    "residual net": (
        Fault(
            ("epsilon",), ("stem_bn",), "epsilon of PyTorch everywhere",
            setting(**{f"{n}bn{i}": ("eps", 1e-5) for n in ("block1_", "block2_") for i in (1, 2)}, stem_bn=("eps", 1e-5)),
        ),
    ),
    "bottleneck": (
        Fault(("stride placement",), ("a",), "stride at the 3x3", setting(a=("stride", (1, 1)), b=("stride", (2, 2)))),
        Fault(
            ("epsilon",), ("stem_bn",), "three mistakes at once",
            both(setting(stem_bn=("eps", 1e-3), b=("padding_mode", "zeros")), at_call("relu", 1, one(F.gelu)),
                 at_call("add", 0, lambda f, x, y, **k: x * y)),
        ),
    ),
    "MobileNet": (Fault(("missing layer",), ("depth1_bn",), "no normalisation", at_call("batch_norm", 1, one(lambda x: x))),),
    "VGG": (
        Fault(SCALE, ("scale", "conv1"), "input not scaled", both(no_shift, at_call("div", 0, one(lambda x: x)))),
        Fault(("preprocessing",), ("scale", "conv1"), "x / 255", both(no_shift, at_call("div", 0, one(lambda x: x / 255)))),
    ),
    "siamese": (
        Fault(("inputs exchanged", "input order"), ("tower1", "difference"), "inputs exchanged", before(lambda a, b: (b, a))),
    ),
    "autoencoder": (
        Fault(("reshape order",), ("map", "up1"), "reshaped in the order of PyTorch", in_weights("grow", as_in_keras)),
        Fault(
            ("padding",), ("up1",), "transposed convolution cropped at the start",
            at_call("__getitem__", 0, lambda f, x, *a, **k: x[:, :, 1:, 1:]),
        ),
    ),
    "LSTM": (
        Fault(("time step",), ("lstm2",), "the first step", running(run_lstm_first)),
        Fault(("direction", "axes of the input"), ("lstm1",), "sequence backwards", running(run_lstm_backwards)),
    ),
    "GRU both ways": (
        Fault(("time step",), ("both2",), "last step of both directions", running(run_gru_last)),
        Fault(("merge of directions",), ("both2",), "backward direction first", running(run_gru_exchanged)),
    ),
    "text with mask": (Fault(("missing mask",), ("lstm", "embed"), "mask left out", running(run_text_unmasked)),),
    "transformer": (
        Fault(("attention scale",), ("attention",), "scores not divided", running(attending(1.0))),
        Fault(("attention scale",), ("attention",), "divided by the width of the input", running(attending(8**0.5))),
        Fault(("attention mask",), ("attention",), "a causal mask", running(attending(2.0, masked=True))),
        Fault(("order of heads",), ("attention",), "heads interleaved", running(attending(2.0, interleaved=True))),
    ),
}  # fmt: skip
