"""Models over several files. What hostile lists try is in test_hostile.py; files of real Keras in test_keras.py."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.weights.build import numbers, write_saving_lib

from regraft.errors import FileError
from regraft.weights import read


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    """Two shards: ``dense_1`` stands in both, empty but named in the first."""
    with h5py.File(tmp_path / "m_00000.weights.h5", "w") as file:
        layers = [("input_layer", {}), ("dense", {"0": numbers(2, 3), "1": numbers(3)}), ("re_lu", {}), ("dense_1", {})]
        write_saving_lib(file, layers, names={"dense_1": "head"})
    with h5py.File(tmp_path / "m_00001.weights.h5", "w") as file:
        file.create_group("layers/dense_1/vars")
        file["layers/dense_1/vars/0"], file["layers/dense_1/vars/1"] = numbers(3, 4, start=7), numbers(4)
        file["layers/add/vars/0"] = numbers(1)
    path = tmp_path / "m.weights.json"
    first, second = "m_00000.weights.h5", "m_00001.weights.h5"
    weight_map = {"/layers/dense/vars": first, "/layers/dense_1/vars": [first, second], "/layers/add/vars": [second]}
    path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return path


def test_shards_are_one_tree(listing: Path) -> None:
    tree = read(listing)
    assert (tree.file, tree.dialect, tree.order_source) == (str(listing), "keras-3", "weight_map")
    assert [layer.key for layer in tree.layers] == ["input_layer", "dense", "re_lu", "dense_1", "add"]
    head = tree.layers[3]
    assert head.name == "head"
    assert [v.name for v in head.variables] == ["0", "1"]
    np.testing.assert_array_equal(head.variables[0].read(), numbers(3, 4, start=7))
    assert tree.model_name == "little"


def test_one_shard_alone_is_refused(listing: Path) -> None:
    with pytest.raises(FileError, match=r"only one shard.*m\.weights\.json"):
        read(listing.with_name("m_00000.weights.h5"))
    listing.unlink()
    assert len(read(listing.with_name("m_00000.weights.h5")).layers) == 4


def test_same_variable_twice(listing: Path) -> None:
    with h5py.File(listing.with_name("m_00000.weights.h5"), "a") as file:
        file["layers/dense_1/vars/1"] = numbers(4)
    with pytest.raises(FileError, match="two shards hold the same variable"):
        read(listing)


def test_group_that_no_shard_has(listing: Path) -> None:
    listing.write_text(listing.read_text().replace("/layers/add/vars", "/layers/gone/vars"))
    with pytest.raises(FileError, match="'/layers/gone/vars', but no shard has it"):
        read(listing)


def test_group_here_array_there(listing: Path) -> None:
    with h5py.File(listing.with_name("m_00000.weights.h5"), "a") as file:
        file["layers/add"] = numbers(2)
    with pytest.raises(FileError, match="a group in one shard is an array in another"):
        read(listing)


@pytest.mark.parametrize("text", ['{"weight_map": {}}', '{"weight_map": [1]}', '{"a": "weight_map", "weight_map": 0}'])
def test_lists_of_another_form(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(FileError, match="weight_map is missing or empty"):
        read(tmp_path / "m.json")
