"""
The blueprint as TOML, for people to read and edit: ``blueprint.toml``.

One ``[[layer]]`` a layer, its settings beside its name. ``inputs`` names the tensors it receives: ``"conv1"`` is the
output of layer conv1, ``"lstm:0.1"`` output 1 of its call 0. A layer that is called more than once has ``calls``.
TOML has no null: None is ``"none"``, and the text none is ``"'none'"``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from regraft.blueprint.graph import Blueprint, Call, LayerSpec, TensorRef
from regraft.blueprint.toml_text import Table, Tables, write
from regraft.errors import BlueprintError, quote

FORMAT = 1
HEADER = "# The architecture, as regraft read or recovered it. Edit it and convert again with --blueprint."
#: Keys of a ``[[layer]]`` that are no settings; a setting of such a name goes to ``settings``.
LAYER_KEYS = frozenset({"name", "type", "trainable", "unknown", "inputs", "calls", "settings", "kind"})
TENSOR = re.compile(r"(.*):([0-9]{1,9})\.([0-9]{1,9})", re.DOTALL)


def to_toml(blueprint: Blueprint) -> str:
    """
    The blueprint as TOML text; ``from_toml`` gives back an equal one.

    Raises:
        BlueprintError: If it holds text with lone surrogates, or a setting that is no Setting.
    """
    return "\n".join([HEADER, *write({"format": FORMAT, **model(blueprint)}), ""])


def from_toml(text: str) -> Blueprint:
    """
    The blueprint in a TOML text. Its graph is not checked: call ``Blueprint.check``.

    Raises:
        BlueprintError: If this is no TOML, or no blueprint; the message names the place.
    """
    from regraft.blueprint.toml_decode import decode

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BlueprintError(f"this is no TOML: {quote(str(error))[1:-1]}") from None
    except (RecursionError, ValueError) as error:
        raise BlueprintError(f"this TOML cannot be read: {quote(str(error))[1:-1]}") from None
    if data.pop("format", None) != FORMAT:
        raise BlueprintError(f"this is no blueprint: expected 'format = {FORMAT}' at the top")
    try:
        return decode(data)
    except RecursionError:
        raise BlueprintError("this blueprint nests too deep") from None


def model(blueprint: Blueprint) -> dict[str, Any]:
    """A blueprint as plain data; the calls stand with their layers where that keeps their order."""
    calls: dict[str, list[Call]] = {spec.name: [] for spec in blueprint.layers}
    for call in blueprint.calls:
        calls.setdefault(call.layer, []).append(call)
    grouped = tuple(call for spec in blueprint.layers for call in calls[spec.name])
    numbered = all(call.call == i for own in calls.values() for i, call in enumerate(own))
    beside = len(calls) == len(blueprint.layers) and numbered and grouped == blueprint.calls
    data: dict[str, Any] = {"name": blueprint.name}
    if blueprint.sequential:
        data["sequential"] = True
    if blueprint.keras_version:
        data["keras_version"] = blueprint.keras_version
    data |= {"inputs": list(map(tensor, blueprint.inputs)), "outputs": list(map(tensor, blueprint.outputs))}
    if blueprint.notes:
        data["notes"] = list(blueprint.notes)
    if blueprint.choices:
        data["choice"] = Tables(
            Table(subject=c.subject, value=c.value, candidates=list(c.candidates), label=c.label, evidence=c.evidence)
            for c in blueprint.choices
        )
    data["layer"] = Tables(layer(spec, calls[spec.name] if beside else []) for spec in blueprint.layers)
    if not beside:
        data["call"] = Tables(Table(layer=c.layer, call=c.call, **one_call(c)) for c in blueprint.calls)
    return data if data["layer"] else {**data, "layer": []}


def layer(spec: LayerSpec, calls: list[Call]) -> Table:
    """A layer with its calls as plain data."""
    data = Table(name=spec.name, type=spec.type)
    if not spec.trainable:
        data["trainable"] = False
    if spec.unknown:
        data["unknown"] = spec.unknown
    if len(calls) == 1 and not calls[0].arguments:
        data["inputs"] = list(map(tensor, calls[0].inputs))
    elif calls:
        data["calls"] = list(map(one_call, calls))
    data |= {k: setting(v, direct=True) for k, v in spec.config.items() if k not in LAYER_KEYS}
    if reserved := {k: setting(v) for k, v in spec.config.items() if k in LAYER_KEYS}:
        data["settings"] = reserved
    return data


def one_call(call: Call) -> dict[str, Any]:
    """One call without its layer and number."""
    data: dict[str, Any] = {"inputs": list(map(tensor, call.inputs))}
    if call.arguments:
        data["arguments"] = {k: setting(v) for k, v in call.arguments.items()}
    return data


def tensor(ref: TensorRef) -> str:
    """A tensor as text: the layer's name alone for the only output of its only call."""
    if ref.call == 0 and ref.index == 0 and not TENSOR.fullmatch(ref.layer):
        return ref.layer
    text = f"{ref.layer}:{ref.call}.{ref.index}"
    if not TENSOR.fullmatch(text):
        raise BlueprintError(f"call {ref.call} and output {ref.index} of {quote(ref.layer)} are no counts from 0")
    return text


def setting(value: object, *, direct: bool = False) -> Any:
    """A setting as plain data. ``direct``: it stands right under a layer, so that it may have a table of its own."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return f"'{value}'" if value.strip("'") == "none" else value
    if isinstance(value, TensorRef):
        return {"kind": "tensor", "of": tensor(value)}
    if isinstance(value, LayerSpec | Blueprint):
        plain = layer(value, []) if isinstance(value, LayerSpec) else model(value)
        kind = "layer" if isinstance(value, LayerSpec) else "model"
        return (Table if direct else dict)({"kind": kind, **plain})
    if isinstance(value, Mapping):
        items = {k: setting(v) for k, v in value.items()}
        return {"kind": "map", "of": items} if "kind" in items else items
    if isinstance(value, tuple | list):
        return [setting(item) for item in value]
    return value
