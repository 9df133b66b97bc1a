"""What is fed to both sides."""

from __future__ import annotations

import numpy as np
import pytest
from tests.verify.subjects import chain, graph, layer

from regraft.blueprint import Blueprint
from regraft.verify import inputs as inputs_module
from regraft.verify.inputs import cases
from regraft.verify.needs import Need, needs

EMBEDDING = {"input_dim": 11, "output_dim": 3, "mask_zero": True, "input_length": None, "dropout": 0.0}


def first_inputs(blueprint: Blueprint, count: int = 2) -> list[np.ndarray]:
    """The first input of the first cases."""
    return [case.arrays[0] for case, _ in zip(cases(blueprint), range(count), strict=False)]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (chain(layer("a")), Need()),
        (chain(layer("e", "Embedding", **EMBEDDING)), Need("integer", 11, 0.0)),
        (
            chain(layer("r", "Reshape", target_shape=(2, 2)), layer("e", "Embedding", **EMBEDDING)),
            Need("integer", 11, 0.0),
        ),
        (chain(layer("m", "Masking", mask_value=-1.0), shape=(None, 5, 4)), Need("normal", 0, -1.0, True)),
        (chain(layer("s", "Rescaling", scale=1 / 255, offset=0.0)), Need("image")),
        (chain(layer("s", "Rescaling", scale=2.0, offset=0.0)), Need()),
        (chain(layer("a"), dtype="uint8"), Need("integer", 256)),
        (chain(layer("a"), dtype="bool"), Need("boolean")),
        (
            chain(layer("n", "Functional", blueprint=chain(layer("e", "Embedding", **EMBEDDING)))),
            Need("integer", 11, 0.0),
        ),
        (
            chain(layer("t", "TimeDistributed", layer=layer("e", "Embedding", **EMBEDDING)), shape=(None, 5, 4)),
            Need("integer", 11, 0.0),
        ),
    ],
)
def test_needs(model: Blueprint, expected: Need) -> None:
    assert needs(model) == (expected,)


def test_a_dense_layer_before_the_embedding_hides_it() -> None:
    assert needs(chain(layer("d", "Dense", units=4), layer("e", "Embedding", **EMBEDDING))) == (Need(),)


def test_fixed_sizes_come_with_batches_of_two_and_three() -> None:
    assert [a.shape for a in first_inputs(chain(layer("a"), shape=(None, 6, 5, 3)))] == [(2, 6, 5, 3), (3, 6, 5, 3)]


def test_open_sizes_are_odd_and_even_and_never_square() -> None:
    shapes = [a.shape for a in first_inputs(chain(layer("a"), shape=(None, None, None, 3)), 6)]
    assert len(shapes) == 6
    assert all(h != w for _, h, w, _ in shapes)
    assert {n % 2 for _, h, w, _ in shapes[:2] for n in (h, w)} == {0, 1}
    assert [a.shape for a in first_inputs(chain(layer("a"), shape=(None, None, 4)))] == [(2, 7, 4), (3, 10, 4)]


def test_a_batch_that_the_model_fixes_is_kept() -> None:
    assert [a.shape for a in first_inputs(chain(layer("a"), shape=(25, 1, 1)))] == [(25, 1, 1), (25, 1, 1)]


def test_sizes_that_two_inputs_share_are_the_same() -> None:
    two = graph(
        [
            layer("x", "InputLayer", batch_shape=(None, None, 4), dtype="float32"),
            layer("y", "InputLayer", batch_shape=(None, None, 4), dtype="float32"),
            layer("sum", "Add"),
        ],
        [("sum", "x", "y")],
    )
    for case in cases(two):
        assert case.arrays[0].shape == case.arrays[1].shape
        assert not np.array_equal(*case.arrays)


def test_sizes_that_our_shape_rules_refuse_are_left_out() -> None:
    settings = {"pool_size": (40, 40), "strides": (1, 1), "padding": "valid", "data_format": "channels_last"}
    shapes = [
        a.shape for a in first_inputs(chain(layer("p", "MaxPooling2D", **settings), shape=(None, None, None, 3)), 9)
    ]
    assert shapes
    assert min(n for _, h, w, _ in shapes for n in (h, w)) >= 40


def test_an_unknown_shape_gives_no_case() -> None:
    assert not list(cases(chain(layer("a"), shape=None)))


@pytest.mark.parametrize(
    ("length", "batches"),
    [
        (20, [2, 3]),
        (40, [2]),  # two tensors of 80 numbers: large enough for one case
        (60, [1]),  # 240 numbers are too many, 120 are not
        (120, []),
    ],
)
def test_what_needs_much_memory_is_run_once_or_with_one_row_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, length: int, batches: list[int]
) -> None:
    monkeypatch.setattr(inputs_module, "LARGE", 140)
    monkeypatch.setattr(inputs_module, "TOO_LARGE", 200)
    assert [a.shape[0] for a in first_inputs(chain(layer("a"), shape=(None, length)))] == batches


def test_floats_are_float32_values_and_seeded() -> None:
    model = chain(layer("a"))
    (first, second), (again, _) = first_inputs(model), first_inputs(model)
    assert first.dtype == np.float64
    assert np.array_equal(first, first.astype(np.float32))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second[:2])
    assert not np.array_equal(first, next(cases(model, seed=1)).arrays[0])


def test_masked_steps_are_ragged_with_a_hole() -> None:
    two, three = first_inputs(chain(layer("m", "Masking", mask_value=-1.0), shape=(None, 9, 4)))
    masked = (two == -1).all(-1)
    assert masked.tolist() == [[False] * 6 + [True] * 3, [False] * 4 + [True] + [False] * 4]
    assert (three == -1).all(-1)[2].tolist() == [True, *[False] * 7, True]


def test_an_embedding_gets_every_kind_of_row_and_zero_only_as_mask() -> None:
    ids, _ = first_inputs(chain(layer("e", "Embedding", **EMBEDDING), shape=(None, 9)))
    assert ids.dtype == np.int64
    assert (ids[0] == 0).tolist() == [False] * 6 + [True] * 3
    assert ids.max() < 11
    assert "integers below 11" in next(cases(chain(layer("e", "Embedding", **EMBEDDING)))).words
