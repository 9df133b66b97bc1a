"""The whole of it, beside the real Keras: right models pass, each injected fault is found where it was made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.verify.subjects import subject_of

from regraft.errors import OracleError
from regraft.layers.binding import Binding, Bound
from regraft.samples import path as sample
from regraft.verify import KerasError, Oracle, Subject, Verification, verify
from regraft.verify import verification as verification_module

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    """One worker for all tests: importing TensorFlow is most of the time."""
    pytest.importorskip("keras")
    pytest.importorskip("tf_keras")
    with Oracle(timeout=200) as running:
        yield running


@pytest.fixture(scope="module")
def digits() -> Subject:
    """The sample: convolutions, BatchNormalization, a residual sum, a Flatten and a Dense head."""
    return subject_of(sample("digits.keras"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of small models, written by both libraries."""
    keras, tf_keras = pytest.importorskip("keras"), pytest.importorskip("tf_keras")
    from tests.verify import keras_models as models

    folder = tmp_path_factory.mktemp("verify")
    canary = folder / "canary.txt"
    found = {
        "nested.keras": models.save(models.nested(keras), folder / "nested.keras"),
        "nested.h5": models.save(models.nested(tf_keras), folder / "nested.h5"),
        "recurrent.h5": models.save(models.recurrent(tf_keras), folder / "recurrent.h5"),
        "first.h5": models.save(models.channels_first(tf_keras), folder / "first.h5"),
        "volume.keras": models.save(models.volume(keras), folder / "volume.keras"),
        "lambda.h5": models.save(models.with_lambda(tf_keras, canary), folder / "lambda.h5"),
        "lambda.keras": models.save(models.with_lambda(keras, canary), folder / "lambda.keras"),
    }
    assert canary.exists(), "the Lambda ran while the model was made"
    canary.unlink()
    return {**found, "canary": canary}


def state(subject: Subject) -> dict[str, np.ndarray]:
    """A copy of a subject's parameters."""
    assert callable(subject.state)
    return {name: array.copy() for name, array in subject.state().items()}


def equal(found: Verification) -> bool:
    """Everything compared and equal, with errors far inside the limits."""
    return found.status == "equal" and found.first_failure is None and not found.not_reached


# ---- right conversions


def test_the_sample_is_equal_in_every_layer(digits: Subject, oracle: Oracle) -> None:
    found = verify(digits, oracle=oracle)
    assert equal(found), found.reason
    assert (found.config, found.weights, found.weight_mismatches) == ("file", "loaded by Keras", ())
    assert found.weights_compared == 19
    assert found.oracle.startswith("keras 3.")
    assert [c.layer for c in found.checks[:3]] == ["stem", "stem_bn", "re_lu"]
    assert found.checks[-1].type == "output"
    assert "argmax agrees in" in found.checks[-2].note
    assert found.worst64 is not None
    assert 0 < found.worst64 < 1e-13
    assert found.worst32 is not None
    assert 0 < found.worst32 < 1e-5
    assert found.inputs == ("batch of 2: 2x8x8x1 normal numbers", "batch of 3: 3x8x8x1 normal numbers")


def test_nested_models_are_compared_inside_and_told_apart_by_call(files: dict[str, Path], oracle: Oracle) -> None:
    for name, library in (("nested.keras", "keras"), ("nested.h5", "tf-keras")):
        found = verify(subject_of(files[name]), oracle=oracle)
        assert equal(found), found.reason
        assert found.oracle.startswith(f"{library} ")
        layers = [check.layer for check in found.checks]
        assert layers == [
            "stem", "block/conv", "block/norm", "block", "half", "block/conv call 2.1", "block/norm call 2.1",
            "block call 2", "tail/pool", "tail/dense", "tail", "classes", "(output 1)", "(output 2)",
        ]  # fmt: skip
        sizes = {check.layer: check.shape for check in found.checks}
        assert sizes["block/conv"] != sizes["block/conv call 2.1"]
        odd, even = (words.split()[3].split("x")[1:3] for words in found.inputs)
        assert odd[0] != odd[1]
        assert odd != even


def test_keras_2_recurrent_layers_under_ragged_masks(files: dict[str, Path], oracle: Oracle) -> None:
    subject = subject_of(files["recurrent.h5"])
    alone = dataclasses.replace(subject, blueprint=dataclasses.replace(subject.blueprint, keras_version="2.3.1"))
    for found in (verify(subject, oracle=oracle), verify(alone, oracle=oracle)):
        assert equal(found), found.reason
        assert all("integers below 13, steps masked by 0" in words for words in found.inputs)


def test_channels_first_runs_in_float64_through_the_compiler(files: dict[str, Path], oracle: Oracle) -> None:
    found = verify(subject_of(files["first.h5"]), oracle=oracle)
    assert equal(found), found.reason
    assert all(check.error64 is not None for check in found.checks)


