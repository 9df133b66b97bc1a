"""Networks whose arrays differ in form between Keras and PyTorch: branches, recurrent layers, flattened maps, folded biases."""

from __future__ import annotations

from typing import Any

import torch
from benchmarks.graft_case import EITHER, Case, Net, anonymous, norm, shuffled
from torch import Tensor, nn
from torch.nn import functional

PICTURE = [(4, 3, 12, 10)]

# ---- branches of equal shape, several inputs and outputs


def branches(k: Any) -> Any:
    """Two convolutions of one shape on one input, joined."""
    la = k.layers
    x = k.Input((12, 10, 3))
    left, right = (la.Conv2D(6, 3, activation="relu", name=name)(x) for name in ("left", "right"))
    return k.Model(x, la.Dense(5, name="head")(la.GlobalAveragePooling2D()(la.Concatenate()([left, right]))))


def branches_net() -> Net:
    """The same in PyTorch, with the names of the branches exchanged."""
    return Net(
        lambda p, x: p.head(torch.cat([functional.relu(p.right(x)), functional.relu(p.left(x))], 1).mean((2, 3))),
        left=nn.Conv2d(3, 6, 3), right=nn.Conv2d(3, 6, 3), head=nn.Linear(12, 5),
    )  # fmt: skip


def gated(k: Any) -> Any:
    """Two convolutions of one shape: one gates the other."""
    la = k.layers
    x = k.Input((12, 10, 3))
    value = la.Conv2D(6, 3, activation="tanh", name="value")(x)
    gate = la.Conv2D(6, 3, activation="sigmoid", name="gate")(x)
    return k.Model(x, la.Dense(5, name="head")(la.GlobalAveragePooling2D()(la.Multiply()([value, gate]))))


def gated_net() -> Net:
    """The same in PyTorch, the gate first."""
    return Net(
        lambda p, x: p.head((torch.sigmoid(p.gate(x)) * torch.tanh(p.value(x))).mean((2, 3))),
        gate=nn.Conv2d(3, 6, 3), value=nn.Conv2d(3, 6, 3), head=nn.Linear(6, 5),
    )  # fmt: skip


def dilated(k: Any) -> Any:
    """Two convolutions of one shape, one of them dilated, added."""
    la = k.layers
    x = k.Input((12, 10, 3))
    near, far = (la.Conv2D(6, 3, padding="same", dilation_rate=n, name=f"rate{n}")(x) for n in (1, 2))
    return k.Model(x, la.Dense(5, name="head")(la.GlobalAveragePooling2D()(la.ReLU()(la.Add()([near, far])))))


def dilated_net() -> Net:
    """The same in PyTorch, the dilated one first."""
    return Net(
        lambda p, x: p.head(functional.relu(p.rate2(x) + p.rate1(x)).mean((2, 3))),
        rate2=nn.Conv2d(3, 6, 3, padding=2, dilation=2), rate1=nn.Conv2d(3, 6, 3, padding=1), head=nn.Linear(6, 5),
    )  # fmt: skip


def two_by_two(k: Any) -> Any:
    """One layer for two inputs, and two layers of one shape for two outputs."""
    la = k.layers
    first, second, shared = k.Input((5,)), k.Input((5,)), la.Dense(6, activation="relu", name="shared")
    rest = la.Subtract()([shared(first), shared(second)])
    return k.Model([first, second], [la.Dense(4, name="one")(rest), la.Dense(4, activation="tanh", name="two")(rest)])


