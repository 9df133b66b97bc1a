from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regraft.errors import FileError
from regraft.weights.window import Window, open_regular

TEXT = bytes(range(100))


class Slow(io.FileIO):
    """Reads at most three bytes at a time, as a system call reads at most 2 GiB."""

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        return super().readinto(memoryview(buffer)[:3]) or 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "x"
    target.write_bytes(TEXT)
    return target


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 90), st.integers(0, 50), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))))
def test_window_reads_like_a_slice(path: Path, start: int, size: int, steps: list[tuple[int, int]]) -> None:
    size = min(size, 100 - start)
    plain = io.BytesIO(TEXT[start : start + size])
    with Window(open_regular(path), start, size) as window:
        for position, count in steps:
            assert window.seek(position) == plain.seek(position)
            assert window.read(count) == plain.read(count)
            assert window.read_at(position, count) == TEXT[start : start + size][position : position + count]
            assert window.tell() == position + len(TEXT[start : start + size][position : position + count])


def test_seek_from_everywhere(path: Path) -> None:
    with Window(open_regular(path), 10, 20) as window:
        assert window.seek(-5, io.SEEK_END) == 15
        assert window.seek(2, io.SEEK_CUR) == 17
        assert window.read() == TEXT[27:30]
        with pytest.raises(OSError, match="negative"):
            window.seek(-1)


def test_short_reads_are_repeated(path: Path) -> None:
    with Window(Slow(path)) as window:
        buffer = bytearray(100)
        assert window.readinto(buffer) == 100
        assert bytes(buffer) == TEXT


def test_a_file_that_shrank_is_an_error(path: Path) -> None:
    with Window(open_regular(path)) as window:
        path.write_bytes(TEXT[:50])
        with pytest.raises(OSError, match="became shorter"):
            window.readinto(bytearray(100))


def test_closing_closes_the_file(path: Path) -> None:
    file = open_regular(path)
    Window(file).close()
    assert file.closed


def test_only_regular_files(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="not a regular file"):
        open_regular(tmp_path)
    with pytest.raises(FileError, match="no such file"):
        open_regular(tmp_path / "absent")
    with pytest.raises(FileError, match="cannot be opened"):
        open_regular(Path("a\0b"))
