"""Layers of two modules in terms that can be set side by side: what kind, and how long each named axis is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from regraft.graft.flattening import FLATTENING
from regraft.graft.network import Network, Node
from regraft.graft.trace import own
from regraft.graft.unit import CELLS, LINEAR, NORMS, RECURRENT, Unit

Size = int | str
#: Axes of a weight by the names that are shown, in the order in which they are.
SPATIAL = ("kd", "kh", "kw")


@dataclass(frozen=True)
class Piece:
    """
    A layer with weights.

    Attributes:
        name: As the user knows it.
        kind: ``conv``, ``linear``, ``batch_norm``, ``lstm`` ...
        sizes: By axis: ``cin``, ``cout``, ``kernel``, ``groups``, ``channels``, ``units``, ``directions``, ``vocabulary`` ...
        bias: Whether it adds a bias; None where that is no question.
        seen: Size of the map, without channels, that a Flatten in front of it turns into a vector; empty if there is none.
        form: What the kind leaves open (``reset_after=False``), or empty.
        place: Of its node in the network; -1 if it is not known from a run.
        module: Path of the module.
        stock: Whether it is one of PyTorch's own classes or functions.
    """

    name: str
    kind: str
    sizes: Mapping[str, Size] = field(default_factory=dict)
    bias: bool | None = None
    seen: tuple[int, ...] = ()
    form: str = ""
    place: int = -1
    module: str = ""
    stock: bool = True

    @property
    def words(self) -> str:
        """
        In a few words.

        >>> Piece("a", "conv", {"cin": 3, "cout": 8, "kernel": "3x3"}).words
        'conv 3x3 3 -> 8'
        """
        sizes = dict(self.sizes)
        kernel, groups = sizes.pop("kernel", ""), sizes.pop("groups", 1)
        both = sizes.pop("directions", 1) == 2
        out = next((sizes.pop(name) for name in ("cout", "units", "embed") if name in sizes), None)
        into = next((sizes.pop(name) for name in ("cin", "vocabulary") if name in sizes), None)
        told = [f"{into} -> {out}"] if into is not None and out is not None else [str(s) for s in (into, out) if s]
        told += [str(size) for size in sizes.values()]
        extra = ([f"{groups} groups"] if groups != 1 else []) + (["both ways"] if both else [])
        return " ".join(filter(None, [self.kind.replace("_", " "), str(kernel), *told, *extra]))


def pieces_of(network: Network, module: Any, names: Mapping[str, str] | None = None) -> list[Piece]:
    """
    The layers of a network, in the order in which they run.

    Args:
        network: From a run.
        module: The module that ran.
        names: Of layers as they are to be shown, by path of the module.
    """
    parts = dict(module.named_modules()) if module is not None else {}
    found: list[Piece] = []
    for place, node in enumerate(network.nodes):
        if node.unit is None:
            continue
        path = node.unit.name.partition("[")[0]
        form = form_of(parts.get(path))
        if own_recurrence(parts.get(path)):
            # Its steps were seen one by one: a person knows it as one layer.
            if not any(piece.module == path for piece in found):
                shown = (names or {}).get(path, path)
                found += [replace(one, name=shown, place=place) for one in pieces_of_class(path, parts[path])]
            continue
        found.append(
            Piece(
                (names or {}).get(path, node.name),
                node.kind.removesuffix("_cell"),
                sizes_of(node.unit),
                has_bias(node.unit),
                seen_by(node),
                form,
                place,
                node.unit.name,
                stock(parts.get(path)),
            )
        )
    return found


def own_recurrence(part: Any) -> bool:
    """Whether a recurrent module with the parameters of PyTorch's own computes its steps itself."""
    return part is not None and own(part)


def stock(part: Any) -> bool:
    """Whether a module is one of PyTorch's own."""
    return part is None or type(part).__module__.startswith("torch.")


def form_of(part: Any) -> str:
    """What the kind of a module leaves open."""
    return "reset_after=False" if getattr(part, "reset_after", True) is False else ""


def seen_by(node: Node) -> tuple[int, ...]:
    """The map that a Flatten in front turns into a vector: its sizes without batch and channels, and the channels last."""
    for way in node.before:
        for step in way.steps:
            before, after = step.shapes
            if step.kind in FLATTENING and len(before) > 2 and len(after) == 2:
                return (*before[2:], before[1])
    return ()


def has_bias(unit: Unit) -> bool | None:
    """Whether a unit adds a bias; None for a normalisation and the like."""
    if unit.kind in LINEAR or unit.kind in ("conv_transpose",):
        return "bias" in unit.parameters
    if unit.kind in RECURRENT or unit.kind in CELLS:
        return any(role.startswith("bias") for role in unit.parameters)
    return None


def sizes_of(unit: Unit) -> dict[str, Size]:
    """The named axes of a unit."""
    shapes = {role: parameter.shape for role, parameter in unit.parameters.items()}
    weight = unit.parameters.get("weight")
    axes = weight.axes if weight is not None else ""
    groups = int(unit.use.settings.get("groups", 1) or 1)
    return sizes(unit.kind, shapes, axes, groups)


