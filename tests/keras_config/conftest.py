"""Fixtures for the readers and writers of Keras JSON."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regraft.blueprint import Blueprint, LayerSpec


@pytest.fixture(scope="session")
def corpus() -> Path:
    given = os.environ.get("REGRAFT_CORPUS")
    folder = Path(given) if given else Path(__file__).parents[3] / "shared" / "corpus"
    if not folder.is_dir():
        pytest.skip("no collection of published models here: set REGRAFT_CORPUS")
    return folder


def skeleton(value: Any) -> Any:
    """Names, types, wiring, nesting: what every version of the JSON can say. Settings may exist in one version only."""
    if isinstance(value, Blueprint):
        layers = tuple(map(skeleton, value.layers))
        return value.name, value.sequential, layers, value.calls, value.inputs, value.outputs
    if isinstance(value, LayerSpec):
        inner = {k: skeleton(v) for k, v in value.config.items() if isinstance(v, LayerSpec | Blueprint)}
        return value.name, value.type, value.trainable, bool(value.unknown), inner
    return value


@pytest.fixture(scope="session")
def bones() -> Callable[[Blueprint], Any]:
    return skeleton
