"""Places in the graph that still want a tensor, and the hypotheses made of them, going back from the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from regraft.recover.wiring.facts import Role

#: Place in the walk from the outputs, by which layers of equal depth are ordered. Only merges add a step.
Key = tuple[int, ...]
NOTHING: Mapping[str, int] = {}


class Slot(NamedTuple):
    """
    A layer that is placed and wants its input, or may take one more.

    Attributes:
        node: Place of the layer in the file.
        role: How it takes tensors.
        type: Of the layer.
        channels: Length of the last axis that fits: positive if known, else a variable, negative, which other slots may
            share. Of a join the length of its output.
        rank: That fits, batch included; 0 if unknown.
        rows: All axes of the tensor together make this many, so its channels divide it; 0 if nothing says so.
        depth: Of the layer.
        key: Of the layer in the walk from the outputs.
        taken: How many tensors it has.
        low: Label of its first input so far; labels order the inputs of a merge.
        high: Label of its last input so far.
        near: Depth of the input that came last.
        filled: Channels of a join that are known to be taken; of a Reshape those that leave.
        pending: Variables for the channels of the other inputs of a join.
        forked: Whether what follows this layer feeds a merge as well, around what comes after.
        linear: Merges that the layer reaches without a nonlinearity in between; an activation that stands right
            before a merge has the complement ``~node``.
        reach: Ways to the merges behind it: place of the merge, pools less their inverse, whether strides may hide.
        place: Place among the numbered layers of its class, and how many there are.
        pointwise: Whether its kernel has size 1.
        path: What follows up to the next merge or fork, as a hash: equal blocks have equal ones.
        integers: Whether it needs integers.
        passed: How many tensors that fit it let pass.
        made: For every class the smallest creation number among this layer and those behind it.
        wants: Tensors that a merge needs at least: two, of initial states as many as there are.
        normed: Whether a normalisation follows a merge.
        term: What kind of layer gave a merge the last of its tensors.
    """

    node: int
    role: Role
    type: str
    channels: int
    rank: int
    rows: int
    depth: int
    key: Key
    taken: int = 0
    low: int = 0
    high: int = 0
    near: int = 0
    filled: int = 0
    pending: tuple[int, ...] = ()
    forked: bool = False
    linear: frozenset[int] = frozenset()
    reach: frozenset[tuple[int, int, bool]] = frozenset()
    place: tuple[int, int] | None = None
    pointwise: bool = False
    path: int = 0
    integers: bool = False
    passed: int = 0
    made: Mapping[str, int] = NOTHING
    wants: int = 2
    normed: bool = False
    term: str = ""

    @property
    def satisfied(self) -> bool:
        """Whether nothing has to come any more."""
        return self.taken >= self.wants and (self.role != "concat" or self.channels < 0 or self.filled == self.channels)

    @property
    def missing(self) -> int:
        """Channels of the tensor that has to come, 0 or less if that is not known; of a join all that is left of them."""
        if self.role != "concat" or self.channels < 0:
            return self.channels
        return 0 if self.pending else self.channels - self.filled


class Use(NamedTuple):
    """
    One place that takes a tensor.

    Attributes:
        node: Place of the layer that takes it, in the file.
        label: Of the input there; labels order the inputs of a merge.
        output: Which output it is of the layer that gives it.
        call: Of which call of that layer.
    """

    node: int
    label: int
    output: int = 0
    call: int = 0


class Edges(NamedTuple):
    """
    The decision for one layer.

    Attributes:
        node: Place of the layer in the file.
        type: Of the layer, as decided here if the file does not tell.
        role: How it takes tensors.
        consumers: Where its output goes.
        rank: Of its output, as its consumers need it; 0 if unknown.
        cost: Of this decision.
        before: The decisions for the layers behind it.
    """

    node: int
    type: str
    role: Role
    consumers: tuple[Use, ...]
    rank: int
    cost: float
    before: Edges | None


@dataclass(frozen=True, slots=True)
class State:
    """
    A hypothesis about the layers from the last one back to some layer.

    Attributes:
        slots: Layers that want an input or may take another.
        depth: Of the layer placed last.
        key: Its place in the walk from the outputs.
        outputs: Number of outputs.
        cost: In nats.
        forks: Shapes of the forks so far: the paths of the consumers.
        edges: All decisions, newest first.
    """

    slots: tuple[Slot, ...] = ()
    depth: int = 0
    key: Key = ()
    outputs: int = 0
    cost: float = 0.0
    forks: frozenset[int] = frozenset()
    edges: Edges | None = field(default=None, repr=False)


def substituted(slots: list[Slot], found: Mapping[int, int]) -> list[Slot] | None:
    """The slots with variables replaced by what they turned out to be; None if that contradicts a slot."""
    if not found:
        return slots
    after: list[Slot] = []
    for slot in slots:
        channels = resolved(slot.channels, found)
        filled, pending = slot.filled, slot.pending
        if pending:
            values = [resolved(p, found) for p in pending]
            filled += sum(v for v in values if v > 0)
            pending = tuple(v for v in values if v < 0)
        if slot.role == "concat":
            if channels > 0 and filled + len(pending) > channels:
                return None
        elif channels > 0 and slot.rows and slot.rows % channels:
            return None
        if channels != slot.channels or pending != slot.pending:
            slot = slot._replace(channels=channels, filled=filled, pending=pending)  # noqa: PLW2901
        after.append(slot)
    return after


def resolved(value: int, found: Mapping[int, int]) -> int:
    """What a variable turned out to be, through other variables."""
    while value < 0 and value in found:
        value = found[value]
    return value
