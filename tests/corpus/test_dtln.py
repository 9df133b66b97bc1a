"""DTLN: the same weights as a Keras file and as somebody else's PyTorch file; our moves give theirs, number for number."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from tests.corpus.folder import corpus_file

from regraft.convert import convert

EXAMPLE = Path(__file__).parents[2] / "examples" / "dtln"

#: Our parameters and those of the published twin.
TWIN = {
    "lstm": "sep1.rnn1",
    "lstm_1": "sep1.rnn2",
    "dense": "sep1.dense",
    "conv1d": "encoder_conv1",
    "layer_normalization": "encoder_norm1",
    "lstm_2": "sep2.rnn1",
    "lstm_3": "sep2.rnn2",
    "dense_1": "sep2.dense",
    "conv1d_1": "decoder_conv1",
}


def architecture(*, norm: bool = False) -> str:
    """The Keras JSON that the example writes."""
    return str(runpy.run_path(str(EXAMPLE / "architecture.py"))["architecture"](norm=norm))


@pytest.mark.corpus
@pytest.mark.oracle
def test_every_tensor_is_that_of_the_published_twin(tmp_path: Path) -> None:
    import torch

    twin = torch.load(corpus_file("lhwcv-DTLN_pytorch/model.pth"), weights_only=True, map_location="cpu")
    (tmp_path / "dtln.json").write_text(architecture())
    file, custom = corpus_file("breizhn-DTLN/model.h5"), EXAMPLE / "dtln_layers.py"
    conversion = convert(
        file, tmp_path / "out", architecture=tmp_path / "dtln.json", custom=custom, input_shape=(2048,)
    )
    module, report = conversion.module, conversion.report
    assert not report.placeholders
    assert (report.verification.status, report.verification.compared) == ("equal", 19)
    ours = {name: array for t in module.transfers for name, array in zip(t.parameters, t.read(), strict=True)}

    compared: set[str] = set()
    for name, value in ours.items():
        array = value
        layer, _, parameter = name.rpartition(".")
        theirs = {"weight": "gamma", "bias": "beta"}.get(parameter, parameter) if "norm" in layer else parameter
        key = f"{TWIN[layer]}.{theirs}"
        compared.add(key)
        if parameter.startswith("bias_"):  # the twin puts the whole bias on the hidden side, we on the input side
            array = ours[f"{layer}.bias_ih_l0"] + ours[f"{layer}.bias_hh_l0"]
            expected = twin[f"{TWIN[layer]}.bias_ih_l0"] + twin[f"{TWIN[layer]}.bias_hh_l0"]
        else:
            expected = twin[key].reshape(array.shape)
        np.testing.assert_array_equal(array, expected.numpy(), err_msg=name)

    assert compared == set(twin)
    assert report.variables_used == report.variables_stored == 20


@pytest.mark.corpus
@pytest.mark.oracle
def test_the_file_that_normalises_the_spectrum_converts_too(tmp_path: Path) -> None:
    (tmp_path / "dtln.json").write_text(architecture(norm=True))
    file, custom = corpus_file("breizhn-DTLN/DTLN_norm_40h.h5"), EXAMPLE / "dtln_layers.py"

    report = convert(
        file, tmp_path / "out", architecture=tmp_path / "dtln.json", custom=custom, input_shape=(1280,)
    ).report

    assert not report.placeholders
    assert (report.verification.status, report.verification.compared) == ("equal", 23)
