"""One verification under way: Keras runs, the emitted module runs, their tensors are compared."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from regraft.blueprint import Blueprint
from regraft.errors import quote
from regraft.verify.compare import Comparison
from regraft.verify.how import USUAL, How
from regraft.verify.inputs import ENOUGH, Case, cases
from regraft.verify.oracle import KerasError, LibraryName, Oracle
from regraft.verify.precision import GATES
from regraft.verify.result import Check, Status, Verification, not_verified
from regraft.verify.routes import Built, built_models
from regraft.verify.samples import sample_case
from regraft.verify.seen import Seen
from regraft.verify.spots import blueprint_spot, is_softmax, output_spot, spot_of
from regraft.verify.steps import steps
from regraft.verify.subject import Spot, Subject
from regraft.verify.trace import Emitted, Ran, as_float32, emitted

Progress = Callable[[str], None]


@dataclass
class Session:
    """One verification under way."""

    subject: Subject
    blueprint: Blueprint
    library: LibraryName
    oracle: Oracle
    seed: int
    say: Progress
    total: int
    how: How = USUAL
    comparison: Comparison = field(default_factory=Comparison)
    notes: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    stopped: dict[str, None] = field(default_factory=dict)
    expected: dict[Spot, None] = field(default_factory=dict)

    def verdict(self) -> Verification:
        """Build, run, compare, judge."""
        for built in built_models(self.subject, self.blueprint, self.library, self.oracle, self.notes, self.say):
            found = self.run_cases()
            if found:
                return self.compared(built, found)
        reason = self.notes[-1] if self.notes else "no inputs could be made for this model"
        return not_verified(reason, total=self.total, notes=tuple(self.notes))

    def run_cases(self) -> list[tuple[Case, Seen]]:
        """Inputs that Keras accepts, with everything it made of them."""
        accepted: list[tuple[Case, Seen]] = []
        refused: list[str] = []
        for case in self.cases():
            self.say(f"running Keras, {case.words}")
            kept = [
                a
                for a, ref in zip(case.arrays, self.subject.blueprint.inputs, strict=True)
                if ref in self.blueprint.inputs
            ]
            try:
                accepted.append((case, self.oracle.run(kept, low_memory=self.how.low_memory, dtypes=self.how.dtypes)))
            except KerasError as error:
                refused.append(f"Keras does not take {case.words}: {error}")
            if len(accepted) == ENOUGH:
                break
        if accepted:
            self.notes += refused
        else:
            self.notes += refused[:1]
        return accepted

    def cases(self) -> Iterator[Case]:
        """The user's samples, or seeded inputs."""
        if self.how.samples is None:
            yield from cases(self.subject.blueprint, self.seed)
        else:
            yield sample_case(self.subject.blueprint, self.how.samples)

    def compared(self, built: Built, runs: list[tuple[Case, Seen]]) -> Verification:
        """Run the emitted module beside what Keras made, float64 first."""
        twin = emitted(self.subject)
        for case, seen in runs:
            self.words.append(case.words)
            self.notes += [note for note in seen.notes if note not in self.notes]
            if "float64" in seen.dtypes:
                self.say(f"comparing in float64, {case.words}")
                self.compare(twin, case, seen)
                for spot, noise in seen.noise.items():
                    self.comparison.noise(self.renamed(spot), noise)
        twin = as_float32(twin)
        for case, seen in runs:
            if "float32" in seen.dtypes:
                self.say(f"comparing in float32, {case.words}")
                self.compare(twin, case, seen)
            shutil.rmtree(seen.folder, ignore_errors=True)
        return self.result(built)

    def compare(self, twin: Emitted, case: Case, seen: Seen) -> None:
        """One run of the emitted module beside one run of Keras."""
        theirs = {self.renamed(spot): spot for spot in seen.spots}
        wide = twin.dtype == "float64"
        self.expected.update(dict.fromkeys(theirs))
        final = {(ref.layer,) for ref in self.blueprint.outputs}
        met: set[Spot] = set()
        seen.begin(twin.dtype)

        def see(spot: Spot, array: np.ndarray) -> None:
            if spot in theirs and spot not in met:
                met.add(spot)
                argmax = spot.layers in final and is_softmax(self.blueprint, spot)
                self.comparison.see(spot, array, seen.read(theirs[spot], twin.dtype), wide=wide, argmax=argmax)
                if spot.layers not in final:
                    seen.used(theirs[spot], twin.dtype)

        ran = twin.run(case.arrays, see)
        if ran.placeholder:
            self.stopped[f"the run ended at a placeholder ({ran.placeholder})"] = None
        if ran.crash:
            self.stopped[f"the emitted module raised {ran.crash}"] = None
            at = next((spot for spot in self.in_order(theirs) if spot not in met), None)
            if at is not None:
                self.comparison.fail(at, f"the emitted module raised {ran.crash}")
        self.compare_outputs(ran, theirs, seen, twin.dtype)
        for spot, source in theirs.items():
            if spot not in met and ran.outputs is not None and len(spot.layers) == 1:
                self.pass_through(spot, source, case, seen, twin.dtype)
        seen.end(twin.dtype)

    def compare_outputs(self, ran: Ran, theirs: dict[Spot, Spot], seen: Seen, dtype: str) -> None:
        """What the model returns, which must come in the right order and form too."""
        if ran.outputs is None:
            return
        for number, (ref, array) in enumerate(zip(self.subject.blueprint.outputs, ran.outputs, strict=True)):
            spot = spot_of(ref)
            if spot in theirs:
                self.comparison.see(output_spot(number), array, seen.read(theirs[spot], dtype), wide=dtype == "float64")

    def pass_through(self, spot: Spot, source: Spot, case: Case, seen: Seen, dtype: str) -> None:
        """A layer at the entry that does nothing at inference has no line of its own: its tensor is the input itself."""
        tensor = seen.read(source, dtype)
        for array in case.arrays:
            if array.shape == tensor.shape and np.array_equal(array.astype(tensor.dtype), tensor):
                self.comparison.see(spot, tensor, tensor, wide=dtype == "float64")
                return

    def renamed(self, spot: Spot) -> Spot:
        """A spot of Keras, which counts calls from 0, under the call numbers of the blueprint."""
        return blueprint_spot(self.blueprint, spot)

    def in_order(self, spots: dict[Spot, Spot]) -> list[Spot]:
        """Spots in graph order."""
        order = {(step.path, step.calls): i for i, step in enumerate(steps(self.blueprint))}
        return sorted(spots, key=lambda s: (order.get((s.layers, s.calls), len(order)), s))

    def result(self, built: Built) -> Verification:
        """The verdict on everything that was compared."""
        outputs = [(output_spot(n), spot_of(ref)) for n, ref in enumerate(self.subject.blueprint.outputs)]
        checks = self.comparison.checks(self.blueprint, outputs)
        missed = tuple(self.missed({check.spot for check in checks}))
        if not checks:
            return not_verified("no tensor could be compared", total=self.total, notes=tuple(self.notes))
        status, reason = judged(checks, missed, built)
        return Verification(
            status,
            reason,
            checks,
            oracle=built.oracle,
            config=built.config,
            weights=built.weights,
            weights_compared=built.compared,
            weight_mismatches=built.mismatches,
            inputs=tuple(self.words),
            gates=GATES,
            total=len(checks) + len(missed),
            not_reached=missed,
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def missed(self, tensors: set[Spot]) -> Iterator[tuple[str, str]]:
        """
        What was not compared: placeholders, what depends on them, what the run did not reach.

        The first layers of a nested model may do nothing at inference; then they have no line that could be watched.
        """
        stop = next(iter(self.stopped), "")
        known = {spot.layers for spot in self.expected}
        unseen = {s.layers for s in self.expected if s not in tensors and (stop or len(s.layers) == 1)}
        pruned = self.blueprint is not self.subject.blueprint
        for path, spec in {step.path: step.spec for step in steps(self.subject.blueprint)}.items():
            name = "/".join(path)
            if spec.unknown and self.subject.custom and spec.type in self.subject.custom.layers:
                yield name, f"Keras cannot build it: {spec.unknown}"
            elif spec.unknown:
                yield name, f"cannot be converted: {spec.unknown}"
            elif path in unseen and stop:
                yield name, f"not reached: {stop}"
            elif path in unseen:
                yield name, "cannot be seen in the emitted module"
            elif path not in known and pruned:
                yield name, "depends on a layer that cannot be compared"
            elif path not in known:
                yield name, "Keras has no tensor of this name"


def judged(checks: tuple[Check, ...], missed: tuple[tuple[str, str], ...], built: Built) -> tuple[Status, str]:
    """Status and reason."""
    failed = next((check for check in checks if not check.ok), None)
    if failed is not None:
        note = f": {failed.note}" if failed.note else ""
        return "different", f"layer {quote(failed.layer)} ({failed.type}) is the first that differs from Keras{note}"
    if built.mismatches:
        return "different", f"Keras reads other values from the file: {built.mismatches[0]}"
    if missed:
        return "partly verified", f"{len(checks)} tensors equal those of Keras, {len(missed)} could not be compared"
    return "equal", f"all {len(checks)} tensors equal those of Keras"
