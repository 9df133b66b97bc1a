"""So many cases of a layer class through one Keras, and what came of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.conformance.comparing import Outcome, compare
from tests.conformance.drawing import drawn
from tests.conformance.keras_side import LibraryName
from tests.conformance.overrides import override_of

from regraft.layers import CATALOGUE

#: Cases in one model and one file.
BATCH_OF_CASES = 25
#: How often cases are drawn until enough of them are valid.
ROUNDS = 8


@dataclass(frozen=True)
class Measured:
    """
    What came of the cases of a class.

    Attributes:
        name: The class.
        library: The Keras that judged.
        outcomes: Of all cases that Keras accepts.
        invalid: How many it does not, and the first reason.
        reason: What Keras said first.
    """

    name: str
    library: LibraryName
    outcomes: tuple[Outcome, ...]
    invalid: int
    reason: str

    @property
    def equal(self) -> int:
        """How many agree."""
        return sum(one.status == "equal" for one in self.outcomes)

    @property
    def refused(self) -> int:
        """How many regraft refused with a reason that its row foresees."""
        return sum(self.foreseen(one) for one in self.outcomes)

    @property
    def errors(self) -> tuple[float, float]:
        """Largest error in float64 and in float32."""
        agreeing = [one.errors for one in self.outcomes if one.status == "equal"] or [(0.0, 0.0)]
        return max(e[0] for e in agreeing), max(e[1] for e in agreeing)

    @property
    def wrong(self) -> list[str]:
        """Every case that is not as it should be."""
        wrong = [one for one in self.outcomes if one.status != "equal" and not self.foreseen(one)]
        return [f"{one.status} {one.errors[0]:.1e} {one.errors[1]:.1e} {one.note}\n  {one.case}" for one in wrong]

    def foreseen(self, outcome: Outcome) -> bool:
        """Whether a case was refused for a reason that its row foresees."""
        pattern = override_of(CATALOGUE[self.name]).refuses
        return outcome.status == "refused" and bool(pattern and re.search(pattern, outcome.note))


def measure(name: str, library: LibraryName, count: int) -> Measured:
    """Draw cases until ``count`` of them are converted, or no more are found; every second batch goes through ``.h5``."""
    outcomes: list[Outcome] = []
    invalid = 0
    reason = ""
    for number in range(ROUNDS):
        done = sum(one.status != "refused" for one in outcomes)
        if done >= count:
            break
        cases = drawn(CATALOGUE[name], library, count - done, round=number)
        for start in range(0, len(cases), BATCH_OF_CASES):
            batch = cases[start : start + BATCH_OF_CASES]
            suffix = ".keras" if (start // BATCH_OF_CASES + number) % 2 == 0 else ".h5"
            for one in compare(batch, library, suffix=suffix):
                if one.status == "invalid":
                    invalid += 1
                    reason = reason or one.note
                else:
                    outcomes.append(one)
    return Measured(name, library, tuple(outcomes), invalid, reason)
