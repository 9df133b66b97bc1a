"""The place of a layer with a window in its network, as far as its strides depend on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from regraft.blueprint import Call, TensorRef
from regraft.recover.geometry.graph import Graph

Merging = Literal["", "Add", "Concatenate"]
SUMS = frozenset({"Add", "Average", "Subtract", "Multiply", "Maximum", "Minimum"})


@dataclass(frozen=True)
class Role:
    """
    Where a window stands.

    Attributes:
        window: Largest side of its kernel.
        first: Whether no other window comes before it.
        widens: Whether it has more filters than channels arrive.
        narrows: Whether it has fewer.
        padded: Whether a ZeroPadding comes right before it.
        paddings: How many convolutions of the network have one.
        projections: How many shortcuts of the network have a convolution of their own.
        after_pool: Whether what arrives has just been pooled.
        deep: Whether the network has 30 windows or more.
        projection: A 1x1 convolution beside other layers, from the same tensor to the same sum.
        entry: The first layer beside such a projection.
        inside: Whether it lies between a tensor that two branches share and the sum in which they meet.
        after_sums: Whether branches were added before it.
        joined: What its output goes into, behind layers that keep its shape.
        branches: Whether other layers take the same tensor.
        pools: Whether the network has pools.
        grows: Whether maps grow again somewhere.
        after_growth: Whether they grew before this layer.
        to_vector: Whether its output becomes a vector: Flatten, or a Dense.
        last: Whether no other window comes behind it.
        behind: Whether a convolution comes right before it, with no pool between.
        mobile: Whether the network has depthwise convolutions.
    """

    window: int = 1
    first: bool = False
    widens: bool = False
    narrows: bool = False
    padded: bool = False
    paddings: int = 1
    projections: int = 1
    after_pool: bool = False
    deep: bool = False
    projection: bool = False
    entry: bool = False
    inside: bool = False
    after_sums: bool = False
    joined: Merging = ""
    branches: bool = False
    pools: bool = False
    grows: bool = False
    after_growth: bool = False
    to_vector: bool = False
    last: bool = False
    behind: bool = False
    mobile: bool = False


def is_window(type_name: str) -> bool:
    """Whether a layer type slides a window over a map."""
    return ("Conv" in type_name or "Pooling" in type_name) and not type_name.startswith("Global")


def is_growth(type_name: str) -> bool:
    """Whether a layer type makes maps larger."""
    return type_name.startswith("UpSampling") or type_name.endswith("Transpose")


def is_pool(type_name: str) -> bool:
    """Whether a layer type is a pool with a window."""
    return type_name.startswith(("MaxPooling", "AveragePooling"))


def joined(graph: Graph, ref: TensorRef) -> Merging:
    """The kind of merge that a tensor goes into, if it goes into one."""
    for call in graph.next_active(ref):
        if graph.spec(call.layer).type in SUMS and len(call.inputs) > 1:
            return "Add"
        if graph.spec(call.layer).type == "Concatenate":
            return "Concatenate"
    return ""


def kernel_side(graph: Graph, name: str) -> int:
    """Largest side of a kernel; 0 for a layer without one."""
    sizes = getattr(graph.layers[name], "kernel_size", None)
    return max(sizes) if sizes else 0


def projects(graph: Graph, call: Call) -> bool:
    """Whether a call is a 1x1 convolution from a tensor that others take too, straight into a sum."""
    if kernel_side(graph, call.layer) != 1 or not call.inputs:
        return False
    shared = len(list(graph.next_active(graph.source(call.inputs[0])))) > 1
    return shared and joined(graph, TensorRef(call.layer, call.call)) == "Add"


#: Calls that are looked at on the way back from a sum.
DEPTH = 60


def inside_sums(graph: Graph) -> set[str]:
    """The layers between the tensor that branches share and the sum of the branches."""
    found: set[str] = set()
    for call in graph.calls:
        if graph.spec(call.layer).type in SUMS and len(call.inputs) > 1:
            ways = [way_back(graph, ref) for ref in call.inputs]
            shared = set(ways[0]).intersection(*ways[1:])
            for way in ways:
                # The nearest shared tensor is where the branches part; what comes before it is not between.
                for ref in way:
                    if ref in shared:
                        break
                    found.add(ref.layer)
    return found


def way_back(graph: Graph, ref: TensorRef) -> list[TensorRef]:
    """A tensor and those it was made of, nearest first."""
    found = [ref]
    for step in found:
        call = graph.maker(step)
        if call is not None and len(found) < DEPTH:
            found += [before for before in call.inputs if before not in found]
    return found


def roles(graph: Graph) -> dict[str, Role]:
    """The role of every layer with a window, by name; of its first call where it has several."""
    types = {name: graph.spec(name).type for name in graph.layers}
    pools = any(map(is_pool, types.values()))
    grows = any(map(is_growth, types.values()))
    projections = {call.layer for call in graph.calls if projects(graph, call)}
    sources = {graph.source(c.inputs[0]) for c in graph.calls if c.layer in projections}
    between = inside_sums(graph)
    before: dict[TensorRef, tuple[bool, bool, bool]] = {}
    found: dict[str, Role] = {}
    for call in graph.calls:
        seen = [before.get(ref, (False,) * 3) for ref in call.inputs]
        windows, grown, added = (any(flags) for flags in zip(*seen, strict=True)) if seen else (False,) * 3
        kind = types.get(call.layer, "")
        if call.layer not in found and call.inputs and is_window(kind):
            role = role_of(graph, call, pools, grows, windows, grown, projections, sources)
            found[call.layer] = replace(
                role, inside=call.layer in between, after_sums=added, projections=max(len(projections), 1)
            )
        summed = kind in SUMS and len(call.inputs) > 1
        output = (windows or is_window(kind), grown or is_growth(kind), added or summed)
        for index in range(4):
            before[TensorRef(call.layer, call.call, index)] = output
    paddings = max(sum(role.padded and role.window > 1 for role in found.values()), 1)
    mobile = any(kind.startswith("Depthwise") for kind in types.values())
    kernels = [name for name in found if not is_pool(types[name])]
    if not pools:
        # Where pools may stand is not known: after every second convolution, if the habit asks.
        wide = [name for name in kernels if found[name].window > 1]
        found = {n: replace(role, behind=n in wide and wide.index(n) % 2 == 1) for n, role in found.items()}
    return {
        name: replace(role, paddings=paddings, deep=len(found) >= 30, last=name == kernels[-1], mobile=mobile)
        if kernels
        else role
        for name, role in found.items()
    }


def role_of(
    graph: Graph,
    call: Call,
    pools: bool,
    grows: bool,
    windows: bool,
    grown: bool,
    projections: set[str],
    sources: set[TensorRef],
) -> Role:
    """The role of one call."""
    source = graph.source(call.inputs[0])
    direct, active = graph.maker(call.inputs[0]), graph.last_active(call.inputs[0])
    layer = graph.layers[call.layer]
    kernel = graph.stored.get(call.layer, {}).get("kernel", ())
    filters, channels = getattr(layer, "filters", 0), kernel[-2] if len(kernel) > 2 else 0
    output = TensorRef(call.layer, call.call)
    following = [graph.spec(c.layer).type for c in graph.next_active(output)]
    return Role(
        window=kernel_side(graph, call.layer),
        first=not windows,
        widens=bool(channels) and filters > channels,
        narrows=bool(channels) and filters < channels,
        padded=direct is not None and graph.spec(direct.layer).type.startswith("ZeroPadding"),
        after_pool=active is not None and is_pool(graph.spec(active.layer).type),
        behind=active is not None and "Conv" in graph.spec(active.layer).type,
        projection=call.layer in projections,
        entry=source in sources and call.layer not in projections,
        joined=joined(graph, output),
        branches=len(list(graph.next_active(source))) > 1,
        pools=pools,
        grows=grows,
        after_growth=grown,
        to_vector=any(kind in ("Flatten", "Dense", "Reshape") for kind in following),
    )
