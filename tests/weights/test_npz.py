"""NumPy archives of arrays without layers. What hostile ones try is in hostile_npz.py."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.weights.build import numbers

from regraft.errors import FileError, NotKerasError, UnsafeFileError
from regraft.inspection import inspect
from regraft.weights import Limits, read

ARRAYS = {
    "float32": numbers(3, 4),
    "float64": numbers(2, 3, dtype="float64"),
    "float16": numbers(5, dtype="float16"),
    "int64": np.array(7),
    "int8": numbers(2, 3, 4, dtype="int8"),
    "bool": np.array([True, False]),
    "big_endian": numbers(2, 5).astype(">f4"),
    "fortran": np.asfortranarray(numbers(3, 2, 4)),
    "empty": np.zeros((0, 3), "f4"),
    "sliced": numbers(6, 4)[::2, 1:3],
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back(name: str, save: object, tmp_path: Path) -> None:
    array = ARRAYS[name]
    save(tmp_path / "x.npz", array)  # type: ignore[operator]
    tree = read(tmp_path / "x.npz")
    (variable,) = tree.own
    values = variable.read()
    assert (variable.shape, variable.dtype, variable.path) == (array.shape, array.dtype.name, "/arr_0")
    assert np.array_equal(values, array)
    assert values.flags.c_contiguous
    assert values.flags.writeable
    assert values.dtype.isnative


def test_bfloat16(tmp_path: Path) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    np.savez(tmp_path / "x.npz", numbers(2, 3).astype(ml_dtypes.bfloat16))
    (variable,) = read(tmp_path / "x.npz").own
    assert (variable.dtype, variable.stored) == ("bfloat16", "two opaque bytes")
    assert np.array_equal(variable.read(), numbers(2, 3))
    assert variable.read().dtype == np.float32


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["arr_10", "arr_9", "arr_0", "arr_2"], ["arr_0", "arr_2", "arr_9", "arr_10"]),
        (["w10", "w9", "arr_0"], ["w10", "w9", "arr_0"]),
        (["stem/kernel", "stem/bias"], ["stem/kernel", "stem/bias"]),
    ],
)
def test_order(names: list[str], order: list[str], tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **{name: numbers(i + 1) for i, name in enumerate(names)})
    tree = read(tmp_path / "x.npz")
    assert [v.name for v in tree.own] == order
    assert [v.shape for v in tree.own] == [(names.index(name) + 1,) for name in order]
    assert (tree.dialect, tree.order_source, tree.layers, tree.config) == ("arrays", "npz", (), None)


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", numbers(40, 50), numbers(2, 3))
    raw = bytearray((tmp_path / "x.npz").read_bytes())
    raw[raw.index(b"PK", 4) - 1] ^= 0xFF  # the last byte of the first array
    (tmp_path / "x.npz").write_bytes(raw)
    damaged, sound = read(tmp_path / "x.npz").own
    assert np.array_equal(sound.read(), numbers(2, 3))
    with pytest.raises(FileError, match="damaged") as caught:
        damaged.read()
    assert caught.value.path == "arr_0.npy"


def test_other_members_are_listed(tmp_path: Path) -> None:
    text, waves = np.array(["a", "b"]), np.zeros(3, complex)
    np.savez(tmp_path / "x.npz", weights=numbers(3), names=text, waves=waves, records=np.zeros(2, "f4,i4"))
    tree = read(tmp_path / "x.npz")
    assert [v.name for v in tree.own] == ["weights"]
    assert dict(tree.ignored) == {
        "names.npy": "it holds text",
        "waves.npy": "it holds complex numbers",
        "records.npy": "it holds records",
    }


def test_archive_without_numbers(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", np.array(["a"]))
    with pytest.raises(FileError, match="no array of numbers"):
        read(tmp_path / "x.npz")


def test_pickles_are_refused_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", numbers(3), np.array([numbers(2), None], dtype=object))
    with pytest.raises(NotKerasError, match=r"arr_1\.npy.*pickle.*np\.savez") as caught:
        read(tmp_path / "x.npz")
    assert caught.value.kind == "npz with pickles"


def test_versions_of_the_header(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as zipped:
        for version in ((1, 0), (2, 0), (3, 0)):
            with zipped.open(f"arr_{version[0]}.npy", "w") as stream:
                np.lib.format.write_array(stream, numbers(2, 3), version=version)
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }\n"
        python_2 = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + numbers(2, 3).tobytes()
        zipped.writestr("arr_4.npy", python_2)
    assert all(np.array_equal(v.read(), numbers(2, 3)) for v in read(tmp_path / "x.npz").own)


def test_limits_can_be_raised(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", np.zeros(3 << 20, "u1"))
    with pytest.raises(UnsafeFileError, match=r"Limits\.array_expansion"):
        read(tmp_path / "x.npz")
    assert read(tmp_path / "x.npz", limits=Limits(array_expansion=10_000)).own[0].size == 3 << 20


def test_inspection(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", numbers(3, 4), numbers(4))
    found = inspect(tmp_path / "x.npz")
    assert (found.container, found.kind, found.variables, found.parameters) == (
        "NumPy archive (.npz)",
        "weights only",
        2,
        16,
    )
    assert "the shape and type of every array" in found.known
    assert any("layer" in words for words in found.unknown)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), compressed=st.booleans())
def test_any_damage_is_a_file_error_or_harmless(place: int, byte: int, compressed: bool, tmp_path: Path) -> None:
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "x.npz", numbers(3, 4), numbers(4, dtype=">f8"))
    raw = bytearray((tmp_path / "x.npz").read_bytes())
    raw[place % len(raw)] = byte
    (tmp_path / "x.npz").write_bytes(raw)
    try:
        for variable in read(tmp_path / "x.npz").own:
            assert variable.read().shape == variable.shape
    except FileError:
        pass
