"""Lists of arrays as ``model.get_weights()`` gives them, made by hand, and what grouping made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from regraft.recover.part import Grouping
from regraft.weights import Variable, WeightTree

Shape = tuple[int, ...]
#: Roles by the first letter of their name in the tables of tests.
ROLES = {"g": "gamma", "b": "beta", "m": "mean", "v": "variance"}


def tree_of(arrays: Iterable[np.ndarray]) -> WeightTree:
    """A file of these arrays, in this order."""
    own = tuple(Variable(f"/arr_{i}", f"arr_{i}", a.shape, a.dtype.name, lambda a=a: a) for i, a in enumerate(arrays))
    return WeightTree("weights.npz", "arrays", (), "npz", own=own)


def filled(shape: Shape, role: str, random: np.random.Generator) -> np.ndarray:
    """Values as training leaves them in this role."""
    noise = random.normal(size=shape)
    if role == "gamma":
        return (1.0 + 0.2 * noise).astype("f4")
    if role == "variance":
        return np.exp(0.6 * noise).astype("f4")
    return (noise * {"beta": 0.3, "mean": 0.8, "count": 0.0}.get(role, 0.1) + (role == "count")).astype("f4")


def trained(layers: Sequence[tuple[str, Sequence[tuple[str, Shape]]]], seed: int = 0) -> list[list[np.ndarray]]:
    """The arrays of each layer: ``("Dense", [("kernel", (3, 4)), ("bias", (4,))])``."""
    random = np.random.default_rng(seed)
    return [[filled(shape, role, random) for role, shape in arrays] for _, arrays in layers]


def seen(grouping: Grouping) -> list[tuple[str, tuple[int, ...]]]:
    """Type and arrays of each part, by number."""
    return [(p.type, tuple(int(v.name[4:]) for v in p.group.variables)) for p in grouping.parts]


def numbered(layers: Sequence[tuple[str, Sequence[tuple[str, Shape]]]]) -> list[tuple[str, tuple[int, ...]]]:
    """What ``seen`` must give for layers that stand in order."""
    found: list[tuple[str, tuple[int, ...]]] = []
    place = 0
    for kind, arrays in layers:
        found.append((kind, tuple(range(place, place + len(arrays)))))
        place += len(arrays)
    return found


def layer(text: str) -> tuple[str, list[tuple[str, Shape]]]:
    """
    A layer in one line: its type, then each array with its axes.

    >>> layer("Dense kernel 3 4, bias 4")
    ('Dense', [('kernel', (3, 4)), ('bias', (4,))])
    """
    kind, _, rest = text.partition(" ")
    arrays = [part.split() for part in rest.split(",")]
    return kind, [(words[0], tuple(int(word) for word in words[1:])) for words in arrays]


def norm(c: int, roles: str = "gbmv", kind: str = "BatchNormalization") -> str:
    """A norm in one line: ``gbmv`` are gamma, beta, mean and variance."""
    return f"{kind} " + ", ".join(f"{ROLES[role]} {c}" for role in roles)
