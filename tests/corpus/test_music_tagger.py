"""
The Keras 1 music tagger: weights only, two dim orderings, kernels turned by the Theano backend.

Its repository prints the tags it gives for the sample clips; they are reproduced from the weight files alone plus our JSON.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.corpus.folder import corpus_file
from tests.corpus.music_tagger import TAGS, crnn
from tests.twin import run

from regraft import keras_config
from regraft.emit.module import emit
from regraft.layers.binding import bind
from regraft.weights import read

FOLDER = "keunwoochoi-music-auto_tagging"


def scores(weights: Path, ordering: str, clip: np.ndarray, *, theano: bool | None) -> np.ndarray:
    """The 50 scores of one clip ``(1, 1, 96, 1366)``."""
    tree = read(weights)
    blueprint = keras_config.parse(crnn(ordering, 1 if ordering == "th" else 6), keras_version="1.0.6")
    module = emit(blueprint, bind(blueprint, tree, theano_kernels=theano), "a test")
    inputs = clip if ordering == "th" else clip.transpose(0, 2, 3, 1)
    return run(module, [inputs.astype("float32")], "float32")[0][0]


@pytest.mark.corpus
def test_the_published_scores_are_reproduced() -> None:
    clip = np.load(corpus_file(f"{FOLDER}/samples/data__bensound-cute.npy"))
    found = scores(corpus_file(f"{FOLDER}/music_tagger_crnn_weights_theano.h5"), "th", clip, theano=True)

    best = np.argsort(-found)[:3]

    assert [TAGS[i] for i in best] == ["jazz", "instrumental", "folk"]
    np.testing.assert_allclose(found[best], [0.444, 0.151, 0.103], atol=6e-4)


@pytest.mark.corpus
@pytest.mark.parametrize("clip", ["thejazzpiano", "cute", "actionable", "dubstep"])
def test_both_files_of_the_model_agree(clip: str) -> None:
    array = np.load(corpus_file(f"{FOLDER}/samples/data__bensound-{clip}.npy"))
    theano = scores(corpus_file(f"{FOLDER}/music_tagger_crnn_weights_theano.h5"), "th", array, theano=True)
    tensorflow = scores(corpus_file(f"{FOLDER}/music_tagger_crnn_weights_tensorflow.h5"), "tf", array, theano=None)
    np.testing.assert_allclose(theano, tensorflow, atol=1e-5)


@pytest.mark.corpus
def test_kernels_that_are_not_turned_give_other_scores() -> None:
    clip = np.load(corpus_file(f"{FOLDER}/samples/data__bensound-thejazzpiano.npy"))
    file = corpus_file(f"{FOLDER}/music_tagger_crnn_weights_theano.h5")
    assert np.abs(scores(file, "th", clip, theano=True) - scores(file, "th", clip, theano=False)).max() > 0.05
