"""Keras models of sequences, each with the same network written in PyTorch by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from benchmarks.diagnosis_twin import Twin
from benchmarks.graft_case import Net
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


def lstm(k: Any) -> Any:
    """Two LSTMs and a Dense; the second is as wide as what it takes."""
    la = k.layers
    return k.Sequential(
        [
            k.Input((7, 5)),
            la.LSTM(6, return_sequences=True, name="lstm1"),
            la.LSTM(6, name="lstm2"),
            la.Dense(3, name="head"),
        ]
    )


def lstm_net() -> Net:
    """The same in PyTorch."""
    return Net(
        lambda p, x: p.head(p.lstm2(p.lstm1(x)[0])[0][:, -1]),
        lstm1=nn.LSTM(5, 6, batch_first=True), lstm2=nn.LSTM(6, 6, batch_first=True), head=nn.Linear(6, 3),
    )  # fmt: skip


def gru(k: Any) -> Any:
    """Two GRUs of both directions."""
    la = k.layers
    return k.Sequential(
        [
            k.Input((7, 5)), la.Bidirectional(la.GRU(4, return_sequences=True), name="both1"),
            la.Bidirectional(la.GRU(4), name="both2"), la.Dense(3, activation="softmax", name="head"),
        ]
    )  # fmt: skip


def run_gru(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch."""
    hidden = p.both2(p.both1(x)[0])[1]
    return torch.softmax(p.head(torch.cat([hidden[-2], hidden[-1]], -1)), -1)


def gru_net() -> Net:
    """Its parts."""
    parts = {n: nn.GRU(i, 4, batch_first=True, bidirectional=True) for n, i in (("both1", 5), ("both2", 8))}
    return Net(run_gru, **parts, head=nn.Linear(8, 3))


def text(k: Any) -> Any:
    """Words with a mask, an LSTM, a Dense."""
    la = k.layers
    return k.Sequential(
        [
            k.Input((9,), dtype="int32"), la.Embedding(20, 6, mask_zero=True, name="embed"), la.LSTM(5, name="lstm"),
            la.Dense(4, activation="relu", name="hidden"), la.Dense(2, name="head"),
        ]
    )  # fmt: skip


def run_text(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch: steps that do not count are packed away."""
    lengths = (x != 0).sum(1)
    x = x.gather(1, torch.argsort((x == 0).int(), dim=1, stable=True))  # steps that count come first
    packed = nn.utils.rnn.pack_padded_sequence(p.embed(x), lengths, batch_first=True, enforce_sorted=False)
    return p.head(torch.relu(p.hidden(p.lstm(packed)[1][0][-1])))


def run_text_unmasked(p: Any, x: Tensor) -> Tensor:
    """The same with every step taken."""
    return p.head(torch.relu(p.hidden(p.lstm(p.embed(x))[1][0][-1])))


def text_net() -> Net:
    """Its parts."""
    return Net(
        run_text,
        embed=nn.Embedding(20, 6),
        lstm=nn.LSTM(6, 5, batch_first=True),
        hidden=nn.Linear(5, 4),
        head=nn.Linear(4, 2),
    )


def transformer(k: Any) -> Any:
    """A block of an encoder: attention, two normalisations, a GELU."""
    la = k.layers
    first = k.Input((7, 8))
    x = la.Dense(8, name="embed")(first)
    y = la.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = la.LayerNormalization(epsilon=1e-6, name="norm1")(la.Add(name="add1")([x, y]))
    y = la.Dense(8, name="down")(la.Dense(12, activation="gelu", name="up")(x))
    x = la.LayerNormalization(epsilon=1e-6, name="norm2")(la.Add(name="add2")([x, y]))
    return k.Model(first, la.Dense(3, activation="softmax", name="head")(la.GlobalAveragePooling1D(name="pool")(x)))


def run_transformer(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch, attention written out."""
    x = p.embed(x)
    q, k, v = (part(x).unflatten(-1, (2, 4)).transpose(1, 2) for part in (p.query, p.key, p.value))
    scores = torch.softmax(q @ k.transpose(-1, -2) / 2.0, -1)
    x = p.norm1(x + p.output((scores @ v).transpose(1, 2).flatten(2)))
    x = p.norm2(x + p.down(F.gelu(p.up(x))))
    return torch.softmax(p.head(x.mean(1)), -1)


def transformer_net() -> Net:
    """Its parts."""
    parts = {name: nn.Linear(8, 8) for name in ("embed", "query", "key", "value", "output")}
    norms = {name: nn.LayerNorm(8, eps=1e-6) for name in ("norm1", "norm2")}
    return Net(run_transformer, **parts, **norms, up=nn.Linear(8, 12), down=nn.Linear(12, 8), head=nn.Linear(8, 3))


def load_transformer(net: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """The arrays of the Keras model, heads joined."""
    parts = {
        "query": "attention/query",
        "key": "attention/key",
        "value": "attention/value",
        "output": "attention/attention_output",
    }
    for name in ("embed", "up", "down", "head", *parts):
        path, part = parts.get(name, name), getattr(net.parts, name)
        kernel = arrays[f"{path}/kernel"].reshape(part.in_features, part.out_features)
        part.weight.data = torch.from_numpy(kernel.T.copy())
        part.bias.data = torch.from_numpy(arrays[f"{path}/bias"].reshape(-1).copy())
    for name in ("norm1", "norm2"):
        part = getattr(net.parts, name)
        part.weight.data, part.bias.data = (torch.from_numpy(arrays[f"{name}/{n}"].copy()) for n in ("gamma", "beta"))


def tcn(k: Any) -> Any:
    """Causal convolutions with growing dilation, and a residual way."""
    la = k.layers
    first = k.Input((17, 4))
    x = la.Conv1D(6, 3, padding="causal", activation="relu", name="conv1")(first)
    y = la.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu", name="conv2")(x)
    x = la.Add(name="add")([x, y])
    x = la.Conv1D(6, 3, padding="causal", dilation_rate=4, activation="swish", name="conv3")(x)
    x = la.MaxPooling1D(2, name="max")(x)
    x = la.BatchNormalization(name="bn")(la.Conv1D(5, 4, strides=2, padding="same", name="conv4")(x))
    return k.Model(first, la.Dense(3, name="head")(la.GlobalAveragePooling1D(name="pool")(x)))


def run_tcn(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch."""
    x = F.relu(p.conv1(F.pad(x, (2, 0))))
    x = x + F.relu(p.conv2(F.pad(x, (4, 0))))
    x = F.max_pool1d(F.silu(p.conv3(F.pad(x, (8, 0)))), 2)
    return p.head(p.bn(p.conv4(F.pad(x, (1, 1)))).mean(2))


def tcn_net() -> Net:
    """Its parts."""
    return Net(
        run_tcn, conv1=nn.Conv1d(4, 6, 3), conv2=nn.Conv1d(6, 6, 3, dilation=2), conv3=nn.Conv1d(6, 6, 3, dilation=4),
        conv4=nn.Conv1d(6, 5, 4, stride=2), bn=nn.BatchNorm1d(5, eps=1e-3), head=nn.Linear(5, 3),
    )  # fmt: skip


SEQUENCES = (
    Twin("LSTM", lstm, lstm_net, [(4, 7, 5)]),
    Twin("GRU both ways", gru, gru_net, [(4, 7, 5)]),
    Twin("text with mask", text, text_net, [(4, 9)], below=20, padded=True),
    Twin("transformer", transformer, transformer_net, [(4, 7, 8)], load=load_transformer),
    Twin("TCN", tcn, tcn_net, [(4, 4, 17)]),
)
