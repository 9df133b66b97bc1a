"""What known outputs have ruled out: every combination of answers that leaves a wrong output as it is is wrong too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from regraft.blueprint import Blueprint, Call, TensorRef, all_refs
from regraft.recover.draft import Draft

#: Combinations that are passed over; then the search ends, so that it does not count for ever what it knows to be wrong.
MOST_PASSED = 400_000


class Refuted:
    """Places of answers that cannot be right, whatever the other questions get."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self._touched = [
            [frozenset(layer for o in question.options for layer, _ in o.edits) for question in draft.questions]
            for draft in drafts
        ]
        self._wrong: list[dict[tuple[int, ...], set[tuple[int, ...]]]] = [defaultdict(set) for _ in drafts]
        self.passed = 0

    def add(self, draft: int, places: Sequence[int], layers: frozenset[str]) -> None:
        """
        The options at these places are wrong together.

        Args:
            draft: Number of the draft.
            places: The option of each of its questions.
            layers: The layers that the contradiction depends on; what other layers are set to changes nothing.
        """
        asked = tuple(i for i, touched in enumerate(self._touched[draft]) if touched & layers)
        self._wrong[draft][asked].add(tuple(places[i] for i in asked))

    def whole(self, draft: int) -> bool:
        """Whether a draft is wrong whatever is answered."""
        return self.passed > MOST_PASSED or () in self._wrong[draft]

    def passes(self, draft: int, places: Sequence[int]) -> bool:
        """Whether a combination is known to be wrong."""
        wrong = any(tuple(places[i] for i in asked) in bad for asked, bad in self._wrong[draft].items())
        self.passed += wrong
        return wrong


def cone(blueprint: Blueprint, outputs: Iterable[TensorRef]) -> frozenset[str]:
    """The layers that outputs are computed with, and all inputs: which array enters where depends on these."""
    makers: dict[tuple[str, int], Call] = {(call.layer, call.call): call for call in blueprint.calls}
    found = {ref.layer for ref in blueprint.inputs}
    todo = list(outputs)
    seen: set[tuple[str, int]] = set()
    while todo:
        ref = todo.pop()
        key = (ref.layer, ref.call)
        if key not in seen:
            seen.add(key)
            found.add(ref.layer)
            todo += all_refs(makers[key]) if key in makers else ()
    return frozenset(found)
