"""Files about which little can be said, and files that no network wrote: a message, or a labelled result, in seconds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest
from benchmarks import scaling_hostile

import regraft
from regraft.cli import main
from regraft.recover.candidate import Candidate

Layers = Mapping[str, Mapping[str, np.ndarray]]
SECONDS = 10.0
RNG = np.random.default_rng(0)
RECOVERED, REFUSED = 3, 2


def random(*shape: int) -> np.ndarray:
    return RNG.normal(0, 0.3, shape).astype("f4")


def norm(size: int, **others: np.ndarray) -> dict[str, np.ndarray]:
    """A BatchNormalization as it is before training, but for what is said."""
    zeros, ones = np.zeros(size, "f4"), np.ones(size, "f4")
    return {"gamma": ones, "beta": zeros, "moving_mean": zeros, "moving_variance": ones, **others}


def network(**others: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Two convolutions with a normalisation each, whose statistics are what is said, and a Dense."""
    return {
        "conv2d": {"kernel": random(3, 3, 1, 6), "bias": random(6)},
        "batch_normalization": norm(6, **others),
        "conv2d_1": {"kernel": random(3, 3, 6, 6), "bias": random(6)},
        "batch_normalization_1": norm(6, **others),
        "flatten": {},
        "dense": {"kernel": random(16 * 6, 4), "bias": random(4)},
    }


def write(folder: Path, layers: Layers) -> Path:
    return scaling_hostile.legacy(folder / "weights.h5", {name: dict(arrays) for name, arrays in layers.items()})


def savez(folder: Path, *arrays: np.ndarray) -> Path:
    file = folder / "weights.npz"
    np.savez(file, *arrays)
    return file


def recovered(file: Path, *shapes: tuple[int | None, ...]) -> list[Candidate]:
    """The candidates, each of which must hold together and say how sure it is; within the time."""
    start = time.process_time()
    found = regraft.recover(regraft.read(file), input_shapes=shapes)
    assert time.process_time() - start < SECONDS
    assert found
    for candidate in found:
        candidate.blueprint.check()
        assert math.isfinite(candidate.cost)
        assert 0.0 <= candidate.share <= 1.0
    return found


def refusal(file: Path, *shapes: tuple[int | None, ...]) -> str:
    """What a file is refused with; empty if it gives candidates, the best of which must say that it is not sure."""
    start = time.process_time()
    try:
        found = recovered(file, *shapes)
    except regraft.RegraftError as error:
        assert time.process_time() - start < SECONDS
        return str(error)
    assert labels(found[0]) & {"assumed", "open"}
    return ""


def labels(candidate: Candidate) -> set[str]:
    return {choice.label for choice in candidate.blueprint.choices}


# ---- what nobody would call a network


REFUSED_FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no layers": (lambda d: write(d, {}), "no variables"),
    "layers without variables": (lambda d: write(d, {"dropout": {}, "flatten": {}}), "no variables"),
    "an array of text": (
        lambda d: savez(d, np.array(["kernel", "bias"])),
        "no array of numbers",
    ),
    "an array of objects": (
        lambda d: savez(d, np.array([None, "x"], dtype=object)),
        "pickle",
    ),
    "complex numbers": (lambda d: savez(d, np.ones((3, 4), "c8")), "no array of numbers"),
    "a million groups": (lambda d: scaling_hostile.groups(d, 61_000), "more than 60000 groups"),
    "a million arrays": (lambda d: scaling_hostile.arrays(d, 11_000), "members"),
    "too many arrays in a list": (lambda d: scaling_hostile.equal_arrays(d, 6_001), "at most 6,000"),
    "nested groups": (lambda d: scaling_hostile.deep(d, 200), "deep"),
    "a name of 10 kB": (lambda d: write(d, {"x" * 10_000: {"kernel": random(3, 4)}}), "impossible name"),
}


@pytest.mark.parametrize("name", REFUSED_FILES)
def test_refused(name: str, tmp_path: Path) -> None:
    make, words = REFUSED_FILES[name]
    file = make(tmp_path)
    start = time.process_time()
    with pytest.raises(regraft.RegraftError, match=words) as caught:
        regraft.recover(regraft.read(file))
    assert time.process_time() - start < SECONDS
    assert len(str(caught.value)) < 2000


# ---- statistics that say nothing, or worse


