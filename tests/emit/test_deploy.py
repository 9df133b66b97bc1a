"""Emitted models do what PyTorch models do: any batch size, torch.compile, torch.export, training, a state dict."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.emit.deploy_cases import BUILT, SHIPPED
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounter

from regraft.convert import convert

CASES = {**SHIPPED, **BUILT}
NAMES = [*SHIPPED, *(pytest.param(name, marks=pytest.mark.oracle) for name in BUILT)]
#: Dynamo leaves torch.nn.LSTM, GRU and their subclasses to eager mode, and compiles what is around them.
RECURRENT = {"tagger", "gru"}
BACKEND = "inductor" if shutil.which("g++") or shutil.which("clang++") else "aot_eager"
every_model = pytest.mark.parametrize("name", NAMES)

Convert = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Convert:
    """Converts a case when it is first asked for; gives the folder with the results."""
    folders: dict[str, Path] = {}

    def give(name: str) -> Path:
        if name not in folders:
            folder = tmp_path_factory.mktemp(name)
            folders[name] = folder / "out"
            source = convert(CASES[name].file(folder), folders[name], verify=False).module.source
            assert all(text in source for text in CASES[name].contains), source
        return folders[name]

    return give


def imported(file: Path) -> types.ModuleType:
    """A module from its file."""
    spec = importlib.util.spec_from_file_location(f"emitted_{file.parent.parent.name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loaded(folder: Path) -> Any:
    """The emitted model as its docstring says to load it."""
    model = imported(folder / "model.py").Model()
    model.load_state_dict(torch.load(folder / "model.pth", weights_only=True), strict=True)
    return model.eval()


def arguments(name: str, count: int) -> tuple[Tensor, ...]:
    """Inputs for a number of samples; those for more samples begin with those for fewer."""
    return tuple(torch.from_numpy(np.ascontiguousarray(array[:count])) for array in CASES[name].inputs(7))


def outputs(model: Callable[..., Any], inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What a model gives, always as a tuple."""
    found = model(*inputs)
    return found if isinstance(found, tuple) else (found,)


def assert_equal(found: tuple[Tensor, ...], expected: tuple[Tensor, ...], tolerance: float = 0.0) -> None:
    """Same shapes, and no number further away than ``tolerance`` times the largest."""
    assert [f.shape for f in found] == [e.shape for e in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).abs().max() <= tolerance * theirs.abs().max()


@every_model
def test_the_state_dict_fills_every_parameter(folder_of: Convert, name: str) -> None:
    folder = folder_of(name)
    state = torch.load(folder / "model.pth", weights_only=True)
    model = imported(folder / "model.py").Model()
    assert list(state) == list(model.state_dict())
    incomplete = dict(list(state.items())[1:])
    with pytest.raises(RuntimeError, match="Missing key"):
        model.load_state_dict(incomplete, strict=True)


def test_the_emitted_file_needs_torch_alone(folder_of: Convert) -> None:
    code = """
import sys, torch
known = set(sys.modules)
from model import Model
model = Model()
model.load_state_dict(torch.load("model.pth", weights_only=True))
shape = tuple(model.eval()(torch.zeros(3, 1, 8, 8)).shape)
print(shape, {name.split(".")[0] for name in set(sys.modules) - known} - {"model", "torch"})
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=folder_of("digits"), capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "(3, 10) set()"


@every_model
@torch.no_grad()
def test_samples_do_not_touch_each_other_in_a_batch_of_any_size(folder_of: Convert, name: str) -> None:
    model = loaded(folder_of(name))
    whole = outputs(model, arguments(name, 7))
    assert all(output.std(0).max() > 1e-3 for output in whole), "samples that give the same show nothing"
    for count in (1, 2):
        assert_equal(outputs(model, arguments(name, count)), tuple(o[:count] for o in whole), 1e-5)


@every_model
@torch.no_grad()
def test_a_program_exported_with_a_batch_of_2_takes_5(folder_of: Convert, name: str) -> None:
    model, batch = loaded(folder_of(name)), torch.export.Dim("batch")
    example = arguments(name, 2)
    program = torch.export.export(model, example, dynamic_shapes=tuple({0: batch} for _ in example)).module()
    for count in (2, 5):
        assert_equal(outputs(program, arguments(name, count)), outputs(model, arguments(name, count)), 1e-6)


@every_model
@torch.no_grad()
def test_one_graph_is_captured_for_all_batch_sizes(folder_of: Convert, name: str) -> None:
    model, counter = loaded(folder_of(name)), CompileCounter()
    compiled = torch.compile(model, backend=counter, fullgraph=name not in RECURRENT, dynamic=True)
    for count in (2, 5):
        assert_equal(outputs(compiled, arguments(name, count)), outputs(model, arguments(name, count)))
    assert name in RECURRENT or counter.frame_count == 1


@pytest.mark.slow
@every_model
@torch.no_grad()
def test_compiled_code_gives_the_same(folder_of: Convert, name: str) -> None:
    model = loaded(folder_of(name))
    compiled = torch.compile(model, backend=BACKEND, fullgraph=name not in RECURRENT)
    assert_equal(outputs(compiled, arguments(name, 3)), outputs(model, arguments(name, 3)), 1e-5)


@every_model
def test_it_trains(folder_of: Convert, name: str) -> None:
    torch.manual_seed(0)
    model = loaded(folder_of(name)).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    sum(output.square().mean() for output in outputs(model, arguments(name, 7))).backward()
    idle = [path for path, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not idle
    optimizer.step()
    after = model.state_dict()
    norms = [path for path, module in model.named_modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    moving = [f"{path}.{statistic}" for path in norms for statistic in ("running_mean", "running_var")]
    weights = [path for path, parameter in model.named_parameters() if parameter.ndim > 1]
    still = [path for path in (*moving, *weights) if torch.equal(before[path], after[path])]
    assert not still
    assert bool(norms) == (name in ("digits", "resnet", "same"))


@every_model
@torch.no_grad()
def test_evaluation_leaves_the_model_as_it_was(folder_of: Convert, name: str) -> None:
    model = loaded(folder_of(name))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first = outputs(model, arguments(name, 3))
    assert_equal(outputs(model, arguments(name, 3)), first)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
