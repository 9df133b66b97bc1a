"""The recovery benchmark itself: what stripping leaves, and that wrong candidates are judged wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from benchmarks import recovery_child
from benchmarks.recovery import by_label, totals
from benchmarks.recovery_child import row_of
from benchmarks.recovery_evidence import evidence_for, fits
from benchmarks.recovery_graph import Leaf, Op, brief, difference, graph_of
from benchmarks.recovery_matching import correspondence
from benchmarks.recovery_process import run_apart
from benchmarks.recovery_row import AMONG, CRASHED, DIFFERENT, EQUAL, LATE, Row, Task
from benchmarks.recovery_run import compare, inputs_for, runner
from benchmarks.recovery_settings import parted
from benchmarks.recovery_truth import original_of
from benchmarks.stripping import LEVELS, Original, in_order, strip

from regraft.blueprint import Blueprint, Call, Choice, LayerSpec, TensorRef
from regraft.layers.binding import bind
from regraft.recover.candidate import Candidate
from regraft.recover.draft import edited
from regraft.samples import path as sample
from regraft.weights import Group, Variable, WeightTree, read

DIGITS = Path(sample("digits.keras"))


@pytest.fixture(scope="module")
def original() -> Original:
    found = original_of(DIGITS, DIGITS.parent)
    assert found is not None
    return found


def everything_in(file: Path) -> dict[str, Any]:
    """Every group and array of an HDF5 file with its attributes."""
    found: dict[str, Any] = {}

    def visit(name: str, node: Any) -> None:
        if not name.startswith(("optimizer", "model_weights/top", "top")):
            attributes = {k: np.asarray(v).tolist() for k, v in node.attrs.items()}
            found[name] = (attributes, node[()].tolist() if isinstance(node, h5py.Dataset) else None)

    with h5py.File(file) as opened:
        opened.visititems(visit)
        found[""] = {k: np.asarray(v).tolist() for k, v in opened.attrs.items() if "config" not in k}
    return found


# ---- stripping


@pytest.mark.parametrize("level", LEVELS)
def test_stripping_keeps_every_array(original: Original, tmp_path: Path, level: Any) -> None:
    tree = read(strip(original, level, tmp_path))
    assert tree.config is None
    wanted = [bound.read() for _, bound in in_order(original.blueprint, original.binding)]
    found = [variable.read() for variable in tree.variables()]
    if level == "ordered":
        assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))
    elif level == "shuffled":
        assert sorted(a.tobytes() for a in found) == sorted(a.tobytes() for a in wanted)
        assert [a.shape for a in found] != [a.shape for a in wanted]
    else:
        again = bind(original.blueprint, tree)
        pairs = zip(in_order(original.blueprint, original.binding), in_order(original.blueprint, again), strict=True)
        assert all(a == b and np.array_equal(x.read(), y.read()) for (a, x), (b, y) in pairs)
        assert [g.name or g.key for g in tree.layers] == [s.name for s in original.blueprint.layers]


def test_the_order_of_a_shuffled_file_is_that_of_its_name(original: Original, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    other = replace(original, file=Path("another.keras"))
    trees = [read(strip(o, "shuffled", tmp_path / d)) for o, d in ((original, "a"), (original, "b"), (other, "c"))]
    shapes = [[v.shape for v in tree.variables()] for tree in trees]
    assert shapes[0] == shapes[1] != shapes[2]


def test_a_classed_file_is_what_keras_writes(original: Original, tmp_path: Path) -> None:
    ours = everything_in(strip(original, "classed", tmp_path))
    theirs = everything_in(Path(sample("digits.weights.h5")))
    assert ours == theirs
    trees = read(strip(original, "classed", tmp_path)), read(sample("digits.weights.h5"))
    assert [g.key for g in trees[0].layers] == [g.key for g in trees[1].layers]
    assert trees[0].order_source == trees[1].order_source == "heap"


def test_a_named_file_is_what_keras_writes(original: Original, tmp_path: Path) -> None:
    written = everything_in(strip(original, "named", tmp_path))
    whole = original_of(Path(sample("digits.h5")), DIGITS.parent)
    assert whole is not None
    (tmp_path / "whole").mkdir()
    copied = everything_in(strip(whole, "named", tmp_path / "whole"))
    for found in (written, copied):
        found[""].pop("keras_version")
    assert written == copied


@pytest.mark.oracle
def test_stripped_files_are_those_of_keras_for_all_kinds_of_layers(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    words = keras.Input((6,), name="words")
    x = layers.Embedding(11, 5)(words)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")(x)
    x = layers.GRU(3, return_sequences=True, use_bias=False)(x)
    x = layers.TimeDistributed(layers.Dense(7, activation="relu"))(x)
    x = layers.TimeDistributed(layers.Dropout(0.5))(x)
    x = layers.RNN(layers.SimpleRNNCell(6), return_sequences=True)(x)
    x = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2), layers.LSTMCell(2)], return_sequences=True)(x)
    inner = keras.Sequential(
        [keras.Input((6, 2)), layers.SeparableConv1D(5, 3), layers.BatchNormalization()], name="in"
    )
    inner.layers[1].trainable = False
    x = inner(x)
    frames = layers.Reshape((2, 2, 1, 5))(x)
    x = layers.Flatten()(frames)
    x = layers.PReLU()(x)
    functional = keras.Model(words, layers.Dense(2)(x), name="many")
    sequential = keras.Sequential([keras.Input((8, 8, 3)), layers.DepthwiseConv2D(3, depth_multiplier=2)], name="few")
    sequential.add(layers.LayerNormalization(center=False))
    for built in (functional, sequential):
        whole = tmp_path / f"{built.name}.keras"
        built.save(whole)
        # A model that was read again has the names that its layers give it, not those of building it step by step.
        model: Any = keras.models.load_model(whole, compile=False)
        model.save(tmp_path / f"{model.name}.h5")
        model.save_weights(tmp_path / f"{model.name}.weights.h5")
        original = original_of(whole, tmp_path)
        old = original_of(tmp_path / f"{model.name}.h5", tmp_path)
        assert original is not None
        assert old is not None
        folder = tmp_path / f"{model.name}_stripped"
        (folder / "old").mkdir(parents=True)
        real = tmp_path / f"{model.name}.weights.h5"
        stripped = strip(original, "classed", folder)
        assert everything_in(stripped) == everything_in(real)
        assert order_of_groups(read(stripped).layers) == order_of_groups(read(real).layers)
        ours, theirs = (everything_in(strip(o, "named", f)) for o, f in ((original, folder), (old, folder / "old")))
        for found in (ours, theirs):
            found[""].pop("keras_version")
        assert ours == theirs
        listed = read(strip(original, "ordered", folder)).own
        assert all(np.array_equal(v.read(), w) for v, w in zip(listed, model.get_weights(), strict=True))


def order_of_groups(groups: tuple[Group, ...]) -> list[Any]:
    """The names of groups in their order, at all depths."""
    return [(group.key, order_of_groups(group.groups)) for group in groups]


# ---- judging


def candidate(original: Original, tmp_path: Path, blueprint: Blueprint | None = None) -> Candidate:
    """A candidate for the named level, with the original's blueprint or another one."""
    return Candidate(blueprint or original.blueprint, read(strip(original, "named", tmp_path)), 0.0)


