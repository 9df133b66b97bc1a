"""Inputs of a self-test: valid for the model, and small once compressed."""

from __future__ import annotations

import zlib
from itertools import pairwise

import numpy as np
import pytest

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.verify.needs import Need
from regraft.verify.small_inputs import NUMBERS, block, coarse, small_inputs

RNG = np.random.default_rng(5)


def model(shape: tuple[int | None, ...], *chain: LayerSpec, dtype: str = "float32") -> Blueprint:
    layers = (LayerSpec("entry", "InputLayer", {"batch_shape": shape, "dtype": dtype}), *chain)
    calls = tuple(Call(b.name, (TensorRef(a.name),)) for a, b in pairwise(layers))
    return Blueprint("model", layers, calls, (TensorRef("entry"),), (TensorRef(layers[-1].name),))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 7), (1, 1)),
        ((1, 33, 46, 2), (1, 1, 1, 1)),
        ((1, 224, 224, 3), (1, 8, 8, 1)),
        ((1, 20000), (1, 8)),
        ((4, 3, 5000), (4, 3, 5000)),
    ],
)
def test_axes_are_cut_into_blocks(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    sizes = block(shape)
    blocks = [-(-n // size) for n, size in zip(shape, sizes, strict=True)]
    assert np.prod(blocks) <= NUMBERS
    if shape == expected:  # more than one axis is long: whichever is the longest is halved
        assert sizes[2] > sizes[0] == sizes[1] == 1
    else:
        assert sizes == expected


def test_blocks_hold_one_number_each() -> None:
    found = coarse(RNG.standard_normal((1, 224, 160, 3)), Need())
    step = block(found.shape)[1]
    assert (found[:, :step] == found[:, :1]).all()
    assert len(np.unique(found)) > 20


@pytest.mark.parametrize("need", [Need(), Need("image"), Need("integer", 256), Need("boolean")], ids=str)
def test_an_image_of_usual_size_is_a_few_kilobytes(need: Need) -> None:
    array = {"normal": RNG.standard_normal, "image": lambda s: RNG.uniform(0, 255, s)}.get(
        need.kind, lambda s: RNG.integers(0, need.count or 2, s)
    )((1, 224, 224, 3))
    stored = coarse(array, need).astype("float32" if need.kind in ("normal", "image") else "int64")
    assert len(zlib.compress(stored.tobytes(), 9)) < 14_000


def test_masked_steps_stay_masked() -> None:
    chain = (LayerSpec("mask", "Masking", {"mask_value": -1.3}), LayerSpec("flat", "Flatten", {}))
    (found, *_), *_ = small_inputs(model((None, 9, 4), *chain))
    masked = (found == -1.3).all(-1)
    assert masked.any(1).all()
    assert not masked.all(1).any()


def test_tokens_are_known_to_the_embedding() -> None:
    chain = (LayerSpec("words", "Embedding", {"input_dim": 13, "output_dim": 3, "mask_zero": True}),)
    (found,), *_ = small_inputs(model((None, 5000), *chain, dtype="int32"))
    assert found.dtype == np.int64
    assert found.shape == (1, 5000)
    assert 0 <= found.min() < found.max() < 13


@pytest.mark.parametrize(("declared", "batch"), [((None, 6), 1), ((4, 6), 4)])
def test_one_sample_unless_the_model_says_how_many(declared: tuple[int | None, ...], batch: int) -> None:
    (found,), *_ = small_inputs(model(declared, LayerSpec("flat", "Flatten", {})))
    assert found.shape == (batch, 6)


def test_floats_are_those_of_float32() -> None:
    (found,), *_ = small_inputs(model((None, None, 5), LayerSpec("flat", "ReLU", {})))
    assert (found.astype("float32") == found).all()


def test_an_input_of_unknown_shape_has_none() -> None:
    assert list(small_inputs(model(None, LayerSpec("flat", "ReLU", {})))) == []  # type: ignore[arg-type]
