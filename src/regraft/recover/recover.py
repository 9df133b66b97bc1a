"""From a weight tree to candidates: group, recognise or wire, fit the maps, ask what is left, rank, prove."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from regraft.recover import families, geometry, grouping, settings, wiring
from regraft.recover.candidate import Candidate, Pairs, Run
from regraft.recover.draft import Draft, Hints
from regraft.recover.part import Grouping
from regraft.recover.proof import Effort, proved
from regraft.recover.ranking import fingerprint, ranked, with_shares
from regraft.recover.rescoring import on_samples, rescored
from regraft.weights import WeightTree

#: Drafts that go on to the search for map sizes, and to the questions.
FITTED, WIDTH = 6, 12
#: Drafts that are dearer than the best by more nats do not go on; the second may be further behind.
NEAR, FAR = 7.0, 20.0
#: Candidates whose statistics are compared with the stored ones before the best are chosen.
LOOKED_AT = 24
#: Candidates that are run on samples.
TRIED = 240


def recover(
    tree: WeightTree,
    hints: Hints,
    *,
    run: Run | None = None,
    pairs: Pairs | None = None,
    samples: tuple[np.ndarray, ...] = (),
    labels: np.ndarray | None = None,
    count: int = 5,
    effort: Effort | None = None,
) -> list[Candidate]:
    """
    The likeliest architectures of a weights file, best first.

    Args:
        tree: The file; an architecture inside is not looked at.
        hints: What the user knows beside it.
        run: An engine that runs candidates; needed for ``pairs`` and ``samples``.
        pairs: Known outputs: a candidate that reproduces them comes first, and says so.
        samples: Real inputs, one array an input.
        labels: Class number of each sample.
        count: How many to give.
        effort: How long to look for one that reproduces the pairs.
    """
    drafts = drafted(tree, hints)
    every = ranked(drafts)
    likely = rescored(list(islice(every, max(count, LOOKED_AT))))
    if samples and run is not None:
        likely = on_samples([*likely, *islice(every, TRIED - LOOKED_AT)], samples, labels, run)
    if pairs is None or run is None:
        return with_shares(likely)[:count]
    best, _ = proved(untwined(likely, ranked(drafts)), pairs, run, effort or Effort())
    others = [c for c in with_shares(likely) if best is None or fingerprint(c.blueprint) != fingerprint(best.blueprint)]
    return ([replace(best, share=1.0)] if best is not None else [])[:count] + others[: count - (best is not None)]


def untwined(likely: Sequence[Candidate], ranked: Iterator[Candidate]) -> Iterator[Candidate]:
    """The candidates that were looked at closely, in their new order, then all others; none twice."""
    done = {fingerprint(candidate.blueprint) for candidate in likely}
    yield from likely
    yield from (candidate for candidate in ranked if fingerprint(candidate.blueprint) not in done)


def drafted(tree: WeightTree, hints: Hints) -> list[Draft]:
    """All drafts with their questions, cheapest first."""
    found = best((draft for seen in grouping.group(tree) for draft in recognised(seen, hints)), FITTED)
    found = best((stated(fitted, draft) for draft in found for fitted in geometry.fit(draft, hints)), WIDTH)
    asked = [stated(settings.ask(draft, hints), draft) for draft in found]
    return [settings.answered(draft, hints.settings or {}) for draft in asked]


def recognised(seen: Grouping, hints: Hints) -> list[Draft]:
    """Drafts of a published architecture if it is one, else wired from what the layers say."""
    known = families.match(seen, hints)
    drafts = known or wiring.wire(seen, hints)
    return [replace(draft, cost=draft.cost + seen.cost) for draft in drafts]


def stated(draft: Draft, before: Draft) -> Draft:
    """What a later stage made of a draft; the settings of a published architecture stay as they were published."""
    return replace(families.kept(draft, before), cost=before.cost) if before.family else draft


def best(drafts: Iterable[Draft], count: int) -> list[Draft]:
    """The cheapest drafts, without those that are far behind."""
    ranked = sorted(drafts, key=lambda draft: draft.cost)[:count]
    return [draft for place, draft in enumerate(ranked) if draft.cost <= ranked[0].cost + (NEAR if place > 1 else FAR)]
