"""Two hundred damaged files through the whole pipeline: a clean error or a result, never a traceback."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from regraft.convert import convert
from regraft.errors import RegraftError
from regraft.samples import path as sample

MUTATIONS = 200
FILES = ("digits.h5", "digits.keras", "digits.weights.h5", "digits_legacy_weights.h5")


def mutated(original: bytes, seed: int) -> bytes:
    """The file with 1 to 20 of its bytes replaced; half of the time among the first 8 kB, where the structure is."""
    rng = np.random.default_rng(seed)
    data = bytearray(original)
    end = 8192 if seed % 2 else len(data)
    for place in rng.integers(0, end, rng.integers(1, 21)):
        data[place] = int(rng.integers(0, 256))
    return bytes(data)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_gives_a_clean_error_or_a_result(name: str, tmp_path: Path) -> None:
    original = sample(name).read_bytes()
    architecture = tmp_path / "model.json"
    converted = convert(sample("digits.keras"), tmp_path / "whole", verify=False)
    architecture.write_text((converted.folder / "architecture.json").read_text())
    needs_architecture = "weights" in name
    errors = results = 0
    for seed in range(MUTATIONS // len(FILES)):
        file = tmp_path / name
        file.write_bytes(mutated(original, seed))
        try:
            convert(
                file,
                tmp_path / "out",
                verify=False,
                force=True,
                architecture=architecture if needs_architecture else None,
            )
            results += 1
        except RegraftError:
            errors += 1
    assert errors + results == MUTATIONS // len(FILES)
    assert errors > 0


def test_every_damage_to_the_weights_of_an_archive_is_noticed(tmp_path: Path) -> None:
    original = sample("digits.keras").read_bytes()
    file = tmp_path / "digits.keras"
    for seed in range(0, 20, 2):
        rng = np.random.default_rng(seed)
        data = bytearray(original)
        data[int(rng.integers(len(data) // 2, len(data) - 4096))] ^= 0x40
        file.write_bytes(bytes(data))
        with pytest.raises(RegraftError):
            convert(file, tmp_path / "out", verify=False, force=True)
