"""Lists in the order of ``get_weights()``: every kind of layer is found at its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.recover.grouping.listed import filled, layer, norm, numbered, seen, trained, tree_of

from regraft.blueprint import Blueprint, LayerSpec
from regraft.layers.binding import bind
from regraft.recover.grouping import part_spec, version_of
from regraft.recover.grouping.arrays import group_arrays
from regraft.recover.part import Grouping
from regraft.weights import read

LSTM = "LSTM kernel {0} {2}, recurrent_kernel {1} {2}, gate {2}"
BOTH = "Bidirectional kernel {0} {2}, recurrent {1} {2}, gate {2}, kernel {0} {2}, recurrent {1} {2}, gate {2}"
GATES = ", ".join("kernel {0} {1}, recurrent {1} {1}, gate {1}" for _ in range(4))
ATTENTION = ", ".join("kernel 24 3 8, bias 3 8" for _ in range(3)) + ", kernel 3 8 24, bias 24"

LISTS: dict[str, list[str]] = {
    "mlp": ["Dense kernel 20 64, bias 64", "Dense kernel 64 32, bias 32", "Dense kernel 32 3, bias 3"],
    "mlp_without_biases": ["Dense kernel 20 64", norm(64), "Dense kernel 64 32", norm(32), "Dense kernel 32 1, bias 1"],
    "lenet": [
        "Conv2D kernel 5 5 1 6, bias 6",
        "Conv2D kernel 5 5 6 16, bias 16",
        "Dense kernel 400 120, bias 120",
        "Dense kernel 120 10, bias 10",
    ],
    "norms_behind_biases": [
        "Conv2D kernel 3 3 3 16, bias 16",
        norm(16),
        "Conv2D kernel 3 3 16 24, bias 24",
        norm(24),
        "Dense kernel 24 5, bias 5",
    ],
    "norms_without_scale": ["Conv2D kernel 3 3 3 16", norm(16, "bmv"), "Conv2D kernel 3 3 16 24", norm(24, "bmv")],
    "norm_first": [norm(13), "Dense kernel 13 40, bias 40", "Dense kernel 40 2, bias 2"],
    "residual": [
        "Conv2D kernel 3 3 3 16",
        norm(16),
        "Conv2D kernel 3 3 16 32",
        norm(32),
        "Conv2D kernel 3 3 32 32",
        "Conv2D kernel 1 1 16 32",
        norm(32),
        norm(32),
        "Dense kernel 32 7, bias 7",
    ],
    "mobile": [
        "Conv2D kernel 3 3 3 32",
        norm(32),
        "DepthwiseConv2D kernel 3 3 32 1",
        norm(32),
        "Conv2D kernel 1 1 32 64",
        norm(64),
    ],
    "separable": [
        "SeparableConv2D depthwise 3 3 8 1, pointwise 1 1 8 16, bias 16",
        "SeparableConv2D depthwise 3 3 16 1, pointwise 1 1 16 24, bias 24",
    ],
    "multiplied": ["Conv2D kernel 3 3 3 8, bias 8", "DepthwiseConv2D kernel 5 5 8 2, bias 16"],
    "generator": [
        "Dense kernel 100 2048, bias 2048",
        "Conv2DTranspose kernel 4 4 64 128, bias 64",
        norm(64),
        "Conv2DTranspose kernel 4 4 3 64, bias 3",
    ],
    "text": [
        "Embedding table 5000 32",
        "Conv1D kernel 5 32 64, bias 64",
        "Conv1D kernel 5 64 128, bias 128",
        "Dense kernel 128 1, bias 1",
    ],
    "lstm": ["Embedding table 1000 16", LSTM.format(16, 20, 80), LSTM.format(20, 12, 48), "Dense kernel 12 2, bias 2"],
    "gru_after": ["GRU kernel 7 24, recurrent_kernel 8 24, gate 2 24", "Dense kernel 8 3, bias 3"],
    "gru_before": ["GRU kernel 7 24, recurrent_kernel 8 24, gate 24", "Dense kernel 8 3, bias 3"],
    "simple_rnn": ["SimpleRNN kernel 7 9, recurrent_kernel 9 9, gate 9", "Dense kernel 9 3, bias 3"],
    "both_ways": [BOTH.format(7, 10, 40), BOTH.format(20, 6, 24), "Dense kernel 12 3, bias 3"],
    "volume": ["Conv3D kernel 3 3 3 1 8, bias 8", "Conv3D kernel 3 3 3 8 16, bias 16", "Dense kernel 16 2, bias 2"],
    "slopes": [
        "Conv2D kernel 3 3 3 28, bias 28",
        "PReLU alpha 1 1 28",
        "Conv2D kernel 3 3 28 48, bias 48",
        "PReLU alpha 1 1 48",
    ],
    "transformer": [
        "Embedding table 800 24",
        f"MultiHeadAttention {ATTENTION}",
        norm(24, "gb", "LayerNormalization"),
        "Dense kernel 24 96, bias 96",
        "Dense kernel 96 24, bias 24",
        norm(24, "gb", "LayerNormalization"),
    ],
    "standardised": [
        "Normalization mean 5, variance 5, count",
        "Dense kernel 5 30, bias 30",
        "Dense kernel 30 1, bias 1",
    ],
    "u_net": [
        "Conv2D kernel 3 3 1 16, bias 16",
        "Conv2D kernel 3 3 16 32, bias 32",
        "Conv2D kernel 3 3 32 64, bias 64",
        "Conv2D kernel 3 3 96 32, bias 32",
        "Conv2D kernel 3 3 48 16, bias 16",
        "Conv2D kernel 1 1 16 1, bias 1",
    ],
    "two_inputs": ["Embedding table 50 8", "Embedding table 70 12", "Dense kernel 20 6, bias 6"],
    "maps_with_memory": [
        "ConvLSTM2D kernel 3 3 2 32, recurrent 3 3 8 32, gate 32",
        norm(8),
        "ConvLSTM2D kernel 3 3 8 16, recurrent 3 3 4 16, gate 16",
    ],
    "keras_1_lstm": [f"LSTM {GATES.format(9, 14)}", "Dense kernel 14 3, bias 3"],
    "keras_1_theano": ["Conv2D kernel 16 3 3 3, bias 16", "Conv2D kernel 24 16 3 3, bias 24"],
}


def best(text: list[str], seed: int = 0) -> tuple[Grouping, list[tuple[str, tuple[int, ...]]]]:
    layers = [layer(line) for line in text]
    arrays = [array for made in trained(layers, seed) for array in made]
    return group_arrays(tree_of(arrays))[0], numbered(layers)


@pytest.mark.parametrize("name", LISTS)
def test_layers_are_found(name: str) -> None:
    grouping, expected = best(LISTS[name])
    assert seen(grouping) == expected
    assert grouping.ordered
    assert not grouping.complete
    assert grouping.cost == 0.0
    assert not any(part.label == "proved" for part in grouping.parts)


def test_untrained_layers_are_found_by_what_they_start_with() -> None:
    ones, zeros = np.ones(16, "f4"), np.zeros(16, "f4")
    kernels = [filled((3, 3, c, 16), "kernel", np.random.default_rng(1)) for c in (3, 16)]
    arrays = [kernels[0], ones, zeros, zeros, ones, kernels[1], zeros]
    expected = [("Conv2D", (0,)), ("BatchNormalization", (1, 2, 3, 4)), ("Conv2D", (5, 6))]
    assert seen(group_arrays(tree_of(arrays))[0]) == expected


def test_names_settings_and_dialect() -> None:
    grouping, _ = best(LISTS["residual"])
    assert [part.name for part in grouping.parts][:4] == [
        "conv2d",
        "batch_normalization",
        "conv2d_1",
        "batch_normalization_1",
    ]
    assert grouping.parts[2].settings == {"filters": 32, "kernel_size": (3, 3), "use_bias": False}
    assert (grouping.tree.dialect, grouping.tree.own) == ("keras-2", ())
    assert best(LISTS["keras_1_lstm"])[0].tree.dialect == "keras-1"
    both = best(LISTS["both_ways"])[0].parts[0]
    assert both.settings["layer"] == LayerSpec("lstm", "LSTM", {"units": 10, "use_bias": True})


@pytest.mark.parametrize("name", [n for n in LISTS if n not in ("transformer", "maps_with_memory")])
def test_blueprints_find_their_variables(name: str) -> None:
    grouping, _ = best(LISTS[name])
    specs = tuple(part_spec(part, version_of(grouping.tree)) for part in grouping.parts)
    binding = bind(Blueprint("found", specs, (), (), ()), grouping.tree)
    assert not binding.unused
    taken = {v.path for bound in binding.layers.values() for b in bound.values() for v in b.sources}
    assert taken == {v.path for v in grouping.tree.variables()}


def test_what_two_forms_allow_is_said() -> None:
    # Two parallel LSTM and the two directions of one store the same.
    arrays = [a for made in trained([layer(LSTM.format(4, 5, 20))] * 2) for a in made]
    found = group_arrays(tree_of(arrays))
    assert [[p.type for p in grouping.parts] for grouping in found[:2]] == [["Bidirectional"], ["LSTM", "LSTM"]]
    (both,) = found[0].parts
    assert both.label in ("assumed", "open")
    assert "LSTM" in both.others


def test_an_array_of_no_layer_is_open() -> None:
    random = np.random.default_rng(3)
    arrays = [filled(s, "kernel", random) for s in ((3, 4), (4,), (2, 2, 3, 3, 4, 4), (4, 2), (2,))]
    grouping = group_arrays(tree_of(arrays))[0]
    assert seen(grouping) == [("Dense", (0, 1)), ("", (2,)), ("Dense", (3, 4))]
    assert grouping.parts[1].label == "open"
    assert "(2, 2, 3, 3, 4, 4)" in grouping.parts[1].evidence


@settings(max_examples=30, deadline=None)
@given(
    widths=st.lists(st.sampled_from([8, 12, 16, 24, 40]), min_size=2, max_size=6),
    biased=st.booleans(),
    normed=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_plain_networks_are_always_found(widths: list[int], biased: bool, normed: bool, seed: int) -> None:
    lines: list[str] = []
    for before, width in zip([3, *widths], widths, strict=False):
        lines.append(f"Conv2D kernel 3 3 {before} {width}" + (f", bias {width}" if biased or not normed else ""))
        lines += [norm(width)] if normed else []
    lines.append(f"Dense kernel {widths[-1]} 5, bias 5")
    grouping, expected = best(lines, seed)
    assert seen(grouping) == expected


@pytest.mark.oracle
def test_lists_of_real_models(tmp_path: Path) -> None:
    import keras
    from keras import layers

    def line(*stack: Any) -> Any:
        return keras.Sequential(list(stack))

    inputs = keras.Input((None, 6))
    x = layers.Dense(8)(inputs)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x))
    models = [
        line(keras.Input((28, 28, 3)), layers.Conv2D(8, 3, use_bias=False), layers.BatchNormalization(),
             layers.SeparableConv2D(16, 3), layers.DepthwiseConv2D(5), layers.PReLU(shared_axes=(1, 2)),
             layers.Conv2DTranspose(12, 4, strides=2), layers.GlobalAveragePooling2D(), layers.Dense(5)),
        line(keras.Input((None,)), layers.Embedding(300, 12), layers.Bidirectional(layers.GRU(7, return_sequences=True)),
             layers.LSTM(9, return_sequences=True), layers.SimpleRNN(4), layers.Dense(2)),
        line(keras.Input((9,)), layers.Normalization(), layers.Dense(30), layers.BatchNormalization(scale=False),
             layers.Dense(1, use_bias=False)),
        line(keras.Input((16, 16, 16, 1)), layers.Conv3D(4, 3), layers.Flatten(), layers.Dense(3)),
        line(keras.Input((50, 4)), layers.Conv1D(8, 7), layers.SeparableConv1D(16, 5), layers.GlobalMaxPooling1D(),
             layers.Dense(6)),
        keras.Model(inputs, layers.Dense(3)(x)),
    ]  # fmt: skip
    for model in models:
        arrays = model.get_weights()
        np.savez(tmp_path / "weights.npz", *arrays)
        grouping = group_arrays(read(tmp_path / "weights.npz"))[0]
        weighted = [one for one in model.layers if one.weights]
        assert [part.type for part in grouping.parts] == [type(one).__name__ for one in weighted]
        assert grouping.ordered
        for part, one in zip(grouping.parts, weighted, strict=True):
            assert [v.shape for v in part.group.variables] == [tuple(w.shape) for w in one.weights]
            given = {k: v for k, v in part.settings.items() if k not in ("layer", "merge_mode", "axis")}
            config = one.get_config()
            assert all(
                config[k] == (list(v) if isinstance(config[k], list) else v) for k, v in given.items() if k in config
            )
