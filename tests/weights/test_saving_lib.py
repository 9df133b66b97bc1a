"""The layout of ``.weights.h5`` and ``.keras``: order from the heap, nesting, names, and what is not a weight."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.weights.build import SAVED, numbers, saving_lib, write_saving_lib

from regraft.weights import read


def test_order_names_and_arrays(tmp_path: Path) -> None:
    tree = read(saving_lib(tmp_path / "x.h5", names={"conv2d": "stem", "dense": "a_head"}))
    assert (tree.dialect, tree.order_source, tree.model_name) == ("keras-3", "heap", "little")
    assert [layer.key for layer in tree.layers] == [key for key, _ in SAVED]
    assert [layer.name for layer in tree.layers] == ["stem", "re_lu", "batch_normalization", "conv2d_1", "a_head"]
    for layer, (_, weights) in zip(tree.layers, SAVED, strict=True):
        assert [v.name for v in layer.variables] == list(weights)
        for variable in layer.variables:
            np.testing.assert_array_equal(variable.read(), weights[variable.name])


def test_files_without_names(tmp_path: Path) -> None:
    tree = read(saving_lib(tmp_path / "x.h5"))
    assert {layer.name for layer in tree.layers} == {""}
    assert tree.model_name == ""


def test_keys_are_numbers_not_words(tmp_path: Path) -> None:
    weights = {str(i): numbers(2, start=i) for i in range(12)} | {"idf_weights": numbers(3)}
    tree = read(saving_lib(tmp_path / "x.h5", [("text_vectorization", weights)]))
    assert [v.name for v in tree.variables()] == [*map(str, range(12)), "idf_weights"]


def test_keras_2_12(tmp_path: Path) -> None:
    # Weighted classes are counted by twos there: the suffix says nothing, the order does.
    layers = [("conv2d", {"0": numbers(3, 2)}), ("re_lu", {}), ("conv2d_2", {"0": numbers(2, 4)}), ("dense", {})]
    tree = read(saving_lib(tmp_path / "x.h5", layers, container="_layer_checkpoint_dependencies"))
    assert (tree.dialect, tree.order_source) == ("checkpoint-h5", "heap")
    assert [layer.key for layer in tree.layers] == ["conv2d", "re_lu", "conv2d_2", "dense"]


def test_nested_groups_keep_their_order(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        write_saving_lib(file, [("dense", {"0": numbers(2)})])
        inner = ("layers", [("dense", {"0": numbers(3)}), ("batch_normalization", {"0": numbers(4)}), ("add", {})])
        for key, _ in inner[1]:
            file.create_group(f"layers/functional/layers/{key}/vars")
        file["layers/functional/layers/dense/vars/0"] = numbers(3)
        for side in ("forward_layer", "backward_layer"):
            file[f"layers/bidirectional/{side}/cell/vars/0"] = numbers(5, start=len(side))
    tree = read(tmp_path / "x.h5")
    functional, bidirectional = tree.layers[1], tree.layers[2]
    assert [g.key for g in functional.groups[0].groups] == ["dense", "batch_normalization", "add"]
    assert [g.key for g in bidirectional.groups] == ["forward_layer", "backward_layer"]
    cell = bidirectional.group("backward_layer", "cell")
    assert cell is not None
    np.testing.assert_array_equal(cell.variables[0].read(), numbers(5, start=14))
    assert bidirectional.group("backward_layer", "nothing") is None


def test_variables_of_the_model_itself(tmp_path: Path) -> None:
    with h5py.File(saving_lib(tmp_path / "x.h5"), "a") as file:
        file["vars/0"] = numbers(9)
    assert [v.shape for v in read(tmp_path / "x.h5").own] == [(9,)]


def test_subclassed_model(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for path in ("act", "blocks/dense", "blocks/dense_1", "layers/conv2d", "bn"):
            file.create_group(f"{path}/vars")
        file["blocks/dense/vars/0"], file["layers/conv2d/vars/0"] = numbers(2), numbers(3)
        file.create_group("vars")
        file["optimizer/vars/0"] = np.int64(1)
        file["metrics/mean/vars/0"] = numbers(1)
    tree = read(tmp_path / "x.h5")
    assert [layer.key for layer in tree.layers] == ["act", "blocks", "layers", "bn"]
    assert tree.order_source == "alphabetical"
    assert "not the call order" in tree.notes[0]
    assert tree.ignored == (("/metrics", "metric state"), ("/optimizer", "optimizer state"))
    assert [v.path for v in tree.variables()] == ["/blocks/dense/vars/0", "/layers/conv2d/vars/0"]


def test_subclassed_model_without_any_layers_group(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["encoder/vars/0"] = numbers(2)
    assert [v.path for v in read(tmp_path / "x.h5").variables()] == ["/encoder/vars/0"]


def test_empty_containers_do_not_make_a_model_subclassed(tmp_path: Path) -> None:
    with h5py.File(saving_lib(tmp_path / "x.h5"), "a") as file:
        file.create_group("_layer_list")
    assert read(tmp_path / "x.h5").order_source == "heap"


def test_nothing_is_dropped_silently(tmp_path: Path) -> None:
    with h5py.File(saving_lib(tmp_path / "x.h5"), "a") as file:
        file["layers/dense/stray"], file["loose"], file["layers/loose"] = numbers(2), numbers(2), numbers(2)
        file["layers/dense_1"] = file["layers/dense"]
    assert {path for path, _ in read(tmp_path / "x.h5").ignored} == {
        "/layers/dense/stray",
        "/loose",
        "/layers/loose",
        "/layers/dense_1",
    }


@pytest.mark.parametrize("inside", ["dense", "0"])
def test_an_attribute_named_vars(tmp_path: Path, inside: str) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["layers/custom/vars/dense/vars/0"] = numbers(3)
        if inside == "0":
            file["layers/custom/vars/0"] = numbers(2)
    assert sum(v.size for v in read(tmp_path / "x.h5").variables()) == (5 if inside == "0" else 3)


def test_repacked_file(tmp_path: Path) -> None:
    saving_lib(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5") as source, h5py.File(tmp_path / "copy.h5", "w") as target:
        source.copy("layers", target)
        source.copy("vars", target)
    tree = read(tmp_path / "copy.h5")
    assert tree.order_source == "alphabetical"
    assert "copied or repacked" in tree.notes[0]
    assert [layer.key for layer in tree.layers] == ["batch_normalization", "conv2d", "conv2d_1", "dense", "re_lu"]


def test_new_style_groups_do_not_tell(tmp_path: Path) -> None:
    layers = [(f"dense_{i}", {"0": numbers(2)}) for i in (2, 10, 1)] + [("add", {})]
    with h5py.File(tmp_path / "x.h5", "w", libver="latest") as file:
        write_saving_lib(file, layers)
    tree = read(tmp_path / "x.h5")
    assert (tree.order_source, [layer.key for layer in tree.layers]) == (
        "alphabetical",
        ["add", "dense_1", "dense_2", "dense_10"],
    )
    assert "does not tell" in tree.notes[0]
