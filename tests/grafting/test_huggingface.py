"""Every tf_model.h5 of tests/graft/huggingface onto today's class of transformers: what TensorFlow computed, computed again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from regraft.cli import main
from regraft.errors import ConfigError, FileError, OutputError
from regraft.graft.target import load_target

FOLDER = Path(__file__).parents[1] / "graft" / "huggingface"
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
#: The last one of these is made with other classes of today's transformers: nothing of the names is the same.
EXPECTED = {
    "BertForMaskedLM",
    "DistilBertModel",
    "GPT2LMHeadModel",
    "RobertaModel",
    "T5ForConditionalGeneration",
    "ViTModel",
}
#: Of the largest value: what single precision leaves after some layers.
ROUNDING = 1e-5


def test_every_architecture_is_there() -> None:
    assert set(NAMES) >= EXPECTED


@pytest.mark.parametrize("name", NAMES)
def test_the_outputs_are_those_of_tensorflow(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file, config = FOLDER / name / "tf_model.h5", FOLDER / name / "config.json"
    arguments = ["graft", str(file), f"transformers:{name}", "--config", str(config), "-o", "m.pth", "--json"]
    assert main(arguments) == 3, "nothing says what the file's model computes"
    report = json.loads(capsys.readouterr().out)
    assert (report["status"], report["architecture"]) == ("filled", "none")
    assert report["unfilled"] == []
    assert report["lone_layers"] == []

    module = loaded(name, config, tmp_path / "m.pth")
    run = np.load(FOLDER / name / "run.npz")
    inputs = {key.removeprefix("input/"): torch.from_numpy(run[key]) for key in run if key.startswith("input/")}
    with torch.no_grad():
        outputs = module.eval()(**inputs)
    compared = [key for key in run if key.startswith("output/")]
    assert compared
    for key in compared:
        expected, found = run[key], outputs[key.removeprefix("output/")].numpy()
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < ROUNDING * np.abs(expected).max(), key

    back = ["graft", "--reverse", "m.pth", "--mapping", "mapping.toml", "--from", str(file), "--into", "again.h5"]
    assert main(back) == 0
    assert (tmp_path / "again.h5").read_bytes() == file.read_bytes()


def loaded(name: str, config: Path, state: Path) -> torch.nn.Module:
    """The model as a user loads it, in a new module."""
    sizes = getattr(transformers, name).config_class.from_dict(json.loads(config.read_text()))
    weights = torch.load(state, weights_only=True)
    if name == "T5ForConditionalGeneration":  # as the report's note says
        return transformers.T5ForConditionalGeneration.from_pretrained(None, config=sizes, state_dict=weights)
    module = getattr(transformers, name)(sizes)
    module.load_state_dict(weights)
    return module


def test_the_config_beside_the_file_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        main(["graft", str(FOLDER / "ViTModel" / "tf_model.h5"), "transformers:ViTModel", "-o", "m.pth", "--quiet"])
        == 3
    )


def test_another_class_keeps_its_own_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = FOLDER / "BertModel" / "tf_model.h5"
    assert main(["graft", str(file), "transformers:BertForMaskedLM", "-o", "m.pth", "--json"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert {key.split(".")[0] for key in report["unfilled"]} == {"cls"}
    assert report["lone_layers"] == ["bert/pooler/dense"]


def test_other_sizes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sizes = json.loads((FOLDER / "BertModel" / "config.json").read_text())
    Path("config.json").write_text(json.dumps({**sizes, "vocab_size": 60}))
    file = str(FOLDER / "BertModel" / "tf_model.h5")
    assert main(["graft", file, "transformers:BertModel", "--config", "config.json", "-o", "m.pth", "--json"]) == 2
    assert "expected (60, 24)" in capsys.readouterr().out
    assert not Path("m.pth").exists()


def test_two_tables_that_a_class_ties_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(FOLDER / "T5ForConditionalGeneration", tmp_path / "t5")
    sizes = json.loads(Path("t5/config.json").read_text())
    Path("t5/config.json").write_text(json.dumps({**sizes, "tie_word_embeddings": True}))
    file = "t5/tf_model.h5"
    assert main(["graft", file, "transformers:T5ForConditionalGeneration", "-o", "m.pth", "--json"]) == 2
    assert "the file has two that differ" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [("transformers:NoSuchModel", "no model class NoSuchModel"), ("transformers:BertTokenizer", "no model class")],
)
def test_what_is_no_class(text: str, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        load_target(text, FOLDER / "BertModel" / "config.json")


def test_a_config_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "broken.json").write_text("{")
    for name in ("list.json", "broken.json"):
        with pytest.raises(ConfigError, match=name):
            load_target("transformers:BertModel", tmp_path / name)
    with pytest.raises(FileError, match="cannot be read"):
        load_target("transformers:BertModel", tmp_path / "nothing.json")
    with pytest.raises(OutputError, match="--config is for transformers"):
        load_target("my_net.py:Net", tmp_path / "list.json")
