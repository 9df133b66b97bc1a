"""A result against the real Keras, whatever the model is: what is right is equal, each fault is found where it was made."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.twin import randomise

import regraft
from regraft.cli import main
from regraft.errors import FileError, OracleError, OutputError
from regraft.report.verified import VerifiedReport
from regraft.samples import path as sample
from regraft.verify import Oracle

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore::UserWarning")]
DIGITS = sample("digits.keras")


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    pytest.importorskip("keras")
    pytest.importorskip("tf_keras")
    with Oracle(timeout=200) as running:
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    regraft.convert(DIGITS, out, verify=False)
    return out


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "out"))


def edit(out: Path, old: str, new: str) -> None:
    text = (out / "model.py").read_text()
    assert old in text
    (out / "model.py").write_text(text.replace(old, new, 1))


def verified(out: Path, against: str | Path, oracle: Oracle, **more: Any) -> VerifiedReport:
    return regraft.verify(out, against=against, oracle=oracle, seconds=60.0, **more)


def test_the_same_model_in_another_file(out: Path, oracle: Oracle) -> None:
    found = verified(out, sample("digits.h5"), oracle)
    assert (found.status, found.route, found.exit_code, found.command) == ("equal", "layer by layer", 0, "")
    assert found.verification.compared == found.verification.total == 15


@pytest.mark.parametrize(("precision", "both"), [("float64", (True, False)), ("float32", (False, True))])
def test_one_precision(precision: Any, both: tuple[bool, bool], out: Path, oracle: Oracle) -> None:
    found = verified(out, DIGITS, oracle, precision=precision, low_memory=precision == "float64")
    assert found.status == "equal"
    assert {(row.error64 is not None, row.error32 is not None) for row in found.verification.layers} == {both}


def test_samples(out: Path, oracle: Oracle, tmp_path: Path) -> None:
    images = np.random.default_rng(3).uniform(0, 1, (5, 8, 8, 1)).astype("float32")
    np.save(tmp_path / "x.npy", images)
    found = verified(out, DIGITS, oracle, samples=tmp_path / "x.npy")
    assert found.status == "equal"
    assert found.verification.inputs == ("your samples: 5x8x8x1",)
    with pytest.raises(FileError, match="they look channels first"):
        verified(out, DIGITS, oracle, samples=images.transpose(0, 3, 1, 2))
    with pytest.raises(FileError, match="expected"):
        verified(out, DIGITS, oracle, samples=images[:, :7])


def test_weights_that_were_trained_on(out: Path, oracle: Oracle) -> None:
    state = torch.load(out / "model.pth", weights_only=True)
    state["conv2d_1.weight"] *= 1.03
    torch.save(state, out / "model.pth")
    found = verified(out, DIGITS, oracle)
    assert (found.status, found.first, found.route) == ("different", "conv2d_1", "layer by layer")
    assert [(row.parameter, row.layer) for row in found.parameters] == [("conv2d_1.weight", "conv2d_1")]
    assert found.parameters[0].error == pytest.approx(0.03, rel=1e-3)
    del state["digit.bias"]
    torch.save(state, out / "model.pth")
    with pytest.raises(OutputError, match=r"it lacks digit\.bias"):
        verified(out, DIGITS, oracle)


@pytest.mark.parametrize(
    ("old", "new", "first", "words"),
    [
        # the pad makes a map of another size, and the code raises further on
        ("20, 3, stride=2)", "20, 3, stride=2, padding=1)", "conv2d_1", "padding=(1, 1)"),
        # the size is the same: only the numbers tell
        (
            "conv2d = nn.Conv2d(12, 12, 3, padding=1)",
            "conv2d = nn.Conv2d(12, 12, 3, padding=2, dilation=2)",
            "conv2d",
            "dilation",
        ),
        ("stem_bn = nn.BatchNorm2d(12, eps=0.001", "stem_bn = nn.BatchNorm2d(12, eps=0.1", "stem_bn", "eps"),
    ],
)
def test_a_model_that_was_edited(old: str, new: str, first: str, words: str, out: Path, oracle: Oracle) -> None:
    edit(out, old, new)
    found = verified(out, DIGITS, oracle)
    assert (found.status, found.first, found.route, found.exit_code) == ("different", first, "by values", 1)
    assert found.comparison is not None
    cause = found.comparison.causes[0]
    assert cause.layer == first
    assert words in f"{cause.what} {cause.words} {cause.change}"
    assert found.command == f"regraft convert {DIGITS} -o {out} --force"


def test_other_code_that_computes_the_same(out: Path, oracle: Oracle) -> None:
    edit(out, "x = self.stem(x)", "x = self.stem(x * 2 / 2)")
    found = verified(out, DIGITS, oracle)
    assert (found.status, found.route, found.verification.status, found.exit_code) == ("equal", "by values", "equal", 0)


def test_an_architecture_that_was_recovered_wrongly(tmp_path: Path, oracle: Oracle) -> None:
    """What was assumed is named with what the model has, and the command that is given makes it right."""
    out = tmp_path / "out"
    regraft.convert(sample("digits.weights.h5"), out, input_shape=(8, 8, 1), verify=False)
    found = verified(out, DIGITS, oracle)
    assert (found.status, found.exit_code) == ("different", 1)
    told = {row.subject: (row.label, row.here, row.there) for row in found.settings}
    assert told["residual_conv.activation"] == ("assumed", "relu", "linear")
    assert found.comparison is not None
    assert found.comparison.first is not None
    command = shlex.split(found.command)
    assert command[0] == "regraft"
    assert main([*command[1:], "--no-verify", "--quiet"]) == 3
    again = verified(out, DIGITS, oracle)
    assert again.status == "equal"
    assert [row.subject for row in again.settings] == ["dropout.rate"], "which matters only in training"


def test_weights_alone_leave_the_architecture_open(out: Path, oracle: Oracle) -> None:
    found = verified(out, sample("digits.weights.h5"), oracle)
    assert (found.status, found.exit_code) == ("equal", 3)
    assert found.choices[0].subject == "architecture"
    assert "not the architecture" in found.notes[-1]


BUILD = """
import {library} as k
import numpy as np

