"""What the modules of a model hold, whether or not they can be run: roles, shapes and axes, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from regraft.graft.parameters import axes_used
from regraft.graft.pieces import kind_of_class, own_state, stock
from regraft.graft.trace import Trace
from regraft.graft.unit import Parameter

_LAYER = re.compile(r"_l(\d+)(_reverse)?$")
#: One word for each role, whatever a module calls it.
ROLES = {
    "gamma": "weight", "scale": "weight", "kernel": "weight", "w": "weight", "g": "weight", "alpha": "weight",
    "beta": "bias", "shift": "bias", "offset": "bias", "b": "bias",
    "moving_mean": "running_mean", "moving_variance": "running_var", "moving_var": "running_var",
    "embeddings": "weight", "slope": "weight",
}  # fmt: skip
#: Counters, which no file of Keras has.
COUNTERS = frozenset({"num_batches_tracked"})


@dataclass(frozen=True)
class Held:
    """
    The parameters of one module, or of one layer of a recurrent stack.

    Attributes:
        name: Path of the module, with the layer of a stack.
        kind: By its class: ``conv``, ``lstm`` ...; the name of the class if it is none of PyTorch's.
        parameters: By role.
        stock: Whether it is one of PyTorch's own classes.
        first: When its first parameter was used in the run; where it stands if there was none.
    """

    name: str
    kind: str
    parameters: Mapping[str, Parameter]
    stock: bool
    first: int = 0

    @property
    def form(self) -> tuple[object, ...]:
        """What two must have in common for order alone to tell them apart."""
        shapes = sorted(tuple(n for n in p.shape if n != 1) for p in self.parameters.values())
        return (self.kind if self.stock else "", *shapes)


def held_by(module: Any, seen: Trace | None) -> list[Held]:
    """
    The modules that hold parameters, in the order of the run, or of their definition.

    Args:
        module: A ``torch.nn.Module``.
        seen: Its run, if it could be run: it says how each parameter is used, and when.
    """
    used = axes_used(seen) if seen is not None else {}
    first: dict[str, int] = {}
    for use in seen.uses if seen is not None else ():
        for key in use.parameters.values():
            first.setdefault(key, use.place)
    found: list[Held] = []
    for name, part in module.named_modules():
        found += holds(name, part, used)
    last = len(seen.uses) if seen is not None else 0
    placed = [
        replace(one, first=min((first.get(p.key, last) for p in one.parameters.values()), default=last))
        for one in found
    ]
    return sorted(placed, key=lambda one: one.first)


def holds(name: str, part: Any, used: Mapping[str, str]) -> Iterator[Held]:
    """What one module holds itself; a recurrent stack layer by layer."""
    prefix = f"{name}." if name else ""
    shapes = {
        role: tuple(t.shape) for role, t in own_state(part).items() if role not in COUNTERS and t.is_floating_point()
    }
    if not shapes:
        return
    kind, axes = kind_of_class(part, shapes)
    layers: dict[str, dict[str, Parameter]] = {}
    for role, shape in shapes.items():
        key = prefix + role
        match = _LAYER.search(role)
        plain = _LAYER.sub("", role) + (match[2] or "") if match else ROLES.get(role.lower(), role.lower())
        told = axes if role == "weight" and axes else used.get(key, "")
        layers.setdefault(match[1] if match else "", {})[plain] = Parameter(key, shape, told)
    for number, parameters in layers.items():
        title = f"{name}[{number}]" if len(layers) > 1 else name or "the model"
        yield Held(title, kind, parameters, stock(part))
