"""A tf_model.h5 onto a module of our own: the same numbers as in TensorFlow, the way back, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from tests.graft import gpt2
from tests.graft.gpt2 import GPT2

from regraft import samples
from regraft.cli import main
from regraft.graft.filling import save
from regraft.graft.mapping import Entry, Made, TensorMap, from_toml
from regraft.grafting.by_names import graft_by_names, left_out, report_by_names
from regraft.grafting.files import reverse
from regraft.weights import read

FOLDER = Path(__file__).parents[1] / "graft" / "huggingface" / "GPT2Model"
FILE = FOLDER / "tf_model.h5"


def recorded() -> tuple[torch.Tensor, np.ndarray]:
    run = np.load(FOLDER / "run.npz")
    return torch.from_numpy(run["input/input_ids"]), run["output/last_hidden_state"]


def computed(module: torch.nn.Module) -> np.ndarray:
    with torch.no_grad():
        return module.eval()(recorded()[0]).numpy()


def error(module: torch.nn.Module) -> float:
    expected = recorded()[1]
    return float(np.abs(computed(module) - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize(
    ("settings", "runs", "note"),
    [
        ({}, True, ""),
        ({"straight": True}, True, ""),  # every square matrix has to be turned
        ({"straight": True}, False, ""),
        ({}, False, ""),  # it has a table of words, so that words are tried
        ({"apart": True}, True, "one behind another"),
        ({"straight": True, "apart": True}, True, "one behind another"),
        ({"straight": True, "apart": True}, False, "one behind another"),
    ],
)
def test_the_module_computes_what_tensorflow_did(settings: dict[str, Any], runs: bool, note: str) -> None:
    module = GPT2(**settings)
    found = graft_by_names(read(FILE), module, (recorded()[0],) if runs else ())
    assert found.problems == ()
    assert found.unfilled == ()
    assert found.complete
    assert error(module) < 1e-5
    assert any(note in line for line in found.notes) if note else not found.notes
    report = report_by_names(found, "GPT2")
    assert (report.status, report.architecture, report.exit_code) == ("filled", "none", 3)
    assert report.variables == 28


def test_a_square_matrix_that_no_run_explains_is_said() -> None:
    class Unknown(GPT2):
        def forward(self, *_: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("it takes something else")

    found = graft_by_names(read(FILE), Unknown(), (recorded()[0],))
    assert any("c_proj" in note and "no run shows how the module uses it" in note for note in found.notes)
    assert any("it takes something else" in note for note in found.notes)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(gpt2.__file__, "my_net.py")
    assert main(["graft", str(FILE), "my_net.py:GPT2(straight=True)", "-o", "m.pth"]) == 3
    text = " ".join(capsys.readouterr().out.split())
    assert "names and shapes decide" in text
    assert "variables are named after the model" in text
    module = GPT2(straight=True)
    module.load_state_dict(torch.load("m.pth", weights_only=True))
    assert error(module) < 1e-5
    assert main(["graft", str(FILE), "my_net.py:GPT2(vocabulary=50)", "-o", "other/m.pth"]) == 2
    assert "expected (50, 18)" in " ".join(capsys.readouterr().out.split())
    assert not Path("other").exists()


def test_the_way_back_is_bit_for_bit(tmp_path: Path) -> None:
    module = GPT2(straight=True, apart=True)
    found = graft_by_names(read(FILE), module, (recorded()[0],))
    (tmp_path / "mapping.toml").write_text(found.mapping.to_toml())
    with (tmp_path / "m.pth").open("wb") as file:
        save(module, file)
    assert reverse(tmp_path / "m.pth", tmp_path / "mapping.toml", FILE, tmp_path / "again.h5") == 0
    assert (tmp_path / "again.h5").read_bytes() == FILE.read_bytes()


def test_a_mapping_is_applied() -> None:
    plan: TensorMap = from_toml(graft_by_names(read(FILE), GPT2(), (recorded()[0],)).mapping.to_toml())
    module = GPT2()
    found = graft_by_names(read(FILE), module, (), plan)
    assert error(module) < 1e-5
    assert found.problems == ()


def test_an_array_that_is_stored_twice_is_written_twice(tmp_path: Path) -> None:
    file = tmp_path / "twice.h5"
    shutil.copyfile(FILE, file)
    with h5py.File(file, "r+") as opened:
        first = opened["transformer"]
        name = next(text for text in first.attrs["weight_names"] if text.endswith("wte/embeddings:0"))
        opened.create_group("head").create_dataset(name, data=first[name][...])
        opened["head"].attrs["weight_names"] = [name.encode()]
        opened.attrs["layer_names"] = [b"transformer", b"head"]
    found = graft_by_names(read(file), GPT2(), (recorded()[0],))
    assert found.problems == ()
    entries = [entry for entry in found.mapping.entries if entry.parameters == ("wte.weight",)]
    assert [source.paths for entry in entries for source in entry.sources] == [
        (f"/transformer/{name}",),
        (f"/head/{name}",),
    ]
    assert any("more than once" in note for note in found.notes)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"vocabulary": 50}, "wte is called as transformer/wte, and does not fit it"),
        ({"vocabulary": 50}, "expected (50, 18), vocabulary embed, the file has (49, 18)"),
    ],
)
def test_other_sizes_are_refused(settings: dict[str, Any], problem: str) -> None:
    module = GPT2(**settings)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    found = graft_by_names(read(FILE), module)
    assert problem in "\n".join(found.problems)
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items()), "nothing is filled"
    assert report_by_names(found, "GPT2").exit_code == 2


def test_a_module_with_more_layers_keeps_them_and_says_so() -> None:
    module = GPT2(layers=3)
    found = graft_by_names(read(FILE), module, (recorded()[0],))
    assert found.problems == ()
    assert {key.split(".")[1] for key in found.unfilled} == {"2"}
    report = report_by_names(found, "GPT2")
    assert report.exit_code == 3
    assert len(report.unfilled) == 12


def test_a_module_with_fewer_layers_leaves_some_of_the_file() -> None:
    found = graft_by_names(read(FILE), GPT2(layers=1), (recorded()[0],))
    assert found.problems == ()
    assert all("h_._1" in owner.name for owner in found.pairing.lone_sources)
    assert any("has no place for" in note for note in report_by_names(found, "GPT2").notes)


def test_another_architecture_is_refused() -> None:
    found = graft_by_names(read(FILE), torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Linear(7, 3)))
    assert "is this the architecture of the file?" in found.problems[0]


def test_names_that_do_not_decide_are_refused() -> None:
    module = GPT2(straight=True)
    for block in module.h:
        block.one, block.other = block.ln_1, block.ln_2
        del block.ln_1, block.ln_2
    found = graft_by_names(read(FILE), module)
    assert sum("the names do not say which" in problem for problem in found.problems) == 4


def test_what_a_mapping_leaves_out_is_told() -> None:
    tree = read(samples.path("digits.h5"))
    (said,) = left_out(tree, TensorMap(()))
    assert "/model_weights/stem/stem/kernel" in said
    entries = tuple(Entry("", (Made((v.path,)),), (), ("x",), {}, {}) for v in tree.variables())
    assert left_out(tree, TensorMap(entries)) == []
    (rest,) = left_out(tree, TensorMap(entries[1:]))
    assert entries[0].sources[0].paths[0] in rest
