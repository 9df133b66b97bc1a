"""Why a file and a module do not fit, as far as facts say so: each cause rests on the layers that show it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from regraft.graft.axes import map_words, seen_words
from regraft.graft.pieces import Piece
from regraft.graft.side_by_side import Row
from regraft.graft.unit import LINEAR, NORMS, RECURRENT

#: So many layers must differ in width, and this share of them by nearly one factor, to speak of a multiplier.
LEAST_WIDTHS, AGREEING, NEARLY = 3, 0.7, 0.15
#: Usual factors between two widths of one architecture.
FACTORS = (0.25, 1 / 3, 0.35, 0.5, 2 / 3, 0.75, 4 / 3, 1.3, 1.4, 1.5, 2.0, 3.0, 4.0)
#: Two architectures with less in common than this share of their layers, and so many layers, are called different ones.
ALIKE, LEAST_LAYERS = 0.6, 6
#: A head is no more than so many layers.
MOST_HEAD = 4


def causes(rows: Sequence[Row]) -> tuple[str, ...]:
    """Likely causes, the most telling first."""
    found: list[str] = []
    for cause in (
        width,
        depth,
        head,
        classes,
        channels,
        flattened,
        normalisations,
        biases,
        directions,
        kernels,
        tables,
        forms,
    ):
        found += cause(rows)
    return (
        (*found, *another(rows))
        if not any("every width" in cause or "another depth" in cause for cause in found)
        else tuple(found)
    )


def another(rows: Sequence[Row]) -> Iterator[str]:
    """Few layers have a twin of equal sizes on either side."""
    equal = sum(row.equal for row in rows)
    ours, theirs = (sum(getattr(row, side) is not None for row in rows) for side in ("ours", "theirs"))
    if min(ours, theirs) >= LEAST_LAYERS and equal < ALIKE * max(ours, theirs):
        yield (
            f"another architecture, or another version of it: {equal} of the file's {ours} layers and of the module's {theirs} "
            "have a twin of equal sizes"
        )


def lone(rows: Sequence[Row], side: str) -> list[Piece]:
    """Layers of one side without a twin."""
    mine, other = ("ours", "theirs") if side == "file" else ("theirs", "ours")
    return [getattr(row, mine) for row in rows if getattr(row, other) is None]


def named(pieces: Sequence[Piece], most: int = 3) -> str:
    """The first names."""
    rest = len(pieces) - most
    return ", ".join(piece.name for piece in pieces[:most]) + (f" and {rest} more" if rest > 0 else "")


def head(rows: Sequence[Row]) -> Iterator[str]:
    """Layers behind the last pair on one side alone."""
    last = max((i for i, row in enumerate(rows) if row.paired), default=-1)
    tail = rows[last + 1 :]
    if last < 0 or not 0 < len(tail) <= MOST_HEAD or not all(piece_of(row).kind in LINEAR for row in tail[-1:]):
        return
    if all(row.theirs is None for row in tail):
        names = named([piece_of(row) for row in tail])
        yield f"the file has a head ({names}) and the module ends before it: the file was saved with include_top=True"
    elif all(row.ours is None for row in tail):
        names = named([piece_of(row) for row in tail])
        yield (
            f"the module has a head ({names}) and the file ends before it: the file was saved with include_top=False; "
            "graft onto the module without its head, and keep or train the head"
        )


def piece_of(row: Row) -> Piece:
    """The layer of a row that has one on one side."""
    found = row.ours or row.theirs
    assert found is not None
    return found


def classes(rows: Sequence[Row]) -> Iterator[str]:
    """The last layer leaves another number of features."""
    paired = [row for row in rows if row.paired]
    if not paired or rows[-1] is not paired[-1]:
        return
    axes = {axis: (a, b) for axis, a, b in paired[-1].differs}
    if set(axes) == {"cout"} and paired[-1].theirs is not None and paired[-1].theirs.kind in LINEAR:
        a, b = axes["cout"]
        yield f"another number of classes: {a} in the file, {b} in the module ({paired[-1].theirs.name})"


def channels(rows: Sequence[Row]) -> Iterator[str]:
    """The first layer takes another number of channels."""
    first = next((row for row in rows if row.paired), None)
    if first is None or first is not rows[0] or {axis for axis, _, _ in first.differs} != {"cin"}:
        return
    ((_, a, b),) = first.differs
    assert first.theirs is not None
    what = "input channels" if first.theirs.kind == "conv" else "input features"
    gray = " (gray against colour)" if {a, b} == {1, 3} else ""
    yield f"another number of {what}: {a} in the file, {b} in the module ({first.theirs.name}){gray}"


def width(rows: Sequence[Row]) -> Iterator[str]:
    """Most layers are wider or narrower by one factor."""
    ratios = [
        b / a
        for row in rows
        for axis, a, b in row.differs
        if axis in ("cout", "channels", "units") and isinstance(a, int) and isinstance(b, int) and a and b
    ]
    same = sum(row.equal for row in rows)
    if len(ratios) < LEAST_WIDTHS or len(ratios) < same:
        return
    middle = median(ratios)
    agree = sum(abs(ratio / middle - 1) <= NEARLY for ratio in ratios)
    if agree < AGREEING * len(ratios) or abs(middle - 1) <= NEARLY / 2:
        return
    factor = min(FACTORS, key=lambda usual: abs(usual / middle - 1))
    factor = factor if abs(factor / middle - 1) <= NEARLY else middle
    yield f"every width x {factor:.3g} ({agree} of {len(ratios)} widths): another alpha or width multiplier"


def depth(rows: Sequence[Row]) -> Iterator[str]:
    """Blocks that one side has more of, of sizes that both have."""
    for side, other, has in (("file", "module", "ours"), ("module", "file", "theirs")):
        extra = [piece for piece in lone(rows, side) if piece.kind in (*LINEAR, *RECURRENT, "conv_transpose")]
        if not extra or [piece for piece in lone(rows, other) if piece.kind in LINEAR]:
            continue
        known = Counter(shape(getattr(row, has)) for row in rows if row.equal)
        if not all(known[shape(piece)] for piece in extra):
            continue
        blocks = blocks_of([piece.module or piece.name for piece in lone(rows, side)])
        count = f"{len(extra)} layers" if len(extra) > 1 else "1 layer"
        yield (
            f"another depth of the same family: the {side} has {count} more, of sizes that both have: {spans(blocks)}"
        )


def shape(piece: Piece) -> tuple[object, ...]:
    """Kind and sizes."""
    return (piece.kind, *sorted((axis, str(size)) for axis, size in piece.sizes.items()))


def blocks_of(names: Sequence[str]) -> list[str]:
    """
    The blocks that layers stand in, once each.

    >>> blocks_of(["layer3.6.conv1", "layer3.6.bn1", "layer2.0.downsample.0", "conv4_block6_1_conv", "fc"])
    ['layer3.6', 'layer2.0', 'conv4_block6', 'fc']
    """
    return list(dict.fromkeys(block_of(name) for name in names))


def block_of(name: str) -> str:
    """The block of a layer: up to the number that is not the layer's own; of a name in one part its first two words."""
    block = name.rpartition(".")[0]
    while "." in block and not re.search(r"\d", block.rpartition(".")[2]):
        block = block.rpartition(".")[0]
    return block or "_".join(name.split("_")[:2])


