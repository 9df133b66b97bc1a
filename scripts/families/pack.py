"""
Records of published models become the library that regraft ships: an index, and one file of blueprints a package.

    python scripts/families/pack.py DATA_FOLDER RECORDS.jsonl...
"""

from __future__ import annotations

import json
import lzma
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2] / "src")]
from record import Record, read
from rewriting import rewritten

from regraft import keras_config
from regraft.blueprint import Blueprint, LayerSpec, TensorRef, all_refs
from regraft.recover.families.packed import Table, pack, unpack
from regraft.recover.families.part_of import upto

#: Layers that mix channels: behind them nothing depends on how many enter the model.
MIXING = (
    "Conv1D Conv2D Conv3D Dense SeparableConv2D Conv2DTranspose Conv3DTranspose EinsumDense Embedding MultiHeadAttention"
).split()
#: A published architecture has at least this many layers with variables and arrays in the part that is looked for.
LEAST_LAYERS, LEAST_ARRAYS = 8, 14


def dump(path: Path, lines: list[Any]) -> None:
    """JSON lines, compressed as one stream."""
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def cut_of(blueprint: Blueprint, body: Blueprint) -> int | None:
    """The layer of a model at which it equals the same model without its top; None if there is none."""
    if len(body.outputs) != 1 or body.outputs[0].layer not in blueprint.by_name:
        return None
    part = upto(blueprint, body.outputs[0])
    if unsized(part) != unsized(body):
        return None
    return [spec.name for spec in blueprint.layers].index(body.outputs[0].layer)


def unsized(blueprint: Blueprint) -> Any:
    """Layers and calls by name; of the inputs, which may be open without a top, not the size."""
    layers = {s.name: replace(s, config={}) if s.type == "InputLayer" else s for s in blueprint.layers}
    return layers, {(call.layer, call.call): call for call in blueprint.calls}


def parsed(text: str) -> Blueprint:
    """
    The blueprint in a JSON, all of it trainable.

    Sequential models inside get an entry that fits every size, of a name without counter.
    """
    blueprint = keras_config.parse(rewritten(text))
    return replace(blueprint, layers=tuple(settled(spec) for spec in blueprint.layers))


def settled(spec: LayerSpec) -> LayerSpec:
    """A layer that is trainable; of a nested Sequential model the entry says the channels only."""
    spec = replace(spec, trainable=True)
    inner = spec.config.get("blueprint")
    if not isinstance(inner, Blueprint):
        return spec
    inner = replace(inner, layers=tuple(map(settled, inner.layers)), choices=(), notes=())
    if not inner.sequential:
        return replace(spec, config={"blueprint": inner})
    first, *rest = inner.layers
    shape = first.config["batch_shape"]
    if isinstance(shape, tuple):
        shape = (*(None for _ in shape[1:]), shape[-1])
    name = f"{spec.name}_input"
    calls = tuple(
        replace(c, inputs=tuple(TensorRef(name) if ref.layer == first.name else ref for ref in c.inputs))
        for c in inner.calls
    )
    entry = replace(first, name=name, config={**first.config, "batch_shape": shape})
    inner = replace(inner, layers=(entry, *rest), calls=calls, inputs=(TensorRef(name),))
    return replace(spec, config={"blueprint": inner})


def moving_pads(blueprint: Blueprint, resized: list[Blueprint]) -> list[int]:
    """Layers whose settings follow the input size: zero paddings; anything else is an error."""
    found: list[int] = []
    for i, spec in enumerate(blueprint.layers):
        others = [other.by_name.get(spec.name, spec) for other in resized]
        if spec.type == "InputLayer" or all(other == spec for other in others):
            continue
        if any(layer.type != "ZeroPadding2D" for layer in (spec, *others)):
            raise ValueError(f"{blueprint.name}: {spec} became {others} with the input size")
        found.append(i)
    return found


def mixes(spec: LayerSpec) -> bool:
    """Whether a layer mixes channels."""
    inner = spec.config.get("blueprint")
    return spec.type in MIXING or (isinstance(inner, Blueprint) and any(map(mixes, inner.layers)))


def at_the_entry(blueprint: Blueprint) -> set[str]:
    """Layers that see the channels of the input as they are."""
    raw = {ref.layer for ref in blueprint.inputs}
    found: set[str] = set()
    for call in blueprint.ordered_calls:
        if any(ref.layer in raw for ref in all_refs(call)):
            found.add(call.layer)
            if not mixes(blueprint.by_name[call.layer]):
                raw.add(call.layer)
    return found


def checked(record: Record, blueprint: Blueprint, table: Table) -> dict[str, Any]:
    """The packed blueprint, which must unpack to the same."""
    value = pack(blueprint, table)
    plain = replace(blueprint, choices=(), notes=())
    back = unpack(value, table.values)
    if back != plain:
        for ours, theirs in zip(back.layers, plain.layers, strict=True):
            if ours != theirs:
                raise ValueError(f"{record.family}: {theirs} unpacks to {ours}")
        raise ValueError(f"{record.family}: the graph changes when it is packed")
    return value


