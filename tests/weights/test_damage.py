"""Damaged files: an error that says so, or a tree; never anything else. In a process of its own, against crashes."""

from __future__ import annotations

import collections
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.weights.build import archive, legacy, saving_lib, whole_model

MUTATIONS = 200
CUTS = (0, 1, 7, 8, 9, 60, 95, 96, 500, 0.25, 0.5, 0.75, 0.99, -1)
KINDS = ("legacy", "whole", "saved", "archive")


def originals(folder: Path) -> dict[str, bytes]:
    raw = saving_lib(folder / "saved", names={}).read_bytes()
    return {
        "legacy": legacy(folder / "legacy", keras=1).read_bytes(),
        "whole": whole_model(folder / "whole").read_bytes(),
        "saved": raw,
        "archive": archive(folder / "archive", raw).read_bytes(),
    }


def mutated(raw: bytes, seed: int) -> bytes:
    """1 to 20 bytes changed, most of them where the structure of the file is, at its beginning or its end."""
    rng, data = random.Random(seed), bytearray(raw)
    for _ in range(rng.randint(1, 20)):
        span = rng.choice([len(data), len(data), 2000])
        at = rng.randrange(span) if rng.random() < 0.8 else len(data) - 1 - rng.randrange(min(span, 600))
        data[at % len(data)] = rng.choice([0, 0xFF, rng.randrange(256)])
    return bytes(data)


def variants(kind: str, raw: bytes) -> list[tuple[str, bytes]]:
    cuts = [int(cut * len(raw)) if isinstance(cut, float) else cut for cut in CUTS]
    damaged = [(f"{kind} cut at {cut}", raw[:cut]) for cut in cuts]
    return damaged + [(f"{kind} seed {seed}", mutated(raw, seed)) for seed in range(MUTATIONS)]


def main(folder: Path) -> None:
    from regraft import weights
    from regraft.errors import RegraftError

    for kind, raw in originals(folder).items():
        for title, data in variants(kind, raw):
            path = folder / "damaged"
            path.write_bytes(data)
            print(title, end=": ", flush=True)
            try:
                tree = weights.read(path)
                for variable in tree.variables():
                    array = variable.read()
                    assert (array.shape, array.dtype.name.replace("void16", "")) == (variable.shape, array.dtype.name)
                print("tree")
            except RegraftError as error:
                print(type(error).__name__)
            except BaseException as error:
                print(f"escaped {type(error).__name__} {ascii(error)[:300]}")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("damage")
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "tests.weights.test_damage", str(folder)],
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": f"src{os.pathsep}.", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"crash at {json.dumps(lines[-1:])}: {done.stderr[-2000:]}"
    return dict(line.split(": ", 1) for line in lines)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_escapes(outcomes: dict[str, str], kind: str) -> None:
    mine = {title: outcome for title, outcome in outcomes.items() if title.startswith(kind)}
    assert len(mine) == len(CUTS) + MUTATIONS
    assert not [item for item in mine.items() if item[1].startswith("escaped")]


@pytest.mark.parametrize("kind", KINDS)
def test_cut_files_are_known_as_such(outcomes: dict[str, str], kind: str) -> None:
    cut = {title: outcome for title, outcome in outcomes.items() if title.startswith(f"{kind} cut")}
    assert set(cut.values()) == {"NotKerasError"}, cut


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_sometimes_noticed_and_sometimes_not(outcomes: dict[str, str], kind: str) -> None:
    # The mutations would test nothing if all of them were refused at the door.
    found = collections.Counter(outcome for title, outcome in outcomes.items() if title.startswith(f"{kind} seed"))
    assert found["tree"] > 10, found
    assert sum(found.values()) - found["tree"] > 10, found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
