"""What a tool made of a case, judged by the real Keras on the same input."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from benchmarks.graft_case import NAMED, RIGHT, Case
from torch import nn

from regraft import RegraftError, graft

#: The outputs must depend on the input by so many times the tolerance, or they would show nothing.
SPREAD = 100

REFUSED, SILENT, FAILED, ALARM, WRONG = "refused", "WRONG IN SILENCE", "failed", "false alarm", "wrong, and said so"


@dataclass(frozen=True)
class Made:
    """
    What Keras made of a case.

    Attributes:
        file: The file that regraft is given.
        architecture: The architecture beside it, for arrays alone.
        arrays: The variables by name, as weightbridge is given them.
        inputs: In PyTorch's order.
        outputs: Of Keras, in PyTorch's order.
    """

    file: Path
    architecture: Path | None
    arrays: dict[str, np.ndarray]
    inputs: list[torch.Tensor]
    outputs: list[np.ndarray]


@dataclass(frozen=True)
class Outcome:
    """One tool on one case: the verdict, what the tool said, and how long it took."""

    verdict: str
    said: str = ""
    seconds: float = 0.0


def meets(case: Case, outcome: Outcome) -> bool:
    """Whether an outcome is what the case asks for."""
    wanted = {RIGHT: (RIGHT,), NAMED: (NAMED,)}.get(case.expected, (RIGHT, REFUSED))
    return outcome.verdict in wanted and (not case.limit or outcome.seconds <= case.limit)


def made(case: Case, folder: Path) -> Made:
    """
    The Keras model of a case with random weights, its file, and its outputs.

    Raises:
        RuntimeError: Its outputs hardly depend on the input, so that a comparison would show nothing.
    """
    import keras

    keras.backend.clear_session()
    rng = np.random.default_rng(6)
    model = case.keras(keras)
    for weight in model.weights:
        weight.assign(drawn(weight.path.rpartition("/")[2], tuple(weight.shape), rng))
    inputs = [torch.from_numpy(given(case, shape, rng)) for shape in case.shapes]
    taken = [channels_last(x.numpy()) for x in inputs]
    results = model(taken if len(taken) > 1 else taken[0], training=False)
    outputs = [channels_first(np.asarray(y)) for y in listed(results)]
    if not all(y.std(0).max() > SPREAD * case.tolerance * abs(y).max() for y in outputs):
        message = f"{case.name}: the outputs of Keras are alike for all inputs"
        raise RuntimeError(message)
    arrays = {weight.path: np.asarray(weight) for weight in model.weights}
    if case.form == "shuffled layers":
        model.save(folder / "model.h5")
        with h5py.File(folder / "model.h5", "r+") as file:
            layers = file["model_weights"]
            layers.attrs["layer_names"] = rng.permutation(np.asarray(layers.attrs["layer_names"]))
        turned = dict(sorted(arrays.items(), key=lambda item: rng.random()))
        return Made(folder / "model.h5", None, turned, inputs, outputs)
    if case.form == "keras":
        model.save(folder / "model.keras")
        return Made(folder / "model.keras", None, arrays, inputs, outputs)
    ordered = list(arrays.values())
    if case.form == "shuffled arrays":
        ordered = [ordered[i] for i in rng.permutation(len(ordered))]
    np.savez(folder / "model.npz", *ordered)
    (folder / "model.json").write_text(model.to_json(), encoding="utf-8")
    unnamed = {f"arr_{i}": array for i, array in enumerate(ordered)}
    return Made(folder / "model.npz", folder / "model.json", unnamed, inputs, outputs)


def given(case: Case, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """One random input."""
    return rng.integers(0, case.below, shape) if case.below else rng.standard_normal(shape).astype("float32")


def drawn(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random values that keep the size of a signal and leave nothing at its default."""
    if name in ("gamma", "moving_variance"):
        return rng.uniform(0.4, 1.6, shape)
    if len(shape) == 1:
        return rng.normal(0, 0.3, shape)
    depthwise = name == "depthwise_kernel" or (name == "kernel" and len(shape) == 4 and shape[-1] == 1)
    taken = np.prod(shape[:-2] if depthwise else shape[:-1])
    return rng.normal(0, (2 / taken) ** 0.5, shape)


def channels_last(array: np.ndarray) -> np.ndarray:
    """A batch of maps in the order of Keras; anything else as it is."""
    return np.moveaxis(array, 1, -1) if array.ndim > 3 else array


def channels_first(array: np.ndarray) -> np.ndarray:
    """A batch of maps in the order of PyTorch; anything else as it is."""
    return np.moveaxis(array, -1, 1) if array.ndim > 3 else array


def listed(value: Any) -> list[Any]:
    """One result or several as several."""
    return list(value) if isinstance(value, list | tuple) else [value]


def near(module: nn.Module, made: Made, tolerance: float) -> bool:
    """Whether a module computes what Keras did."""
    twin = copy.deepcopy(module).double().eval()
    with torch.no_grad():
        found = [y.numpy() for y in listed(twin(*[x.double() if x.is_floating_point() else x for x in made.inputs]))]
    return len(found) == len(made.outputs) and all(
        a.shape == b.shape and abs(a - b).max() <= tolerance * abs(b).max()
        for a, b in zip(found, made.outputs, strict=True)
    )


def ours(case: Case, made: Made) -> Outcome:
    """The case by regraft."""
    module = fresh(case)
    start = time.perf_counter()
    try:
        result = graft(made.file, module, list(made.inputs), architecture=made.architecture)
    except RegraftError as error:
        return Outcome(REFUSED, str(error).replace(str(made.file), made.file.name), time.perf_counter() - start)
    except Exception as error:
        return Outcome(FAILED, f"{type(error).__name__}: {error}", time.perf_counter() - start)
    seconds = time.perf_counter() - start
    if result.problems:
        return Outcome(REFUSED, "; ".join(result.problems), seconds)
    asked = [f"{c.subject} ({c.value})" for c in result.blueprint.choices if c.label == "open"]
    told = "; ".join([*asked, *(str(d) for d in result.grafting.differences if d.what != "momentum")])
    return Outcome(judged(case, module, made, told, equal=result.equal), told, seconds)


def judged(case: Case, module: nn.Module, made: Made, told: str, *, equal: bool) -> str:
    """
    The verdict on a module that was filled.

    Args:
        case: What was asked.
        module: The module.
        made: What Keras did.
        told: What the tool said of it.
        equal: Whether the tool takes it for right; one that never says otherwise does.
    """
    if near(module, made, case.tolerance):
        return RIGHT if equal else ALARM
    if equal:
        return SILENT
    right = near(case.mend(module), made, case.tolerance)
    return NAMED if right and all(word in told for word in case.words) else WRONG


def fresh(case: Case) -> nn.Module:
    """The module with random weights, the same for every tool."""
    torch.manual_seed(3)
    return case.module()


def median(tool: Callable[[Case, Made], Outcome], case: Case, made: Made, repeats: int) -> Outcome:
    """The outcome with the middle of the times of several runs."""
    outcomes: Sequence[Outcome] = sorted((tool(case, made) for _ in range(repeats)), key=lambda o: o.seconds)
    return outcomes[len(outcomes) // 2]