STATISTICS: dict[str, dict[str, np.ndarray]] = {
    "never trained": {},
    "NaN": {"moving_mean": np.full(6, np.nan, "f4"), "moving_variance": np.full(6, np.nan, "f4")},
    "infinite": {"moving_variance": np.full(6, np.inf, "f4")},
    "one NaN": {"moving_mean": np.array([0, 1, np.nan, 3, 4, 5], "f4")},
    "negative variance": {"moving_variance": np.full(6, -1.0, "f4")},
    "variance 0": {"moving_variance": np.zeros(6, "f4")},
    "huge": {"moving_mean": np.full(6, 3e38, "f4"), "moving_variance": np.full(6, 3e38, "f4")},
    "gamma NaN": {"gamma": np.full(6, np.nan, "f4"), "moving_mean": random(6)},
    "gamma 0": {"gamma": np.zeros(6, "f4"), "moving_mean": random(6), "moving_variance": np.full(6, 0.5, "f4")},
    "beta infinite": {"beta": np.full(6, -np.inf, "f4"), "moving_mean": random(6)},
}


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.filterwarnings("error")
def test_statistics_without_sense(name: str, tmp_path: Path) -> None:
    found = recovered(write(tmp_path, network(**STATISTICS[name])), (6, 6, 1))
    supported = [c for c in found[0].blueprint.choices if c.label == "supported" and "statistics" in c.evidence]
    assert not supported, f"{name}: statistics that mean nothing support {supported[0].subject}"


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.filterwarnings("error")
def test_statistics_without_sense_in_a_list(name: str, tmp_path: Path) -> None:
    arrays = [array for layer in network(**STATISTICS[name]).values() for array in layer.values()]
    recovered(savez(tmp_path, *arrays), (6, 6, 1))


# ---- values


VALUES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "all zero": np.zeros_like,
    "constant": lambda a: np.full_like(a, 0.25),
    "NaN": lambda a: np.full_like(a, np.nan),
    "float16": lambda a: a.astype("f2"),
    "float64": lambda a: a.astype("f8"),
    "whole numbers": lambda a: (a * 100).astype("i4"),
    "bytes": lambda a: (a * 100).astype("i1"),
    "yes or no": lambda a: a > 0,
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("level", ["named", "ordered", "shuffled"])
@pytest.mark.filterwarnings("error")
def test_values_of_any_kind(name: str, level: str, tmp_path: Path) -> None:
    layers = {key: {role: VALUES[name](a) for role, a in arrays.items()} for key, arrays in network().items()}
    arrays = [array for layer in layers.values() for array in layer.values()]
    if level == "shuffled":
        arrays = [arrays[i] for i in np.random.default_rng(3).permutation(len(arrays))]
    recovered(write(tmp_path, layers) if level == "named" else savez(tmp_path, *arrays), (6, 6, 1))


# ---- shapes that contradict each other


