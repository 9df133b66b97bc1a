"""
Keras models, and the same networks as somebody wrote them in PyTorch: names, orders, and mistakes.

Names of layers and modules are the same where the case does not say otherwise. Modules with a mistake come with the way to
mend it, so that the weights can be judged apart from the mistake, and with the words that must be said about it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from benchmarks.graft_bridges import BRANCHES, BRIDGES
from benchmarks.graft_case import EITHER, NAMED, Case, Net, Run, anonymous, norm, running, set_epsilon, shuffled
from torch import Tensor, nn
from torch.nn import functional

# ---- a small residual network


def residual(k: Any) -> Any:
    """A stem and two blocks of one shape."""
    la = k.layers
    first = x = k.Input((12, 10, 3))
    x = la.ReLU()(la.BatchNormalization(name="stem_bn")(la.Conv2D(8, 3, use_bias=False, name="stem")(x)))
    for block in ("block1", "block2"):
        y = la.Conv2D(8, 3, padding="same", use_bias=False, name=f"{block}_conv1")(x)
        y = la.ReLU()(la.BatchNormalization(name=f"{block}_bn1")(y))
        y = la.Conv2D(8, 3, padding="same", use_bias=False, name=f"{block}_conv2")(y)
        x = la.ReLU()(la.Add()([x, la.BatchNormalization(name=f"{block}_bn2")(y)]))
    return k.Model(first, la.Dense(5, name="head")(la.GlobalAveragePooling2D()(x)))


def run_residual(p: Any, x: Tensor, order: Sequence[str] = ("block1", "block2")) -> Tensor:
    """The same in PyTorch."""
    x = functional.relu(p.stem_bn(p.stem(x)))
    for block in order:
        conv1, bn1, conv2, bn2 = (getattr(p, f"{block}_{part}") for part in ("conv1", "bn1", "conv2", "bn2"))
        x = functional.relu(x + bn2(conv2(functional.relu(bn1(conv1(x))))))
    return p.head(x.mean((2, 3)))


def residual_net(epsilon: float = 1e-3, run: Run = run_residual) -> Net:
    """Its parts, in the order in which they run."""
    parts: dict[str, nn.Module] = {"stem": nn.Conv2d(3, 8, 3, bias=False), "stem_bn": norm(8, epsilon)}
    for block in ("block1", "block2"):
        for i in (1, 2):
            parts[f"{block}_conv{i}"] = nn.Conv2d(8, 8, 3, padding=1, bias=False)
            parts[f"{block}_bn{i}"] = norm(8, epsilon)
    return Net(run, **parts, head=nn.Linear(8, 5))


# ---- a chain with the usual mistakes


def chain(k: Any) -> Any:
    """Convolutions one after the other, two of one shape, with four functions."""
    la = k.layers
    return k.Sequential(
        [
            k.Input((13, 10, 3)),
            la.Conv2D(6, 3, padding="same", name="conv1"), la.BatchNormalization(name="bn1"), la.ReLU(),
            la.Conv2D(6, 3, padding="same", activation="tanh", name="conv2"),
            la.Conv2D(6, 3, padding="same", activation="relu", name="conv3"),
            la.Conv2D(9, 4, padding="same", strides=2, activation="gelu", name="conv4"),
            la.GlobalAveragePooling2D(), la.Dense(5, activation="softmax", name="head"),
        ]
    )  # fmt: skip


def run_chain(
    p: Any,
    x: Tensor,
    *,
    convolutions: Sequence[str] = ("conv2", "conv3"),
    functions: Sequence[Callable[[Tensor], Tensor]] = (torch.tanh, torch.relu),
    softmax: bool = True,
    late: bool = False,
    gelu: str = "none",
    border: tuple[int, ...] = (1, 1, 1, 2),
) -> Tensor:
    """The same in PyTorch, or with a mistake."""
    x = p.conv1(x)
    x = p.bn1(functional.relu(x)) if late else functional.relu(p.bn1(x))
    for name, function in zip(convolutions, functions, strict=True):
        x = function(getattr(p, name)(x))
    x = functional.gelu(p.conv4(functional.pad(x, border)), approximate=gelu)
    x = p.head(x.mean((2, 3)))
    return x.softmax(-1) if softmax else x


def chain_net(epsilon: float = 1e-3, padding: int = 1, **wrong: Any) -> Net:
    """Its parts; ``wrong`` is what ``run_chain`` does otherwise."""
    return Net(
        lambda p, x: run_chain(p, x, **wrong),
        conv1=nn.Conv2d(3, 6, 3, padding=1),
        bn1=norm(6, epsilon),
        conv2=nn.Conv2d(6, 6, 3, padding=padding),
        conv3=nn.Conv2d(6, 6, 3, padding=1),
        conv4=nn.Conv2d(6, 9, 4, stride=2),
        head=nn.Linear(9, 5),
    )


def set_padding(module: nn.Module) -> nn.Module:
    """The second convolution with the padding of Keras."""
    part = module.get_submodule("conv2")
    assert isinstance(part, nn.Conv2d)
    part.padding = (1, 1)
    return module


def pooled(k: Any) -> Any:
    """An average pool with padding, and two maps that are joined."""
    la = k.layers
    x = k.Input((13, 12, 3))
    y = la.Conv2D(6, 3, activation="relu", name="conv1")(la.AveragePooling2D(3, 2, padding="same")(x))
    z = la.Conv2D(5, 3, padding="same", activation="relu", name="conv2")(y)
    z = la.Conv2D(8, 1, activation="relu", name="conv3")(la.Concatenate()([z, y]))
    return k.Model(x, la.Dense(4, name="head")(la.GlobalAveragePooling2D()(z)))


def run_pooled(p: Any, x: Tensor, *, border: bool = False, turned: bool = False) -> Tensor:
    """The same in PyTorch, or with a mistake."""
    pool = functional.avg_pool2d(x, 3, 2, (1, 0), ceil_mode=True, count_include_pad=border)
    y = functional.relu(p.conv1(pool))
    z = functional.relu(p.conv2(y))
    z = functional.relu(p.conv3(torch.cat([y, z] if turned else [z, y], 1)))
    return p.head(z.mean((2, 3)))


def pooled_net(**wrong: bool) -> Net:
    """Its parts; ``wrong`` is what ``run_pooled`` does otherwise."""
    return Net(
        lambda p, x: run_pooled(p, x, **wrong),
        conv1=nn.Conv2d(3, 6, 3), conv2=nn.Conv2d(6, 5, 3, padding=1), conv3=nn.Conv2d(11, 8, 1), head=nn.Linear(8, 4),
    )  # fmt: skip


PICTURE, MAPS = [(4, 3, 12, 10)], [(4, 3, 13, 10)]
MISTAKES = (
    Case("mistake: padding 0 for same", chain, lambda: chain_net(padding=0), MAPS, NAMED, set_padding, ("conv2: padding",)),
    Case(
        "mistake: the odd line of same on the other side", chain, lambda: chain_net(border=(1, 1, 2, 1)), MAPS, NAMED,
        running(run_chain), ("conv4: padding",),
    ),
    Case("mistake: epsilon of PyTorch", chain, lambda: chain_net(epsilon=1e-5), MAPS, NAMED, set_epsilon, ("bn1: epsilon",)),
    Case("mistake: no softmax", chain, lambda: chain_net(softmax=False), MAPS, NAMED, running(run_chain), ("softmax",)),
    Case(
        "mistake: normalisation behind the function", chain, lambda: chain_net(late=True), MAPS, NAMED, running(run_chain),
        ("conv1 -> bn1", "bn1 -> conv2"),
    ),
    Case("mistake: gelu by tanh", chain, lambda: chain_net(gelu="tanh"), MAPS, NAMED, running(run_chain), ("gelu",)),
    Case(
        "mistake: functions of two equal layers exchanged", chain, lambda: chain_net(functions=(torch.relu, torch.tanh)),
        MAPS, NAMED, running(run_chain), ("conv2 -> conv3", "conv3 -> conv4"),
    ),
)  # fmt: skip

JOINED = (
    Case(
        "average pool with the padding of same", pooled, lambda: pooled_net(border=False), [(4, 3, 13, 12)],
    ),
    Case(
        "mistake: zeros counted in an average pool", pooled, lambda: pooled_net(border=True), [(4, 3, 13, 12)], NAMED,
        running(run_pooled), ("avg_pool", "map and border"),
    ),
    Case(
        "mistake: two maps joined in the other order", pooled, lambda: pooled_net(border=False, turned=True),
        [(4, 3, 13, 12)], NAMED, running(run_pooled), ("order of what it takes",),
    ),
)  # fmt: skip

SWAPPED = (
    Case(
        "two equal layers called in the other order than their names say", chain,
        lambda: chain_net(convolutions=("conv3", "conv2")), MAPS,
    ),
    Case(
        "two equal blocks called in the other order than their names say", residual,
        lambda: residual_net(run=lambda p, x: run_residual(p, x, ("block2", "block1"))), PICTURE,
    ),
)  # fmt: skip

NAMES = (
    Case("residual network, equal names", residual, residual_net, PICTURE, known=True),
    Case("chain, equal names", chain, chain_net, MAPS, known=True),
    Case("attributes m0, m1, ...", residual, lambda: anonymous(residual_net()), PICTURE),
    Case("order of definition shuffled", residual, lambda: shuffled(residual_net()), PICTURE, known=True),
    Case("both: m0, m1, ... in shuffled order", residual, lambda: anonymous(shuffled(residual_net())), PICTURE),
    Case(
        "order of the layers in the file shuffled", residual, residual_net, PICTURE, form="shuffled layers", known=True
    ),
    Case("arrays without names, in order", chain, chain_net, MAPS, form="arrays"),
    Case("arrays without names, shuffled", chain, chain_net, MAPS, EITHER, form="shuffled arrays"),
)

OWN = (*NAMES, *SWAPPED, *BRANCHES, *BRIDGES, *JOINED, *MISTAKES)