def test_where_tensorflow_lacks_float64_only_float32_is_compared_and_said(
    files: dict[str, Path], oracle: Oracle
) -> None:
    found = verify(subject_of(files["volume.keras"]), oracle=oracle)
    assert found.status == "equal", found.reason
    assert found.worst64 is None
    assert found.worst32 is not None
    assert any("could not run this model in float64" in note for note in found.notes)


# ---- placeholders and code in the file


@pytest.mark.parametrize("name", ["lambda.h5", "lambda.keras"])
def test_a_lambda_never_runs_and_the_rest_is_compared(files: dict[str, Path], oracle: Oracle, name: str) -> None:
    found = verify(subject_of(files[name]), oracle=oracle)
    assert not files["canary"].exists()
    assert found.status == "partly verified", found.reason
    assert (found.config, found.weights) == ("regenerated", "set from our reading")
    compared = {check.layer for check in found.checks}
    missed = dict(found.not_reached)
    assert "before" in compared
    assert "cannot be converted" in missed["code"]
    assert missed["after"] == "depends on a layer that cannot be compared"
    assert ("side" in compared) != ("not reached" in missed.get("side", ""))
    assert found.compared + len(missed) == found.total


def test_the_worker_refuses_a_lambda_by_itself(oracle: Oracle) -> None:
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {}}]}}
    with pytest.raises(KerasError, match="must not reach Keras: class 'Lambda'"):
        oracle.build("tf_keras", config, [(None, 3)])


# ---- injected faults


def test_a_wrong_padding_in_the_source_is_found_at_its_layer(digits: Subject, oracle: Oracle) -> None:
    head, mark, tail = digits.source.partition("self.residual_conv = ")
    wrong = dataclasses.replace(digits, source=head + mark + tail.replace("padding=1", "padding=0", 1))
    found = verify(wrong, oracle=oracle)
    assert found.status == "different"
    assert found.first_failure is not None
    assert found.first_failure.layer == "residual_conv"
    assert "shape (2, 6, 6, 12), in Keras (2, 8, 8, 12)" in found.first_failure.note


def test_epsilon_of_pytorch_instead_of_keras_is_found_at_its_layer(digits: Subject, oracle: Oracle) -> None:
    """6e-4 of the scale: a sloppy comparison lets it pass."""
    head, mark, tail = digits.source.partition("self.batch_normalization = ")
    assert "eps=0.001" in tail
    wrong = dataclasses.replace(digits, source=head + mark + tail.replace("eps=0.001", "eps=1e-05", 1))
    found = verify(wrong, oracle=oracle)
    assert found.status == "different"
    assert found.first_failure is not None
    assert found.first_failure.layer == "batch_normalization"
    assert found.first_failure.error64 is not None
    assert found.first_failure.error64 > 1e-8


@pytest.mark.parametrize(
    ("fault", "layer"),
    [
        (lambda s: s.update({"stem_bn.weight": s["stem_bn.bias"], "stem_bn.bias": s["stem_bn.weight"]}), "stem_bn"),
        (lambda s: s.update({"conv2d.weight": s["conv2d.weight"].swapaxes(2, 3).copy()}), "conv2d"),
        (lambda s: s["residual_conv.weight"].ravel().__setitem__(0, 1e-3), "residual_conv"),
    ],
)
def test_a_wrong_parameter_is_found_at_its_layer(digits: Subject, oracle: Oracle, fault: Any, layer: str) -> None:
    parameters = state(digits)
    fault(parameters)
    found = verify(dataclasses.replace(digits, state=lambda: parameters), oracle=oracle)
    assert found.status == "different"
    assert found.first_failure is not None
    assert found.first_failure.layer == layer
    assert layer in found.reason


def test_nan_in_a_parameter_is_a_difference(digits: Subject, oracle: Oracle) -> None:
    parameters = state(digits)
    parameters["conv2d.bias" if "conv2d.bias" in parameters else "conv2d.weight"].flat[0] = np.nan
    found = verify(dataclasses.replace(digits, state=lambda: parameters), oracle=oracle)
    assert found.status == "different"
    assert found.first_failure is not None
    assert found.first_failure.layer == "conv2d"
    assert "in Keras 0" in found.first_failure.note


def test_a_crash_of_the_module_is_a_difference_that_names_the_layer(digits: Subject, oracle: Oracle) -> None:
    head, mark, tail = digits.source.partition("self.conv2d = nn.Conv2d(")
    inputs, rest = tail.split(",", 1)
    parameters = state(digits)
    parameters["conv2d.weight"] = np.concatenate([parameters["conv2d.weight"]] * 2, 1)
    wrong = dataclasses.replace(digits, source=f"{head}{mark}{int(inputs) * 2},{rest}", state=lambda: parameters)
    found = verify(wrong, oracle=oracle)
    assert found.status == "different"
    assert found.first_failure is not None
    assert found.first_failure.layer == "conv2d"
    assert "the emitted module raised RuntimeError" in found.first_failure.note
    assert "not reached: the emitted module raised RuntimeError" in dict(found.not_reached)["digit"]