def build(width, seed=1):
    x = k.Input((9, 7, 2), name="image")
    y = k.layers.Conv2D(width, 3, padding="same", activation="tanh", name="conv")(x)
    model = k.Model(x, k.layers.Dense(4, name="head")(k.layers.Flatten(name="flat")(y)))
    rng = np.random.default_rng(seed)
    model.set_weights([rng.standard_normal(array.shape) for array in model.get_weights()])
    return model
"""


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_a_function_of_the_user(library: str, tmp_path: Path, oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(library)
    file = tmp_path / f"net_{library}.py"
    file.write_text(BUILD.format(library=library))
    from regraft.verify.origin import resolved

    with resolved(f"{file}:build(5)", oracle=oracle) as origin:
        assert origin.file is not None
        regraft.convert(origin.file, tmp_path / "out", verify=False)
    found = verified(tmp_path / "out", f"{file}:build(width=5)", oracle)
    assert (found.status, found.kind, found.exit_code) == ("equal", "function", 0)
    other = verified(tmp_path / "out", f"{file}:build(5, seed=2)", oracle)
    assert (other.status, other.first) == ("different", "conv")
    assert len(other.parameters) == 4
    with pytest.raises(OracleError, match="missing 1 required positional argument"):
        verified(tmp_path / "out", f"{file}:build", oracle)


def saved_model(k: Any, folder: Path, *, described: bool) -> Path:
    """Keras file and SavedModel of one model; returns the file."""
    x = k.Input((9, 7, 2), name="image")
    y = k.layers.BatchNormalization(name="norm")(k.layers.Conv2D(5, 3, name="conv")(x))
    y = k.layers.GlobalMaxPooling2D(name="pool")(k.layers.ReLU(name="relu")(k.layers.Dropout(0.3, name="drop")(y)))
    model = k.Model(x, k.layers.Dense(4, activation="softmax", name="head")(y), name="net")
    randomise(model, 9)
    file = folder / ("model.h5" if described else "model.keras")
    model.save(file)
    if described:
        model.save(folder / "saved", save_format="tf")
    else:
        model.export(folder / "saved", verbose=False)
    return file


def test_a_saved_model_of_tf_keras(tmp_path: Path, oracle: Oracle) -> None:
    file = saved_model(pytest.importorskip("tf_keras"), tmp_path, described=True)
    regraft.convert(file, tmp_path / "out", verify=False)
    found = verified(tmp_path / "out", tmp_path / "saved", oracle)
    assert (found.status, found.kind, found.route) == ("equal", "SavedModel", "layer by layer")


def test_a_saved_model_that_keras_3_exported(tmp_path: Path, oracle: Oracle) -> None:
    file = saved_model(pytest.importorskip("keras"), tmp_path, described=False)
    out = tmp_path / "out"
    regraft.convert(file, out, verify=False)
    found = verified(out, tmp_path / "saved", oracle)
    assert (found.status, found.kind, found.route, found.exit_code) == ("equal", "graph", "with a graph", 0)
    assert [row.layer for row in found.verification.layers] == [
        "conv",
        "norm",
        "relu",
        "pool",
        "head",
        "(output output_0)",
    ]
    edit(out, "eps=0.001", "eps=0.1")
    wrong = verified(out, tmp_path / "saved", oracle)
    assert (wrong.status, wrong.first, wrong.exit_code) == ("different", "norm", 1)
    edit(out, "self.conv(x)", "self.conv(x, x)")
    raising = verified(out, tmp_path / "saved", oracle)
    assert raising.status == "different"
    assert "raised TypeError" in raising.verification.reason


OWN = """
import {library} as k

