"""One case of the graft benchmark, and modules in a few lines."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal

from torch import Tensor, nn

RIGHT, NAMED, EITHER = "right", "named", "right or refused"
Run = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """
    One Keras model and one module.

    Attributes:
        name: What it is about.
        keras: Makes the Keras model; called with the package.
        module: Makes the user's module.
        shapes: Of the inputs, in PyTorch's order, batch first.
        expected: What the benchmark asks of regraft: the module computes what Keras does; or it is said what differs, with
            the weights right; or a refusal will do.
        mend: The module without its mistakes.
        words: What must be said about them.
        form: The file: ``keras``; a legacy file whose layers stand in another order; or arrays alone, in order or shuffled,
            with the architecture beside them.
        known: Whether it is what weightbridge is made for: names that mean something, one tensor for one.
        below: Inputs are whole numbers below this; random numbers if it is 0.
        tolerance: Largest difference from Keras, relative to the largest output; both compute in single precision.
        limit: Seconds that regraft may take; 0 for none.
        faster: How many times faster than weightbridge it must be; 0 if that is not asked.
    """

    name: str
    keras: Callable[[Any], Any]
    module: Callable[[], nn.Module]
    shapes: Sequence[tuple[int, ...]]
    expected: str = RIGHT
    mend: Callable[[nn.Module], nn.Module] = lambda module: module
    words: tuple[str, ...] = ()
    form: Literal["keras", "shuffled layers", "arrays", "shuffled arrays"] = "keras"
    known: bool = False
    below: int = 0
    tolerance: float = 1e-5
    limit: float = 0.0
    faster: float = 0.0


class Net(nn.Module):
    """
    Parts with names and a function of them.

    Args:
        run: The forward pass; it is given the parts and the inputs.
        parts: By the name that ``run`` knows them by.
    """

    def __init__(self, run: Run, **parts: nn.Module) -> None:
        super().__init__()
        self.run = run
        self.named(list(parts), parts)

    def named(self, names: Sequence[str], parts: dict[str, nn.Module]) -> Net:
        """Register the parts under these names, in the order of ``parts``."""
        self._modules.clear()
        self.parts = SimpleNamespace(**parts)
        for name, part in zip(names, parts.values(), strict=True):
            self.add_module(name, part)
        return self

    def forward(self, *inputs: Tensor) -> Any:
        """The function of the parts."""
        return self.run(self.parts, *inputs)


def shuffled(net: Net) -> Net:
    """The parts defined in another order."""
    parts = list(vars(net.parts).items())
    random.Random(4).shuffle(parts)
    return net.named([name for name, _ in parts], dict(parts))


def anonymous(net: Net) -> Net:
    """The parts called m0, m1, ..."""
    parts = vars(net.parts)
    return net.named([f"m{i}" for i in range(len(parts))], dict(parts))


def running(run: Run) -> Callable[[nn.Module], nn.Module]:
    """A mend that replaces the forward pass."""

    def mended(module: nn.Module) -> nn.Module:
        assert isinstance(module, Net)
        module.run = run
        return module

    return mended


def norm(channels: int, epsilon: float = 1e-3) -> nn.Module:
    """A BatchNorm with the settings of Keras."""
    return nn.BatchNorm2d(channels, eps=epsilon, momentum=0.01)


def set_epsilon(module: nn.Module, epsilon: float = 1e-3) -> nn.Module:
    """Every BatchNorm with another epsilon."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eps = epsilon
    return module