def test_a_reader_that_reads_otherwise_than_keras_is_found(digits: Subject, oracle: Oracle) -> None:
    """Gamma and beta swapped where the file is read: both of our sides agree, Keras does not."""
    layers = {name: dict(variables) for name, variables in digits.binding.layers.items()}
    own = layers["stem_bn"]
    own["gamma"], own["beta"] = own["beta"], own["gamma"]
    wrong = dataclasses.replace(digits, binding=Binding(layers))
    found = verify(wrong, oracle=oracle)
    assert found.status == "different"
    assert [words.split(" (")[0] for words in found.weight_mismatches] == ["stem_bn: gamma", "stem_bn: beta"]
    assert "Keras reads other values from the file" in found.reason


# ---- routes


def test_a_file_that_keras_cannot_load_is_filled_from_our_reading(
    digits: Subject, oracle: Oracle, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"no weights at all")
    found = verify(dataclasses.replace(digits, file=damaged), oracle=oracle)
    assert equal(found), found.reason
    assert found.weights == "set from our reading"
    assert any("it has the weights from our reading instead" in note for note in found.notes)


def test_without_its_own_configuration_the_regenerated_one_is_used(digits: Subject, oracle: Oracle) -> None:
    found = verify(dataclasses.replace(digits, config=None), oracle=oracle)
    assert equal(found), found.reason
    assert (found.config, found.weights) == ("regenerated", "loaded by Keras")


def test_float64_weights_are_compared_as_float64(digits: Subject, oracle: Oracle) -> None:
    """Weights that float32 cannot hold: our reading goes to Keras, the float64 state to the module."""

    def wide(bound: Bound) -> Bound:
        source = dataclasses.replace(
            bound.sources[0], dtype="float64", loader=lambda: bound.read().astype(np.float64) * (1 + 2**-40)
        )
        return dataclasses.replace(bound, sources=(source,), moves=())

    layers = {n: {v: wide(b) for v, b in variables.items()} for n, variables in digits.binding.layers.items()}
    parameters = {name: array.astype(np.float64) * (1 + 2**-40) for name, array in state(digits).items()
                  if array.dtype.kind == "f"}  # fmt: skip
    rest = {name: array for name, array in state(digits).items() if array.dtype.kind != "f"}
    subject = dataclasses.replace(digits, file=None, binding=Binding(layers), state=lambda: {**parameters, **rest})
    found = verify(subject, oracle=oracle)
    assert equal(found), found.reason
    assert found.worst64 is not None
    assert found.worst64 < 1e-14


# ---- no verdict


def test_without_keras_the_verdict_says_what_to_install(digits: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        verification_module, "absent", lambda _: "keras is not installed; pip install 'regraft[oracle]'"
    )
    found = verify(digits)
    assert found.status == "not verified"
    assert found.reason.startswith("not verified against Keras: keras is not installed; pip install")
    assert found.checks == ()


def test_an_input_without_shape_is_said(digits: Subject, oracle: Oracle) -> None:
    entry, *rest = digits.blueprint.layers
    open_entry = dataclasses.replace(entry, config={**entry.config, "batch_shape": None})
    blueprint = dataclasses.replace(digits.blueprint, layers=(open_entry, *rest))
    found = verify(dataclasses.replace(digits, blueprint=blueprint), oracle=oracle)
    assert found.reason == "not verified against Keras: the shape of an input is unknown; give it with --input-shape"


def test_a_model_that_keras_refuses_is_not_verified_with_its_words(digits: Subject, oracle: Oracle) -> None:
    config = '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": -3}}]}}'
    found = verify(dataclasses.replace(digits, config=config, regenerate=lambda *_: config), oracle=oracle)
    assert found.status == "not verified"
    assert "Keras could not build the model" in found.reason
    assert "-3" in found.reason


def test_a_crash_of_the_worker_is_an_oracle_error_and_the_next_verification_runs(
    digits: Subject, oracle: Oracle
) -> None:
    def crash(words: str) -> None:
        process = oracle.worker.process
        if words == "Keras loads the weights":
            assert process is not None
            process.kill()
            process.wait()

    with pytest.raises(OracleError, match="ended with signal 9 while it had to load the model") as error:
        verify(digits, oracle=oracle, progress=crash)
    assert not isinstance(error.value, KerasError)
    assert verify(digits, oracle=oracle).status == "equal"
