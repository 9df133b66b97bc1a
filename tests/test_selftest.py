"""The self-test that travels: it passes for every kind of model, and finds what has changed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.cli.test_main import lambda_model
from tests.golden.cases import frames, open_sizes, speech, tagger, transformer, translator, two_towers, unet
from tests.selftests import said
from tests.twin import randomise

from regraft.convert import Conversion, convert
from regraft.errors import OutputError
from regraft.report import VerificationRow
from regraft.samples import path as sample
from regraft.selftest import reference


def hostile() -> Any:
    """Layers whose names are words of the test, or try to be code."""
    from keras import Input, Model, layers

    x = entry = Input((5, 4), name="in'put")
    for name in ("output", "weight", "digests", "selftest", "Model", 'x"y\\n', "a b[0]", "rows"):
        x = layers.Dense(4, name=name, activation="tanh")(x)
    return Model(entry, x)


def pixels() -> Any:
    """224 x 224 x 3 and nothing smaller."""
    from keras import Sequential, layers

    return Sequential([layers.Input((224, 224, 3)), layers.Conv2D(4, 5, strides=4), layers.GlobalAveragePooling2D()])


def narrow() -> Any:
    """bfloat16 variables."""
    from keras import Sequential, layers

    return Sequential([layers.Input((6,)), layers.Dense(5, dtype="bfloat16"), layers.Dense(3, dtype="bfloat16")])


def batch_of_four() -> Any:
    """A model that takes four samples, not one."""
    from keras import Sequential, layers

    return Sequential([layers.Input(batch_shape=(4, 6, 5)), layers.LSTM(3, stateful=True), layers.Dense(2)])


def decided() -> Any:
    """Outputs that are integers."""
    from keras import Input, Model, layers, ops

    entry = Input((9,))
    x = layers.Dense(7)(entry)
    return Model(entry, [ops.argmax(x, axis=-1), ops.round(3 * x)])


#: Build function, what is compared, and the size that the file keeps below in bytes.
MODELS: dict[Callable[[], Any], tuple[str, int]] = {
    unet: ("92 weights, 49 modules and 1 output", 10_000),
    open_sizes: ("14 weights, 8 modules and 1 output", 10_000),
    tagger: ("11 weights, 4 modules and 1 output", 2_000),
    speech: ("22 weights, 5 modules and 1 output", 2_000),
    translator: ("38 weights, 19 modules and 1 output", 3_000),
    transformer: ("30 weights, 16 modules and 1 output", 3_000),
    frames: ("13 weights, 10 modules and 1 output", 4_000),
    two_towers: ("8 weights, 6 modules and 2 outputs", 2_000),
    hostile: ("16 weights, 8 modules and 1 output", 2_000),
    pixels: ("2 weights, 1 module and 1 output", 10_000),
    narrow: ("4 weights, 2 modules and 1 output", 1_000),
    batch_of_four: ("6 weights, 2 modules and 1 output", 2_000),
    decided: ("2 weights, 1 module and 2 outputs", 1_000),
}


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[], Any]], Path]:
    """Converts a model when it is first asked for."""
    folders: dict[str, Path] = {}

    def give(build: Callable[[], Any]) -> Path:
        name = build.__name__
        if name not in folders:
            model = build()
            randomise(model)
            file = tmp_path_factory.mktemp(name) / f"{name}.keras"
            model.save(file)
            folders[name] = convert(file, file.parent / "out", verify=False, selftest=True).folder
        return folders[name]

    return give


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    return convert(sample("digits.h5"), tmp_path_factory.mktemp("digits"), verify=False, selftest=True)


@pytest.mark.oracle
@pytest.mark.parametrize("build", MODELS, ids=lambda build: build.__name__)
def test_it_passes(build: Callable[[], Any], folder_of: Callable[[Callable[[], Any]], Path]) -> None:
    what, size = MODELS[build]
    folder = folder_of(build)
    text = said(folder)
    assert re.fullmatch(
        rf"selftest: {what} as recorded \(largest difference \de-\d\d of the scale\), not checked .*\n", text
    )
    assert (folder / "selftest.npz").stat().st_size < size


def test_it_is_small_and_the_same_each_time(digits: Conversion, tmp_path: Path) -> None:
    again = convert(sample("digits.h5"), tmp_path, verify=False, selftest=True).folder / "selftest.npz"
    stored = (digits.folder / "selftest.npz").read_bytes()
    assert len(stored) < 3_000
    assert again.read_bytes() == stored
    with np.load(again) as arrays:
        assert arrays["input_0"].shape == (1, 1, 8, 8)
        assert json.loads(arrays["expected.json"])["inputs"] == [["input_0", "float32", [1, 1, 8, 8], 256]]


@pytest.mark.filterwarnings("ignore:TF32 acceleration:UserWarning")
@pytest.mark.parametrize("threads", [1, 2])
def test_other_kernels_and_threads_pass(threads: int, digits: Conversion) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.backends.mkldnn.flags(enabled=False):
            assert "as recorded" in said(digits.folder)
    finally:
        torch.set_num_threads(before)


#: What is changed in the code of the digits, and what is said to differ first.
CHANGES = [
    ("nn.BatchNorm2d(12, eps=0.001", "nn.BatchNorm2d(12, eps=0.0011", "module stem_bn"),
    ("x = self.stem(x)", "x = self.stem(x.flip(2))", "module stem"),
    ("nn.Conv2d(1, 12, 3, padding=1,", 'nn.Conv2d(1, 12, 3, padding=1, padding_mode="reflect",', "module stem"),
    ("nn.Conv2d(12, 12, 3, padding=1)", "nn.Conv2d(12, 12, 3)", "module conv2d"),
    ("re_lu = F.relu(x, inplace=True)", "re_lu = F.gelu(x)", "module conv2d"),
    ("re_lu = F.relu(x, inplace=True)", "re_lu = F.leaky_relu(x, 0.001)", "module conv2d"),
    ("x += re_lu", "x -= re_lu", "module conv2d_1"),
    ("F.pad(x, (0, 1, 0, 1))", "F.pad(x, (1, 0, 1, 0))", "module conv2d_1"),
    ("nn.MaxPool2d((2, 1))", "nn.AvgPool2d((2, 1))", "module max_pooling2d"),
    ("x = x.flatten(1)", "x = x.transpose(2, 3).flatten(1)", "module dropout"),
    ("x = self.dropout(x)", "x = x", "module dense"),
    ("F.relu(self.dense(x))", "F.relu6(self.dense(x))", "module digit"),
    ("F.softmax(self.digit(x), dim=1)", "F.log_softmax(self.digit(x), dim=1)", "output"),
    ("        return x", "        return x, x", "output[0]"),
]


@pytest.mark.parametrize(("old", "new", "where"), CHANGES, ids=lambda value: str(value)[:30])
def test_changed_code_is_found(old: str, new: str, where: str, digits: Conversion) -> None:
    source = digits.module.source
    assert source.count(old) >= 1
    text = said(digits.folder, source.replace(old, new, 1))
    assert text.startswith(f"selftest: {where} differs, and all before it agree.\n")


@pytest.mark.oracle
@pytest.mark.parametrize("build", [tagger, two_towers, transformer], ids=lambda build: build.__name__)
def test_one_changed_element_of_any_weight_is_found(
    build: Callable[[], Any], folder_of: Callable[[Callable[[], Any]], Path]
) -> None:
    folder = folder_of(build)
    state = torch.load(folder / "model.pth", weights_only=True)
    for name, tensor in state.items():
        changed = tensor.clone()
        changed.view(-1)[7 % tensor.numel()] += 0.01
        assert said(folder, state={**state, name: changed}).startswith(f"selftest: weight {name} differs"), name


def test_a_weight_that_is_not_a_number_is_found(digits: Conversion) -> None:
    state = torch.load(digits.folder / "model.pth", weights_only=True)
    state["dense.bias"][3] = float("nan")
    assert said(digits.folder, state=state).startswith("selftest: weight dense.bias differs")


@pytest.mark.oracle
def test_an_output_less_is_found(folder_of: Callable[[Callable[[], Any]], Path]) -> None:
    folder = folder_of(decided)
    source = (folder / "model.py").read_text()
    shorter = re.sub(r"return (\w+), \w+\n", r"return (\1,)\n", source)
    assert shorter != source
    assert said(folder, shorter) == "selftest: output[1] did not run, and all before it agree."


@pytest.mark.parametrize(
    ("verification", "expected"),
    [
        (
            VerificationRow("equal", oracle="keras 3.15.1, tensorflow 2.21.0"),
            "checked against keras 3.15.1 at conversion",
        ),
        (
            VerificationRow("partly verified", oracle="tf_keras 2.21.0"),
            "partly checked against tf_keras 2.21.0 at conversion",
        ),
        (VerificationRow("different", oracle="keras 3.15.1"), "which differed from keras 3.15.1 at conversion"),
        (VerificationRow("not verified"), "not checked against Keras at conversion"),
    ],
    ids=lambda value: getattr(value, "status", ""),
)
def test_it_says_whether_keras_agreed(verification: VerificationRow, expected: str) -> None:
    assert reference(verification) == expected
    assert reference(verification, recovered=True) == f"{expected}; the architecture was recovered"


@pytest.mark.oracle
def test_by_default_it_is_written_where_keras_was_asked(tmp_path: Path) -> None:
    conversion = convert(sample("digits.keras"), tmp_path)
    assert list(conversion.report.files)[-1] == "selftest.npz"
    assert re.search(r", checked against keras 3[.\d]+ at conversion\n$", said(conversion.folder))


def test_it_says_that_the_architecture_was_recovered(tmp_path: Path) -> None:
    file = sample("digits.weights.h5")
    conversion = convert(file, tmp_path, input_shape=(8, 8, 1), verify=False, selftest=True)
    assert said(conversion.folder).endswith(
        ", not checked against Keras at conversion; the architecture was recovered\n"
    )


def test_without_it_the_code_has_no_test(tmp_path: Path) -> None:
    conversion = convert(sample("digits.h5"), tmp_path, verify=False)
    assert "selftest" not in conversion.module.source
    assert not (tmp_path / "selftest.npz").exists()
    assert "selftest.npz" not in conversion.report.files


def test_the_test_of_code_that_is_replaced_is_gone(digits: Conversion, tmp_path: Path) -> None:
    shutil.copytree(digits.folder, tmp_path, dirs_exist_ok=True)
    convert(sample("digits.keras"), tmp_path, verify=False, force=True)
    assert not (tmp_path / "selftest.npz").exists()


def test_it_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "selftest.npz").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"already holds selftest\.npz"):
        convert(sample("digits.h5"), tmp_path, verify=False, selftest=True)


def test_a_model_with_a_placeholder_has_none(tmp_path: Path) -> None:
    file = lambda_model(tmp_path / "m.h5")
    conversion = convert(file, tmp_path / "out", verify=False, selftest=True)
    assert "selftest" not in conversion.module.source
    assert "selftest.npz" not in conversion.report.files
    reason = "no selftest.npz was written: a layer has no PyTorch form yet, so the model does not run"
    assert conversion.report.notes[-1] == reason


def test_back_to_keras_has_none(tmp_path: Path) -> None:
    convert(sample("digits.h5"), tmp_path, verify=False, selftest=True, format="keras")
    assert not (tmp_path / "selftest.npz").exists()


LAYER = "import torch\nfrom regraft.layers import Form, Layer\n\n\n{helper}\n\n\nclass Code(Layer):\n"
LAYER += "    lambda_layers = ('code',)\n\n    def torch(self, site):\n        return Form(('{form}',))\n"


def with_own(tmp_path: Path, helper: str, form: str) -> Conversion:
    """A model with a Lambda layer whose form is the user's."""
    mine = tmp_path / "mine.py"
    mine.write_text(LAYER.format(helper=helper, form=form))
    return convert(lambda_model(tmp_path / "m.h5"), tmp_path / "out", verify=False, selftest=True, custom=mine)


def test_what_is_random_is_not_compared_and_said(tmp_path: Path) -> None:
    conversion = with_own(tmp_path, "def noise(x):\n    return x + torch.rand_like(x)", "noise(%0)")
    assert " of them by name and shape only, as recorded" in said(conversion.folder)
    assert re.search(r"selftest\.npz has no numbers of .*: they are random, or decided", conversion.report.notes[-1])


def test_a_helper_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    conversion = with_own(tmp_path, "def digests(x):\n    return 2 * x", "digests(%0)")
    assert "def selftest" not in conversion.module.source
    assert "rename it" in conversion.report.notes[-1]


def test_a_model_that_stops_has_none(tmp_path: Path) -> None:
    conversion = with_own(tmp_path, "def stop(x):\n    raise ValueError('no')", "stop(%0)")
    assert conversion.report.notes[-1] == "no selftest.npz was written: model.py raised ValueError: no"
    assert not (conversion.folder / "selftest.npz").exists()
