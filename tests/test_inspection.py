from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import regraft
from regraft import samples
from regraft.errors import FileError, NotKerasError
from regraft.inspection import inspect
from regraft.report.console import console_for
from regraft.report.inspection_terminal import MOST_LAYERS, show

HOSTILE = ["[red]x[/red]", "\x1b]0;x\x07", "two\nlines", "<script>", "abc\u202edcba", ":smile:"]


def legacy(
    path: Path,
    layers: Mapping[str, Mapping[str, Sequence[int]]],
    *,
    version: str = "2.3.1",
    config: Mapping[str, Any] | None = None,
) -> Path:
    """A file as Keras 2 writes it: layers with arrays by name and shape."""
    with h5py.File(path, "w") as file:
        weights = file.create_group("model_weights") if config is not None else file
        if config is not None:
            file.attrs["model_config"] = json.dumps(config)
        if version:
            weights.attrs["keras_version"], weights.attrs["backend"] = version, "tensorflow"
        weights.attrs["layer_names"] = np.array(list(layers), h5py.string_dtype())
        for name, arrays in layers.items():
            group = weights.create_group(name)
            group.attrs["weight_names"] = np.array(list(arrays), h5py.string_dtype())
            for array, shape in arrays.items():
                group[array] = np.zeros(tuple(shape), np.float32)
    return path


def dense(name: str, units: int, **settings: Any) -> dict[str, Any]:
    return {"class_name": "Dense", "config": {"name": name, "units": units, **settings}}


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "net", "layers": list(layers)}}


def shown(path: Path, *, width: int = 100, everything: bool = False, terminal: bool = False) -> str:
    file = io.StringIO()
    show(inspect(path), console_for(file, width, terminal=terminal), everything=everything)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def test_the_whole_text_of_a_weights_only_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arrays = {"dense_1/kernel:0": (3, 5), "dense_1/bias:0": (5,)}
    path = legacy(Path("w eights.h5"), {"flatten_1": {}, "dense_1": arrays, "mine": {"mine/gamma:0": (5,)}})
    size = path.stat().st_size

    assert (
        shown(path, width=80)
        == f"""\
w eights.h5
  what          weights only, no architecture: HDF5 file, {size / 1000:.1f} kB
  layout        the .h5 layout of Keras 2 and tf.keras, which Keras 3 still
                writes
  written by    Keras 2.3.1 on tensorflow
  layer order   listed in the file (layer_names)
  parameters    25 in 3 variables, float32

  layer     type     variables                parameters
  flatten_1 Flatten?
  dense_1   Dense?   kernel (3, 5), bias (5,)         20
  mine               gamma (5,)                        5
  ? as the layer's default name suggests

Known
  - the name, shape and type of every array
  - the order of the layers
  - the names of the layers, and the roles of their arrays (kernel, bias, gamma,
    ...)
  - the version of Keras, 2.3.1, and its backend, tensorflow

Unknown
  - the class of a layer, except where it kept its default name (conv2d_1,
    dense)
  - the graph: which layer feeds which, sums, concatenations and shortcuts
  - the settings: strides, padding, dilation, activations, pooling sizes,
    dropout and epsilon

Next
  Convert it: the architecture is rebuilt from the weights, better with the
  shape of the inputs (--input-shape 64,64,1); if you have its JSON, give that
  (--architecture model.json):
  regraft convert 'w eights.h5'"""
    )


@pytest.mark.parametrize(
    ("name", "kind", "dialect", "version", "order_source", "container"),
    [
        ("digits.h5", "whole model", "keras-2", "3.15.1", "layer_names", "HDF5 file"),
        ("digits.keras", "whole model", "keras-3", "3.15.1", "heap", "Keras archive (.keras)"),
        ("digits.weights.h5", "weights only", "keras-3", "", "heap", "HDF5 file"),
        ("digits_legacy_weights.h5", "weights only", "keras-2", "2.21.0", "layer_names", "HDF5 file"),
    ],
)
def test_the_samples(name: str, kind: str, dialect: str, version: str, order_source: str, container: str) -> None:
    found = inspect(samples.path(name))

    assert (found.kind, found.dialect, found.keras_version) == (kind, dialect, version)
    assert (found.order_source, found.container) == (order_source, container)
    assert (len(found.layers), found.variables, found.parameters) == (15, 19, 10_482)
    assert found.bytes == samples.path(name).stat().st_size
    assert [layer.name for layer in found.layers][:3] == ["image", "stem", "stem_bn"]
    if kind == "whole model":
        assert found.architecture is not None
        assert (found.architecture.model_class, found.architecture.layers) == ("Functional", 15)
        assert [(i.name, i.shape) for i in found.architecture.inputs] == [("image", (None, 8, 8, 1))]
        assert found.unknown == ()
        assert {layer.type_source for layer in found.layers} == {"architecture"}


