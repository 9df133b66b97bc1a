"""
``python model.py --selftest`` where there is nothing but torch: neither numpy nor safetensors nor regraft.

The interpreter of the tests runs it behind a finder that knows no module but those of Python, of torch, and of what torch
requires. In a new environment into which only torch was installed it was run by hand: ``docs/selftest.md``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
import torch

from regraft.convert import convert
from regraft.samples import path as sample

ALONE = """
import runpy, sys, warnings

allowed = {names}

class Nothing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in allowed:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

warnings.filterwarnings("ignore", "Failed to initialize NumPy")  # torch says this of itself
sys.meta_path.insert(0, Nothing())
sys.argv = [{file!r}, *{arguments}]
try:
    runpy.run_path({file!r}, run_name="__main__")
finally:
    loaded = {{name.partition(".")[0] for name in sys.modules}}
    print(sorted({{"numpy", "regraft", "safetensors", "h5py", "einops"}} & loaded), file=sys.stderr)
"""


def required() -> set[str]:
    """The modules of torch and of every distribution that it requires, whatever they are called."""
    found, todo = set[str](), ["torch"]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        lines = [line for line in distribution(name).requires or () if "extra ==" not in line]
        todo += [
            re.split(r"[^A-Za-z0-9_.-]", line)[0].lower().replace("_", "-") for line in lines if "win32" not in line
        ]
    owners = packages_distributions()
    return {module for module, names in owners.items() if found & {n.lower().replace("_", "-") for n in names}}


def alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``model.py`` with torch alone, from another folder."""
    code = ALONE.format(names=required(), file=str(folder / "model.py"), arguments=list(arguments))
    return subprocess.run([sys.executable, "-I", "-c", code], cwd="/", capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(sample("digits.h5"), tmp_path_factory.mktemp("digits"), verify=False, selftest=True).folder


def test_what_torch_requires_has_no_numpy() -> None:
    assert {"torch", "sympy", "typing_extensions"} <= required()
    assert not {"numpy", "safetensors", "regraft"} & required()


def test_it_needs_torch_alone(folder: Path) -> None:
    done = alone(folder, "--selftest")
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert done.stdout.startswith("selftest: 21 weights, 10 modules and 1 output as recorded (largest difference ")


def test_what_differs_ends_with_1(folder: Path, tmp_path: Path) -> None:
    for name in ("model.py", "selftest.npz"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    state = torch.load(folder / "model.pth", weights_only=True)
    state["conv2d.weight"][3, 5, 1, 2] *= 1.5
    torch.save(state, tmp_path / "model.pth")

    done = alone(tmp_path, "--selftest")

    assert (done.returncode, done.stdout) == (1, "")
    first, expected, found, *_ = done.stderr.removeprefix("[]\n").splitlines()
    assert first == "selftest: weight conv2d.weight differs, and all before it agree."
    numbers = [json.loads(re.search(r"\] (\[.*?\])", line)[1]) for line in (expected, found)]  # type: ignore[index]
    assert numbers[0] != numbers[1]


@pytest.mark.parametrize("arguments", [(), ("--self-test",), ("--selftest", "cuda")])
def test_without_its_option_it_says_how_to_use_it(arguments: tuple[str, ...], folder: Path) -> None:
    done = alone(folder, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "python model.py --selftest" in done.stderr


def test_safetensors_are_read_by_their_own_library(tmp_path: Path) -> None:
    out = convert(sample("digits.h5"), tmp_path, verify=False, selftest=True, format="safetensors").folder
    command = [sys.executable, "-I", str(out / "model.py"), "--selftest"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "21 weights, 10 modules and 1 output as recorded" in done.stdout
