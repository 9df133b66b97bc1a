"""
How often ``regraft compare`` names the right layer and the right cause: known mistakes put into modules one by one.

    python benchmarks/diagnosis.py [--model NAME] [--limit N] [--all]

Every model stands in Keras and, written by hand, in PyTorch, with the same weights. The two must be called equal. Then each
mistake is put into the module by a program, so that its place and its kind are known: in the weights of a module, in the
settings or the function of one call while it runs, or in the wiring. A mistake without any effect on the outputs is left
out. Exit code 1 if an equal pair is called different, a first divergent layer is wrong, or less than 90 % of the causes are
right.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import keras
import numpy as np
import torch
from benchmarks.diagnosis_faults import CALLS, Fault, at_call, convolved
from benchmarks.diagnosis_models import TWINS
from benchmarks.diagnosis_twin import Twin
from benchmarks.diagnosis_weights import of_module
from benchmarks.diagnosis_wiring import WIRED
from torch import nn

import regraft
from regraft.blueprint import TensorRef
from regraft.comparing import compare_models
from regraft.comparing.running import Pair, both, graph_of, prepared
from regraft.grafting.source import Converted, converted
from regraft.report.compared import ComparisonReport
from regraft.weights import read

#: Of the causes, so many must be right.
REQUIRED = 0.9
#: Outputs that differ by less are equal, and the mistake is none.
EFFECT = 1e-6


@dataclass(frozen=True)
class Built:
    """A model in both forms, with the same weights."""

    twin: Twin
    source: Converted
    module: nn.Module
    inputs: tuple[torch.Tensor, ...]
    pair: Pair


@dataclass(frozen=True)
class Outcome:
    """What regraft said of one mistake."""

    model: str
    fault: Fault
    layer: str
    cause: str
    seconds: float

    @property
    def placed(self) -> bool:
        """Whether the first divergent layer is right."""
        return self.layer in self.fault.layers

    @property
    def named(self) -> bool:
        """Whether the first cause is right."""
        return self.cause in self.fault.what


def built(twin: Twin, folder: Path) -> Built:
    """A model with seeded weights, and the module filled with them."""
    model = twin.keras(keras)
    rng = np.random.default_rng(3)
    for weight in model.weights:
        kind = weight.path.rpartition("/")[2]
        numbers = 0.4 * rng.standard_normal(weight.shape)
        numbers = np.abs(numbers) + 0.5 if "variance" in kind else 1 + numbers if "gamma" in kind else numbers
        weight.assign(numbers)
    file = folder / "model.keras"
    model.save(file)
    module, inputs = twin.module(), inputs_of(twin)
    if twin.load is not None:
        twin.load(module, {w.path: np.asarray(w) for w in model.weights})
    else:
        assert regraft.graft(file, module, inputs).filled, twin.name
    source = converted(read(file), None)
    module.eval()
    return Built(twin, source, module, inputs, both(source, graph_of(source), prepared(module), inputs, 1e-6, 60))


def inputs_of(twin: Twin) -> tuple[torch.Tensor, ...]:
    """Seeded inputs."""
    generator = torch.Generator().manual_seed(1)
    found: list[torch.Tensor] = []
    for shape in twin.shapes:
        if twin.below:
            found.append(torch.randint(1, twin.below, shape, generator=generator))
        elif twin.scale:
            found.append(twin.scale * torch.rand(*shape, generator=generator))
        else:
            found.append(torch.randn(*shape, generator=generator))
    if twin.padded:
        found[0][0, 6:] = 0
        found[0][1, 8:] = 0
    return tuple(found)


def faults(case: Built) -> Iterator[Fault]:
    """Every mistake that the module allows, with its place in Keras known from the equal pair."""
    model, made = case.pair.diagnosis.model, case.pair.watched.made
    counts: dict[str, int] = defaultdict(int)
    calls: dict[int, int] = {}
    for number, one in enumerate(made):
        calls[number] = counts[one.operation]
        counts[one.operation] += 1
    seen: set[int] = set()
    for call in model.calls:
        found = case.pair.diagnosis.walk.found.get(TensorRef(call.layer, call.call))
        if found is None or found.number < 0 or found.number in seen:
            continue
        seen.add(found.number)
        operation = made[found.number].operation
        behind = tuple(c.layer for c in model.blueprint.consumers.get(TensorRef(call.layer, call.call), ()))
        layers = (call.layer, *behind) if operation in ("flatten", "cat") else (call.layer,)
        settings = convolved(int(operation[4])) if operation in ("conv1d", "conv2d") else CALLS.get(operation, ())
        for what, name, instead in settings:
            kinds = (what, *{"padding": ("padding side",), "padding side": ("padding",)}.get(what, ()))
            kinds += ("merge of directions",) if model.spec(call).type == "Bidirectional" else ()
            yield Fault(kinds, layers, name, at_call(operation, calls[found.number], instead))
        path = made[found.number].module
        if path and call.call == 0:
            later = [c.layer for n in behind for c in model.blueprint.consumers.get(TensorRef(n), ())]
            near = [model.blueprint.by_name[n].type for n in (*behind, *later, *(r.layer for r in call.inputs))]
            for fault in of_module(call.layer, path, case.module.get_submodule(path)):
                if not (
                    "reshaped" in fault.name and {"Flatten", "Reshape"} & set(near)
                ):  # the rows lie otherwise there
                    yield fault
    numbers = {found.number: ref.layer for ref, found in reversed(case.pair.diagnosis.walk.found.items())}
    for number, one in enumerate(made):
        if one.operation == "flatten" and number not in seen:
            behind = tuple(dict.fromkeys(numbers[n] for n in range(number + 1, len(made)) if n in numbers))[:1]
            flat = tuple(s.name for s in model.blueprint.layers if s.type == "Flatten")
            for what, name, instead in CALLS["flatten"]:
                yield Fault((what,), (*flat, *behind), name, at_call("flatten", calls[number], instead))
        if one.operation == "pad":
            behind = next((numbers[n] for n in range(number + 1, len(made)) if n in numbers), "")
            for what, name, instead in CALLS["pad"]:
                yield Fault(
                    (what, *{"padding side": ("padding",)}.get(what, ("padding side",))),
                    (behind,),
                    name,
                    at_call("pad", calls[number], instead),
                )
        if one.operation == "dropout":
            ((what, name, instead),) = CALLS["dropout"]
            yield Fault((what,), tuple(c.layer for c in model.calls), name, at_call("dropout", calls[number], instead))
    yield from exchanged(case)
    yield from WIRED.get(case.twin.name, ())


def exchanged(case: Built) -> Iterator[Fault]:
    """Two layers of equal shapes with each other's weights, once for each class."""
    found = {row.layer: row.module for row in rows(case) if row.module}
    parts = [(layer, path, case.module.get_submodule(path)) for layer, path in found.items()]
    done: set[str] = set()
    for i, (layer, path, part) in enumerate(parts):
        shapes = {k: v.shape for k, v in part.state_dict().items()}
        other = next(
            (
                o
                for _, o, p in parts[i + 1 :]
                if type(p) is type(part) and {k: v.shape for k, v in p.state_dict().items()} == shapes
            ),
            "",
        )
        if shapes and other and type(part).__name__ not in done:
            done.add(type(part).__name__)

            def made(module: nn.Module, path: str = path, other: str = other) -> nn.Module:
                import copy

                twin = copy.deepcopy(module)
                a, b = (copy.deepcopy(twin.get_submodule(p).state_dict()) for p in (path, other))
                twin.get_submodule(path).load_state_dict(b)
                twin.get_submodule(other).load_state_dict(a)
                return twin

            yield Fault(("layers exchanged",), (layer,), f"weights of {path} and {other} exchanged", made)


