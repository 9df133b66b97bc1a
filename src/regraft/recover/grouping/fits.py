"""Which layer types the arrays of one layer can belong to: the forms of the table, and what has no fixed form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from math import log

from regraft.blueprint import LayerSpec, Setting
from regraft.layers import CATALOGUE
from regraft.recover.grouping.defaults import completed
from regraft.recover.grouping.fitting import fit, settings_of
from regraft.recover.grouping.forms import FORMS, Form
from regraft.recover.grouping.held import FOREIGN, Held
from regraft.recover.grouping.keras_1_kernels import KERAS_1_TYPES, keras_1_kernels
from regraft.recover.grouping.open_forms import OPEN_TYPES, open_forms

#: Types with the same arrays as another one: only a class name tells them apart.
SAME_ARRAYS = {"SyncBatchNormalization": "BatchNormalization"}
#: Types that came with Keras 2 or 3, and types that Keras 3 no longer has.
NEW = frozenset(
    "LayerNormalization GroupNormalization RMSNormalization LayerScale EinsumDense MultiHeadAttention RNN ConvLSTM1D "
    "ConvLSTM2D ConvLSTM3D DepthwiseConv1D DepthwiseConv2D SeparableConv1D Conv1DTranspose Conv3DTranspose Normalization "
    "CuDNNLSTM CuDNNGRU LocallyConnected1D LocallyConnected2D".split()
)
GONE = frozenset("CuDNNLSTM CuDNNGRU LocallyConnected1D LocallyConnected2D".split())
#: Cost of each array whose name is none that a layer of Keras gives.
FOREIGN_COST = 3.0


@dataclass(frozen=True)
class Fit:
    """
    One layer type that the shapes of some arrays allow, and their roles do not forbid.

    Attributes:
        type: In the catalogue, or the class of Keras that it lacks.
        settings: What the shapes fix.
        cost: How rare it is, in nats, names apart.
        arrays: What the arrays are then, for a person.
    """

    type: str
    settings: Mapping[str, Setting]
    cost: float
    arrays: str


@lru_cache(maxsize=4096)
def fits(held: Held) -> tuple[Fit, ...]:
    """
    All types that fit, likeliest first; for wrappers that only a name reveals see ``fits_as``.

    >>> from regraft.layers import KerasVersion
    >>> [f.type for f in fits(Held(((6, 12), (3, 12), (12,)), ("", "", ""), KerasVersion(2, 3)))]
    ['LSTM', 'RNN']
    """
    if not held.shapes or any(0 in shape for shape in held.shapes):
        return ()
    old = held.version.before(2)
    missing = NEW if old else frozenset() if held.version.before(3) else GONE
    found = [
        Fit(form.type, settings, form.prior + adjusted(form, settings, held), " ".join(form.roles))
        for form in forms_of(len(held.shapes), len(held.shapes[0]))
        if form.type not in OPEN_TYPES and not (old and form.type in KERAS_1_TYPES) and (old or not form.keras_1)
        if (sizes := fit(form, held.shapes)) is not None and roles_agree(form.type, form.roles, held)
        for settings in [finished(settings_of(form, sizes), held)]
    ]
    others = [*open_forms(held), *(keras_1_kernels(held.shapes, held.version) if old else ())]
    found += [
        Fit(f.type, finished(f.settings, held), f.cost, " ".join(f.roles))
        for f in others
        if roles_agree(f.type, f.roles, held)
    ]
    foreign = FOREIGN_COST * held.roles.count(FOREIGN)
    found = [replace(f, cost=round(f.cost + foreign, 3)) for f in found if f.type not in missing]
    return tuple(sorted(found, key=lambda f: f.cost))


def fits_as(type_name: str, held: Held) -> tuple[Fit, ...]:
    """The ways in which the arrays can belong to one type, likeliest first; more than one if settings are open."""
    if type_name == "TimeDistributed":
        return tuple(time_distributed(held))
    same = SAME_ARRAYS.get(type_name, type_name)
    return tuple(replace(f, type=type_name) for f in fits(held) if f.type == same)


def time_distributed(held: Held) -> Iterator[Fit]:
    """The layer inside has the same arrays."""
    for inner in fits(held):
        if inner.type not in CATALOGUE:
            continue  # a layer that stays open can be no part of another
        spec = completed(inner.type.lower(), inner.type, inner.settings, held.version)
        yield Fit("TimeDistributed", {"layer": spec}, inner.cost, inner.arrays)


def has_arrays(type_name: str) -> bool:
    """Whether arrays can be told to belong to this type."""
    return SAME_ARRAYS.get(type_name, type_name) in _typed() or type_name == "TimeDistributed"


@cache
def _typed() -> frozenset[str]:
    return frozenset({form.type for form in FORMS}) | OPEN_TYPES | KERAS_1_TYPES


@cache
def forms_of(count: int, rank: int) -> tuple[Form, ...]:
    """The forms with so many arrays, the first of which has so many axes."""
    return tuple(form for form in FORMS if len(form.arrays) == count and len(form.axes[0]) == rank)


def finished(settings: Mapping[str, Setting], held: Held) -> dict[str, Setting]:
    """Settings without guesses, and with every wrapped layer complete."""
    found: dict[str, Setting] = {}
    for key, value in settings.items():
        if isinstance(value, LayerSpec) and not value.unknown:
            found[key] = completed(value.name, value.type, finished(value.config, held), held.version)
        elif key != "merge_mode":
            found[key] = value
    if not found.get("use_bias", True):
        found.pop("reset_after", None)  # only the bias tells
    return found


def roles_agree(type_name: str, roles: tuple[str, ...], held: Held) -> bool:
    """Whether the names of the arrays allow these roles; the bias of gates is a role of its own in the table only."""
    roles = tuple(role.replace("gate_bias", "bias") for role in roles)
    return all(role_agrees(type_name, role, name, held) for role, name in zip(roles, held.roles, strict=True))


def role_agrees(type_name: str, role: str, name: str, held: Held) -> bool:
    """Whether an array called ``name`` can have a role; a part counts only where both state one."""
    if name in ("", FOREIGN):
        return True
    (part, _, last), (named_part, _, named) = role.rpartition("/"), name.rpartition("/")
    if part and named_part and part != named_part:
        return False
    if type_name.startswith("DepthwiseConv") and last == "kernel":
        # The name depthwise_kernel went with Keras 2.
        return named == "depthwise_kernel" or (named == "kernel" and not held.version.before(3))
    if last == "embeddings":
        return named == "embeddings" or (named == "kernel" and held.version.before(2))
    return last == named


def adjusted(form: Form, settings: Mapping[str, Setting], held: Held) -> float:
    """What sizes, beside the form, say of how likely a type is; rough, and small beside the word of a name."""
    if form.type == "Embedding":
        rows, columns = held.shapes[0]
        # A table of words is long and comes first; a kernel without bias is seldom either.
        return max(-2.0, min(4.0, 1.0 - log(rows / columns))) + (0.0 if held.first else 2.0)
    if form.type.startswith("DepthwiseConv"):
        multiplier = settings["depth_multiplier"]
        assert isinstance(multiplier, int)
        channels = held.shapes[0][-2]
        return (-1.5 if multiplier == 1 else 3.0 if multiplier > 4 else 1.0) + (3.0 if channels == 1 else 0.0)
    if form.type.endswith("Transpose") and held.shapes[0][-1] == 1:
        return 2.0
    if form.type in ("Conv1D", "Conv2D", "Conv3D") and len(held.shapes) == 1:
        *window, cin, cout = held.shapes[0]
        return 4.0 if set(window) == {1} and cin == 1 else 3.0 if cout == 1 and cin > 3 else 0.0
    return 0.0