def run_two_by_two(p: Any, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The same in PyTorch."""
    rest = functional.relu(p.shared(first)) - functional.relu(p.shared(second))
    return p.one(rest), torch.tanh(p.two(rest))


def two_by_two_net() -> Net:
    """Its parts."""
    return Net(run_two_by_two, shared=nn.Linear(5, 6), one=nn.Linear(6, 4), two=nn.Linear(6, 4))


def words(k: Any) -> Any:
    """Words as numbers."""
    la = k.layers
    return k.Sequential(
        [
            k.Input((9,), dtype="int32"), la.Embedding(20, 6, name="embed"), la.Conv1D(8, 3, activation="relu", name="conv"),
            la.GlobalMaxPooling1D(), la.Dense(3, name="head"),
        ]
    )  # fmt: skip


def pointwise_net() -> Net:
    """The same in PyTorch, with a convolution of size 1 for the last Dense."""
    return Net(
        lambda p, x: p.head(functional.relu(p.conv(p.embed(x).transpose(1, 2))).amax(2)[:, :, None])[:, :, 0],
        embed=nn.Embedding(20, 6), conv=nn.Conv1d(6, 8, 3), head=nn.Conv1d(8, 3, 1),
    )  # fmt: skip


BRANCHES = (
    Case("two equal branches joined in the other order than their names say", branches, branches_net, PICTURE),
    Case("two equal branches, m0, m1, ...", branches, lambda: anonymous(shuffled(branches_net())), PICTURE),
    Case("a gate of the shape of what it gates", gated, gated_net, PICTURE),
    Case("a gate of the shape of what it gates, m0, m1, ...", gated, lambda: anonymous(gated_net()), PICTURE),
    Case("two dilations of one shape added, m0, m1, ...", dilated, lambda: anonymous(dilated_net()), PICTURE),
    Case("two inputs, a shared layer, two outputs", two_by_two, two_by_two_net, [(4, 5), (4, 5)]),
    Case(
        "two inputs, a shared layer, two outputs, m0, m1, ...", two_by_two,
        lambda: anonymous(shuffled(two_by_two_net())), [(4, 5), (4, 5)],
    ),
    Case("Embedding, Conv1D, Dense as a convolution of size 1", words, pointwise_net, [(4, 9)], below=20),
)  # fmt: skip


# ---- recurrent layers, flattened maps, folded biases, generators, separable convolutions, attention


def steps(k: Any, *layers: Any) -> Any:
    """Layers that take steps, and a Dense."""
    return k.Sequential([k.Input((7, 5)), *layers, k.layers.Dense(3, name="head")])


def both_ends(p: Any, x: Tensor) -> Tensor:
    """Two recurrent layers of both directions, and the last state of each direction."""
    hidden = p.second(p.first(x)[0])[1][0]
    return p.head(torch.cat([hidden[-2], hidden[-1]], -1))


def flat(k: Any) -> Any:
    """A map that becomes a vector."""
    la = k.layers
    return k.Sequential(
        [
            k.Input((9, 8, 3)), la.Conv2D(6, 3, activation="relu", name="conv"), la.MaxPooling2D(2), la.Flatten(),
            la.Dense(7, activation="relu", name="hidden"), la.Dense(4, name="head"),
        ]
    )  # fmt: skip


def flat_net() -> Net:
    """The same in PyTorch, which flattens the channels first."""
    return Net(
        lambda p, x: p.head(functional.relu(p.hidden(functional.max_pool2d(functional.relu(p.conv(x)), 2).flatten(1)))),
        conv=nn.Conv2d(3, 6, 3), hidden=nn.Linear(54, 7), head=nn.Linear(7, 4),
    )  # fmt: skip


def biased(k: Any) -> Any:
    """Convolutions with a bias in front of a normalisation."""
    la = k.layers
    return k.Sequential(
        [
            k.Input((12, 10, 3)), la.Conv2D(6, 3, name="conv1"), la.BatchNormalization(name="bn1"), la.ReLU(),
            la.Conv2D(8, 3, name="conv2"), la.BatchNormalization(name="bn2"), la.ReLU(),
            la.GlobalAveragePooling2D(), la.Dense(5, name="head"),
        ]
    )  # fmt: skip


def unbiased_net() -> Net:
    """The same in PyTorch, with the bias left to the normalisation."""
    return Net(
        lambda p, x: p.head(functional.relu(p.bn2(p.conv2(functional.relu(p.bn1(p.conv1(x)))))).mean((2, 3))),
        conv1=nn.Conv2d(3, 6, 3, bias=False), bn1=norm(6), conv2=nn.Conv2d(6, 8, 3, bias=False), bn2=norm(8),
        head=nn.Linear(8, 5),
    )  # fmt: skip


def generator(k: Any) -> Any:
    """A vector that becomes a map, which grows."""
    la = k.layers
    return k.Sequential(
        [
            k.Input((5,)), la.Dense(3 * 4 * 6, use_bias=False, name="project"), la.BatchNormalization(name="bn0"),
            la.LeakyReLU(0.2), la.Reshape((3, 4, 6)),
            la.Conv2DTranspose(7, 4, strides=2, padding="same", use_bias=False, name="up1"),
            la.BatchNormalization(name="bn1"), la.LeakyReLU(0.2),
            la.Conv2DTranspose(2, 4, strides=2, padding="same", activation="tanh", name="up2"),
        ]
    )  # fmt: skip


def run_generator(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch, which makes channels-first maps of the vector."""
    x = functional.leaky_relu(p.bn0(p.project(x)), 0.2).view(-1, 6, 3, 4)
    return torch.tanh(p.up2(functional.leaky_relu(p.bn1(p.up1(x)), 0.2)))


def generator_net() -> Net:
    """Its parts."""
    return Net(
        run_generator,
        project=nn.Linear(5, 72, bias=False), bn0=nn.BatchNorm1d(72, eps=1e-3, momentum=0.01),
        up1=nn.ConvTranspose2d(6, 7, 4, 2, 1, bias=False), bn1=norm(7), up2=nn.ConvTranspose2d(7, 2, 4, 2, 1),
    )  # fmt: skip


def separable(k: Any) -> Any:
    """A separable and a depthwise convolution."""
    la = k.layers
    return k.Sequential(
        [
            k.Input((12, 10, 3)), la.SeparableConv2D(8, 3, padding="same", activation="relu", name="separable"),
            la.DepthwiseConv2D(3, name="depthwise"), la.GlobalAveragePooling2D(), la.Dense(4, name="head"),
        ]
    )  # fmt: skip


def separable_net() -> Net:
    """The same in PyTorch: two modules for the separable one."""
    return Net(
        lambda p, x: p.head(p.depthwise(functional.relu(p.separable_pointwise(p.separable_depthwise(x)))).mean((2, 3))),
        separable_depthwise=nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False), separable_pointwise=nn.Conv2d(3, 8, 1),
        depthwise=nn.Conv2d(8, 8, 3, groups=8), head=nn.Linear(8, 4),
    )  # fmt: skip


