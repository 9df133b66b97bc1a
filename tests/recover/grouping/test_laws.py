from __future__ import annotations

import dataclasses
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.recover.grouping import trees

from regraft.blueprint import LayerSpec
from regraft.layers import CATALOGUE, build
from regraft.layers.binding import bind_layer
from regraft.recover.grouping import group, version_of
from regraft.recover.grouping.defaults import NOT_RECOVERED
from regraft.weights import Group, Variable, WeightTree

KEYS = st.sampled_from(
    "conv2d conv2d_1 dense lstm_3 bidirectional gru batch_normalization dropout_1 model_1 functional layers cell x add "
    "embedding_2 p_re_lu time_distributed_1 multi_head_attention rnn merge_1 lambda qq/rr".split()
)
ROLES = st.sampled_from(
    "kernel:0 bias:0 gamma moving_mean a/b/c W W_i 0 1 x query/kernel forward_lstm/kernel:0".split()
)
SHAPES = st.lists(st.sampled_from((0, 1, 2, 3, 4, 6, 8, 9, 12, 1024)), max_size=6).map(tuple)
DIALECTS = ("keras-0", "keras-1", "keras-2", "checkpoint-h5", "keras-3")


@st.composite
def variables(draw: st.DrawFn) -> tuple[Variable, ...]:
    held = draw(st.lists(st.tuples(ROLES, SHAPES), max_size=9))
    return tuple(trees.variable(f"/{i}", name, shape) for i, (name, shape) in enumerate(held))


@st.composite
def groups(draw: st.DrawFn, depth: int = 2) -> Group:
    below = draw(st.lists(groups(depth - 1), max_size=2)) if depth else []
    return Group(draw(KEYS), draw(st.sampled_from(("", "n", "conv1_relu"))), "/p", draw(variables()), tuple(below))


@st.composite
def absurd_trees(draw: st.DrawFn) -> WeightTree:
    version = draw(st.sampled_from(("", "1.2.2", "2.1.3", "2.2.4-tf", "3.3.3", "nonsense")))
    source = draw(st.sampled_from(("layer_names", "heap", "alphabetical", "weight_map")))
    layers = tuple(draw(st.lists(groups(), max_size=5)))
    return WeightTree("absurd", draw(st.sampled_from(DIALECTS)), layers, source, version)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(absurd_trees())
def test_nothing_is_too_absurd(tree: WeightTree) -> None:
    (found,) = group(tree)
    assert len(found.parts) == len(found.tree.layers)
    for part, layer in zip(found.parts, found.tree.layers, strict=True):
        assert part.group == layer
        assert part.type or part.label == "open"
        assert part.type not in part.others
        assert part.label != "proved" or not part.others
        if part.type in CATALOGUE and part.type not in {
            "Functional",
            "TimeDistributed",
            "Normalization",
            *NOT_RECOVERED,
        }:
            build(LayerSpec(part.name, part.type, part.settings))


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(variables(), KEYS, st.sampled_from(("1.2.2", "2.3.1", "3.3.3")))
def test_a_type_is_one_that_binds(held: tuple[Variable, ...], key: str, version: str) -> None:
    tree = WeightTree("x", "keras-2", (Group(key, key, "/p", held),), "layer_names", version)
    (part,) = group(tree)[0].parts
    if not held or part.type not in CATALOGUE or part.type in {"Functional", "RNN", *NOT_RECOVERED}:
        return
    if isinstance(inner := part.settings.get("layer"), LayerSpec) and inner.unknown:
        return  # a wrapper around a layer that is not recovered either
    spec = LayerSpec(part.name, part.type, part.settings)
    layer = build(spec)
    _, wrong = bind_layer(spec, layer, part.group, tree, version_of(tree), theano=False)
    # Names that contradict the roles of their places are reported by both.
    assert not [w for w in wrong if "expected" in w and "at this place" not in w], (part, wrong)


@pytest.mark.parametrize("dialect", ["keras-2", "keras-3"])
def test_two_thousand_layers_are_quick(dialect: str) -> None:
    blocks = []
    for i in range(500):
        blocks += [
            (f"conv2d_{i}", [("kernel:0", (3, 3, 8, i + 1)), ("bias:0", (i + 1,))]),
            (
                f"batch_normalization_{i}",
                [(r, (i + 1,)) for r in ("gamma:0", "beta:0", "moving_mean:0", "moving_variance:0")],
            ),
            (f"b{i}_relu" if dialect == "keras-2" else f"re_lu_{i}", []),
            (f"dense_{i}", [("kernel:0", (i + 1, 3)), ("bias:0", (3,))]),
        ]
    tree = trees.legacy({key: {f"{key}/{n}": s for n, s in arrays} for key, arrays in blocks})
    if dialect == "keras-3":
        tree = trees.newer(*(trees.group(key, *(s for _, s in arrays)) for key, arrays in blocks))
    start = time.perf_counter()
    (found,) = group(tree)
    assert time.perf_counter() - start < 8
    assert [part.type for part in found.parts[-4:]] == [
        "Conv2D", "BatchNormalization", "Activation" if dialect == "keras-2" else "ReLU", "Dense"
    ]  # fmt: skip


def test_notes_are_few() -> None:
    tree = trees.legacy({f"dense_{i}": {f"dense_{i}/kernel:0": (i + 1, 2, 3)} for i in range(100)})
    assert len(group(tree)[0].notes) == 21


def test_data_is_not_read_where_shapes_suffice() -> None:
    def refuse() -> None:
        raise AssertionError("read")

    tree = trees.legacy({"dense_1": {"dense_1/kernel:0": (4, 6), "dense_1/bias:0": (6,)}})
    held = tuple(dataclasses.replace(v, loader=refuse) for v in tree.layers[0].variables)  # type: ignore[arg-type]
    tree = dataclasses.replace(tree, layers=(dataclasses.replace(tree.layers[0], variables=held),))
    assert group(tree)[0].parts[0].type == "Dense"
