"""Tensor beside tensor: how far apart, relative to what, and whether that is rounding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from regraft.blueprint import Blueprint
from regraft.verify.difference import Difference, difference
from regraft.verify.precision import EXACT, FLOAT32_ALONE, FLOAT32_STEP, MARGIN, limits
from regraft.verify.result import Check
from regraft.verify.steps import Path, steps
from regraft.verify.subject import Spot


def agreement(ours: np.ndarray, theirs: np.ndarray) -> str:
    """How often the largest entry of the last axis is the same one: ``argmax agrees in 5 of 5``."""
    if ours.shape != theirs.shape or ours.ndim < 2 or ours.shape[-1] < 2:
        return ""
    same = np.argmax(ours, -1) == np.argmax(theirs, -1)
    return f"argmax agrees in {np.count_nonzero(same)} of {same.size}"


@dataclass
class Findings:
    """All that was seen of one tensor, over all inputs."""

    shape: tuple[int, ...] = ()
    scale: float = 0.0
    error64: float | None = None
    error32: float | None = None
    noise: float | None = None
    notes: dict[str, None] = field(default_factory=dict)
    bad: bool = False

    def add(self, found: Difference, theirs: np.ndarray, *, wide: bool) -> None:
        """Add one comparison, in float64 (``wide``) or float32."""
        self.shape, self.scale = theirs.shape, found.scale
        if found.note:
            self.notes[found.note] = None
        self.bad |= not np.isfinite(found.error)
        if wide:
            self.error64 = max(found.error, self.error64 or 0.0)
        else:
            self.error32 = max(found.error, self.error32 or 0.0)

    def add_noise(self, noise: float) -> None:
        """Keras' own float32 error against its float64, relative."""
        self.noise = max(noise if np.isfinite(noise) else 0.0, self.noise or 0.0)


@dataclass
class Comparison:
    """Collects what was seen of every tensor."""

    found: dict[Spot, Findings] = field(default_factory=dict)

    def see(self, spot: Spot, ours: np.ndarray, theirs: np.ndarray, *, wide: bool, argmax: bool = False) -> None:
        """One tensor of the emitted module beside the one of Keras."""
        findings = self.found.setdefault(spot, Findings())
        findings.add(difference(ours, theirs), theirs, wide=wide)
        if argmax and not wide and (words := agreement(ours, theirs)):
            findings.notes[words] = None

    def noise(self, spot: Spot, noise: float) -> None:
        """How far the same tensor of Keras in float32 is from that in float64, relative to its largest value."""
        self.found.setdefault(spot, Findings()).add_noise(noise)

    def fail(self, spot: Spot, note: str) -> None:
        """A tensor that should exist and does not."""
        findings = self.found.setdefault(spot, Findings())
        findings.bad = True
        findings.notes[note] = None

    def checks(self, blueprint: Blueprint, outputs: Sequence[tuple[Spot, Spot]] = ()) -> tuple[Check, ...]:
        """
        The checks in graph order.

        Args:
            blueprint: What was compared.
            outputs: For each model output the spot it was collected under, and the tensor of the graph that it is.
        """
        order = {(step.path, step.calls): i for i, step in enumerate(steps(blueprint))}
        types = {step.path: step.spec.type for step in steps(blueprint)}
        wide = limits(blueprint)
        noise = self.reached_noise(blueprint)
        sources = dict(outputs)
        seen = [
            spot
            for spot, findings in self.found.items()
            if findings.error64 is not None or findings.error32 is not None or findings.bad
        ]
        checks: list[Check] = []
        for spot in sorted(seen, key=lambda s: (s in sources, order.get((s.layers, s.calls), len(order)), s)):
            path = sources[spot].layers if spot in sources else spot.layers
            type_name = "output" if spot in sources else types.get(path, "")
            checks.append(judged(spot, type_name, self.found[spot], wide.get(path, EXACT), noise.get(path)))
        return tuple(checks)

    def reached_noise(self, blueprint: Blueprint) -> Mapping[Path, float]:
        """
        Keras' own float32 error at each layer, or what reaches it if that is more.

        A small tensor, say the single output of a network, may be exact by luck where its inputs are not.
        """
        own: dict[Path, float] = {}
        for spot, findings in self.found.items():
            if findings.noise is not None:
                own[spot.layers] = max(findings.noise, own.get(spot.layers, 0.0))
        reached: dict[Path, float] = {}
        for step in steps(blueprint):
            values = [own.get(step.path), reached.get(step.path), *(reached.get(parent) for parent in step.parents)]
            known = [value for value in values if value is not None]
            if known:
                reached[step.path] = max(known)
        return reached


def judged(spot: Spot, type_name: str, found: Findings, limit64: float, noise: float | None) -> Check:
    """The verdict on one tensor."""
    alone = found.noise is None and noise is None
    limit32 = FLOAT32_ALONE if alone else MARGIN * max(noise or 0.0, FLOAT32_STEP)
    ok = not found.bad
    ok &= found.error64 is None or found.error64 <= limit64
    ok &= found.error32 is None or found.error32 <= limit32
    return Check(
        spot,
        type_name,
        found.shape,
        found.scale,
        found.error64,
        limit64,
        found.error32,
        limit32,
        ok,
        "; ".join(found.notes),
    )


def with_note(check: Check, note: str) -> Check:
    """A check with one more note."""
    return replace(check, note=f"{check.note}; {note}" if check.note else note)
