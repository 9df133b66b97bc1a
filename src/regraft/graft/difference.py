"""What two networks do differently between and inside the units that were paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regraft.graft.canonical import done, settings_of
from regraft.graft.doing import AFFINE, Done, said
from regraft.graft.flattening import MOVING
from regraft.graft.matching import Matching
from regraft.graft.network import ORDERED, Network, Node, Way

#: Relative difference of two numbers that are the same setting, stored in float32 here and in float64 there.
ROUNDING = 1e-6
#: Steps that put numbers in other places.
REARRANGING = MOVING | {"cat", "chunk", "split", "stack", "select", "narrow", "unbind", "index_select", "roll"}


@dataclass(frozen=True)
class Difference:
    """
    One setting that weights do not carry.

    Attributes:
        where: In the user's module.
        layer: In the converted model.
        what: ``epsilon``, ``padding``, ``steps before`` ...
        expected: As in the converted model.
        found: As in the user's module.
        fix: What to change, in one line; empty if that is not one line.
        place: Of the operation in the trace of the user's module in whose result it shows; -2 for the first output, -3 for
            the second.
        moving: Whether numbers change places and nothing else is done to them: two spellings of one thing, if the results
            are equal.
    """

    where: str
    layer: str
    what: str
    expected: str
    found: str
    fix: str = ""
    place: int = -1
    moving: bool = False

    def __str__(self) -> str:
        change = f"; {self.fix}" if self.fix else ""
        return f"{self.where}: {self.what} is {self.found}, {self.layer} in Keras has {self.expected}{change}"


def differences(source: Network, target: Network, matching: Matching) -> list[Difference]:
    """Every difference, in the order in which the user's module runs."""
    found: list[Difference] = []
    for place, node in enumerate(target.nodes):
        if place not in matching.pairs:
            continue
        twin = source.nodes[matching.pairs[place]]
        found += inside(twin, node)
        found += between(source, target, twin, node, matching)
    return found


def edge(node: Node, number: int = 0) -> tuple[int, ...]:
    """The border of zeros that is put on right before a node."""
    return done(node.before[number].steps)[1] if node.before else ()


def inside(twin: Node, node: Node) -> list[Difference]:
    """Settings of a pair of units."""
    if twin.unit is None or node.unit is None:
        return []
    ours, theirs = settings_of(twin.unit, edge(twin)), settings_of(node.unit, edge(node))
    ours, theirs = filled_up(ours, theirs), filled_up(theirs, ours)
    return [
        Difference(
            node.name,
            twin.name,
            name,
            said(ours[name]),
            said(theirs[name]),
            fix(node.name, name, ours[name]),
            shows_in(node),
        )
        for name in ours
        if not alike(ours[name], theirs[name])
    ]


