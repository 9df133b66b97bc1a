"""
Records of published models become the library that regraft ships: an index, and one file of blueprints a package.

    python scripts/families/pack.py DATA_FOLDER RECORDS.jsonl...
"""

from __future__ import annotations

import json
import lzma
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2] / "src")]
from record import Record, read

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
    if {s.name: s for s in part.layers} != {s.name: s for s in body.layers} or {(c.layer, c.call): c for c in part.calls} != {(c.layer, c.call): c for c in body.calls}:
        return None
    return [spec.name for spec in blueprint.layers].index(body.outputs[0].layer)


def parsed(text: str) -> Blueprint:
    """The blueprint in a JSON; Sequential models inside get an entry that fits every size, of a name without counter."""
    blueprint = keras_config.parse(text)
    return replace(blueprint, layers=tuple(settled(spec) for spec in blueprint.layers))


def settled(spec: LayerSpec) -> LayerSpec:
    """A nested Sequential model whose entry says the channels only."""
    inner = spec.config.get("blueprint")
    if not isinstance(inner, Blueprint) or not inner.sequential:
        return spec
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
    inner = replace(inner, layers=(entry, *rest), calls=calls, inputs=(TensorRef(name),), choices=(), notes=())
    return replace(spec, config={"blueprint": inner})


def moving_pads(blueprint: Blueprint, resized: Blueprint) -> list[int]:
    """Layers whose settings follow the input size: zero paddings; anything else is an error."""
    found: list[int] = []
    for i, spec in enumerate(blueprint.layers):
        other = resized.by_name.get(spec.name)
        if other is None or other == spec or spec.type == "InputLayer":
            continue
        if spec.type != "ZeroPadding2D" or other.type != "ZeroPadding2D":
            raise ValueError(f"{blueprint.name}: {spec} became {other} with the input size")
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
    back = unpack(json.loads(json.dumps(value)), json.loads(json.dumps(table.values)))
    if back != plain:
        for ours, theirs in zip(back.layers, plain.layers, strict=True):
            if ours != theirs:
                raise ValueError(f"{record.family}: {theirs} unpacks to {ours}")
        raise ValueError(f"{record.family}: the graph changes when it is packed")
    return value


def members(record: Record) -> list[tuple[str, Blueprint, int | None, list[int]]]:
    """The blueprints of a record: with the top, and without where that is not merely a part of it."""
    blueprint = parsed(record.config)
    pads: list[int] = []
    if not record.body:
        return [(record.variant, blueprint, None, pads)]
    body = parsed(record.body)
    cut = cut_of(blueprint, body)
    whole = (record.variant, blueprint, cut, pads)
    parts = [whole]
    if cut is None:
        variant = f"{record.variant}, without top".removeprefix(", ")
        place = [spec.name for spec in body.layers].index(body.outputs[0].layer)
        parts.append((variant, body, place, []))
    if record.resized:
        other = parsed(record.resized)
        parts = [(v, b, c, moving_pads(b, other)) for v, b, c, _ in parts]
    return parts


def main() -> None:
    """Pack all records."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    keys, names, index = Table(), Table(), []
    files: dict[str, tuple[Table, list[Any]]] = {}
    seen: set[str] = set()
    for path in sys.argv[2:]:
        for record in read(Path(path)):
            file = "".join(c if c.isalnum() else "-" for c in record.package) + ".jsonl.xz"
            table, lines = files.setdefault(file, (Table(), []))
            for variant, blueprint, cut, pads in members(record):
                weighted = [spec.name for spec in blueprint.layers if spec.name in record.shapes]
                inside = weighted
                if cut is not None:
                    part = {spec.name for spec in upto(blueprint, TensorRef(blueprint.layers[cut].name)).layers}
                    inside = [name for name in weighted if name in part]
                    if weighted[: len(inside)] != inside:
                        raise ValueError(f"{record.family} {variant}: the top is not at the end")
                arrays = sum(len(record.shapes[name]) for name in inside)
                if len(inside) < LEAST_LAYERS or arrays < LEAST_ARRAYS:
                    print(f"left out, too short to be recognised: {record.package} {record.family} {variant}")
                    continue
                value = checked(record, blueprint, table)
                about = {"preprocessing": record.preprocessing, "inputs": record.inputs}
                line = {"blueprint": value, "cut": cut, "pads": pads, **about}
                known = json.dumps([record.package, value["layers"], value.get("calls"), record.shapes], sort_keys=True)
                if known in seen:
                    print(f"left out, equal to one before: {record.package} {record.family} {variant}")
                    continue
                seen.add(known)
                entry = at_the_entry(blueprint)
                index.append({
                    "package": f"{record.package} {record.version}",
                    "family": record.family,
                    "variant": variant,
                    "keys": [keys.number(record.shapes[name]) for name in weighted],
                    "body": len(inside),
                    "free": [i for i, name in enumerate(weighted) if name in entry],
                    "names": [names.number(name) for name in weighted],
                    "file": file,
                    "line": len(lines),
                })  # fmt: skip
                lines.append(line)
    for file, (table, lines) in files.items():
        dump(folder / file, [table.values, *lines])
    dump(folder / "index.json.xz", [{"keys": keys.values, "names": names.values, "members": index}])
    print(f"{len(index)} architectures, {sum(p.stat().st_size for p in folder.glob('*.xz')):,} bytes")


if __name__ == "__main__":
    main()
