from __future__ import annotations

import errno
from pathlib import Path

import pytest

from regraft.emit.atomic import replacing
from regraft.errors import OutputError


def test_the_file_appears_at_the_end_and_whole(tmp_path: Path) -> None:
    target = tmp_path / "model.pth"
    with replacing(target) as file:
        file.write(b"all of it")
        assert not target.exists()
    assert target.read_bytes() == b"all of it"
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_is_kept_without_force(tmp_path: Path) -> None:
    target = tmp_path / "model.pth"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"exists already.*--force"), replacing(target):
        pytest.fail("the block must not run")
    assert target.read_bytes() == b"old"
    with replacing(target, force=True) as file:
        file.write(b"new")
    assert target.read_bytes() == b"new"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "model.pth"
    with pytest.raises(OutputError, match="exists already"), replacing(target):
        target.write_bytes(b"theirs")
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), FileNotFoundError(2, "gone", "input.h5")])
def test_after_an_error_nothing_is_left_and_the_error_is_the_same(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "model.pth"
    target.write_bytes(b"old")

    def fail() -> None:
        with replacing(target, force=True) as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"No space left.*Nothing was written"), replacing(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("path", "words"), [(".", "found a folder"), ("missing/model.pth", "does not exist")])
def test_a_place_that_cannot_hold_a_file(tmp_path: Path, path: str, words: str) -> None:
    with pytest.raises(OutputError, match=words), replacing(tmp_path / path, force=True):
        pytest.fail("the block must not run")


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"keep")
    target = tmp_path / "model.pth"
    target.symlink_to(elsewhere)
    with pytest.raises(OutputError, match="exists already"), replacing(target):
        pytest.fail("the block must not run")
    with replacing(target, force=True) as file:
        file.write(b"new")
    assert elsewhere.read_bytes() == b"keep"
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()