def spans(blocks: Sequence[str]) -> str:
    """
    Blocks in few words.

    >>> spans(["layer3.6", "layer3.7", "layer3.8", "fc"])
    'layer3.6 to layer3.8, fc'
    """
    found: list[list[str]] = []
    for block in blocks:
        stem, number = re.fullmatch(r"(.*?)(\d*)", block).groups()  # type: ignore[union-attr]
        before = re.fullmatch(r"(.*?)(\d*)", found[-1][-1]).groups() if found else ("", "")  # type: ignore[union-attr]
        if found and number and before[1] and before[0] == stem and int(number) == int(before[1]) + 1:
            found[-1].append(block)
        else:
            found.append([block])
    told = [run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in found]
    return ", ".join(told[:6]) + (f" and {len(told) - 6} more" if len(told) > 6 else "")


def flattened(rows: Sequence[Row]) -> Iterator[str]:
    """A Dense behind a Flatten takes another number of features: the maps are of another size."""
    before = 0
    for row in rows:
        if row.ours is None or row.theirs is None:
            continue
        axes = {axis: (a, b) for axis, a, b in row.differs}
        if row.theirs.kind == "linear" and "cin" in axes and before:
            a, b = axes["cin"]
            ours = seen_words(row.ours) if row.ours.place >= 0 else map_words(int(str(a)), before)
            theirs = seen_words(row.theirs) if row.theirs.place >= 0 else map_words(int(str(b)), before)
            if (
                ours
                and theirs
                and "x" in ours
                and "x" in theirs
                and ours.rpartition("x")[2] == theirs.rpartition("x")[2]
            ):
                yield (
                    f"another input size: the Flatten in front of {row.theirs.name} sees {ours} in the file's model, {theirs} "
                    "in the module, or another pool or stride in front of it"
                )
        if row.theirs.kind in ("conv", "conv_transpose") and not {"cout"} & set(axes):
            before = int(str(row.theirs.sizes.get("cout", 0)))
        elif row.theirs.kind == "linear":
            before = 0


