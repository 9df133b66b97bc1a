"""Verification as a whole: one subject, the real Keras, one verdict."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from regraft.blueprint import Blueprint, TensorRef
from regraft.errors import BlueprintError, quote
from regraft.layers import KerasVersion
from regraft.verify.compare import Comparison
from regraft.verify.inputs import ENOUGH, Case, cases
from regraft.verify.oracle import KerasError, LibraryName, Oracle, Seen, absent
from regraft.verify.precision import GATES
from regraft.verify.prune import prunable
from regraft.verify.result import Status, Verification, not_verified
from regraft.verify.routes import Built, built_models
from regraft.verify.steps import inner_model, steps
from regraft.verify.subject import Spot, Subject
from regraft.verify.trace import Emitted, Ran, as_float32, emitted

Progress = Callable[[str], None]


def verify(
    subject: Subject, *, oracle: Oracle | None = None, seed: int = 0, progress: Progress | None = None
) -> Verification:
    """
    Compare an emitted module with the real Keras, tensor by tensor, on the same seeded inputs.

    Float64 on both sides is the authoritative gate, float32 the gate of deployment; see ``precision``. Layers that
    cannot be converted, and what depends on them, are left out and listed.

    Args:
        subject: The conversion.
        oracle: A running worker to use and leave running, for many verifications; without it one is started and ended.
        seed: Of the inputs.
        progress: Told what happens next, in a few words.

    Returns:
        The verdict; ``not verified`` with the reason where Keras is not installed or refuses the model.

    Raises:
        OracleError: The process that runs Keras crashed, or took too long.
        OutputError: The emitted module does not run at all: its probes or its state dict do not fit it.
    """
    say = progress or (lambda _: None)
    total = sum(step.outputs for step in steps(subject.blueprint))
    blueprint = prunable(subject.blueprint)
    if blueprint is None:
        return not_verified("no layer before the first placeholder could be compared", total=total)
    name = library_of(subject)
    if missing := absent(name):
        return not_verified(missing, total=total)
    with_input = tuple(
        blueprint.by_name[ref.layer].config.get("batch_shape")
        for ref in subject.blueprint.inputs
        if ref in blueprint.inputs
    )
    if not all(isinstance(shape, tuple) for shape in with_input):
        return not_verified("the shape of an input is unknown; give it with --input-shape", total=total)
    own = oracle is None
    oracle = oracle or Oracle()
    try:
        return Session(subject, blueprint, name, oracle, seed, say, total).verdict()
    finally:
        if own:
            oracle.close()


def library_of(subject: Subject) -> LibraryName:
    """Keras 3 for its own files; tf-keras for everything older, whose defaults and numbers it keeps."""
    text = subject.blueprint.keras_version or subject.tree.keras_version
    modern = KerasVersion.parse(text).major >= 3 if text else subject.tree.dialect == "keras-3"
    return "keras" if modern else "tf_keras"


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
                return self.judged(built, found)
        reason = self.notes[-1] if self.notes else "no inputs could be made for this model"
        return not_verified(reason, total=self.total, notes=tuple(self.notes))

    def run_cases(self) -> list[tuple[Case, Seen]]:
        """Inputs that Keras accepts, with everything it made of them."""
        accepted: list[tuple[Case, Seen]] = []
        refused: list[str] = []
        for case in cases(self.subject.blueprint, self.seed):
            self.say(f"running Keras, {case.words}")
            kept = [
                a
                for a, ref in zip(case.arrays, self.subject.blueprint.inputs, strict=True)
                if ref in self.blueprint.inputs
            ]
            try:
                accepted.append((case, self.oracle.run(kept)))
            except KerasError as error:
                refused.append(f"Keras does not take {case.words}: {error}")
            if len(accepted) == ENOUGH:
                break
        if accepted:
            self.notes += refused
        else:
            self.notes += refused[:1]
        return accepted

    def judged(self, built: Built, runs: list[tuple[Case, Seen]]) -> Verification:
        """Run the emitted module beside what Keras made, float64 first."""
        twin = emitted(self.subject)
        for case, seen in runs:
            self.words.append(case.words)
            self.notes += [note for note in seen.notes if note not in self.notes]
            if "float64" in seen.dtypes:
                self.say(f"comparing in float64, {case.words}")
                for spot in seen.spots:
                    self.comparison.noise(self.renamed(spot), seen.read(spot, "float32"), seen.read(spot, "float64"))
                self.compare(twin, case, seen)
                seen.drop("float64")
        twin = as_float32(twin)
        for case, seen in runs:
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

        def see(spot: Spot, array: object) -> None:
            if spot in theirs:
                met.add(spot)
                argmax = spot.layers in final and is_softmax(self.blueprint, spot)
                self.comparison.see(spot, array, seen.read(theirs[spot], twin.dtype), wide=wide, argmax=argmax)  # type: ignore[arg-type]

        ran = twin.run(case.arrays, see)
        if ran.placeholder:
            self.stopped[ran.placeholder] = None
        if ran.crash:
            at = next((spot for spot in self.in_order(theirs) if spot not in met), None)
            if at is not None:
                self.comparison.fail(at, f"the emitted module raised {ran.crash}")
        self.compare_outputs(ran, theirs, seen, twin.dtype)
        for spot, source in theirs.items():
            if spot not in met and ran.outputs is not None and len(spot.layers) == 1:
                self.pass_through(spot, source, case, seen, twin.dtype)

    def compare_outputs(self, ran: Ran, theirs: dict[Spot, Spot], seen: Seen, dtype: str) -> None:
        """What the model returns, which must come in the right order and form too."""
        if ran.outputs is None:
            return
        for number, (ref, array) in enumerate(zip(self.subject.blueprint.outputs, ran.outputs, strict=True)):
            spot = spot_of(ref)
            if spot in theirs:
                label = Spot((f"(output {number + 1})",), (0,))
                self.comparison.see(label, array, seen.read(theirs[spot], dtype), wide=dtype == "float64")

    def pass_through(self, spot: Spot, source: Spot, case: Case, seen: Seen, dtype: str) -> None:
        """A layer at the entry that does nothing at inference has no line of its own: its tensor is the input itself."""
        import numpy as np

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
        order = {step.path: i for i, step in enumerate(steps(self.blueprint))}
        return sorted(spots, key=lambda s: (order.get(s.layers, len(order)), s))

    def result(self, built: Built) -> Verification:
        """The verdict on everything that was compared."""
        outputs = [
            (Spot((f"(output {n + 1})",), (0,)), spot_of(ref)) for n, ref in enumerate(self.subject.blueprint.outputs)
        ]
        checks = self.comparison.checks(self.blueprint, outputs)
        tensors = {check.spot for check in checks}
        missed = tuple(self.missed(tensors))
        failed = next((check for check in checks if not check.ok), None)
        status: Status = "equal"
        reason = f"all {len(checks)} tensors equal those of Keras"
        if failed is not None:
            status, reason = (
                "different",
                f"layer {quote(failed.layer)} ({failed.type}) is the first that differs from Keras",
            )
            reason += f": {failed.note}" if failed.note else ""
        elif built.mismatches:
            status, reason = "different", f"Keras reads other values from the file: {built.mismatches[0]}"
        elif not checks:
            return not_verified("no tensor could be compared", total=self.total, notes=tuple(self.notes))
        elif missed:
            status, reason = (
                "partly verified",
                f"{len(checks)} tensors equal those of Keras, {len(missed)} could not be compared",
            )
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
        """What was not compared: placeholders, what depends on them, what the run did not reach."""
        stop = next(iter(self.stopped), "")
        unseen = {
            spot.layers for spot in self.expected if spot not in tensors and (self.stopped or len(spot.layers) == 1)
        }
        compared = {spot.layers for spot in tensors}
        for path, spec in dict((step.path, step.spec) for step in steps(self.subject.blueprint)).items():
            name = "/".join(path)
            if spec.unknown:
                yield name, f"cannot be converted: {spec.unknown}"
            elif path in unseen:
                yield (
                    name,
                    f"not reached: the run ended at a placeholder ({stop})"
                    if stop
                    else "cannot be seen in the emitted module",
                )
            elif (
                path not in compared
                and not any(path == spot.layers for spot in self.expected)
                and self.blueprint is not self.subject.blueprint
            ):
                yield name, "depends on a layer that cannot be converted"


def spot_of(ref: TensorRef) -> Spot:
    """The spot of a tensor of the top model."""
    return Spot((ref.layer,), (ref.call,), ref.index)


def blueprint_spot(blueprint: Blueprint, spot: Spot) -> Spot:
    """Keras counts the calls of a layer from 0; a blueprint of which a part was cut off may lack the first ones."""
    calls: list[int] = []
    model: Blueprint | None = blueprint
    for layer, number in zip(spot.layers, spot.calls, strict=True):
        known = sorted(call.call for call in model.calls if call.layer == layer) if model else []
        calls.append(known[number] if number < len(known) else number)
        model = inner_model(model.by_name[layer]) if model and layer in model.by_name else None
    return Spot(spot.layers, tuple(calls), spot.index)


def is_softmax(blueprint: Blueprint, spot: Spot) -> bool:
    """Whether a layer of the top model ends in a softmax, so that its largest entry is an answer."""
    spec = blueprint.by_name.get(spot.layers[0])
    return spec is not None and (spec.type == "Softmax" or spec.config.get("activation") in ("softmax", "sigmoid"))


__all__ = ["BlueprintError", "verify"]
