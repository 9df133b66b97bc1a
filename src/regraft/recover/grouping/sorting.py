"""The kernels of a bag of arrays as bodies of layers: dense, convolutional, separable, tables, slopes."""

from __future__ import annotations

from collections import Counter
from math import prod

import numpy as np

from regraft.recover.grouping.affinity import clean, finite, odds
from regraft.recover.grouping.assignment import assign
from regraft.recover.grouping.bag import Bag, Body
from regraft.recover.grouping.recurrences import take_recurrent

#: Multipliers of depthwise convolutions that occur; a kernel of so few outputs may also be the last of a network.
MULTIPLIERS = (1, 2, 4)
#: Costs of a transposed kernel, of vectors as long as no kernel is wide, and of a width without vectors, in nats.
TURNED, UNMADE, BARE = 0.7, 2.0, 0.5
#: Kernels that are turned one by one to see whether it helps.
MOST_TURNS = 200


def take_bodies(bag: Bag) -> list[Body]:
    """Take every array of two axes and more out of a bag."""
    bodies = take_recurrent(bag)
    bodies += _attention(bag)
    bodies += _slopes(bag)
    bodies += _depthwise(bag)
    kernels = [i for rank in (3, 4, 5) for i in bag.of_rank(rank)]
    turned = _transposed(bag, kernels, bodies)
    bodies += [_convolution(bag, i, i in turned) for i in kernels]
    for body in bodies:
        bag.take(body.places)
    bodies += _matrices(bag, bodies)
    for body in bodies:
        bag.take(body.places)
    return bodies


def _attention(bag: Bag) -> list[Body]:
    """Multi-head attention: three kernels into the heads, three biases of two axes, one kernel out of them."""
    found: list[Body] = []
    shapes = Counter(bag.shapes[i] for i in bag.of_rank(3))
    for cin, heads, size in [shape for shape in shapes if shapes[shape] >= 3 and shape[1:] != (1, 1)]:
        ahead = [i for i in bag.of_rank(3) if bag.shapes[i] == (cin, heads, size)]
        back = [i for i in bag.of_rank(3) if bag.shapes[i][:2] == (heads, size) and i not in ahead]
        biases = [i for i in bag.of_rank(2) if bag.shapes[i] == (heads, size)]
        if not back or len(ahead) != 3 * len(back) or len(biases) not in (0, len(ahead)):
            continue
        for k, out in enumerate(back):
            into = ahead[3 * k : 3 * k + 3]
            pairs = zip(into, biases[3 * k : 3 * k + 3], strict=True) if biases else [(i,) for i in into]
            places = [place for pair in pairs for place in pair] + [out]
            found.append(Body("MultiHeadAttention", places, bag.shapes[out][2], cin, closed=not biases, doubt=0.0))
            bag.take(places)
    return found


def _slopes(bag: Bag) -> list[Body]:
    """PReLU: one slope a channel, or one for every element of a map."""
    found: list[Body] = []
    has_maps = any(len(shape) == 4 for shape in bag.shapes)
    for i in bag.of_rank(3):
        shape = bag.shapes[i]
        shared = set(shape[:-1]) == {1} and shape[-1] > 1 and shape[-1] in bag.widths
        # Sequences and maps hardly meet in a network, so what looks like Conv1D between Conv2D is none.
        if shared or has_maps:
            found.append(Body("PReLU", [i], shape[-1], shape[-1], closed=True, doubt=4.0 if has_maps else 2.0))
            bag.take([i])
    return found


def _depthwise(bag: Bag) -> list[Body]:
    """Depthwise kernels, alone or with the pointwise kernel of a separable convolution."""
    found: list[Body] = []
    vectors = bag.vectors()
    for rank in (3, 4):
        kernels = bag.of_rank(rank)
        points = [i for i in kernels if set(bag.shapes[i][: rank - 2]) == {1}]
        mixed = Counter(bag.shapes[i][-2] for i in points)
        for mult in MULTIPLIERS:
            few = [i for i in kernels if bag.shapes[i][-1] == mult and i not in points and bag.shapes[i][-2] > mult]
            # A convolution with so few outputs has a bias of that length and rarely a pointwise one behind it.
            few.sort(key=lambda i: -mixed[bag.shapes[i][-2] * mult])
            spare = len(vectors.get(mult, ()))
            deep = few[: max(0, len(few) - spare)]
            deep = [i for i in deep if mixed[bag.shapes[i][-2] * mult] or bag.shapes[i][-2] * mult in vectors]
            found += _separable(bag, rank, mult, deep, points)
    return found


def _separable(bag: Bag, rank: int, mult: int, deep: list[int], points: list[int]) -> list[Body]:
    """Depthwise kernels of one multiplier, with their pointwise kernels if vectors are too few for layers of their own."""
    if not deep:
        return []
    spatial = rank - 2
    points = [i for i in points if i in bag.left]
    if not _alone(bag, deep, mult):
        found: list[Body] = []
        for width in sorted({bag.shapes[i][-2] * mult for i in deep}):
            mine = [i for i in deep if bag.shapes[i][-2] * mult == width]
            theirs = [i for i in points if bag.shapes[i][-2] == width]
            found += _paired(bag, f"SeparableConv{spatial}D", mine, theirs)
        return found
    made = [Body(f"DepthwiseConv{spatial}D", [i], bag.shapes[i][-2] * mult, bag.shapes[i][-2], doubt=6.0) for i in deep]
    bag.take(deep)
    return made


