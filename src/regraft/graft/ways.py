"""How a stored array becomes a parameter: by what the layer stores, and by the axes that the parameter's operation has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from regraft.graft.owner import Array
from regraft.layout import Fill, Layout, Move, Split, Stack, shapes_after

SPATIAL = {3: "kw", 4: "kh kw", 5: "kd kh kw"}
#: Variables that are tables, one row a word: nothing to turn.
TABLES = frozenset({"embeddings", "embedding"})


@dataclass(frozen=True)
class How:
    """
    A way of one array, or of three at once.

    Attributes:
        moves: From the stored arrays to the parameters.
        assumed: What had to be assumed, in words; empty if nothing had to.
        square: Whether that is which way round a square matrix lies.
    """

    moves: tuple[Move, ...] = ()
    assumed: str = ""
    square: bool = False


def way(source: Array, target: Array) -> How | None:
    """
    The way of a stored array into a parameter, None if it has none.

    Never by the shape alone: a square matrix goes as its operation says.
    """
    if source.parts and not target.parts:
        return joined(source, target)
    if target.parts and not source.parts:
        return cut(source, target)
    if target.parts or source.parts:
        return None
    found = [how for how in patterns(source, target) if fits(how, source.shape, target.shape)]
    return found[0] if found else None


def fits(how: How, source: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether a way makes the target's shape."""
    return shapes_after(how.moves, (source,)) == (target,)


def move(pattern: str, shape: tuple[int, ...]) -> How:
    """One move of axes, with sizes where the way back needs them."""
    return How((Layout(pattern).bind(shape),))


def patterns(source: Array, target: Array) -> Iterator[How]:
    """Ways that the axes of the parameter allow, the likeliest first; not all fit the shapes."""
    shape, rank, axes = source.shape, len(source.shape), target.axes
    if len(target.shape) == 1:
        yield from vectors(shape)
        return
    match axes:
        case "cout cin" if source.word in TABLES:
            yield How()
        case "cout cin":
            if rank == 2:
                told = source.word in ("kernel", "pointwise_kernel")
                square = shape[0] == shape[1] and not told
                yield How((Layout("cin cout -> cout cin"),), TURNED.format(source.word) if square else "", square)
                if not told:
                    yield How()
            yield from heads(shape, "cout cin")
            if rank in SPATIAL and all(size == 1 for size in shape[:-2]):
                yield move(f"{' '.join('1' * (rank - 2))} cin cout -> cout cin", shape)
        case "cin cout":
            if rank == 2 and source.word not in TABLES:
                told = source.word in ("kernel", "pointwise_kernel")
                square = shape[0] == shape[1] and not told
                yield How((), TURNED.format(source.word) if square else "", square)
                if not told:
                    yield How((Layout("cout cin -> cin cout"),))
            yield from heads(shape, "cin cout")
        case "vocabulary embed":
            yield How()
        case _ if axes.startswith(("cout cin ", "cin cout ")):
            yield from convolutions(source, target)
        case _:
            yield from plain(source, target)


TURNED = "{} is multiplied from the right, as in TensorFlow: it is square, and its name does not say"


def vectors(shape: tuple[int, ...]) -> Iterator[How]:
    """A vector as it is, with axes of length 1, or by heads."""
    match len(shape):
        case 1:
            yield How()
        case 2 if shape[0] == 1:
            yield move("1 c -> c", shape)
        case 2:
            yield move("heads key -> (heads key)", shape)
        case n if n > 2 and prod(shape[:-1]) == 1:
            yield move(f"{' '.join('1' * (n - 1))} c -> c", shape)
        case _:
            return


def heads(shape: tuple[int, ...], axes: str) -> Iterator[How]:
    """Kernels of attention, which keep heads apart: ``cin heads key`` on the way in, ``heads key cout`` on the way out."""
    if len(shape) != 3:
        return
    into, out = ("cin heads key", "heads key cout")
    first, second = axes.split()
    for stored, parts in ((into, {"cin": "cin", "cout": "(heads key)"}), (out, {"cin": "(heads key)", "cout": "cout"})):
        yield move(f"{stored} -> {parts[first]} {parts[second]}", shape)


def convolutions(source: Array, target: Array) -> Iterator[How]:
    """Kernels of convolutions, from Keras' order; a Dense layer may have become a kernel of length 1."""
    shape, rank = source.shape, len(source.shape)
    spatial = SPATIAL.get(len(target.shape), "")
    if not spatial:
        return
    if rank == 2 and source.word != "depthwise_kernel":
        ones = " ".join("1" for _ in spatial.split())
        yield How((Layout(f"cin cout -> {'cout cin' if target.axes.startswith('cout') else 'cin cout'} {ones}"),))
    if rank != len(target.shape):
        return
    if target.axes.startswith("cin"):
        yield How((Layout(f"{spatial} cout cin -> cin cout {spatial}"),))
    elif source.word == "depthwise_kernel":
        yield move(f"{spatial} cin mult -> (cin mult) 1 {spatial}", shape)
    else:
        yield How((Layout(f"{spatial} cin cout -> cout cin {spatial}"),))
        yield move(f"{spatial} cin mult -> (cin mult) 1 {spatial}", shape)  # where variables have no names


def plain(source: Array, target: Array) -> Iterator[How]:
    """Where nothing says how the module uses the parameter: as it is, unless it could as well be turned."""
    shape = source.shape
    if source.word in ("kernel", "depthwise_kernel"):
        if len(shape) == 2 and shape[0] != shape[1]:
            yield How()
            yield How((Layout("cin cout -> cout cin"),))
        return
    matrix = len(shape) == 2 and shape[0] == shape[1] and source.word not in TABLES
    yield How(
        (), f"{source.word} is taken as it is: it is square, and no run shows how the module uses it" if matrix else ""
    )
    ones = len(target.shape) - len(shape)
    if ones > 0 and target.shape[:ones] == (1,) * ones:
        names = " ".join(f"a{i}" for i in range(len(shape)))
        yield How((Layout(f"{names} -> {' '.join('1' * ones)} {names}"),))


BLOCKS = "queries, keys and values are taken to stand one behind another: neither names nor the run say so"


def joined(source: Array, target: Array) -> How | None:
    """Queries, keys and values, one array each, into one parameter, in this order."""
    one = source.parts[0]
    if any(part.shape != one.shape for part in source.parts):
        return None
    along = {"cout cin": 0, "cout": 0, "cin cout": 1}.get(target.axes)
    if along is None or target.shape[along] % 3:
        return None
    shape = tuple(n // 3 if i == along else n for i, n in enumerate(target.shape))
    each = way(one, Array(target.name, shape, "", target.axes))
    if each is None:
        return None
    return How((*each.moves, Stack(along, 3)), each.assumed or ("" if target.blocks else BLOCKS), each.square)


def cut(source: Array, target: Array) -> How | None:
    """One stored array into three parameters, for queries, keys and values."""
    one = target.parts[0]
    if any(part.shape != one.shape for part in target.parts) or not source.shape or source.shape[-1] % 3:
        return None
    part = Array(source.name, (*source.shape[:-1], source.shape[-1] // 3), source.word)
    each = way(part, one)
    return None if each is None else How((Split(len(source.shape) - 1, 3), *each.moves), BLOCKS)


def filler(role: str, shape: tuple[int, ...]) -> Fill | None:
    """What a parameter is that a layer of Keras leaves out: no bias is a bias of 0, no scale one of 1."""
    value = {"bias": 0.0, "in_proj_bias": 0.0, "weight": 1.0 if len(shape) == 1 else None}.get(role)
    return None if value is None else Fill(shape, value)