def test_types_of_a_weights_file_come_from_its_groups_or_names() -> None:
    new, old = inspect(samples.path("digits.weights.h5")), inspect(samples.path("digits_legacy_weights.h5"))

    assert [(r.type, r.type_source) for r in new.layers[:3]] == [
        ("InputLayer", "group name"),
        ("Conv2D", "group name"),
        ("BatchNormalization", "group name"),
    ]
    assert [(r.key, r.type, r.type_source) for r in old.layers[2:5]] == [
        ("stem_bn", "", ""),
        ("re_lu", "ReLU", "default name"),
        ("conv2d", "Conv2D", "default name"),
    ]


@pytest.mark.parametrize(
    ("dialect_file", "labels"),
    [
        ("digits.h5", ["gamma", "beta", "moving_mean", "moving_variance"]),
        ("digits_legacy_weights.h5", ["gamma", "beta", "moving_mean", "moving_variance"]),
        ("digits.weights.h5", ["0", "1", "2", "3"]),
    ],
)
def test_arrays_are_called_what_the_file_says(dialect_file: str, labels: list[str]) -> None:
    assert [v.label for v in inspect(samples.path(dialect_file)).layers[2].variables] == labels


def test_keras_1_names(tmp_path: Path) -> None:
    arrays = {"dense_1_W": (3, 5), "dense_1_b": (5,)}
    found = inspect(legacy(tmp_path / "old.h5", {"dense_1": arrays, "maxpooling2d_1": {}}, version=""))

    assert (found.dialect, found.keras_version, found.backend) == ("keras-1", "", "")
    assert [v.label for v in found.layers[0].variables] == ["W", "b"]
    assert [layer.type for layer in found.layers] == ["Dense", "MaxPooling2D"]
    assert "the exact version of Keras" in found.unknown
    assert any("Theano or TensorFlow" in item for item in found.unknown)


def test_keras_0_says_nearly_nothing(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "zero.h5", "w") as file:
        file.attrs["nb_layers"] = 1
        group = file.create_group("layer_0")
        group.attrs["nb_params"] = 1
        group["param_0"] = np.zeros((3, 5), np.float32)
    found = inspect(tmp_path / "zero.h5")

    assert found.dialect == "keras-0"
    assert (found.layers[0].name, found.layers[0].type) == ("", "")
    assert {
        "the names and classes of the layers",
        "the roles of the arrays",
        "the version of Keras, before 1.0",
    } <= set(found.unknown)
    assert "  layer_0      param_0 (3, 5)         15" in shown(tmp_path / "zero.h5")


def test_layers_that_are_code_are_counted(tmp_path: Path) -> None:
    layers = (
        dense("d", 5),
        {"class_name": "Lambda", "config": {"name": "fn"}},
        {"class_name": "TimeDistributed", "config": {"name": "td", "layer": {"class_name": "Mine", "config": {}}}},
        {
            "class_name": "Sequential",
            "config": {"name": "in", "layers": [{"class_name": "Own", "config": {"name": "o"}}]},
        },
    )
    path = legacy(tmp_path / "m.h5", {"d": {}}, config=sequential(*layers))
    found = inspect(path)

    assert found.architecture is not None
    assert found.architecture.custom == (("fn", "Lambda"), ("", "Mine"), ("o", "Own"))
    assert found.unknown == ("the meaning of 3 layers, which are code and not data (Lambda, Mine, Own)",)
    assert found.next_step == "Convert it; the layers that are code become placeholders (exit code 3):"


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"class_name": "Mine", "config": {"name": "x"}}, "it is Python code of the author's own"),
        ({"class_name": "Sequential", "config": 3}, "it is Python code of the author's own"),
    ],
)
def test_an_architecture_that_cannot_be_read_is_unknown(tmp_path: Path, config: dict[str, Any], problem: str) -> None:
    found = inspect(legacy(tmp_path / "m.h5", {"d": {"d/kernel:0": (3, 5)}}, config=config))

    assert found.architecture is not None
    assert found.architecture.problem.startswith(problem)
    assert f"the architecture: {found.architecture.problem}" in found.unknown
    assert found.next_command.endswith("--architecture model.json")


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_the_file_stay_text(tmp_path: Path, name: str) -> None:
    path = legacy(tmp_path / "m.h5", {name: {f"{name}/kernel:0": (3, 5)}}, config=sequential(dense(name, 5)))
    escaped = name if name.isprintable() else name.encode("unicode_escape").decode()

    for terminal in (False, True):
        text = shown(path, width=200, terminal=terminal)
        assert escaped in text
        assert "\x1b]" not in text
        assert "\u202e" not in text
        assert "\x07" not in text
    assert "\x1b" not in shown(path)
    value = json.loads(inspect(path).to_json())
    assert value["layers"][0]["name"] == name
    assert inspect(path).to_json().isascii()


