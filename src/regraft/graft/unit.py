"""Operations with parameters, as graft pairs them: what kind, which sizes, which entries of the state dict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from regraft.graft.trace import Trace, Use

NORMS = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"})
RECURRENT = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu"})
CELLS = frozenset({"lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"})
LINEAR = frozenset({"conv", "linear"})
POINTWISE = frozenset({"add", "sub", "mul", "div"})
_LAYER = re.compile(r"_l(\d+)(_reverse)?$")

Label = tuple[object, ...]


@dataclass(frozen=True)
class Parameter:
    """
    An entry of a state dict.

    Attributes:
        key: Its name there.
        shape: As stored.
        axes: Names of its axes, one for each; empty if unknown.
    """

    key: str
    shape: tuple[int, ...]
    axes: str = ""


@dataclass(frozen=True)
class Unit:
    """
    One operation with its parameters; a recurrent module of several layers is several units.

    Attributes:
        name: Path of the module that owns it, with the layer of a stack (``rnn[1]``).
        kind: What it does.
        parameters: By role: ``weight``, ``bias``, ``running_mean``, ``weight_ih`` ...
        use: How it was called the first time.
        calls: How often it was called.
    """

    name: str
    kind: str
    parameters: Mapping[str, Parameter]
    use: Use = field(repr=False)
    calls: int = 1

    @property
    def label(self) -> Label:
        """What two units must have in common to be paired: the kind and the sizes, however they are laid out."""
        if self.kind in LINEAR:
            return ("linear", *self.sizes)
        if self.kind in NORMS or self.kind == "prelu":
            size = max((p.shape[-1] if p.shape else 1 for p in self.parameters.values()), default=0)
            return (self.kind, size)
        if self.kind in RECURRENT or self.kind in CELLS:
            both = any(role.endswith("_reverse") for role in self.parameters)
            into, out = (self.parameters[name].shape for name in ("weight_ih", "weight_hh"))
            return (self.kind.removesuffix("_cell"), into[-1], out[-1], both)
        if self.kind in POINTWISE:
            return (self.kind, *sorted(tuple(size for size in p.shape if size != 1) for p in self.parameters.values()))
        shapes = sorted(tuple(sorted(p.shape)) for p in self.parameters.values())
        return (self.kind, *shapes)

    @property
    def sizes(self) -> Label:
        """Of a linear map: channels that leave and enter each group, the kernel without axes of length 1, and the groups."""
        weight = self.parameters.get("weight")
        if weight is None:
            return ()
        sizes = dict(zip(weight.axes.split(), weight.shape, strict=True)) if weight.axes else {}
        kernel = tuple(sizes[axis] for axis in ("kd", "kh", "kw") if sizes.get(axis, 1) != 1)
        groups = self.use.settings.get("groups", 1)
        return (sizes.get("cout", 0), sizes.get("cin", 0), kernel, groups)


def units_of(trace: Trace) -> list[Unit]:
    """Every operation with parameters, in the order in which they first ran."""
    found: dict[frozenset[str], list[Unit]] = {}
    for use in trace.uses:
        if not use.parameters:
            continue
        keys = frozenset(use.parameters.values())
        if keys in found:
            found[keys] = [Unit(u.name, u.kind, u.parameters, u.use, u.calls + 1) for u in found[keys]]
        else:
            found[keys] = list(split(use, trace.shapes))
    return [unit for units in found.values() for unit in units]


def split(use: Use, shapes: Mapping[str, tuple[int, ...]]) -> list[Unit]:
    """One use as units: a stack of recurrent layers layer by layer, anything else as it is."""
    owned = {role: Parameter(key, shapes[key], use.axes.get(role, "")) for role, key in use.parameters.items()}
    if use.kind in ("add", "mul") and set(owned) == {"input"}:
        owned = {"other": owned["input"]}
    name = use.module or next(iter(use.parameters.values())).rpartition(".")[0]
    if use.kind not in RECURRENT:
        return [Unit(name, use.kind, owned, use)]
    layers: dict[int, dict[str, Parameter]] = {}
    for role, parameter in owned.items():
        match = _LAYER.search(role)
        number, reverse = (int(match[1]), match[2] or "") if match else (0, "")
        layers.setdefault(number, {})[_LAYER.sub("", role) + reverse] = parameter
    many = len(layers) > 1
    return [Unit(f"{name}[{i}]" if many else name, use.kind, own, use) for i, own in sorted(layers.items())]
