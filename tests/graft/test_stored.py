"""The variables of a file as layers with names: what is left out of a name, what a variable without a name is."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from regraft import samples
from regraft.graft.stored import firsts, stored, subclassed
from regraft.weights import read

FOLDER = Path(__file__).parent / "huggingface"


def legacy(path: Path, layers: dict[str, list[tuple[str, np.ndarray]]]) -> Path:
    """A file as Keras 2 writes it."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.19.0"
        for name, variables in layers.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [variable.encode() for variable, _ in variables]
            for variable, array in variables:
                group.create_dataset(variable, data=array)
    return path


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, "float32")


def test_names_of_transformers() -> None:
    owners = {owner.name: owner for owner in stored(read(FOLDER / "BertForMaskedLM" / "tf_model.h5"))}
    assert "bert/encoder/layer_._1/attention/self/query" in owners
    assert set(owners["mlm___cls/predictions"].arrays) == {"bias"}
    table = owners["bert/embeddings/word_embeddings"].arrays["weight"]
    assert len(table.again) == 1, "it is stored a second time with the head"
    assert len(owners) == 23


def test_a_variable_of_another_name_is_an_owner_of_its_own() -> None:
    owners = {owner.name: owner for owner in stored(read(FOLDER / "ViTModel" / "tf_model.h5"))}
    assert set(owners["vit/embeddings/cls_token"].arrays) == {""}


def test_one_name_with_other_numbers_is_two_arrays(tmp_path: Path) -> None:
    name = "net/table/embeddings:0"
    file = legacy(tmp_path / "a.h5", {"table": [(name, ones(7, 3))], "other": [(name, 2 * ones(7, 3))]})
    assert [array.again for owner in stored(read(file)) for array in owner.arrays.values()] == [(), ()]


@pytest.mark.parametrize(
    ("variables", "roles"),
    [
        ([ones(3, 5), ones(5)], {"weight", "bias"}),
        ([ones(2, 3, 4, 5), ones(5)], {"weight", "bias"}),
        ([ones(6, 2, 4), ones(2, 4)], {"weight", "bias"}),
        ([ones(5), ones(5)], {"weight", "bias"}),
        ([ones(5), ones(5), ones(5), ones(5)], {"weight", "bias", "running_mean", "running_var"}),
        ([ones(7, 3)], {"weight"}),
    ],
)
def test_variables_without_names(tmp_path: Path, variables: list[np.ndarray], roles: set[str]) -> None:
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        for i, array in enumerate(variables):
            file[f"stem/part/vars/{i}"] = array
    (owner,) = stored(read(tmp_path / "a.weights.h5"))
    assert owner.name == "stem/part"
    assert set(owner.arrays) == roles


def test_a_vector_alone_may_be_anything(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        file["stem/part/vars/0"] = ones(5)
    (owner,) = stored(read(tmp_path / "a.weights.h5"))
    assert set(owner.arrays) == {""}


def test_integers_are_left(tmp_path: Path) -> None:
    variables = [("net/a/kernel:0", ones(3, 5)), ("net/a/index:0", np.arange(4, dtype="int32"))]
    owners = stored(read(legacy(tmp_path / "a.h5", {"a": variables})))
    assert [owner.name for owner in owners] == ["a"]


def test_the_number_that_keras_leaves_out() -> None:
    names = [("enc", "dense", "kernel"), ("enc", "dense_1", "kernel"), ("dec", "dense", "kernel")]
    assert firsts(names) == {("enc", "dense"): "dense_0"}


def test_what_says_that_a_model_is_python_code(tmp_path: Path) -> None:
    assert "(tf_bert_model)" in subclassed(read(FOLDER / "BertModel" / "tf_model.h5"))
    plain = legacy(tmp_path / "a.h5", {"dense": [("dense/kernel:0", ones(3, 5))]})
    assert subclassed(read(plain)) == ""
    assert subclassed(read(samples.path("digits.h5"))) == ""
    deep = legacy(tmp_path / "b.h5", {"mha": [("mha/query/kernel:0", ones(3, 2, 5))]})
    assert subclassed(read(deep)) == "", "a layer of Keras has layers of its own"