@dataclass(frozen=True)
class Piece:
    """One architecture of a record: with the top, or without where that is not merely a part of it."""

    variant: str
    blueprint: Blueprint
    shapes: dict[str, list[list[int]]]
    cut: int | None
    pads: list[int]


def pieces(record: Record) -> list[Piece]:
    """The architectures of a record."""
    blueprint = parsed(record.config)
    if not record.body:
        return [Piece(record.variant, blueprint, record.shapes, None, [])]
    body = parsed(record.body)
    cut = cut_of(blueprint, body)
    parts = [(record.variant, blueprint, record.shapes, cut)]
    if cut is None:
        parts = [(record.variant, blueprint, record.shapes, before_classes(blueprint, record.shapes))]
        variant = f"{record.variant}, without top".removeprefix(", ")
        parts.append((variant, body, record.body_shapes, place_of(body, body.outputs[0].layer)))
    others = [parsed(text) for text in record.resized]
    return [Piece(*part, pads=moving_pads(part[1], others)) for part in parts]


def same_pads(piece: Piece, names: set[str]) -> set[int]:
    """Zero paddings that follow the input size in another package's model of the same name."""
    layers = enumerate(piece.blueprint.layers)
    return {i for i, spec in layers if spec.name in names and spec.type == "ZeroPadding2D"}


def before_classes(blueprint: Blueprint, shapes: dict[str, list[list[int]]]) -> int:
    """What the last layer with variables, which gives the classes, receives."""
    last = [spec.name for spec in blueprint.layers if spec.name in shapes][-1]
    (call,) = (call for call in blueprint.calls if call.layer == last)
    return place_of(blueprint, call.inputs[0].layer)


def place_of(blueprint: Blueprint, layer: str) -> int:
    """The number of a layer."""
    return [spec.name for spec in blueprint.layers].index(layer)


def indexed(piece: Piece, record: Record, keys: Table, names: Table) -> dict[str, Any] | None:
    """What the search needs to know of an architecture; None if it is too short to be told from others."""
    blueprint, shapes = piece.blueprint, piece.shapes
    weighted = [spec.name for spec in blueprint.layers if spec.name in shapes]
    inside = weighted
    if piece.cut is not None:
        part = {spec.name for spec in upto(blueprint, TensorRef(blueprint.layers[piece.cut].name)).layers}
        inside = [name for name in weighted if name in part]
        if weighted[: len(inside)] != inside:
            raise ValueError(f"{record.family} {piece.variant}: the top is not at the end")
    if len(inside) < LEAST_LAYERS or sum(len(shapes[name]) for name in inside) < LEAST_ARRAYS:
        return None
    free = at_the_entry(blueprint) | set(record.classes)
    return {
        "package": f"{record.package} {record.version}",
        "family": record.family,
        "variant": piece.variant,
        "keys": [keys.number(shapes[name]) for name in weighted],
        "body": len(inside),
        "free": [i for i, name in enumerate(weighted) if name in free],
        "names": [names.number(name) for name in weighted],
    }


def main() -> None:
    """Pack all records."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    keys, names, index = Table(), Table(), []
    files: dict[str, tuple[Table, list[Any]]] = {}
    seen: set[str] = set()
    pads_of: dict[str, set[str]] = {}
    for path in sys.argv[2:]:
        for record in read(Path(path)):
            file = "".join(c if c.isalnum() else "-" for c in record.package) + ".jsonl.xz"
            table, lines = files.setdefault(file, (Table(), []))
            for piece in pieces(record):
                entry = indexed(piece, record, keys, names)
                if entry is None:
                    print(f"left out, too short to be recognised: {record.package} {record.family} {piece.variant}")
                    continue
                value = checked(record, piece.blueprint, table)
                known = json.dumps([record.package, value["layers"], value.get("calls"), piece.shapes], sort_keys=True)
                if known in seen:
                    print(f"left out, equal to one before: {record.package} {record.family} {piece.variant}")
                    continue
                seen.add(known)
                pads = set(piece.pads) | same_pads(piece, pads_of.get(record.family, set()))
                pads_of.setdefault(record.family, set()).update(piece.blueprint.layers[i].name for i in pads)
                index.append({**entry, "file": file, "line": len(lines)})
                about = {"preprocessing": record.preprocessing, "inputs": record.inputs}
                lines.append({"blueprint": value, "cut": piece.cut, "pads": sorted(pads), **about})
    for file, (table, lines) in files.items():
        dump(folder / file, [table.values, *lines])
    dump(folder / "index.json.xz", [{"keys": keys.values, "names": names.values, "members": index}])
    print(f"{len(index)} architectures, {sum(p.stat().st_size for p in folder.glob('*.xz')):,} bytes")


if __name__ == "__main__":
    main()
