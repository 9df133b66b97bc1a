"""Our own parser of HDF5 bytes: right on what h5py writes, and calm on what nobody should write."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.weights.build import saving_lib

from regraft.weights import object_header
from regraft.weights.limits import Limits
from regraft.weights.safe_h5 import SafeFile


def order(path: Path, group: str = "/") -> list[str] | None:
    raw = path.read_bytes()
    with h5py.File(path) as file:
        address = h5py.h5o.get_info(file[group].id).addr
    found = object_header.link_order(lambda offset, count: raw[offset : offset + count], address)
    return None if found is None else [name.decode() for name in found]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True, deadline=None)
@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="/\0."), min_size=1, max_size=20), unique=True))
def test_order_of_creation(tmp_path: Path, names: list[str]) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for name in names:
            file.create_group(name)
    assert order(tmp_path / "x.h5") == names


def test_many_links(tmp_path: Path) -> None:
    names = [f"dense_{i * 7919 % 1000}" for i in range(1000)]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for name in names:
            file.create_group(f"layers/{name}")
    assert order(tmp_path / "x.h5", "layers") == names


def test_removed_links_are_not_listed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for name in ("one", "two_is_a_longer_name", "three", "four"):
            file.create_group(name)
        del file["two_is_a_longer_name"]
        del file["four"]
    found = SafeFile.open(tmp_path / "x.h5", Limits())
    assert found.link_order(found.root) in (("one", "three"), None)


def test_new_style_groups_do_not_tell(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w", libver="latest") as file:
        file.create_group("a")
    assert order(tmp_path / "x.h5") is None
    with h5py.File(tmp_path / "y.h5", "w") as file:
        file.create_group("größe")  # a name beyond ASCII turns a group into one of the new style
    assert order(tmp_path / "y.h5") is None


def test_other_address_sizes_do_not_tell(tmp_path: Path) -> None:
    plist = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    plist.set_sizes(4, 4)
    file_id = h5py.h5f.create(str(tmp_path / "x.h5").encode(), h5py.h5f.ACC_TRUNC, plist)
    h5py.h5g.create(file_id, b"b")
    h5py.h5g.create(file_id, b"a")
    file_id.close()
    found = SafeFile.open(tmp_path / "x.h5", Limits())
    assert set(found.root.children) == {"a", "b"}
    assert found.link_order(found.root) is None


@pytest.mark.parametrize("count", [0, 1, 3, 500])
def test_bytes_of_a_text_list(tmp_path: Path, count: int) -> None:
    names = ["é" * i for i in range(count)]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["before"] = np.arange(5)
        file.attrs.create("names", names, (count,), h5py.string_dtype())
        address = h5py.h5o.get_info(file.id).addr
    raw = (tmp_path / "x.h5").read_bytes()
    found = object_header.text_bytes(lambda o, n: raw[o : o + n], address, b"names")
    assert found == sum(len(name.encode()) for name in names)


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True, deadline=None
)
@given(st.data())
def test_any_change_of_bytes_is_survived(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "x.h5"
    if not path.exists():
        saving_lib(path, names={})
    raw = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        address = h5py.h5o.get_info(file["layers"].id).addr
    for _ in range(data.draw(st.integers(1, 8))):
        # most of it near the header that is parsed, so that the changes matter
        at = data.draw(st.integers(address, min(address + 400, len(raw) - 1)) | st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.sampled_from([0, 1, 0x10, 0x11, 0x0C, 0x7F, 0xFF]) | st.integers(0, 255))
    for start in (address, data.draw(st.integers(0, 1 << 64))):
        object_header.link_order(lambda o, n: bytes(raw[o : o + n]), start)
        object_header.text_bytes(lambda o, n: bytes(raw[o : o + n]), start, b"name")
