"""Fixtures for the readers and writers of Keras JSON."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regraft.blueprint import Blueprint, Call, LayerSpec


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
        return value.name, value.sequential, layers, tuple(map(taken, value.calls)), value.inputs, value.outputs
    if isinstance(value, LayerSpec):
        inner = {k: skeleton(v) for k, v in value.config.items() if isinstance(v, LayerSpec | Blueprint)}
        return value.name, value.type, value.trainable, bool(value.unknown), inner
    return value


def taken(call: Call) -> Call:
    """A call with its initial states among its inputs, where Keras 1 and 2 list them; in Keras 3 they are an argument."""
    states = call.arguments.get("initial_state", ())
    others = {key: value for key, value in call.arguments.items() if key != "initial_state"}
    return replace(call, inputs=(*call.inputs, *states), arguments=others) if isinstance(states, tuple) else call


@pytest.fixture(scope="session")
def bones() -> Callable[[Blueprint], Any]:
    return skeleton
