"""The same network without its sizes: two widths of one architecture have the same skeleton."""

from __future__ import annotations

from dataclasses import replace

from regraft.graft.matching import Matching, match
from regraft.graft.network import Network
from regraft.graft.unit import LINEAR, NORMS, Label, Unit

#: Share of the layers that must have been found by sizes for those that order alone put together to be believed.
BELIEVED = 0.6
#: Why two are a pair: by what is around them.
AROUND = frozenset({"structure", "what precedes", "what follows"})


class Bare(Unit):
    """A unit of which only the kind counts, the kernel, and whether it is one for each channel."""

    @property
    def label(self) -> Label:
        """What is left of the sizes."""
        if self.kind in NORMS:
            return ("norm",)
        if self.kind not in LINEAR:
            return (self.kind.removesuffix("_cell"),)
        cout, _, kernel, groups = self.sizes or (0, 0, (), 1)
        return ("linear", kernel, groups != 1 and groups == cout)


def bare(network: Network) -> Network:
    """A network whose units have no sizes."""
    return Network(
        tuple(
            node if node.unit is None else replace(node, unit=Bare(**{k: getattr(node.unit, k) for k in FIELDS}))
            for node in network.nodes
        )
    )


FIELDS = ("name", "kind", "parameters", "use", "calls")


def known_pairs(source: Network, target: Network, found: Matching) -> dict[int, int]:
    """
    Which nodes belong together, to set both sides side by side.

    Args:
        source: The file's model.
        target: The user's module.
        found: What sizes and structure gave.

    Returns:
        Places in the source by places in the target. If the skeletons are alike where the sizes are not, they decide.
    """
    units = [{i for i, node in enumerate(net.nodes) if node.unit is not None} for net in (source, target)]
    by_size = {place: twin for place, twin in found.pairs.items() if place in units[1] and twin in units[0]}
    around = {place: twin for place, twin in by_size.items() if found.how[place] in AROUND}
    skeleton = match(bare(source), bare(target))
    alike = {p: twin for p, twin in skeleton.pairs.items() if p in units[1] and skeleton.how[p] == "structure"}
    if len(alike) > len(around):
        return alike
    return by_size if len(by_size) >= BELIEVED * min(map(len, units)) else around