SHAPES: dict[str, Layers] = {
    "a kernel that nothing can feed": {
        "dense": {"kernel": random(5, 7), "bias": random(7)},
        "dense_1": {"kernel": random(1013, 3), "bias": random(3)},
    },
    "vectors of different lengths in a BatchNormalization": {
        "dense": {"kernel": random(5, 7), "bias": random(7)},
        "batch_normalization": {**norm(7), "moving_variance": np.ones(6, "f4")},
        "dense_1": {"kernel": random(7, 3), "bias": random(3)},
    },
    "a Dense of 0 units": {
        "dense": {"kernel": random(5, 0), "bias": random(0)},
        "dense_1": {"kernel": random(0, 3), "bias": random(3)},
    },
    "a kernel of no input": {"dense": {"kernel": random(0, 3), "bias": random(3)}},
    "a kernel of many axes": {"thing": {"kernel": random(2, 1, 2, 1, 2, 3, 2, 2)}},
    "a number alone": {"thing": {"kernel": np.float32(3.0) * np.ones((), "f4")}},
    "a bias that is longer than its kernel": {"dense": {"kernel": random(5, 7), "bias": random(9)}},
    "a recurrent layer with two gates and a half": {
        "lstm": {"kernel": random(5, 10), "recurrent_kernel": random(4, 10), "bias": random(10)},
    },
    "a convolution after a vector": {
        "dense": {"kernel": random(5, 7), "bias": random(7)},
        "conv2d": {"kernel": random(3, 3, 11, 2), "bias": random(2)},
    },
    "an Add of one tensor": {"dense": {"kernel": random(5, 7), "bias": random(7)}, "add": {}},
    "a Concatenate in front": {"concatenate": {}, "dense": {"kernel": random(5, 7), "bias": random(7)}},
    "inputs only": {"input_1": {}, "input_2": {}, "dense": {"kernel": random(5, 7), "bias": random(7)}},
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_that_contradict(name: str, tmp_path: Path) -> None:
    """A message that names a place, or a candidate that does not claim to be sure of everything."""
    file = write(tmp_path, SHAPES[name])
    said = refusal(file)
    assert not said or str(file) in said


ODD_SHAPES = {
    "of other channels": (6, 6, 5),
    "of another rank": (7,),
    "too small": (2, 2, 1),
    "huge": (2**31 - 1, 2**31 - 1, 1),
    "large": (30_000, 30_000, 1),
    "open": (None, None, 1),
    "empty": (0, 0, 1),
}


@pytest.mark.parametrize("name", ODD_SHAPES)
def test_input_shapes_that_do_not_fit(name: str, tmp_path: Path) -> None:
    file = write(tmp_path, network())
    assert len(refusal(file, ODD_SHAPES[name])) < 2000


# ---- little to go by


def test_three_kernels_without_names(tmp_path: Path) -> None:
    """The likeliest is what most people would have built, and nothing is claimed of its functions."""
    best = recovered(savez(tmp_path, random(9, 7), random(7, 5), random(5, 3)), (9,))[0]
    assert [spec.type for spec in best.blueprint.layers if spec.type != "InputLayer"] == ["Dense"] * 3
    functions = [c for c in best.blueprint.choices if c.subject.endswith(".activation")]
    assert len(functions) == 3
    assert {c.label for c in functions} <= {"assumed", "open"}


LITTLE: dict[str, tuple[np.ndarray, ...]] = {
    "one vector": (random(7),),
    "one number": (random(1).reshape(()),),
    "one kernel": (random(7, 3),),
    "one cube": (random(4, 4, 4),),
    "the same kernel twice": (np.eye(4, dtype="f4"), np.eye(4, dtype="f4")),
    "vectors alone": tuple(random(5) for _ in range(9)),
    "kernels that do not meet": (random(3, 7), random(11, 13), random(17, 19)),
    "nothing in an axis": (random(0, 4), random(4)),
    "many axes": (random(1, 2, 1, 2, 1, 2, 1, 2), random(3, 2)),
}


@pytest.mark.parametrize("name", LITTLE)
def test_little_is_labelled(name: str, tmp_path: Path) -> None:
    said = refusal(savez(tmp_path, *LITTLE[name]))
    assert not said or "weights.npz" in said


# ---- names


NAMES = [
    "model.set",
    "a.strides",
    "../../etc",
    "x\ny",
    "\x1b[31mred\x1b[0m",
    "\u202eevil",
    "'; import os #",
    '"""',
    "None",
    "class",
    "self",
    "forward",
    "1",
    "-",
    " ",
    "{name}",
    "%s",
    "é" * 300,
]


def test_names_of_any_kind(tmp_path: Path) -> None:
    """Layers keep their names, however odd; nothing is run, and the module that is written compiles."""
    layers = {}
    for i, name in enumerate(n.replace("/", "|") for n in NAMES):
        layers[name] = {"kernel": random(4 + i, 5 + i), "bias": random(5 + i)}
    best = recovered(write(tmp_path, layers))[0]
    assert {spec.name for spec in best.blueprint.layers} >= set(layers)


# ---- many


MANY: dict[str, tuple[Callable[[Path, int], Path], int]] = {
    "equal layers": (scaling_hostile.equal_layers, 100),
    "equal arrays": (scaling_hostile.equal_arrays, 150),
    "vectors": (scaling_hostile.vectors, 100),
    "classes": (scaling_hostile.classes, 100),
    "outputs": (scaling_hostile.outputs, 40),
    "sums": (scaling_hostile.sums, 12),
}


@pytest.mark.parametrize("name", MANY)
def test_many(name: str, tmp_path: Path) -> None:
    make, size = MANY[name]
    assert len(refusal(make(tmp_path, size))) < 2000


# ---- on the command line


COMMANDS: dict[str, tuple[Callable[[Path], Path], int]] = {
    "three kernels": (lambda d: savez(d, random(9, 7), random(7, 5), random(5, 3)), RECOVERED),
    "NaN statistics": (lambda d: write(d, network(**STATISTICS["NaN"])), RECOVERED),
    "one vector": (lambda d: savez(d, random(7)), RECOVERED),
    "no layers": (lambda d: write(d, {}), REFUSED),
    "an empty file": (lambda d: empty(d / "weights.h5"), REFUSED),
    "too many layers": (lambda d: scaling_hostile.equal_layers(d, 4_001), REFUSED),
    "odd names": (lambda d: write(d, {"x\n\x1b[31m.y": {"kernel": random(3, 4), "bias": random(4)}}), RECOVERED),
}


def empty(file: Path) -> Path:
    file.write_bytes(b"")
    return file


@pytest.mark.parametrize("name", COMMANDS)
def test_exit_code(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, expected = COMMANDS[name]
    file = make(tmp_path)
    size = ["--input-shape", "6,6,1"] if name == "NaN statistics" else []
    assert main(["convert", str(file), "--out", str(tmp_path / "out"), *size]) == expected
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out + shown.err
    assert "\x1b[31m" not in shown.out + shown.err
    assert "mistake" not in shown.err
    assert (tmp_path / "out").exists() == (expected == RECOVERED)


def test_damaged_array(tmp_path: Path) -> None:
    """What cannot be read is told; shapes alone still make a candidate."""
    file = scaling_hostile.equal_layers(tmp_path, 3)
    with h5py.File(file, "r+") as out:
        del out["dense_1"]["kernel:0"]
        out["dense_1"].create_dataset("kernel:0", data=random(3, 3), chunks=(3, 3), compression="gzip")
        offset = out["dense_1"]["kernel:0"].id.get_chunk_info(0).byte_offset
    data = bytearray(file.read_bytes())
    data[offset : offset + 8] = b"\xff" * 8
    file.write_bytes(data)
    with pytest.raises(regraft.FileError, match="dense_1"):
        [v.read() for v in regraft.read(file).variables()]
    said = refusal(file)
    assert not said or "dense_1" in said
