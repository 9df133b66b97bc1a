from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest

from regraft.blueprint import Blueprint, from_toml, to_toml
from regraft.errors import ConfigError
from regraft.keras_config import dump, parse

pytestmark = pytest.mark.corpus

#: Classes whose architecture is code, and JSON that is something else.
NOT_ARCHITECTURES = ("subclassed", "no class_name among its keys")


def architectures(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Name, text and stated version of every architecture in the collection."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".json":
            yield name, path.read_text(encoding="utf-8"), ""
        elif path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                yield name, archive.read("config.json").decode(), ""
        elif path.suffix in {".h5", ".hdf5"}:
            with h5py.File(path) as file:
                text, version = (file.attrs.get(key, "") for key in ("model_config", "keras_version"))
            if text:
                yield name, *(v.decode() if isinstance(v, bytes) else str(v) for v in (text, version))  # type: ignore[misc]


def test_published_architectures(corpus: Path, bones: Callable[[Blueprint], Any]) -> None:
    read = refused = 0
    wrong: list[str] = []
    for name, text, version in architectures(corpus):
        try:
            model = parse(text, source=name, keras_version=version)
        except ConfigError as error:
            refused += 1
            if not any(words in str(error) for words in NOT_ARCHITECTURES):
                wrong.append(str(error))
            continue
        read += 1
        if from_toml(to_toml(model)) != model:
            wrong.append(f"{name}: changed by TOML")
        for generation, own in ((2, "2.15.0"), (3, "3.15.0")):
            once = parse(dump(model, version=generation, partial=True), keras_version=own)
            twice = parse(dump(once, version=generation, partial=True), keras_version=own)
            if bones(once) != bones(model):
                wrong.append(f"{name}: changed by the JSON of Keras {generation}")
            if twice != once:
                wrong.append(f"{name}: changed by the second JSON of Keras {generation}")
    assert not wrong
    assert read >= 200
    assert refused <= 60