def attention(k: Any) -> Any:
    """Self-attention with a sum and a normalisation."""
    la = k.layers
    x = k.Input((7, 12))
    y = la.LayerNormalization(name="norm")(la.Add()([x, la.MultiHeadAttention(3, 4, name="attention")(x, x)]))
    return k.Model(x, la.Dense(5, name="head")(y))


def attention_net() -> Net:
    """The same in PyTorch, which keeps query, key and value in one array."""
    return Net(
        lambda p, x: p.head(p.norm(x + p.attention(x, x, x, need_weights=False)[0])),
        attention=nn.MultiheadAttention(12, 3, batch_first=True), norm=nn.LayerNorm(12, eps=1e-3), head=nn.Linear(12, 5),
    )  # fmt: skip


def three_dense(k: Any) -> Any:
    """Attention from three Dense layers."""
    la = k.layers
    x = k.Input((7, 6))
    query, key, value = (la.Dense(6, name=name)(x) for name in ("query", "key", "value"))
    scores = la.Softmax()(la.Dot(2)([query, key]))
    return k.Model(x, la.Dense(5, name="head")(la.Dot((2, 1))([scores, value])))


def run_fused(p: Any, x: Tensor) -> Tensor:
    """The same in PyTorch, from one Linear."""
    query, key, value = p.qkv(x).chunk(3, -1)
    return p.head((query @ key.transpose(1, 2)).softmax(-1) @ value)


SEQUENCE = [(4, 7, 5)]
BRIDGES = (
    Case(
        "LSTM", lambda k: steps(k, k.layers.LSTM(6, name="first")),
        lambda: Net(lambda p, x: p.head(p.first(x)[0][:, -1]), first=nn.LSTM(5, 6, batch_first=True), head=nn.Linear(6, 3)),
        SEQUENCE,
    ),
    Case(
        "GRU", lambda k: steps(k, k.layers.GRU(6, name="first")),
        lambda: Net(lambda p, x: p.head(p.first(x)[0][:, -1]), first=nn.GRU(5, 6, batch_first=True), head=nn.Linear(6, 3)),
        SEQUENCE,
    ),
    Case(
        "two bidirectional LSTMs",
        lambda k: steps(
            k, k.layers.Bidirectional(k.layers.LSTM(6, return_sequences=True), name="first"),
            k.layers.Bidirectional(k.layers.LSTM(4), name="second"),
        ),
        lambda: Net(
            both_ends, first=nn.LSTM(5, 6, batch_first=True, bidirectional=True),
            second=nn.LSTM(12, 4, batch_first=True, bidirectional=True), head=nn.Linear(8, 3),
        ),
        SEQUENCE,
    ),
    Case(
        "two LSTMs as one module of two layers",
        lambda k: steps(k, k.layers.LSTM(6, return_sequences=True, name="first"), k.layers.LSTM(6, name="second")),
        lambda: Net(
            lambda p, x: p.head(p.both(x)[0][:, -1]), both=nn.LSTM(5, 6, 2, batch_first=True), head=nn.Linear(6, 3)
        ),
        SEQUENCE,
    ),
    Case("Flatten -> Dense, rows in the order of Keras", flat, flat_net, [(4, 3, 9, 8)]),
    Case("bias of a convolution folded into the normalisation", biased, unbiased_net, PICTURE),
    Case("DCGAN generator: Dense -> Reshape", generator, generator_net, [(4, 5)]),
    Case("SeparableConv2D as two modules", separable, separable_net, PICTURE),
    Case("MultiHeadAttention as nn.MultiheadAttention", attention, attention_net, [(4, 7, 12)], EITHER),
    Case(
        "query, key, value as one Linear", three_dense,
        lambda: Net(run_fused, qkv=nn.Linear(6, 18), head=nn.Linear(6, 5)), [(4, 7, 6)],
    ),
)  # fmt: skip
