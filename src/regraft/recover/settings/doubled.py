"""One question about layers that an activation layer follows: mostly they have no function of their own."""

from __future__ import annotations

from collections.abc import Sequence

from regraft.blueprint import Setting
from regraft.recover.question import Option, Question, sorted_question
from regraft.recover.settings.slots import Settled

#: What relu in front of an activation layer costs, in nats: people forget that they wrote one already. A judgement.
DOUBLED = 4.0
#: One layer alone costs so much more. In networks with more such layers nothing is asked.
ALONE, MOST = 1.5, 12


def ask(settled: Sequence[Settled]) -> list[Question]:
    """At most one question: no layer has a function, all have relu, or one of them has."""
    if not 0 < len(settled) <= MOST:
        return []
    keys = [(found.layer, found.key) for found in settled]
    none: dict[tuple[str, str], Setting] = dict.fromkeys(keys, "linear")
    reasons = "; ".join(dict.fromkeys(found.reason for found in settled))
    options = [
        Option(0.05, none, reasons),
        Option(DOUBLED, dict.fromkeys(keys, "relu"), "relu in front of an activation layer"),
    ]
    if len(keys) > 1:
        options += [Option(DOUBLED + ALONE, {**none, key: "relu"}, f"{key[0]} alone has relu") for key in keys]
    return [sorted_question(options, "assumed")]
