"""Verification that holds one layer's tensors at a time: the same verdict, few tensors, less memory on both sides."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.verify import keras_models as models
from tests.verify.subjects import subject_of

from regraft.samples import path as sample
from regraft.verify import Oracle, Verification, verify
from regraft.verify.how import How
from regraft.verify.seen import Stream

pytestmark = pytest.mark.oracle
LOW = How(low_memory=True)


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    pytest.importorskip("keras")
    pytest.importorskip("tf_keras")
    with Oracle(timeout=200) as running:
        yield running


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[Stream]:
    """Every stream that is opened."""
    opened: list[Stream] = []
    begin = Stream.begin

    def noted(stream: Stream, dtype: str) -> None:
        begin(stream, dtype)
        opened.append(stream)

    monkeypatch.setattr(Stream, "begin", noted)
    return opened


def told(found: Verification) -> list[Any]:
    """A verdict without its numbers, which differ in the last digit."""
    rows = [(c.layer, c.type, c.shape, c.ok, c.error64 is None, c.error32 is None) for c in found.checks]
    return [found.status, found.reason, rows, found.not_reached, found.notes, found.inputs]


@pytest.mark.parametrize("name", ["digits.keras", "nested.keras", "nested.h5", "recurrent.h5", "first.h5"])
def test_the_verdict_is_the_same(name: str, tmp_path: Path, oracle: Oracle, streams: list[Stream]) -> None:
    k = pytest.importorskip("keras" if name.endswith(".keras") else "tf_keras")
    make = {"nested": models.nested, "recurrent": models.recurrent, "first": models.channels_first}
    stem = name.partition(".")[0]
    file = sample(name) if stem == "digits" else models.save(make[stem](k), tmp_path / name)
    subject = subject_of(file)
    usual, low = verify(subject, oracle=oracle), verify(subject, oracle=oracle, how=LOW)
    assert told(low) == told(usual)
    assert low.status == "equal"
    assert len(streams) == 2 * len(low.inputs), "each case in both precisions"
    assert max(stream.most for stream in streams) <= 4, "few tensors lie on disk at once"
    assert not any(stream.live for stream in streams if stream.folder.exists())
    for one, other in zip(low.checks, usual.checks, strict=True):
        assert one.limit32 == pytest.approx(other.limit32, rel=0.5), "Keras' own rounding was measured too"


def test_a_fault_is_found_in_the_same_layer(oracle: Oracle) -> None:
    subject = subject_of(sample("digits.keras"))
    wrong = dataclasses.replace(subject, source=subject.source.replace("eps=0.001", "eps=0.1", 1))
    assert wrong.source != subject.source
    usual, low = verify(wrong, oracle=oracle), verify(wrong, oracle=oracle, how=LOW)
    assert low.status == usual.status == "different"
    assert low.reason == usual.reason
    assert [c.ok for c in low.checks] == [c.ok for c in usual.checks]


def deep(k: Any) -> Any:
    """Twenty maps of 8 MB in float32 each, at batch 2; few weights."""
    x = entry = k.Input((320, 384, 2), name="image")
    for number in range(20):
        x = k.layers.Conv2D(8, 1, activation="tanh", name=f"conv{number}")(x)
    return k.Model(entry, k.layers.GlobalMaxPooling2D(name="most")(x), name="deep")


def megabytes(process: int, what: str) -> float:
    """Resident memory of a process now (``VmRSS``) or at the most since it was reset (``VmHWM``)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def growths(processes: Sequence[int], step: Callable[[], None]) -> list[float]:
    """By how much each process grew at the most during a step."""
    before: list[float] = []
    for process in processes:
        Path(f"/proc/{process}/clear_refs").write_text("5")  # resets the most
        before.append(megabytes(process, "VmRSS"))
    step()
    return [megabytes(process, "VmHWM") - start for process, start in zip(processes, before, strict=True)]


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="the most memory of a process is read from /proc"
)
def test_no_process_holds_all_activations(tmp_path: Path, oracle: Oracle) -> None:
    k = pytest.importorskip("keras")
    subject = subject_of(models.save(deep(k), tmp_path / "deep.keras"))
    verify(subject_of(sample("digits.keras")), oracle=oracle)
    assert oracle.worker.process is not None
    processes = [os.getpid(), oracle.worker.process.pid]

    def step(low: bool) -> None:
        found = verify(subject, oracle=oracle, how=How(low_memory=low, precision="float32"))
        assert found.status == "equal", found.reason

    ours, keras = growths(processes, partial(step, True))
    _, usual = growths(processes, partial(step, False))
    whole = 20 * 2 * 320 * 384 * 8 * 4 / 1e6
    assert usual > 0.8 * whole, "the usual way holds them all"
    assert keras < 0.5 * whole, (keras, usual)
    assert ours < 0.6 * whole, ours
