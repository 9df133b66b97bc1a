"""The file of docs/custom-layers.md, as it stands there, on models of both Kerases in every form of file."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.twin import randomise

from regraft.convert import convert
from regraft.errors import BlueprintError, FileError
from regraft.layers import ALIASES, CATALOGUE
from regraft.layers.activations import EXPRESSIONS
from regraft.layers.custom import active, load
from regraft.verification import verify
from regraft.verify import Oracle

GUIDE = Path(__file__).parents[2] / "docs" / "custom-layers.md"
#: The module that the guide imports as the user's own.
MY_MODEL = """
from tensorflow import keras  # tf-keras where that is what runs

class ChannelScale(keras.layers.Layer):
    def build(self, shape):
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones", name="gamma")

    def call(self, x):
        return x * self.gamma

    def compute_output_shape(self, shape):
        return shape

def softplus2(x):
    return keras.activations.softplus(x) - 0.5
"""


@pytest.fixture
def my_layers(tmp_path: Path) -> Path:
    (block,) = re.findall(r'```python title="my_layers.py"\n(.*?)```', GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "my_model.py").write_text(MY_MODEL)
    (tmp_path / "my_layers.py").write_text(block)
    return tmp_path / "my_layers.py"


@pytest.fixture(scope="module")
def oracles() -> Iterator[dict[str, Oracle]]:
    """One a library: what TensorFlow calls keras is settled when it is first asked for."""
    with Oracle() as one, Oracle() as two:
        yield {"keras": one, "tf_keras": two}


@pytest.fixture
def oracle(oracles: dict[str, Oracle]) -> Oracle:
    return oracles["keras"]


def model(library: str) -> Any:
    keras = importlib.import_module(library)
    space: dict[str, Any] = {}
    exec(MY_MODEL.replace("from tensorflow import keras", f"import {library} as keras"), space)  # noqa: S102
    scale, twice, softplus2 = space["ChannelScale"](name="cs"), lambda x: 2 * x, space["softplus2"]
    image = keras.Input((5, 6, 3))
    x = scale(keras.layers.Conv2D(4, 3, name="conv")(image))
    x = keras.layers.Lambda(twice, name="twice", output_shape=(3, 4, 4))(x)
    x = keras.layers.TimeDistributed(space["ChannelScale"](), name="every")(x)
    x = keras.layers.Dense(7, activation=softplus2, name="dense")(x)
    made = keras.Model(image, keras.layers.Flatten(name="flat")(x))
    randomise(made)
    return made


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_custom_layers_are_converted_and_compared(
    library: str, suffix: str, my_layers: Path, tmp_path: Path, oracles: dict[str, Oracle]
) -> None:
    model(library).save(tmp_path / f"model{suffix}")
    before = dict(CATALOGUE), dict(ALIASES), dict(EXPRESSIONS)

    conversion = convert(tmp_path / f"model{suffix}", tmp_path / "out", custom=my_layers, oracle=oracles[library])

    report = conversion.report
    assert (report.verification.status, report.verification.reason, report.exit_code) == (
        "equal",
        f"all {report.verification.compared} tensors equal those of Keras",
        0,
    )
    assert report.verification.compared == report.verification.total == 7
    assert report.verification.weights_route == "loaded by Keras"
    assert (dict(CATALOGUE), dict(ALIASES), dict(EXPRESSIONS)) == before, "the user's layers are still in the catalogue"
    assert "class Scale(nn.Module):" in conversion.module.source
    assert "self.cs = Scale(4)" in conversion.module.source


@pytest.mark.oracle
def test_the_next_conversion_knows_nothing_of_it(my_layers: Path, tmp_path: Path, oracle: Oracle) -> None:
    model("keras").save(tmp_path / "model.keras")
    first = convert(tmp_path / "model.keras", tmp_path / "a", custom=my_layers, verify=False)
    second = convert(tmp_path / "model.keras", tmp_path / "b", verify=False)

    assert not first.report.placeholders
    assert [row.name for row in second.report.placeholders] == ["cs", "twice", "every", "dense"]
    assert verify(first, oracle=oracle).status == "equal", "a conversion keeps its own layers"


@pytest.mark.oracle
def test_without_keras_objects_what_is_before_is_compared(my_layers: Path, tmp_path: Path, oracle: Oracle) -> None:
    model("keras").save(tmp_path / "model.keras")
    text = my_layers.read_text()
    my_layers.write_text(text[: text.index("def keras_objects")])

    report = convert(tmp_path / "model.keras", tmp_path / "out", custom=my_layers, oracle=oracle).report

    assert report.verification.status == "partly verified"
    assert [row.layer for row in report.verification.layers] == ["conv"]
    assert (
        "cs was not compared: Keras cannot build it: my_layers.py does not give Keras ChannelScale (keras_objects)"
        in (report.verification.notes)
    )
    assert "flat was not compared: depends on a layer that cannot be compared" in report.verification.notes
    assert report.exit_code == 3


@pytest.mark.oracle
def test_a_wrong_form_is_found(my_layers: Path, tmp_path: Path, oracle: Oracle) -> None:
    model("keras").save(tmp_path / "model.keras")
    my_layers.write_text(my_layers.read_text().replace("2 * %0", "2.001 * %0"))

    report = convert(tmp_path / "model.keras", tmp_path / "out", custom=my_layers, oracle=oracle).report

    assert (report.verification.status, report.verification.first_failure) == ("different", "twice")
    assert report.exit_code == 1


@pytest.mark.oracle
def test_a_file_that_fails_in_keras_is_said(my_layers: Path, tmp_path: Path, oracle: Oracle) -> None:
    model("keras").save(tmp_path / "model.keras")
    my_layers.write_text(my_layers.read_text().replace("from my_model import", "from my_modell import"))

    report = convert(tmp_path / "model.keras", tmp_path / "out", custom=my_layers, oracle=oracle).report

    assert report.verification.status == "not verified"
    assert "Keras could not custom the model" not in report.verification.reason
    assert "No module named 'my_modell'" in report.verification.reason


@pytest.mark.oracle
def test_architecture_json_is_what_keras_loads_with_custom_objects(my_layers: Path, tmp_path: Path) -> None:
    import keras

    made = model("keras")
    made.save(tmp_path / "model.keras")
    convert(tmp_path / "model.keras", tmp_path / "out", custom=my_layers, verify=False)
    text = (tmp_path / "out" / "architecture.json").read_text()
    assert "marshal" not in text
    assert '"code"' not in text
    sys.path.insert(0, str(tmp_path))
    try:
        given = load(my_layers).keras_objects(keras)
    finally:
        sys.path.remove(str(tmp_path))
    given = {name: made.get_layer("cs").__class__ if name == "ChannelScale" else value for name, value in given.items()}

    class Twice(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return 2 * x

    config = json.loads(text.replace('"activation": "softplus2"', '"activation": "softplus"'))
    again = keras.models.model_from_json(json.dumps(config), custom_objects={**given, "Twice": Twice})
    again.set_weights(made.get_weights())
    image = np.random.default_rng(3).standard_normal((2, 5, 6, 3)).astype("float32")
    np.testing.assert_allclose(again(image), np.asarray(made(image)) + 0.5, rtol=1e-5, atol=1e-5)


WRONG = {
    "no such file": (None, "cannot be read"),
    "no Python": ("class :", "cannot be imported: SyntaxError"),
    "an error of its own": ("1 / 0", "cannot be imported: ZeroDivisionError"),
    "no layer": ("x = 1", "declares no layer"),
    "one layer twice": (
        "from regraft.layers import Layer\nclass A(Layer):\n    lambda_layers = ('l',)\nclass B(A):\n    pass\n",
        "A and B are both the form of the Lambda layer 'l'",
    ),
    "one name twice": (
        "from regraft.layers import Layer\nclass A(Layer):\n    aliases = ('B',)\nclass B(Layer):\n    pass\n",
        "layer type B is declared twice: A and B",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_file_is_said(case: str, tmp_path: Path) -> None:
    text, message = WRONG[case]
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    with pytest.raises(FileError, match=re.escape(message)):
        load(tmp_path / "mine.py")
    assert "A" not in CATALOGUE


def test_a_name_of_keras_is_the_users_while_the_file_holds(tmp_path: Path) -> None:
    keras_dense = CATALOGUE["Dense"]
    (tmp_path / "mine.py").write_text("from regraft.layers import Layer\nclass Dense(Layer):\n    pass\n")
    custom = load(tmp_path / "mine.py")

    assert CATALOGUE["Dense"] is keras_dense
    with active(custom):
        assert CATALOGUE["Dense"] is custom.layers["Dense"]
        assert CATALOGUE["Dense"].masks == "drop", "as a layer of Keras that does not say supports_masking"
    assert CATALOGUE["Dense"] is keras_dense


def test_keras_own_class_is_not_taken_for_the_users(tmp_path: Path) -> None:
    from regraft.keras_config import parse

    (tmp_path / "mine.py").write_text("from regraft.layers import Layer\nclass Dense(Layer):\n    pass\n")
    dense = {"class_name": "Dense", "config": {"name": "d", "units": 3}}
    start = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 4]}}

    def unknown(entry: dict[str, Any]) -> str:
        text = json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": [start, entry]}})
        with active(load(tmp_path / "mine.py")):
            return parse(text, keras_version="3.15.0").by_name["d"].unknown

    assert unknown({**dense, "module": "mine", "registered_name": "pkg>Dense"}) == ""
    assert "is Keras' own, and mine.py declares another of that name" in unknown({**dense, "module": "keras.layers"})


@pytest.mark.oracle
def test_the_way_back_to_keras_needs_the_users_classes(my_layers: Path, tmp_path: Path, oracle: Oracle) -> None:
    import tf_keras as k

    space: dict[str, Any] = {}
    exec(MY_MODEL.replace("from tensorflow import keras", "import tf_keras as keras"), space)  # noqa: S102
    x = k.Input((5, 3))
    made = k.Model(x, k.layers.Dense(4, activation=space["softplus2"])(space["ChannelScale"](name="cs")(x)))
    randomise(made)
    made.save(tmp_path / "model.h5")

    report = convert(tmp_path / "model.h5", tmp_path / "out", format="keras", custom=my_layers, oracle=oracle).report

    assert report.opened is not None
    assert report.opened.status == "equal", report.opened.reason
    assert "classes that Keras must be given as custom_objects: ChannelScale" in report.caveats


def test_a_lambda_has_no_way_back(my_layers: Path, tmp_path: Path) -> None:
    model("tf_keras").save(tmp_path / "model.h5")
    with pytest.raises(BlueprintError, match="layer 'twice': a Lambda, whose code cannot be put into a file"):
        convert(tmp_path / "model.h5", tmp_path / "out", format="keras", custom=my_layers, verify=False)