def test_types_that_are_not_usual_are_shown(tmp_path: Path) -> None:
    path = legacy(tmp_path / "m.h5", {"a": {"a/kernel:0": (3, 5)}, "b": {"b/kernel:0": (5, 7)}})
    with h5py.File(path, "a") as file:
        del file["b/b/kernel:0"]
        file["b/b/kernel:0"] = np.zeros((5, 7), np.float16)
    assert "kernel (5, 7) float16" in shown(path)
    assert inspect(path).dtypes == ("float32", "float16")


def test_many_layers_are_cut_and_all_shows_them(tmp_path: Path) -> None:
    layers = {f"dense_{i}": {} for i in range(MOST_LAYERS + 5)}
    path = legacy(tmp_path / "m.h5", layers)

    assert "  ... 5 layers more: --all shows them\n" in shown(path)
    assert f"dense_{MOST_LAYERS + 4} " in shown(path, everything=True)
    assert len(inspect(path).layers) == MOST_LAYERS + 5


def test_many_arrays_of_a_layer_are_cut(tmp_path: Path) -> None:
    path = legacy(tmp_path / "m.h5", {"d": {f"d/w{i}:0": (2,) for i in range(50)}})
    text = re.sub(r"\s+", " ", shown(path))
    assert "w38 w39 (2,), ... and 10 more Known" in text


def test_what_is_passed_over_is_listed(tmp_path: Path) -> None:
    path = legacy(tmp_path / "m.h5", {"d": {"d/kernel:0": (3, 5)}}, config=sequential(dense("d", 5)))
    with h5py.File(path, "a") as file:
        file["optimizer_weights/m:0"] = np.zeros(3)
    assert "Passed over\n  - /optimizer_weights: optimizer state\n" in shown(path)


def test_sizes_of_folders(tmp_path: Path) -> None:
    with zipfile.ZipFile(samples.path("digits.keras")) as archive:
        archive.extractall(tmp_path / "digits")
    found = inspect(tmp_path / "digits")

    assert found.container == "unpacked Keras archive (folder)"
    assert found.bytes == sum(p.stat().st_size for p in (tmp_path / "digits").iterdir())


def test_the_json_is_complete_and_stable() -> None:
    value = json.loads(inspect(samples.path("digits.h5")).to_json())

    assert value["schema"] == "regraft-inspection/1"
    assert list(value) == [
        "schema", "regraft", "file", "bytes", "container", "kind", "dialect", "layout", "keras_version", "backend",
        "order_source", "order", "model_name", "architecture", "layers", "own", "variables", "parameters", "ignored",
        "notes", "known", "unknown", "next_step", "next_command",
    ]  # fmt: skip
    assert list(value["layers"][1]) == ["key", "name", "path", "type", "type_source", "variables", "parameters"]
    assert value["layers"][1]["variables"] == [
        {
            "path": "/model_weights/stem/stem/kernel",
            "name": "stem/kernel",
            "label": "kernel",
            "shape": [3, 3, 1, 12],
            "dtype": "float32",
            "stored": "",
            "parameters": 108,
        }
    ]


def test_what_is_not_keras_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    with pytest.raises(NotKerasError) as caught:
        inspect(tmp_path / "x.h5")
    assert caught.value.kind == "git-lfs pointer"
    with pytest.raises(FileError, match=r"there is no such file\."):
        inspect(tmp_path / "nothing.h5")


def test_inspecting_brings_nothing_slow() -> None:
    code = (
        "import sys; from regraft.cli import main; main(['inspect', sys.argv[1]]);"
        "slow = {'torch', 'keras', 'tensorflow', 'pydantic', 'regraft.layers', 'regraft.convert', 'safetensors'};"
        "print(slow & sys.modules.keys(), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, samples.path("digits.h5")], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "set()"
    assert "10,482 in 19 variables" in done.stdout


def test_inspect_is_public() -> None:
    assert regraft.inspect is inspect