def sizes(kind: str, shapes: Mapping[str, tuple[int, ...]], axes: str, groups: int = 1) -> dict[str, Size]:
    """
    The named axes of parameters.

    >>> sizes("conv", {"weight": (8, 3, 5, 5)}, "cout cin kh kw")
    {'cin': 3, 'cout': 8, 'kernel': '5x5'}
    """
    if kind in RECURRENT or kind in CELLS:
        roles = {role.partition("_l")[0]: shape for role, shape in shapes.items()}
        both = any(role.endswith("reverse") for role in shapes)
        if "weight_ih" not in roles or "weight_hh" not in roles:
            return {}
        return {"cin": roles["weight_ih"][-1], "units": roles["weight_hh"][-1], "directions": 2 if both else 1}
    if kind in NORMS or kind == "prelu":
        return {"channels": max((prod(shape) for shape in shapes.values()), default=0)}
    shape = shapes.get("weight", ())
    if axes and len(axes.split()) == len(shape):
        named = dict(zip(axes.split(), shape, strict=True))
        if "vocabulary" in named:
            return {"vocabulary": named["vocabulary"], "embed": named.get("embed", 0)}
        kernel = [named[axis] for axis in SPATIAL if axis in named]
        grouped = {"cin": "cout" if kind == "conv_transpose" else "cin"}["cin"]
        found: dict[str, Size] = {"cin": named.get("cin", 0), "cout": named.get("cout", 0)}
        found[grouped] = named.get(grouped, 0) * groups
        if kernel:
            found["kernel"] = "x".join(map(str, kernel))
        if groups != 1:
            found["groups"] = groups
        return found
    return {role: "x".join(map(str, shape)) or "1" for role, shape in shapes.items()}


def registered(module: Any) -> list[Piece]:
    """The layers of a module that was not run, in the order in which they are defined, by their classes."""
    return [piece for name, part in module.named_modules() for piece in pieces_of_class(name, part)]


def pieces_of_class(name: str, part: Any) -> Iterator[Piece]:
    """What a module holds itself."""
    shapes = {role: tuple(tensor.shape) for role, tensor in own_state(part).items() if role != "num_batches_tracked"}
    if not shapes:
        return
    kind, axes = kind_of_class(part, shapes)
    if kind in RECURRENT:
        yield from stacked(name, kind, part, shapes)
        return
    bias = ("bias" in shapes) if kind in (*LINEAR, "conv_transpose") else None
    known = sizes(kind, shapes, axes, int(getattr(part, "groups", 1) or 1))
    yield Piece(name or "the model", kind, known, bias, (), form_of(part), module=name, stock=stock(part))


def own_state(part: Any) -> dict[str, Any]:
    """Parameters and buffers of a module itself, those of its parts left out."""
    return {**dict(part.named_parameters(recurse=False)), **dict(part.named_buffers(recurse=False))}


def stacked(name: str, kind: str, part: Any, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Piece]:
    """A recurrent module, one layer after the other."""
    count = sum(role.startswith("weight_ih_l") and not role.endswith("_reverse") for role in shapes)
    for number in range(count):
        suffix = f"_l{number}"
        own = {role: s for role, s in shapes.items() if role.removesuffix("_reverse").endswith(suffix)}
        title = f"{name}[{number}]" if count > 1 else name
        bias = any(role.startswith("bias") for role in own)
        yield Piece(title, kind, sizes(kind, own, ""), bias, (), form_of(part), module=name, stock=stock(part))


def kind_of_class(part: Any, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, str]:
    """The kind of a module, and the axes of its weight."""
    from torch import nn

    spatial = " ".join(SPATIAL[-(len(shapes.get("weight", ())) - 2) :])
    # a module of TorchScript says what it was made from
    made: Any = getattr(nn, str(getattr(part, "original_name", "")), type(part))
    if issubclass(made, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return "conv", f"cout cin {spatial}"
    if issubclass(made, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        return "conv_transpose", f"cin cout {spatial}"
    known: Sequence[tuple[Any, str, str]] = (
        (nn.Linear, "linear", "cout cin"),
        (nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm, "batch_norm", ""),
        (nn.LayerNorm, "layer_norm", ""),
        (nn.GroupNorm, "group_norm", ""),
        (nn.Embedding, "embedding", "vocabulary embed"),
        (nn.PReLU, "prelu", ""),
        (nn.LSTM, "lstm", ""),
        (nn.GRU, "gru", ""),
        (nn.MultiheadAttention, "attention", ""),
    )
    for family, kind, axes in known:
        if issubclass(made, family):
            return kind, axes
    if issubclass(made, nn.RNN):
        return f"rnn_{getattr(part, 'nonlinearity', 'tanh')}", ""
    if "weight_ih_l0" in shapes and "weight_hh_l0" in shapes:
        gates = shapes["weight_ih_l0"][0] // shapes["weight_hh_l0"][1]
        return {4: "lstm", 3: "gru"}.get(gates, "rnn_tanh"), ""
    return type(part).__name__, ""
