"""What verification found: one check a tensor, and how far the whole can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from regraft.verify.subject import Spot

Status = Literal["equal", "different", "partly verified", "not verified"]


@dataclass(frozen=True)
class Check:
    """
    One tensor of the emitted module beside the same tensor in Keras; the worst over all inputs.

    Attributes:
        spot: Which tensor.
        type: Layer type in the catalogue; ``output`` for what the model returns.
        shape: In Keras order, with the batch of the last input.
        scale: Largest absolute value in Keras, of the last input.
        error64: Largest difference in float64, relative to the largest value of the same tensor; None if not run.
        limit64: What it may be.
        error32: The same in float32.
        limit32: What it may be: Keras' own rounding, measured against its float64, times 8.
        ok: Whether both are within their limits and the shapes agree.
        note: What a person should know, for example ``argmax agrees in 5 of 5`` or ``NaN at the same 3 places``.
    """

    spot: Spot
    type: str
    shape: tuple[int, ...]
    scale: float
    error64: float | None
    limit64: float
    error32: float | None
    limit32: float
    ok: bool
    note: str = ""

    @property
    def layer(self) -> str:
        """Layer name, with the call where there are several: ``encoder/dense call 2``."""
        return str(self.spot)


@dataclass(frozen=True)
class Verification:
    """
    The verdict on one conversion.

    Attributes:
        status: ``equal``: everything agrees; ``different``: something does not; ``partly verified``: what could be
            compared agrees, the rest is listed; ``not verified``: nothing was compared, see ``reason``.
        reason: One sentence for a person; says what to install or what failed.
        checks: In graph order.
        oracle: Which Keras, on what: ``keras 3.15.1, tensorflow 2.21.0``; empty if none ran.
        config: Where Keras had the architecture from: ``file`` or ``regenerated``.
        weights: Where Keras had the weights from: ``loaded by Keras`` or ``set from our reading``.
        weights_compared: Number of variables that Keras read by itself and that equal our reading bit for bit, or not.
        weight_mismatches: Those that do not, with the reason.
        inputs: What was fed, in words.
        gates: The limits, in words.
        total: Number of tensors the model has.
        not_reached: Tensors that were not compared, with the reason.
        notes: What else a person should know.
    """

    status: Status
    reason: str
    checks: tuple[Check, ...] = ()
    oracle: str = ""
    config: str = ""
    weights: str = ""
    weights_compared: int = 0
    weight_mismatches: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    gates: str = ""
    total: int = 0
    not_reached: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def compared(self) -> int:
        """Number of tensors that were compared."""
        return len(self.checks)

    @property
    def first_failure(self) -> Check | None:
        """The first check in graph order that failed: what comes after it may only pass the error on."""
        return next((check for check in self.checks if not check.ok), None)

    @property
    def worst64(self) -> float | None:
        """The largest relative error in float64."""
        return max((check.error64 for check in self.checks if check.error64 is not None), default=None)

    @property
    def worst32(self) -> float | None:
        """The largest relative error in float32."""
        return max((check.error32 for check in self.checks if check.error32 is not None), default=None)


def not_verified(reason: str, *, total: int = 0, notes: tuple[str, ...] = ()) -> Verification:
    """A verdict without any comparison."""
    return Verification("not verified", f"not verified against Keras: {reason}", total=total, notes=notes)