class Scale2(k.layers.Layer):
    def __init__(self, factor=2.0, **settings):
        super().__init__(**settings)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {{**super().get_config(), "factor": self.factor}}

def build():
    k.utils.set_random_seed(3)
    x = k.Input((6,), name="x")
    return k.Model(x, k.layers.Dense(4, name="dense")(Scale2(3.0, name="scaled")(x)))
"""
FORM = """
from dataclasses import dataclass
from regraft.layers import Form, Layer, Site, setting

@dataclass(frozen=True, kw_only=True)
class Scale2(Layer):
    factor: float = setting(2.0)

    def torch(self, site: Site) -> Form:
        return Form((f"%0 * {self.factor}",))

def keras_objects(keras):
    from own_net import Scale2 as theirs

    return {"Scale2": theirs}
"""


def test_layers_of_the_user(tmp_path: Path, oracle: Oracle) -> None:
    from regraft.verify.origin import resolved

    (tmp_path / "own_net.py").write_text(OWN.format(library="keras"))
    (tmp_path / "form.py").write_text(FORM)
    build, out, custom = f"{tmp_path / 'own_net.py'}:build", tmp_path / "out", tmp_path / "form.py"
    with resolved(build, oracle=oracle) as origin:
        assert origin.file is not None
        regraft.convert(origin.file, out, custom=custom, verify=False)
    found = verified(out, build, oracle, custom=custom)
    assert (found.status, found.route) == ("equal", "layer by layer")
    assert [row.layer for row in found.verification.layers] == ["scaled", "dense", "(output 1)"]


def test_several_inputs(tmp_path: Path, oracle: Oracle) -> None:
    """Samples come in Keras order; the graph knows its inputs by their names."""
    k = pytest.importorskip("keras")
    k.utils.set_random_seed(5)
    a, b = k.Input((6, 5, 2), name="a"), k.Input((7,), dtype="int32", name="b")
    p = k.layers.GlobalAveragePooling2D(name="mean")(k.layers.Conv2D(3, 3, name="conv")(a))
    q = k.layers.LSTM(3, name="lstm")(k.layers.Embedding(9, 4, name="embedding")(b))
    model = k.Model([b, a], [k.layers.Dense(2, name="head")(k.layers.Concatenate(name="join")([p, q])), q], name="two")
    randomise(model, 5)
    model.save(tmp_path / "two.keras")
    model.export(tmp_path / "two", verbose=False)
    regraft.convert(tmp_path / "two.keras", tmp_path / "out", verify=False)
    rng = np.random.default_rng(2)
    samples = [rng.integers(0, 9, (4, 7)), rng.standard_normal((4, 6, 5, 2)).astype("float32")]
    found = verified(tmp_path / "out", tmp_path / "two.keras", oracle, samples=samples)
    assert (found.status, found.verification.inputs) == ("equal", ("your samples: 4x7; 4x6x5x2",))
    with pytest.raises(FileError, match="expected"):
        verified(tmp_path / "out", tmp_path / "two.keras", oracle, samples=samples[::-1])
    graph = verified(tmp_path / "out", tmp_path / "two", oracle, samples=samples)
    assert graph.status in ("equal", "partly verified")
    assert {"conv", "mean", "lstm", "head"} <= {row.layer for row in graph.verification.layers}


def test_a_conversion_is_verified_as_before(tmp_path: Path, oracle: Oracle) -> None:
    done = regraft.convert(DIGITS, tmp_path / "out", verify=False)
    assert regraft.verify(done, oracle=oracle).status == "equal"
    with pytest.raises(OutputError, match="compared with its own file"):
        regraft.verify(done, against=DIGITS)  # type: ignore[call-overload]
    with pytest.raises(OutputError, match="compared with which Keras model"):
        regraft.verify(tmp_path / "out")  # type: ignore[call-overload]