def judged(monkeypatch: pytest.MonkeyPatch, candidates: list[Candidate], **settings: Any) -> Row:
    """The row of the digits when recovery gives these candidates."""
    monkeypatch.setattr(recovery_child, "recovered", lambda *_: candidates)
    return row_of(Task(DIGITS, DIGITS.parent, settings.pop("level", "named"), **settings))


def test_the_original_itself_is_right(original: Original, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choice = Choice("stem.padding", "same", ("same", "valid"), "proved", "the size of Flatten")
    right = candidate(original, tmp_path, replace(original.blueprint, choices=(choice,)))
    row = judged(monkeypatch, [right])
    assert (row.verdict, row.rank, row.reason) == (EQUAL, 1, "")
    assert row.edges[0] == row.edges[1] == len(graph_of(original.blueprint).edges)
    assert by_label(row.choices) == {"proved": (1, 1)}
    assert row.norm


@pytest.mark.parametrize(
    ("layer", "key", "value", "reason"),
    [
        ("conv2d", "activation", "sigmoid", "sigmoid of conv2d"),
        ("conv2d", "dilation_rate", (2, 2), "conv2d.dilation_rate: expected 1, 1, found 2, 2"),
        ("stem_bn", "epsilon", 0.1, "stem_bn.epsilon: expected 0.001, found 0.1"),
        ("max_pooling2d", "padding", "same", ""),
        ("dropout", "rate", 0.9, ""),
    ],
)
def test_a_wrong_setting_is_wrong_and_one_that_changes_nothing_is_not(
    original: Original,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    layer: str,
    key: str,
    value: Any,
    reason: str,
) -> None:
    blueprint = edited(original.blueprint, {(layer, key): value})
    choice = Choice(f"{layer}.{key}", str(value), (), "proved", "by mistake")
    row = judged(monkeypatch, [candidate(original, tmp_path, replace(blueprint, choices=(choice,)))])
    assert row.verdict == (DIFFERENT if reason else EQUAL)
    assert reason in row.reason
    assert [(c.verdict, c.effect) for c in row.choices] == [("wrong", False) if reason else ("right", True)]
    assert totals([row], "named")["proved but wrong"] == len(row.wrongly_proved) == bool(reason)


def test_a_wrong_edge_is_found(original: Original, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skip = next(call for call in original.blueprint.calls if call.layer == "skip")
    # The sum takes the stem's own BatchNorm twice: residual_conv leads nowhere.
    other = replace(skip, inputs=(skip.inputs[0], skip.inputs[0]))
    calls = tuple(other if call is skip else call for call in original.blueprint.calls)
    wrong = candidate(original, tmp_path, replace(original.blueprint, calls=calls))
    row = judged(monkeypatch, [wrong, candidate(original, tmp_path)])
    assert (row.verdict, row.rank) == (AMONG, 2)
    assert row.edges[0] == row.edges[1] - 1
    assert row.reason == "input of conv2d_1: expected residual_conv, found relu of stem_bn"


def test_a_claim_about_edges_is_judged_apart_from_settings(
    original: Original, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = (
        Choice("conv2d.input", "skip", (), "supported", ""),
        Choice("edges", "all others", (), "supported", ""),
        Choice("the weather", "fine", (), "open", ""),
    )
    blueprint = replace(edited(original.blueprint, {("conv2d", "activation"): "tanh"}), choices=claims)
    row = judged(monkeypatch, [candidate(original, tmp_path, blueprint)])
    assert [c.verdict for c in row.choices] == ["right", "right", "unmatched"]
    last = next(call for call in blueprint.calls if call.layer == "conv2d_1")
    calls = [replace(c, inputs=(TensorRef("re_lu"),)) if c.layer == "skip" else c for c in blueprint.calls]
    assert last.inputs == (TensorRef("skip"),), "the sample has changed"
    wrong = replace(blueprint, calls=tuple(calls))
    row = judged(monkeypatch, [candidate(original, tmp_path, wrong)])
    assert [c.verdict for c in row.choices] == ["right", "wrong", "unmatched"]


def test_pairs_are_recorded_from_the_original(original: Original) -> None:
    task = Task(DIGITS, DIGITS.parent, "named", "pairs")
    found = evidence_for(task, original)
    assert found is not None
    inputs, outputs = found["pairs"]
    assert [a.shape for a in inputs] == [(4, 8, 8, 1)]
    assert [(a.shape, a.dtype) for a in outputs] == [((4, 10), np.float32)]
    np.testing.assert_allclose(runner(original.blueprint, original.binding)(inputs)[0], outputs[0], atol=1e-6)
    assert evidence_for(replace(task, evidence="samples"), original) is None


def test_real_samples_beside_the_file_are_used(original: Original, tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    np.save(tmp_path / "samples" / "a_sound.npy", np.zeros((9, 16000)))
    images = np.linspace(0, 1, 6 * 64).reshape(6, 8, 8, 1)
    np.savez(tmp_path / "samples" / "model.npz", images)
    found = evidence_for(Task(tmp_path / "model.keras", tmp_path, "named", "samples"), original)
    assert found is not None
    assert np.array_equal(found["samples"][0], images)


def test_files_that_fail_do_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import time

    task = Task(DIGITS, DIGITS.parent, "named")
    endings = {
        "slow": (lambda *_: time.sleep(60), LATE, "more than"),
        "broken": (lambda *_: 1 // 0, CRASHED, "ZeroDivisionError"),
        "killed": (lambda *_: os._exit(9), CRASHED, "ended with 9"),
    }
    for ending, verdict, reason in endings.values():
        monkeypatch.setattr(recovery_child, "recovered", ending)
        row = run_apart(task, 3.0)
        assert (row.verdict, reason in row.reason, row.norm) == (verdict, True, True)


def tree_of(blueprint: Blueprint) -> WeightTree:
    """Random variables for Dense layers of 3 inputs."""
    rng = np.random.default_rng(3)
    groups = []
    for spec in blueprint.layers:
        if spec.type == "Dense":
            arrays = {"kernel": rng.standard_normal((3, spec.config["units"])), "bias": np.zeros(spec.config["units"])}  # type: ignore[index]
            variables = tuple(
                Variable(f"/{spec.name}/{k}", f"{spec.name}/{k}", a.shape, "float64", lambda a=a: a)
                for k, a in arrays.items()
            )
            groups.append(Group(spec.name, spec.name, f"/{spec.name}", variables))
    return WeightTree("two.h5", "keras-2", tuple(groups), "layer_names", "3.0.0")


def test_outputs_may_stand_in_another_order_and_the_row_says_so() -> None:
    inputs = LayerSpec("x", "InputLayer", {"batch_shape": (None, 3), "dtype": "float32"})
    dense = [LayerSpec(n, "Dense", {"units": u, "activation": "linear"}) for n, u in (("a", 2), ("b", 4))]
    calls = tuple(Call(spec.name, (TensorRef("x"),)) for spec in dense)
    outputs = (TensorRef("a"), TensorRef("b"))
    blueprint = Blueprint("two", (inputs, *dense), calls, (TensorRef("x"),), outputs)
    tree = tree_of(blueprint)
    truth = runner(blueprint, tree)
    given = inputs_for(blueprint, truth)
    expected = [truth(case) for case in given]
    turned = runner(replace(blueprint, outputs=outputs[::-1]), tree)
    assert compare(truth, given, expected).note == ""
    found = compare(turned, given, expected)
    assert found.equal
    assert "outputs in the order (1, 0)" in found.note
    single = compare(runner(replace(blueprint, outputs=outputs[:1]), tree), given, expected)
    assert (single.equal, single.reason) == (False, "1 outputs instead of 2")


def test_layers_meet_by_their_arrays_and_equal_ones_by_name() -> None:
    original = {"a": ["k1", "zeros"], "b": ["k2", "zeros"], "n": ["ones"], "m": ["ones"]}
    found = {"p": ["zeros", "k2"], "m": ["ones"], "q": ["zeros", "k1"], "r": ["ones"], "s": ["unknown"]}
    assert correspondence(original, found) == {"p": "b", "m": "m", "q": "a", "r": "n"}
    assert correspondence(original, found, named=False) == {"p": "b", "m": "n", "q": "a", "r": "m"}


def test_expressions_are_equal_where_the_meaning_is() -> None:
    pool = Op("MaxPooling2D", (("pool_size", "2, 2"),), (Leaf("conv"),))
    other = Op("MaxPooling2D", (("pool_size", "3, 3"),), (Leaf("conv"),))
    assert difference(pool, pool) == ""
    assert difference(pool, other) == "MaxPooling2D pool_size: expected 2, 2, found 3, 3"
    assert (
        difference(Op("relu", (), (pool,)), pool) == "expected relu of MaxPooling2D of conv, found MaxPooling2D of conv"
    )
    assert brief(Leaf("", 1)) == "input 2"
    assert parted("a.b.strides", ["a", "a.b"]) == ("a.b", "strides")
    assert parted("sizes of the maps", ["a"]) == ("", "")


def test_samples_fit_by_shape() -> None:
    assert fits([(5, 8, 8, 1)], [(None, 8, None, 1)])
    assert not fits([(5, 8, 1)], [(None, 8, 8, 1)])
    assert not fits([(5, 9, 8, 1)], [(None, 8, 8, 1)])
    assert not fits([(5, 8)], [(None, 8), (None, 2)])