def rows(case: Built) -> Any:
    """The layers of the equal pair with their modules."""
    return compare_models(case.source, case.module, case.inputs, further=False).rows


def outcome(case: Built, fault: Fault) -> Outcome | None:
    """What regraft says of a mistake; None if it has no effect, or the module does not run with it."""
    faulty = fault.make(case.module).eval()
    try:
        with torch.no_grad():
            right = prepared(case.module)(*(t.double() if t.is_floating_point() else t for t in case.inputs))
            torch.set_default_dtype(torch.float64)
            wrong = prepared(faulty)(*(t.double() if t.is_floating_point() else t for t in case.inputs))
    except (RuntimeError, ZeroDivisionError):  # the sizes do not allow it, or it is meant for other calls
        return None
    finally:
        torch.set_default_dtype(torch.float32)
    if right.shape == wrong.shape and float((right - wrong).abs().max()) <= EFFECT * float(right.abs().max()):
        return None
    started = time.monotonic()
    report = compare_models(case.source, faulty, case.inputs, further=False, seconds=60)
    first = report.first.layer if report.first is not None else "" if not report.causes else fault.layers[0]
    return Outcome(case.twin.name, fault, first, said(report, fault), time.monotonic() - started)


def said(report: ComparisonReport, fault: Fault) -> str:
    """The cause that is given first."""
    del fault
    return report.causes[0].what if report.causes else "none"


def table(title: str, groups: dict[str, list[Outcome]]) -> None:
    """Counts by a property."""
    print(f"\n| {title} | mistakes | layer right | cause right |\n|---|---|---|---|")
    for name, found in groups.items():
        print(f"| {name} | {len(found)} | {sum(o.placed for o in found)} | {sum(o.named for o in found)} |")


def main() -> int:
    """Run all and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="one model only")
    parser.add_argument("--limit", type=int, default=0, help="so many mistakes of each model")
    parser.add_argument("--all", action="store_true", help="print every mistake")
    given = parser.parse_args()
    outcomes: list[Outcome] = []
    alarms: list[str] = []
    for twin in TWINS:
        if given.model and given.model != twin.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            case = built(twin, Path(folder))
            report = compare_models(case.source, case.module, case.inputs)
            if report.status != "equal":
                alarms.append(twin.name)
            every = list(faults(case))
            step = max(1, len(every) // given.limit) if given.limit else 1
            for fault in every[::step]:
                found = outcome(case, fault)
                if found is None:
                    continue
                outcomes.append(found)
                if given.all or not (found.placed and found.named):
                    mark = "ok  " if found.placed and found.named else "MISS"
                    print(
                        f"{mark} {twin.name}: {fault.layers[0]}: {fault.name} -> {found.layer}: {found.cause} "
                        f"({found.seconds:.1f} s)",
                        flush=True,
                    )
    for title, key in (("model", lambda o: o.model), ("mistake", lambda o: o.fault.what[0])):
        groups: dict[str, list[Outcome]] = {}
        for one in outcomes:
            groups.setdefault(key(one), []).append(one)
        table(title, dict(sorted(groups.items())) if title == "mistake" else groups)
    placed, named, count = sum(o.placed for o in outcomes), sum(o.named for o in outcomes), len(outcomes)
    took = [o.seconds for o in outcomes]
    print(
        f"\n{count} mistakes: first divergent layer right {placed}, cause right {named}; false alarms on {len(alarms)} equal models"
    )
    print(f"seconds a comparison: median {np.median(took):.1f}, largest {max(took):.1f}")
    return int(bool(alarms) or placed < count or named < REQUIRED * count)


if __name__ == "__main__":
    sys.exit(main())
