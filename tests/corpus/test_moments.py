"""What stored statistics say of published networks whose architecture is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.corpus.folder import corpus_file

from regraft.blueprint import Blueprint
from regraft.layers.binding import bind
from regraft.moments.entry import entries
from regraft.moments.selfcheck import check
from regraft.stated import read_blueprint
from regraft.weights import read

pytestmark = pytest.mark.corpus
FACES = "oarriaga-face_classification/"
Arrays = dict[str, dict[str, np.ndarray]]


def network(name: str) -> tuple[Blueprint, Arrays]:
    tree = read(corpus_file(name))
    blueprint = read_blueprint(tree, None, None)
    layers = bind(blueprint, tree).layers
    return blueprint, {layer: {name: bound.read() for name, bound in own.items()} for layer, own in layers.items()}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (f"{FACES}fer2013_mini_XCEPTION.102-0.66.hdf5", 13),
        (f"{FACES}gender_mini_XCEPTION.21-0.95.hdf5", 13),
        (f"{FACES}tiny_XCEPTION_KDEF.hdf5", 13),
        (f"{FACES}fer2013_big_XCEPTION.54-0.66.hdf5", 7),
        ("misic/MiSiCv2.h5", 6),
        ("mmsplice/Donor.h5", 1),
        ("mmsplice/mtsplice_deep0.h5", 15),
        ("crema/model.h5", 2),
    ],
)
def test_right_architectures_agree_with_their_files(name: str, known: int) -> None:
    found = check(*network(name), look_for_rivals=False)
    assert found.passed is True
    assert {layer.verdict for layer in found.layers} <= {"fits", "cannot tell"}
    assert sum(layer.verdict == "fits" for layer in found.layers) == known


def test_a_wrong_activation_of_a_published_network_is_named() -> None:
    blueprint, arrays = network(f"{FACES}fer2013_mini_XCEPTION.102-0.66.hdf5")
    layers = tuple(
        replace(s, config={**s.config, "activation": "linear"}) if s.name == "activation_4" else s
        for s in blueprint.layers
    )
    found = check(replace(blueprint, layers=layers), arrays)
    assert found.passed is False
    assert found.rivals[0].said.startswith("relu instead of linear in activation_4")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            f"{FACES}fer2013_mini_XCEPTION.102-0.66.hdf5",
            "inputs scaled to [-1, 1]: mean 0.024, standard deviation about 0.49",
        ),
        ("mmsplice/Exon_prime3.h5", "one-hot inputs"),
        ("mmsplice/Donor.h5", "the scaling of the input cannot be told"),
    ],
)
def test_how_inputs_were_scaled(name: str, words: str) -> None:
    assert entries(*network(name))[0].words.startswith(words)
