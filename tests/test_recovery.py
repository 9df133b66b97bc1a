"""Recovery through its Python interface, on the weights-only samples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.recover.toy import chain, tree

import regraft
from regraft import samples
from regraft.blueprint import Blueprint, Call, TensorRef
from regraft.cli import main
from regraft.errors import BlueprintError, FileError
from regraft.layers import spec_of
from regraft.layers.conv import Conv2D
from regraft.layers.inputs import InputLayer
from regraft.recover.candidate import Candidate
from regraft.recovery import fitting, load_arrays, recover, regrouped, remembered, run, statistics_on
from regraft.stated import read_blueprint
from regraft.weights import WeightTree, read

SHAPE = (8, 8, 1)
POOL = {"max_pooling2d.pool_size": "2, 1"}


def images() -> np.ndarray:
    with np.load(samples.path("digits_images.npz"), allow_pickle=False) as data:
        return data["images"]


def known() -> np.ndarray:
    rows = json.loads(samples.path("digits.json").read_text(encoding="utf-8"))["shipped"]
    return np.array([row["keras_probabilities"] for row in rows])


def proved(candidate: Candidate) -> list[str]:
    return [choice.subject for choice in candidate.blueprint.choices if choice.label == "proved"]


def test_known_outputs_prove_an_architecture() -> None:
    found = regraft.recover(read(samples.path("digits.weights.h5")), pairs=(images()[:4], known()[:4]), settings=POOL)
    best = found[0]
    assert best.proof == "4 of 4 known outputs are reproduced"
    # The other twelve images were not shown.
    (outputs,) = run(best.blueprint, best.tree, (images(),)).outputs
    assert np.abs(outputs - known()).max() < 1e-5
    labels = {choice.subject: choice.label for choice in best.blueprint.choices}
    assert labels["conv2d_1.strides"] == labels["digit.activation"] == "proved"
    assert labels["max_pooling2d.pool_size"] == "proved"


def test_nothing_is_called_proved_without_a_proof() -> None:
    best = regraft.recover(read(samples.path("digits_legacy_weights.h5")), input_shapes=[SHAPE])[0]
    assert not best.proof
    assert all(subject.endswith(".batch_shape") for subject in proved(best))  # the user said that
    assert run(best.blueprint, best.tree, (images(),)).outputs[0].shape == (16, 10)


def test_a_list_of_arrays(tmp_path: Path) -> None:
    arrays = [variable.read() for variable in tree((6, 9, 4)).variables()]
    np.savez(tmp_path / "weights.npz", *arrays)
    stored = read(tmp_path / "weights.npz")
    best = recover(stored, input_shapes=[(6,)])[0]
    assert [spec.type for spec in best.blueprint.layers] == ["InputLayer", "Dense", "Dense"]
    assert all(subject.endswith(".batch_shape") for subject in proved(best))
    again = regrouped(stored, best.blueprint)
    assert [group.key for group in again.layers] == [group.key for group in best.tree.layers]
    with pytest.raises(regraft.ShapeMismatchError):
        regrouped(stored, chain(5, 2))


def test_a_list_of_arrays_with_its_architecture_is_dealt_out_as_set_weights_does(tmp_path: Path) -> None:
    stored = read(samples.path("digits_legacy_weights.h5"))
    arrays = [variable.read() for group in stored.layers for variable in group.variables]
    np.savez(tmp_path / "weights.npz", *arrays)
    json_file = tmp_path / "architecture.json"
    json_file.write_text(read(samples.path("digits.h5")).config or "")
    listed = regraft.convert(tmp_path / "weights.npz", tmp_path / "listed", architecture=json_file, verify=False)
    named = regraft.convert(
        samples.path("digits_legacy_weights.h5"), tmp_path / "named", architecture=json_file, verify=False
    )
    assert (tmp_path / "listed" / "model.pth").stat().st_size > 0
    assert [(c.subject, c.label) for c in listed.blueprint.choices if c.subject == "assignment"] == [
        ("assignment", "open")
    ]
    assert not [c for c in named.blueprint.choices if c.subject == "assignment"]
    ours, theirs = listed.binding.layers, named.binding.layers
    assert {name: list(own) for name, own in ours.items()} == {name: list(own) for name, own in theirs.items()}
    for name, own in ours.items():
        for variable, bound in own.items():
            np.testing.assert_array_equal(bound.read(), theirs[name][variable].read())


def test_an_architecture_that_takes_more_arrays_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", np.ones((6, 9)), np.ones(9))
    json_file = tmp_path / "architecture.json"
    json_file.write_text(read(samples.path("digits.h5")).config or "")
    with pytest.raises(regraft.ShapeMismatchError, match=r"takes \d+ arrays, the file has 2"):
        regraft.convert(tmp_path / "weights.npz", tmp_path / "out", architecture=json_file)


def test_three_kernels_without_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """About such a file little can be said: the likeliest model, every function listed as a guess, exit code 3."""
    rng = np.random.default_rng(0)
    shapes = [(7, 12), (12, 9), (9, 3)]
    np.savez(tmp_path / "kernels.npz", *[rng.standard_normal(shape).astype("float32") for shape in shapes])
    assert main(["convert", str(tmp_path / "kernels.npz"), "-o", str(tmp_path / "out"), "--no-verify"]) == 3
    assert "Assumed" in capsys.readouterr().out
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    functions = [choice for choice in report["choices"] if choice["subject"].endswith("activation")]
    assert len(functions) == 3
    assert {choice["label"] for choice in functions} <= {"assumed", "open"}
    assert all(len(choice["candidates"]) > 1 for choice in functions)


def maps(shape: tuple[int, int, int]) -> Candidate:
    """An input of that shape and a 3 x 3 convolution."""
    specs = (
        spec_of("in", InputLayer(batch_shape=(None, *shape))),
        spec_of("conv", Conv2D(filters=5, kernel_size=(3, 3))),
    )
    call = Call("conv", (TensorRef("in"),))
    return Candidate(Blueprint("toy", specs, (call,), (TensorRef("in"),), (TensorRef("conv"),)), tree((4, 7)), 0.0)


def test_inputs_that_no_candidate_takes_are_refused_with_another_order() -> None:
    fits, does_not = maps((9, 8, 1)), maps((1, 9, 8))
    assert fitting([does_not, fits], [(1, 9, 8)]) == (fits,)
    with pytest.raises(BlueprintError, match=r"inputs of shape 1,9,8; .* does not accept .*--input-shape 9,8,1\."):
        fitting([does_not], [(1, 9, 8)])
    with pytest.raises(BlueprintError, match="Give the shape of the inputs"):
        fitting([does_not], [])


def test_an_answer_for_a_layer_that_is_not_there() -> None:
    with pytest.raises(BlueprintError, match="no such layer"):
        recover(tree((4, 7, 3)), settings={"nothing.units": "3"})


def test_a_file_without_variables() -> None:
    with pytest.raises(FileError, match="no variables"):
        recover(WeightTree("empty.h5", "keras-2", (), "layer_names"))


def test_arrays_are_read_from_the_file_once() -> None:
    stored = remembered(read(samples.path("digits.weights.h5")))
    first, second = ([v.read() for v in stored.variables()] for _ in range(2))
    assert all(a is b for a, b in zip(first, second, strict=True))


def test_statistics_on_samples_are_those_of_training() -> None:
    stored = read(samples.path("digits.h5"))
    blueprint = read_blueprint(stored, None, None)
    measured = statistics_on(blueprint, stored, (images(),))
    assert set(measured) == {"stem_bn", "batch_normalization"}
    mean, variance = measured["stem_bn"]
    assert mean.shape == variance.shape == (12,)
    stem = next(group for group in stored.layers if group.key == "stem_bn")
    moving_mean, moving_variance = (v.read() for v in stem.variables[2:])
    assert np.abs(mean - moving_mean).max() < 0.5 * np.sqrt(moving_variance).max()


def test_a_run_that_fails_says_why() -> None:
    ran = run(chain(4, 7, 3), tree((4, 7, 3)), (np.zeros((2, 4)), np.zeros((2, 4))))
    assert ran.outputs == ()
    assert "takes 1 inputs, 2 are given" in ran.failure
    assert run(chain(5, 7, 3), tree((4, 7, 3)), (np.zeros((2, 5)),)).failure


def test_inputs_with_pickles_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match="cannot be read as arrays"):
        load_arrays(tmp_path / "objects.npy")
