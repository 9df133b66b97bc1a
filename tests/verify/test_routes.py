"""How Keras gets architecture and weights."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from tests.verify.subjects import subject_of

from regraft.blueprint import Blueprint
from regraft.errors import BlueprintError
from regraft.layers.binding import Binding
from regraft.layout import Flip
from regraft.samples import path as sample
from regraft.verify import Subject
from regraft.verify.routes import configs, file_name


@pytest.fixture(scope="module")
def digits() -> Subject:
    """The sample, as legacy file."""
    return subject_of(sample("digits.h5"))


def routes(subject: Subject, blueprint: Blueprint | None = None) -> tuple[list[str], list[str]]:
    """Names of the routes to a configuration, and the notes."""
    notes: list[str] = []
    part = subject.blueprint if blueprint is None else blueprint
    return [route for route, _ in configs(subject, part, "keras", notes)], notes


def edited(subject: Subject, **changes: Any) -> Subject:
    """The subject with one layer of its configuration edited."""
    config = json.loads(subject.config or "")
    config["config"]["layers"][1].update(changes)
    return dataclasses.replace(subject, config=json.dumps(config))


def test_the_files_own_configuration_comes_first(digits: Subject) -> None:
    assert routes(digits) == (["file", "regenerated"], [])


def test_a_hostile_module_never_reaches_keras(digits: Subject) -> None:
    found, notes = routes(edited(digits, module="os"))
    assert found == ["regenerated"]
    assert "it names module 'os'" in notes[0]


def test_a_regenerated_configuration_is_looked_at_too(digits: Subject) -> None:
    evil = dataclasses.replace(
        edited(digits, class_name="Lambda"), regenerate=lambda *_: '{"class_name": "Lambda", "config": {}}'
    )
    found, notes = routes(evil)
    assert found == []
    assert "class 'Lambda'" in notes[-1]


def test_a_part_of_the_model_takes_no_configuration_of_the_whole(digits: Subject) -> None:
    assert routes(digits, dataclasses.replace(digits.blueprint))[0] == ["regenerated"]


def test_keras_1_is_always_written_anew(digits: Subject) -> None:
    old = dataclasses.replace(digits.blueprint, keras_version="1.2.2")
    assert routes(dataclasses.replace(digits, blueprint=old))[0] == ["regenerated"]


def test_a_blueprint_that_cannot_be_written_is_a_note(digits: Subject) -> None:
    def refuse(*_: object) -> str:
        raise BlueprintError("input 'x' has no shape")

    assert routes(dataclasses.replace(digits, config=None, regenerate=refuse)) == ([], ["input 'x' has no shape"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("digits.h5", "weights.h5"), ("digits.keras", "model.keras")],
)
def test_keras_gets_the_file_under_the_name_of_what_it_is(name: str, expected: str) -> None:
    subject = subject_of(sample(name))
    assert file_name(subject, subject.blueprint) == (expected, "")


def test_weights_alone_in_the_new_layout() -> None:
    from regraft.weights import read

    config = read(sample("digits.keras")).config
    subject = subject_of(sample("digits.weights.h5"), config)
    assert file_name(subject, subject.blueprint) == ("model.weights.h5", "")


def flipped(binding: Binding) -> Binding:
    """A binding whose first kernel is turned."""
    layers = {name: dict(variables) for name, variables in binding.layers.items()}
    bound = layers["stem"]["kernel"]
    layers["stem"]["kernel"] = dataclasses.replace(bound, moves=(Flip((0, 1)),))
    return dataclasses.replace(binding, layers=layers)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: {"file": None}, "no one file of weights"),
        (lambda s: {"file": Path("missing.h5")}, "no one file of weights"),
        (lambda s: {"tree": dataclasses.replace(s.tree, dialect="checkpoint-h5")}, "dialect checkpoint-h5"),
        (lambda s: {"binding": flipped(s.binding)}, "turned by 180 degrees"),
    ],
)
def test_why_keras_does_not_load_a_file_itself(digits: Subject, change: Any, words: str) -> None:
    subject = dataclasses.replace(digits, **change(digits))
    name, why = file_name(subject, subject.blueprint)
    assert name == ""
    assert words in why