def _alone(bag: Bag, deep: list[int], mult: int) -> bool:
    """Whether the vectors are enough for depthwise layers with norms or biases of their own."""
    vectors = {width: len(places) for width, places in bag.vectors().items()}
    makers = Counter(
        shape[-1] for i, shape in enumerate(bag.shapes) if i in bag.left and len(shape) >= 2 and i not in deep
    )
    extra = Counter(bag.shapes[i][-2] * mult for i in deep)
    misfit: list[tuple[float, bool]] = []
    for each in (1, 3, 4, 5, 2):
        for alone in (False, True):
            error = sum(abs(vectors.get(w, 0) - each * (makers[w] + alone * extra[w])) for w in {*makers, *extra})
            misfit.append((error, alone))
    return min(misfit)[1]


def _paired(bag: Bag, kind: str, deep: list[int], points: list[int]) -> list[Body]:
    """Each depthwise kernel with the pointwise one whose rows are as long as its channels are strong."""
    if not deep or not points:
        return []
    strong = np.array([clean(np.sqrt((_flat(bag, i) ** 2).sum(axis=0)).ravel()) for i in deep])
    long = np.array([clean(np.sqrt((_flat(bag, i) ** 2).sum(axis=(0, 2)))) for i in points])
    scores = odds(strong, long, 0.4, 0.35)
    transposed = len(deep) > len(points)
    chosen = assign(-(scores.T if transposed else scores))
    pairs = [(deep[j], points[i]) if transposed else (deep[i], points[j]) for i, j in enumerate(chosen)]
    doubts = _margins(scores.T if transposed else scores, chosen)
    found = [
        Body(kind, [a, b], bag.shapes[b][-1], bag.shapes[a][-2], doubt=float(d))
        for (a, b), d in zip(pairs, doubts, strict=True)
    ]
    for body in found:
        bag.take(body.places)
        bag.doubts.update({i: body.doubt for i in points if i not in body.places})
    return found


def _margins(scores: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """By how much the chosen column of a row is better than the next one of the row."""
    others = scores.copy()
    own = others[np.arange(len(chosen)), chosen]
    others[np.arange(len(chosen)), chosen] = -np.inf
    best = others.max(axis=1)
    return np.where(np.isfinite(best), np.abs(own - best), 99.0)


def _flat(bag: Bag, place: int) -> np.ndarray:
    """A kernel with its taps in one axis: ``(taps, cin, cout)``."""
    kernel = finite(bag.read(place))
    return kernel.reshape(prod(kernel.shape[:-2]), *kernel.shape[-2:])


def _transposed(bag: Bag, kernels: list[int], bodies: list[Body]) -> set[int]:
    """The kernels of transposed convolutions: their outputs come last but one, and biases and norms fit better so."""
    vectors = set(bag.vectors())
    fixed = {body.width for body in bodies if not body.closed} | {bag.shapes[i][1] for i in bag.of_rank(2)}
    free = [i for i in kernels if max(bag.shapes[i][:-2]) > 1 and bag.shapes[i][-1] != bag.shapes[i][-2]]

    def cost(chosen: set[int]) -> float:
        makers = fixed | {bag.shapes[i][-2 if i in chosen else -1] for i in kernels}
        return TURNED * len(chosen) + UNMADE * len(vectors - makers) + BARE * len(makers - vectors)

    if bag.turned is not None:
        return set(free) if bag.turned else set()
    found = min(set(), set(free), key=cost)
    for i in free[:MOST_TURNS]:
        found = min(found, found ^ {i}, key=cost)
    return found


def _convolution(bag: Bag, place: int, turned: bool) -> Body:
    """A plain or transposed convolution."""
    *taps, first, last = bag.shapes[place]
    kind = f"Conv{len(taps)}D" + ("Transpose" if turned else "")
    # Which way round a kernel is shows in its bias alone, and kernels of even size are often transposed.
    doubt = 99.0 if max(taps) == 1 else 4.0 if all(size % 2 for size in taps) and first != last else 2.0
    doubt = min(doubt, bag.doubts.get(place, 99.0))
    return Body(kind, [place], first if turned else last, last if turned else first, doubt=doubt)


def _matrices(bag: Bag, bodies: list[Body]) -> list[Body]:
    """Dense layers and tables: a table has no bias, and its rows are no channels."""
    vectors = {width: len(places) for width, places in bag.vectors().items()}
    matrices = bag.of_rank(2)
    given = {body.width for body in bodies} | {bag.shapes[i][1] for i in matrices}
    found: list[Body] = []
    for width in sorted({bag.shapes[i][1] for i in matrices}):
        mine = [i for i in matrices if bag.shapes[i][1] == width]
        others = sum(1 for b in bodies if b.width == width and not b.closed)
        lacking = len(mine) + others - vectors.get(width, 0)
        tables: list[int] = []
        if lacking > 0:
            likely = sorted(mine, key=lambda i: _table_odds(bag.shapes[i], given), reverse=True)
            tables = [i for i in likely[:lacking] if _table_odds(bag.shapes[i], given) > 0.0]
        for i in mine:
            likely_table = _table_odds(bag.shapes[i], given)
            # Where norms have vectors of this length too, counting does not tell which matrix goes without a bias.
            doubt = abs(likely_table) if lacking > 0 else 2.0 if lacking < 0 < likely_table else 99.0
            if i in tables:
                found.append(Body("Embedding", [i], width, 0, closed=True, doubt=doubt))
            else:
                found.append(Body("Dense", [i], width, bag.shapes[i][0], doubt=doubt))
    return found


def _table_odds(shape: tuple[int, ...], given: set[int]) -> float:
    """Whether a matrix without a bias is rather a table, in nats; ``given`` are the channels that layers give."""
    rows, columns = shape
    odds = 2.0 if rows > columns else -0.5
    odds += -3.0 if rows in given else 1.0
    return odds + (1.0 if rows > 8 * columns else 0.0)
