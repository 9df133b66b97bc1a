"""Joins of one network are written alike; where the file's order allows both ways, both are offered."""

from __future__ import annotations

import pytest

from regraft.recover.wiring.graph import Graph, Node
from regraft.recover.wiring.turned import alike, orders, possible, with_joins


def unet(first: bool, second: bool) -> Graph:
    """Two levels of a U-Net; ``first`` and ``second`` say whether the tensor from far away comes first in each join."""

    def join(name: str, far: str, new: str, far_first: bool) -> Node:
        return Node(name, "Concatenate", (far, new) if far_first else (new, far))

    nodes = (
        Node("input", "InputLayer"),
        Node("conv_a", "Conv2D", ("input",)),
        Node("pool_a", "MaxPooling2D", ("conv_a",)),
        Node("conv_b", "Conv2D", ("pool_a",)),
        Node("pool_b", "MaxPooling2D", ("conv_b",)),
        Node("conv_c", "Conv2D", ("pool_b",)),
        Node("up_b", "UpSampling2D", ("conv_c",)),
        join("join_b", "conv_b", "up_b", first),
        Node("conv_d", "Conv2D", ("join_b",)),
        Node("up_a", "UpSampling2D", ("conv_d",)),
        join("join_a", "conv_a", "up_a", second),
        Node("head", "Conv2D", ("join_a",)),
    )
    return Graph(nodes, ("head",), cost=3.0)


@pytest.mark.parametrize(
    ("graph", "expected"), [(unet(True, True), (2, 0)), (unet(False, True), (1, 1)), (unet(False, False), (0, 2))]
)
def test_orders_are_counted(graph: Graph, expected: tuple[int, int]) -> None:
    assert orders(graph) == expected


def test_joins_alike_are_offered_both_ways_before_a_mixture() -> None:
    found = alike([unet(True, False)])
    assert [orders(graph) for graph in found[:2]] in ([(2, 0), (0, 2)], [(0, 2), (2, 0)])
    assert orders(found[-1]) == (1, 1)
    assert found[-1].cost > found[0].cost


def test_an_order_that_the_file_refutes_is_not_offered() -> None:
    """Two branches of equal length: the order of their layers in the file says which comes first in the join."""
    nodes = (
        Node("input", "InputLayer"),
        Node("left", "Conv2D", ("input",)),
        Node("right", "Conv2D", ("input",)),
        Node("left_bn", "BatchNormalization", ("left",)),
        Node("right_bn", "BatchNormalization", ("right",)),
        Node("other", "Dropout", ("left_bn",)),
        Node("last", "Dropout", ("right_bn",)),
        Node("join", "Concatenate", ("other", "last")),
    )
    graph = Graph(nodes, ("join",))
    assert possible(graph)
    turned = Graph((*nodes[:-1], Node("join", "Concatenate", ("last", "other"))), ("join",))
    assert not possible(turned)
    assert with_joins(unet(False, False), far_first=True).shape == unet(True, True).shape
