from __future__ import annotations

import numpy as np
import pytest
from tests.recover.grouping import trees

from regraft.recover.grouping import group
from regraft.recover.part import Part

LSTM = {"kernel:0": (6, 12), "recurrent_kernel:0": (3, 12), "bias:0": (12,)}
BN = {"gamma:0": (8,), "beta:0": (8,), "moving_mean:0": (8,), "moving_variance:0": (8,)}
CONV = {"kernel:0": (3, 3, 4, 8), "bias:0": (8,)}
DENSE = {"kernel:0": (7, 5), "bias:0": (5,)}


def only(name: str, arrays: dict[str, tuple[int, ...]], version: str = "2.3.1") -> Part:
    (part,) = group(trees.legacy({name: {f"{name}/{k}": s for k, s in arrays.items()}}, version))[0].parts
    return part


@pytest.mark.parametrize(
    ("name", "arrays", "type_name", "label"),
    [
        ("conv2d_3", CONV, "Conv2D", "proved"),
        ("dense", DENSE, "Dense", "proved"),
        ("block1_conv1", CONV, "Conv2D", "supported"),
        ("bn2a_branch2a", BN, "BatchNormalization", "supported"),
        ("res2a_branch2a", CONV, "Conv2D", "supported"),
        ("fc1000", DENSE, "Dense", "supported"),
        ("predictions", DENSE, "Dense", "supported"),
        ("x9", BN, "BatchNormalization", "supported"),
        ("x9", LSTM, "LSTM", "supported"),
        ("x9", {"kernel:0": (7, 5)}, "Dense", "assumed"),
        ("words", {"embeddings:0": (90, 5)}, "Embedding", "assumed"),
        ("word_emb", {"embeddings:0": (90, 5)}, "Embedding", "supported"),
        ("time_distributed_2", CONV, "TimeDistributed", "proved"),
        ("td_conv", CONV, "TimeDistributed", "supported"),
        ("my_dense", {"w:0": (7, 5), "v:0": (5,)}, "Dense", "assumed"),
    ],
)
def test_types(name: str, arrays: dict[str, tuple[int, ...]], type_name: str, label: str) -> None:
    part = only(name, arrays)
    assert (part.type, part.label) == (type_name, label), part.evidence


@pytest.mark.parametrize(
    ("name", "arrays", "type_name", "said"),
    [
        ("dense_1", CONV, "Conv2D", "by its name a Dense, which cannot have the arrays"),
        ("lstm_4", {"kernel:0": (6, 9), "recurrent_kernel:0": (3, 9), "bias:0": (9,)}, "GRU", "by its name a LSTM"),
        ("dropout_1", DENSE, "Dense", "by its name a Dropout, which has no variables"),
        ("fc_out", CONV, "Conv2D", ""),
        ("bn_1a", CONV, "Conv2D", "its name suggests BatchNormalization"),
    ],
)
def test_shapes_win_over_names(name: str, arrays: dict[str, tuple[int, ...]], type_name: str, said: str) -> None:
    (found,) = group(trees.legacy({name: {f"{name}/{k}": s for k, s in arrays.items()}}))
    (part,) = found.parts
    assert part.type == type_name
    assert part.label != "proved"
    assert (said in found.notes[0]) if said else not found.notes


def test_what_fits_nothing_has_no_type() -> None:
    part = only("dense_1", {"kernel:0": (7, 5), "bias:0": (6,)})
    assert (part.type, part.label, part.others) == ("", "open", ("Dense",))


def test_a_class_without_a_rule_is_taken_at_its_word() -> None:
    part = only("highway_1", {"W": (4, 4), "W_carry": (4, 4)}, "1.2.2")
    assert (part.type, part.label) == ("Highway", "supported")


def test_others_are_listed() -> None:
    part = only("x1", {"gamma:0": (8,), "beta:0": (8,)})
    assert (part.type, part.others) == ("LayerNormalization", ("GroupNormalization",))


@pytest.mark.parametrize(
    ("first", "settings"),
    [
        (np.array([0.9, 1.1, 0.7, 1.3, 0.8, 1.0, 0.6, 1.2]), {"scale": True, "center": False}),
        (np.array([0.1, -0.3, 0.2, -0.1, 0.0, 0.4, -0.2, -0.6]), {"scale": False, "center": True}),
    ],
)
def test_three_vectors_of_a_norm_are_told_by_their_values(first: np.ndarray, settings: dict[str, bool]) -> None:
    mean, variance = np.array([0.3, -2, 1, 0.2, -0.1, 0.6, 3, -1]), np.array([1.5, 0.2, 4, 1, 0.3, 2, 0.8, 6])
    (part,) = group(trees.newer(trees.group("batch_normalization", first, mean, variance)))[0].parts
    assert {k: part.settings[k] for k in settings} == settings


def test_values_that_cannot_be_read_are_no_obstacle() -> None:
    tree = trees.newer(trees.group("batch_normalization", *[np.full(5, np.nan)] * 3))
    (part,) = group(tree)[0].parts
    assert (part.type, part.label) == ("BatchNormalization", "proved")
