"""Tensors of an emitted file, seen while it runs."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.verify.subjects import chain, graph, layer, subject_of

from regraft.blueprint import Shape
from regraft.errors import OutputError
from regraft.layers import AxisOrder
from regraft.samples import path as sample
from regraft.verify import Spot, Subject
from regraft.verify.trace import as_float32, emitted, in_keras

PLAIN = AxisOrder(())
SOURCE = """\
import torch
from torch import Tensor, nn


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.scale
        return x


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = Inner()

    def forward(self, x: Tensor) -> Tensor:
        left = self.block(
            x,
        )  # a comment behind a statement of several lines
        x = self.block(left + 1)
        if x.sum() > 1e9:
            raise NotImplementedError("the Keras layer Mystery has no PyTorch form: write it here")
        return left, x
"""


@dataclass(frozen=True)
class Seen:
    """A probe, as the emitter makes them."""

    module: str
    line: int
    variable: str
    layer: str
    call: int = 0
    index: int = 0
    order: AxisOrder = PLAIN
    shape: Shape = None


INNER = chain(layer("scale"))
BLUEPRINT = graph(
    [layer("x", "InputLayer"), layer("block", "Functional", blueprint=INNER), layer("plus")],
    [("block", "x"), ("plus", "block"), ("block", "plus")],
    outputs=("block", "block#1"),
)
PROBES = (
    Seen("block", 11, "x", "block/scale"),
    Seen("", 23, "left", "block"),
    Seen("", 24, "x", "block", call=1),
)


def toy(**changes: Any) -> Subject:
    """The module above, with a state."""
    found: dict[str, Any] = {
        "blueprint": BLUEPRINT,
        "source": SOURCE,
        "probes": PROBES,
        "input_orders": (PLAIN,),
        "output_orders": (PLAIN, PLAIN),
        "state": lambda: {"block.scale": np.array([1, 2, 3, 4], "float32")},
    }
    empty = dict.fromkeys(("binding", "tree", "file", "config", "regenerate"))
    return Subject(**{**empty, **found, **changes})


def seen(subject: Subject, value: np.ndarray) -> tuple[dict[str, np.ndarray], Any]:
    """Everything seen in one run."""
    found: dict[str, np.ndarray] = {}
    ran = emitted(subject).run([value], lambda spot, array: found.__setitem__(str(spot), array.copy()))
    return found, ran


def test_a_module_that_runs_twice_is_told_apart_by_the_outer_call() -> None:
    found, ran = seen(toy(), np.ones((1, 4)))
    assert {name: array.tolist() for name, array in found.items()} == {
        "block/scale": [[1, 2, 3, 4]],
        "block": [[1, 2, 3, 4]],
        "block/scale call 2.1": [[2, 6, 12, 20]],
        "block call 2": [[2, 6, 12, 20]],
    }
    assert [array.tolist() for array in ran.outputs] == [[[1, 2, 3, 4]], [[2, 6, 12, 20]]]


def test_the_run_ends_at_a_placeholder_and_keeps_what_was_seen() -> None:
    found, ran = seen(toy(), np.full((1, 4), 1e9))
    assert ran.outputs is None
    assert "Mystery" in ran.placeholder
    assert set(found) == {"block/scale", "block", "block/scale call 2.1", "block call 2"}


def test_an_error_of_the_module_is_told_and_no_placeholder() -> None:
    found, ran = seen(toy(), np.ones((1, 5)))
    assert (ran.outputs, ran.placeholder, found) == (None, "", {})
    assert ran.crash.startswith("RuntimeError: ")


def test_lines_of_the_shipped_file_stay_what_they_are() -> None:
    """The place of an error in ``model.py`` must be the one a person finds there."""
    subject = toy()
    twin = emitted(subject)
    with pytest.raises(NotImplementedError) as error:
        twin.model(torch.full((1, 4), 1e9, dtype=torch.float64))
    place = traceback.extract_tb(error.tb)[-1]
    assert place.filename == "model.py"
    assert place.lineno is not None
    assert SOURCE.splitlines()[place.lineno - 1].strip().startswith("raise NotImplementedError")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"probes": (*PROBES, Seen("", 13, "x", "block"))}, "line 13"),
        ({"state": lambda: {"block.scale": np.ones(5, "float32")}}, "block.scale"),
        ({"state": dict}, "Missing key"),
        ({"state": lambda: {"block.scale": np.ones(4), "block.more": np.ones(4)}}, "Unexpected key"),
        ({"state": Path("model.bin")}, "model.bin"),
    ],
)
def test_what_does_not_fit_is_said(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(OutputError, match=words):
        emitted(toy(**changes))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_state_dict_is_read_from_its_file(tmp_path: Path, suffix: str) -> None:
    from safetensors.torch import save_file

    path = tmp_path / f"model{suffix}"
    save: Callable[..., Any] = torch.save if suffix == ".pth" else save_file
    save({"block.scale": torch.tensor([2.0, 2.0, 2.0, 2.0])}, path)
    found, _ = seen(toy(state=path), np.ones((1, 4)))
    assert found["block"].tolist() == [[2, 2, 2, 2]]


def test_float64_in_a_file_is_kept_in_float64() -> None:
    third = np.full(4, 1 / 3)
    twin = emitted(toy(state=lambda: {"block.scale": third}))
    (out, _) = twin.run([np.ones((1, 4))], lambda *_: None).outputs or ()
    assert np.array_equal(out[0], third)
    narrow = as_float32(twin).run([np.ones((1, 4))], lambda *_: None).outputs or ()
    assert narrow[0].dtype == np.float32


@pytest.mark.parametrize(
    ("order", "shape", "expected"),
    [
        (AxisOrder.channels_first(4), (2, 5, 3, 4), (2, 3, 4, 5)),
        (AxisOrder.channels_first(3), (2, 5, 3), (2, 3, 5)),
        (AxisOrder.keras(3), (2, 5, 3), (2, 5, 3)),
        (AxisOrder(()), (2, 5, 3), (2, 5, 3)),
    ],
)
def test_tensors_come_in_keras_order(order: AxisOrder, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert in_keras(torch.zeros(shape), order).shape == expected


def test_a_flattened_map_comes_as_keras_flattens_it() -> None:
    keras = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    held = torch.from_numpy(keras.transpose(0, 3, 1, 2).reshape(2, -1).copy())
    found = in_keras(held, AxisOrder((0, 1), flat=(3, 4, 5)))
    assert np.array_equal(found, keras.reshape(2, -1))


def test_every_probe_of_a_converted_file_is_seen() -> None:
    subject = subject_of(sample("digits.h5"))
    shapes: dict[Spot, tuple[int, ...]] = {}
    ran = emitted(subject).run([np.zeros((2, 8, 8, 1))], lambda spot, array: shapes.__setitem__(spot, array.shape))
    assert {spot.path for spot in shapes} == {probe.layer for probe in subject.probes}
    for probe in subject.probes:
        assert probe.shape is not None
        assert shapes[Spot((probe.layer,), (probe.call,), probe.index)] == (2, *probe.shape[1:])
    assert ran.outputs is not None
    assert ran.outputs[0].shape == (2, 10)


def test_the_source_is_run_as_shipped() -> None:
    """Padding changed in the text changes what is seen: the trace runs the file, not something beside it."""
    subject = subject_of(sample("digits.h5"))
    assert "padding=1" in subject.source
    changed = dataclasses.replace(subject, source=subject.source.replace("padding=1", "padding=0", 1))
    found: list[tuple[int, ...]] = []
    emitted(changed).run([np.zeros((2, 8, 8, 1))], lambda _, array: found.append(array.shape))
    assert found[0] == (2, 6, 6, 12)