def filled_up(settings: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Settings that both sides have; a unit that has none (a Linear, a convolution of size 1) neither steps nor pads."""
    if settings:
        return {name: value for name, value in settings.items() if name in other or not other}
    quiet = {"stride": 1, "padding": 0}
    return {name: (quiet[name],) * len(other[name]) for name in quiet if name in other}


def alike(ours: Any, theirs: Any) -> bool:
    """Whether two settings are the same."""
    if isinstance(ours, tuple) and isinstance(theirs, tuple):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    if isinstance(ours, float | int) and isinstance(theirs, float | int):
        return abs(ours - theirs) <= ROUNDING * max(abs(ours), abs(theirs))
    if isinstance(ours, tuple) and isinstance(theirs, tuple) and len(ours) != len(theirs):
        return len({*ours, *theirs}) == 1  # a kernel of size 1 over one axis, and one over two
    return ours == theirs


def fix(name: str, what: str, value: Any) -> str:
    """The line that sets it, where one line does."""
    if what == "epsilon":
        return f'model.get_submodule("{name}").eps = {value:g}'
    if what == "momentum":
        return f'model.get_submodule("{name}").momentum = {value:g}'
    if what == "padding" and value[::2] == value[1::2]:
        return f'model.get_submodule("{name}").padding = {value[::2]}'
    if what == "padding":
        sides = tuple(side for axis in reversed(range(0, len(value), 2)) for side in value[axis : axis + 2])
        return f"padding=0 there, and torch.nn.functional.pad(x, {sides}) in front of it"
    if what == "output padding":
        return f'model.get_submodule("{name}").output_padding = {value}'
    if what == "groups":
        return f'model.get_submodule("{name}").num_groups = {value}'
    if "activation" in what or what == "reset gate":
        return (
            "PyTorch's own has no other: take the class from the model.py that regraft convert writes, "
            "it has the same parameters"
        )
    if what in ("stride", "dilation"):
        return f'model.get_submodule("{name}").{what} = {value}'
    return ""


def between(source: Network, target: Network, twin: Node, node: Node, matching: Matching) -> list[Difference]:
    """What happens to a tensor on its way into a pair."""
    found: list[Difference] = []
    ways = paired_ways(twin, node, matching)
    for ours, theirs in ways:
        expected, seen = done(ours.steps)[0], done(theirs.steps)[0]
        if len(expected) == len(seen) and all(same(a, b) for a, b in zip(expected, seen, strict=True)):
            continue
        before, layer = target.nodes[theirs.source].name, source.nodes[ours.source].name
        found.append(
            Difference(
                f"{before} -> {node.name}",
                f"{layer} -> {twin.name}",
                "what happens on the way",
                listed(expected),
                listed(seen),
                fix_on_the_way(source.nodes[ours.source], node, expected, seen),
                shows_in(node),
                moving=all(
                    step.kind in REARRANGING for step in (*expected, *seen) if step not in expected or step not in seen
                ),
            )
        )
    unpaired = len(twin.before) - len(ways)
    lone = any(way.source not in matching.pairs for way in node.before)
    if unpaired and not lone and len(twin.before) == len(node.before):
        expected = " and ".join(sorted(source.nodes[way.source].name for way in twin.before))
        seen = " and ".join(sorted(target.nodes[way.source].name for way in node.before))
        found.append(Difference(node.name, twin.name, "what it takes", expected, seen, place=shows_in(node)))
    if not unpaired and node.kind in ORDERED and len(twin.before) == len(node.before):
        wanted, taken = [way.source for way in twin.before], [matching.pairs[way.source] for way in node.before]
        if wanted != taken and len(set(wanted)) == len(wanted):
            expected = ", ".join(source.nodes[i].name for i in wanted)
            seen = ", ".join(
                source.nodes[i].name for i in taken
            )  # the names of the file for both, or nobody can read it
            found.append(
                Difference(node.name, twin.name, "the order of what it takes", expected, seen, place=shows_in(node))
            )
    return found


def shows_in(node: Node) -> int:
    """Where a difference right before or inside a node shows."""
    if node.kind == "output":
        return -1 - int(node.name.rpartition(" ")[2])
    return node.unit.use.place if node.unit is not None else node.place


def fix_on_the_way(before: Node, node: Node, expected: Sequence[Done], seen: Sequence[Done]) -> str:
    """The line that adds what is missing at an end of the module, or that sets a pool right; empty if it is not one line."""
    if before.kind == "input" and not seen and len(expected) == 1 and expected[0].kind == AFFINE:
        return f"call the module with {expected[0].expression()}"
    if node.kind == "output" and not seen and len(expected) == 1 and expected[0].kind in ("softmax", "sigmoid"):
        axis = ", -1" if expected[0].kind == "softmax" else ""
        return f"take torch.{expected[0].kind}(result{axis}) of its result"
    other = [(a, b) for a, b in zip(expected, seen, strict=False) if not same(a, b)]
    if len(expected) == len(seen) and len(other) == 1:
        return fix_of_pool(*other[0])
    return ""


def fix_of_pool(ours: Done, theirs: Done) -> str:
    """The line that makes one pool another that differs in its border only."""
    a, b = dict(ours.settings), dict(theirs.settings)
    if ours.kind != theirs.kind or ours.kind not in ("max_pool", "avg_pool"):
        return ""
    differing = {name for name in (*a, *b) if not alike(a.get(name), b.get(name))}
    if differing == {"over"}:
        return f"count_include_pad={a['over'] == 'map and border'} in that pool"
    if ours.kind == "max_pool" and differing <= {"border", "around"}:
        edges = a["border"]
        sides = tuple(side for axis in reversed(range(0, len(edges), 2)) for side in edges[axis : axis + 2])
        value = "0.0" if a.get("around") == "zeros" else 'float("-inf")'
        pad = f", and torch.nn.functional.pad(x, {sides}, value={value}) in front of it" if any(edges) else ""
        return f"padding=0 in that pool{pad}"
    return ""


def paired_ways(twin: Node, node: Node, matching: Matching) -> list[tuple[Way, Way]]:
    """The ways into a pair that come from a pair."""
    rest = list(twin.before)
    found: list[tuple[Way, Way]] = []
    for theirs in node.before:
        ours = next((way for way in rest if way.source == matching.pairs.get(theirs.source)), None)
        if ours is not None:
            rest.remove(ours)
            found.append((ours, theirs))
    return found


def same(ours: Done, theirs: Done) -> bool:
    """Whether two steps do the same."""
    if ours.kind != theirs.kind:
        return False
    a, b = dict(ours.settings), dict(theirs.settings)
    if "max_pool" in ours.kind and a.get("around") != b.get("around"):
        return False
    return all(alike(a[name], b[name]) for name in a if name in b)


def listed(steps: Sequence[Done]) -> str:
    """Steps in words."""
    return ", then ".join(map(str, steps)) or "nothing"