def normalisations(rows: Sequence[Row]) -> Iterator[str]:
    """Normalisations that one side lacks, or of another kind."""
    for side, other in (("file", "module"), ("module", "file")):
        extra = [piece for piece in lone(rows, side) if piece.kind in NORMS]
        rest = [row for row in rows if row.paired and {piece_of(row).kind, getattr(row.theirs, "kind", "")} & NORMS]
        everything = lone(rows, side)
        if extra and len(extra) >= 0.7 * len(everything):
            kind = extra[0].kind.replace("_", " ")
            whole = "has none" if not rest else f"has {len(rest)}"
            yield (
                f"normalisations are missing: the {side} has {len(extra)} more ({kind}: {named(extra)}), the {other} {whole}"
            )
    kinds = [row for row in rows if any(axis == "kind" for axis, _, _ in row.differs)]
    if kinds and kinds[0].ours is not None and kinds[0].theirs is not None:
        first = kinds[0]
        yield (
            f"another kind of layer: {kinds[0].ours.name} is {kinds[0].ours.kind.replace('_', ' ')} in the file, "
            f"{first.theirs.name if first.theirs else ''} {kinds[0].theirs.kind.replace('_', ' ')} in the module"
            + (f" ({len(kinds)} such pairs)" if len(kinds) > 1 else "")
        )


def biases(rows: Sequence[Row]) -> Iterator[str]:
    """Biases that the module has no place for; in front of a BatchNorm they go into its mean."""
    theirs = [row.theirs for row in rows if row.theirs is not None]
    behind = {one.name: after for one, after in pairwise(theirs)}
    without = [
        row.theirs
        for row in rows
        if row.ours is not None and row.theirs is not None and row.ours.bias and row.theirs.bias is False
        if row.theirs.name not in behind or behind[row.theirs.name].kind != "batch_norm"
    ]
    if without:
        yield (
            f"biases are missing in the module: {named(without)} {'has' if len(without) == 1 else 'have'} bias=False, the "
            "file's layers use_bias=True"
        )


def directions(rows: Sequence[Row]) -> Iterator[str]:
    """A recurrent layer runs both ways on one side only."""
    for row in rows:
        for axis, a, _ in row.differs:
            if axis == "directions" and row.ours is not None and row.theirs is not None:
                one, two = ("the module", "the file") if a == 2 else ("the file", "the module")
                yield (
                    f"{row.theirs.name} runs both ways in {two} and one way in {one}: Bidirectional in Keras is "
                    "bidirectional=True here"
                )
                return


def kernels(rows: Sequence[Row]) -> Iterator[str]:
    """Kernels of another size."""
    found = [row for row in rows if any(axis == "kernel" for axis, _, _ in row.differs)]
    if found and found[0].theirs is not None:
        a, b = next((a, b) for axis, a, b in found[0].differs if axis == "kernel")
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        yield f"another kernel size: {a or 1} in the file, {b or 1} in the module ({found[0].theirs.name}{more})"


def tables(rows: Sequence[Row]) -> Iterator[str]:
    """An embedding of another length."""
    for row in rows:
        for axis, a, b in row.differs:
            if axis == "vocabulary" and row.theirs is not None:
                yield f"another vocabulary: {a} rows in the file, {b} in the module ({row.theirs.name})"


def forms(rows: Sequence[Row]) -> Iterator[str]:
    """A GRU whose reset gate comes first, which PyTorch does not have."""
    for row in rows:
        if (
            row.ours is not None
            and row.ours.form == "reset_after=False"
            and row.theirs is not None
            and row.theirs.stock
        ):
            yield (
                f"{row.ours.name} is a GRU with reset_after=False, and nn.GRU ({row.theirs.name}) computes the other form: "
                "take the class from the model.py that regraft convert writes; it has the parameters of nn.GRU"
            )
            return
