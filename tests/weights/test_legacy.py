"""Files of Keras 0, 1 and 2: order and names come from attributes, never from the listing."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.weights.build import LAYERS, legacy, numbers, write_legacy

from regraft.errors import FileError
from regraft.weights import read


@pytest.mark.parametrize(("keras", "dialect"), [(1, "keras-1"), (2, "keras-2")])
def test_order_and_names(tmp_path: Path, keras: int, dialect: str) -> None:
    tree = read(legacy(tmp_path / "x.h5", keras=keras))
    assert (tree.dialect, tree.order_source) == (dialect, "layer_names")
    assert [(layer.key, layer.name) for layer in tree.layers] == [(name, name) for name, _ in LAYERS]
    for layer, (name, weights) in zip(tree.layers, LAYERS, strict=True):
        joint = "/" if keras > 1 else "_"
        assert [v.name for v in layer.variables] == [f"{name}{joint}{key}" for key in weights]
        for variable, array in zip(layer.variables, weights.values(), strict=True):
            np.testing.assert_array_equal(variable.read(), array)
    assert next(tree.variables()).path == f"/zeta_conv/zeta_conv{'/' if keras > 1 else '_'}kernel:0"


def test_facts_about_the_writer(tmp_path: Path) -> None:
    tree = read(legacy(tmp_path / "x.h5"))
    assert (tree.keras_version, tree.backend, tree.config) == ("2.3.1", "tensorflow", None)


def test_keras_1_has_its_version_at_the_root_of_a_whole_model_only(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["keras_version"] = "1.2.2"
        write_legacy(file.create_group("model_weights"), LAYERS, keras=1)
    assert (read(tmp_path / "x.h5").dialect, read(tmp_path / "x.h5").keras_version) == ("keras-1", "1.2.2")


def test_stripped_keras_2_is_known_by_its_slashes(tmp_path: Path) -> None:
    with h5py.File(legacy(tmp_path / "x.h5"), "a") as file:
        del file.attrs["keras_version"], file.attrs["backend"]
    assert read(tmp_path / "x.h5").dialect == "keras-2"


def test_model_weights_without_config(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        write_legacy(file.create_group("model_weights"))
    tree = read(tmp_path / "x.h5")
    assert (tree.config, len(tree.layers)) == (None, 4)


@pytest.mark.parametrize("kind", ["bytes", "text", "one text"])
def test_text_attributes_of_old_and_new_writers(tmp_path: Path, kind: str) -> None:
    names, weights = ["a", "b"], ["a/é:0"]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["keras_version"] = "2.13.1" if kind == "text" else np.bytes_(b"2.13.1")
        group = file.create_group("a")
        file.create_group("b").attrs["weight_names"] = np.zeros(0)
        if kind == "bytes":
            file.attrs["layer_names"] = np.array([name.encode() for name in names])
            group.attrs["weight_names"] = np.array([name.encode() for name in weights])
        else:
            file.attrs.create("layer_names", names, dtype=h5py.string_dtype())
            group.attrs.create("weight_names", weights, dtype=h5py.string_dtype())
        group["a/é:0"] = numbers(2)
    tree = read(tmp_path / "x.h5")
    assert tree.keras_version == "2.13.1"
    assert [v.name for v in tree.variables()] == ["a/é:0"]


def test_lists_cut_into_chunks(tmp_path: Path) -> None:
    layers = [(f"layer_{i:03d}", {f"w{j}:0": numbers(2, start=i + j) for j in range(3)}) for i in range(30)]
    with h5py.File(legacy(tmp_path / "x.h5", layers), "a") as file:
        names = file.attrs["layer_names"]
        del file.attrs["layer_names"]
        for number, chunk in enumerate(np.array_split(names, 12)):
            file.attrs[f"layer_names{number}"] = chunk
        weights = file["layer_007"].attrs["weight_names"]
        del file["layer_007"].attrs["weight_names"]
        for number, chunk in enumerate(np.array_split(weights, 2)):
            file["layer_007"].attrs[f"weight_names{number}"] = chunk
    tree = read(tmp_path / "x.h5")
    assert [layer.key for layer in tree.layers] == [name for name, _ in layers]
    assert [v.name for v in tree.layers[7].variables] == [f"layer_007/w{j}:0" for j in range(3)]


def test_nested_models_keep_names_and_order(tmp_path: Path) -> None:
    weights = {name: numbers(4, start=i) for i, name in enumerate(("in/kernel:0", "bn/gamma:0", "in/bias:0"))}
    tree = read(legacy(tmp_path / "x.h5", [("inner", weights)]))
    assert [v.name for v in tree.layers[0].variables] == [f"inner/{name}" for name in weights]


def test_layer_names_with_slashes(tmp_path: Path) -> None:
    layers = [("block", {"kernel:0": numbers(2)}), ("block/conv", {"kernel:0": numbers(3)})]
    tree = read(legacy(tmp_path / "x.h5", layers))
    assert [v.shape for v in tree.variables()] == [(2,), (3,)]
    assert not tree.ignored


def test_what_belongs_to_the_model_itself(tmp_path: Path) -> None:
    with h5py.File(legacy(tmp_path / "x.h5"), "a") as file:
        group = file.create_group("top_level_model_weights")
        group.attrs["weight_names"] = np.array([b"scale:0"])
        group["scale:0"] = numbers(3)
    tree = read(tmp_path / "x.h5")
    assert [v.name for v in tree.own] == ["scale:0"]
    assert list(tree.variables())[-1] is tree.own[0]
    assert not tree.ignored


def test_nothing_is_dropped_silently(tmp_path: Path) -> None:
    with h5py.File(legacy(tmp_path / "x.h5"), "a") as file:
        file["dense_2/stray"] = numbers(2)
        file["forgotten/kernel:0"] = numbers(2)
        file["loose"] = numbers(2)
    assert {path for path, _ in read(tmp_path / "x.h5").ignored} == {
        "/dense_2/stray",
        "/forgotten/kernel:0",
        "/loose",
    }


def test_half_written_file_of_keras_3_0(tmp_path: Path) -> None:
    with h5py.File(legacy(tmp_path / "x.h5", [("inner", {"kernel": numbers(2), "bias": numbers(3)})]), "a") as file:
        file["inner"].attrs["weight_names"] = np.array([b"inner/kernel", b"inner/bias"] * 2)
    with pytest.raises(FileError, match="lists 'inner/kernel' twice"):
        read(tmp_path / "x.h5")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: f.attrs.create("layer_names", np.array([b"zeta_conv", b"gone"])), "lists 'gone', but there is no"),
        (lambda f: f.attrs.create("layer_names", np.array([b"flatten", b"flatten"])), "lists 'flatten' twice"),
        (lambda f: f["dense_2"].attrs.pop("weight_names"), "the layer has no weight_names"),
        (lambda f: f["dense_2"].pop("dense_2/bias:0"), "lists 'dense_2/bias:0', but there is no such array"),
    ],
)
def test_contradictions(tmp_path: Path, damage: object, says: str) -> None:
    with h5py.File(legacy(tmp_path / "x.h5"), "a") as file:
        damage(file)  # type: ignore[operator]
    with pytest.raises(FileError, match=says):
        read(tmp_path / "x.h5")


def test_keras_0(tmp_path: Path) -> None:
    shapes = [[(5, 3, 2, 4), (5,)], [], [(7, 6)]] + [[]] * 8 + [[(2,)]]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["nb_layers"] = len(shapes)
        for k, layer in enumerate(shapes):
            group = file.create_group(f"layer_{k}")
            group.attrs["nb_params"] = len(layer)
            for n, shape in enumerate(layer):
                group[f"param_{n}"] = numbers(*shape, start=k)
    tree = read(tmp_path / "x.h5")
    assert (tree.dialect, tree.order_source) == ("keras-0", "nb_layers")
    assert [layer.key for layer in tree.layers] == [f"layer_{k}" for k in range(12)]
    assert [[v.shape for v in layer.variables] for layer in tree.layers] == shapes
    np.testing.assert_array_equal(tree.layers[11].variables[0].read(), numbers(2, start=11))
