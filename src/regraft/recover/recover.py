"""From a weight tree to candidates: group, recognise or wire, fit the maps, ask what is left, rank, prove."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from regraft.blueprint import Blueprint, Call, all_refs
from regraft.moments.memo import remembering
from regraft.moments.propagate import NORMS
from regraft.recover import families, geometry, grouping, settings, wiring
from regraft.recover.candidate import Candidate, Pairs, Quick, Run
from regraft.recover.draft import Draft, Hints
from regraft.recover.geometry.fit import UNFIT
from regraft.recover.part import Grouping
from regraft.recover.proof import Effort, proved
from regraft.recover.question import Question
from regraft.recover.ranking import fingerprint, ranked, with_shares
from regraft.recover.redealing import redealt
from regraft.recover.refuted import Refuted
from regraft.recover.rescoring import on_samples, rescored
from regraft.weights import WeightTree

#: Drafts that go on to the search for map sizes, and to the questions.
FITTED, WIDTH = 6, 12
#: In networks of more layers fewer drafts go on, so that their number and the layers do not multiply.
ALL_UP_TO = 250
#: Drafts that are dearer than the best by more nats do not go on; the second may be further behind.
NEAR, FAR = 7.0, 20.0
#: Candidates whose statistics are compared with the stored ones before the best are chosen.
LOOKED_AT = 24
#: Candidates that are run on samples.
TRIED = 240

#: Hears what is done next, how much of it is done, and of how much (0 if that is not known).
Say = Callable[[str, int, int], None]


def silent(word: str, done: int, total: int) -> None:
    """Nobody listens."""


@remembering()
def recover(
    tree: WeightTree,
    hints: Hints,
    *,
    run: Run | None = None,
    quick: Quick | None = None,
    pairs: Pairs | None = None,
    samples: tuple[np.ndarray, ...] = (),
    labels: np.ndarray | None = None,
    count: int = 5,
    effort: Effort | None = None,
    say: Say = silent,
) -> list[Candidate]:
    """
    The likeliest architectures of a weights file, best first.

    Args:
        tree: The file; an architecture inside is not looked at.
        hints: What the user knows beside it.
        run: An engine that runs candidates; needed for ``pairs`` and ``samples``.
        quick: A faster one that is nearly right.
        pairs: Known outputs: a candidate that reproduces them comes first, and says so.
        samples: Real inputs, one array an input.
        labels: Class number of each sample.
        count: How many to give.
        effort: How long to look for one that reproduces the pairs.
        say: Hears how far the work is.
    """
    found = drafted(tree, hints, say)
    drafts = [redealt(draft, len(found)) for draft in found]
    every = ranked(drafts)
    likely = list(islice(every, max(count, LOOKED_AT)))
    say("stored statistics", 0, 0)
    likely = weighed(likely)
    if samples and run is not None:
        say("samples", 0, 0)
        likely = on_samples([*likely, *islice(every, TRIED - LOOKED_AT)], samples, labels, run)
    if pairs is None or run is None:
        return with_shares(likely)[:count]
    refuted = Refuted(drafts)
    every = untwined(likely, ranked(drafts, refuted))
    best, _ = proved(every, pairs, run, effort or Effort(), quick=quick, refuted=refuted, say=say)
    others = [c for c in with_shares(likely) if best is None or fingerprint(c.blueprint) != fingerprint(best.blueprint)]
    return ([replace(best, share=1.0)] if best is not None else [])[:count] + others[: count - (best is not None)]


def untwined(likely: Sequence[Candidate], ranked: Iterator[Candidate]) -> Iterator[Candidate]:
    """The candidates that were looked at closely, in their new order, then all others; none twice."""
    done = {fingerprint(candidate.blueprint) for candidate in likely}
    yield from likely
    yield from (candidate for candidate in ranked if fingerprint(candidate.blueprint) not in done)


def weighed(candidates: Sequence[Candidate]) -> list[Candidate]:
    """
    Candidates with what stored statistics say of them, cheapest first.

    One of those that differ behind the last BatchNorm speaks for all of them. Nothing is said where which array is which
    is open.
    """
    marks = [fingerprint(in_front(candidate.blueprint)) for candidate in candidates]
    first: dict[int, Candidate] = {}
    for mark, candidate in zip(marks, candidates, strict=True):
        first.setdefault(mark, candidate)
    if len(first) < 2 or any(c.subject == "assignment" and c.label == "open" for c in candidates[0].blueprint.choices):
        return list(candidates)
    costs = {fingerprint(candidate.blueprint): candidate.cost for candidate in rescored(list(first.values()))}
    extra = {mark: costs[fingerprint(candidate.blueprint)] - candidate.cost for mark, candidate in first.items()}
    found = [replace(c, cost=c.cost + extra[mark]) for mark, c in zip(marks, candidates, strict=True)]
    return sorted(found, key=lambda candidate: candidate.cost)


def in_front(blueprint: Blueprint) -> Blueprint:
    """The part of a model that some BatchNorm sees, directly or through others; the names of inputs aside."""
    makers: dict[str, list[Call]] = {}
    for call in blueprint.calls:
        makers.setdefault(call.layer, []).append(call)
    todo = [spec.name for spec in blueprint.layers if spec.type in NORMS or "blueprint" in spec.config]
    needed: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo += [ref.layer for call in makers.get(name, ()) for ref in all_refs(call)]
    return replace(
        blueprint,
        layers=tuple(spec for spec in blueprint.layers if spec.name in needed),
        calls=tuple(call for call in blueprint.calls if call.layer in needed),
        outputs=(),
    )


def drafted(tree: WeightTree, hints: Hints, say: Say = silent) -> list[Draft]:
    """All drafts with their questions, cheapest first."""
    say("layers and known architectures", 0, 0)
    found = listed(tree, hints)
    if not found:
        readings = grouping.group(tree)
        found = published(readings, hints) or wired(readings, hints, say)
    return [settings.answered(draft, hints.settings or {}) for draft in found]


def listed(tree: WeightTree, hints: Hints) -> list[Draft]:
    """
    Drafts of a published architecture of a list of arrays, none if it is none or if there are layers in the file.

    A published architecture says itself which arrays are a layer, and reading hundreds of arrays as layers takes minutes.
    """
    return published([Grouping(tree, (), complete=False)], hints) if tree.dialect == "arrays" else []


def published(readings: Sequence[Grouping], hints: Hints) -> list[Draft]:
    """Drafts of a published architecture, whatever is the user's own settled and asked for; none if it is none."""
    known = best((priced(draft, seen) for seen in readings for draft in families.match(seen, hints)), FITTED)
    return best((draft for one in known for draft in with_own_part(one)), WIDTH)


def with_own_part(draft: Draft) -> list[Draft]:
    """A published architecture with the sizes and settings of the layers around it; of its own nothing is asked."""
    part = families.own_part(draft)
    if part is None:
        return [draft]
    fitted = best(filter(part.fits, geometry.fit(part.draft, part.hints)), WIDTH)
    if not fitted:
        return [draft]
    # Only differences count: what is usual around a published part says nothing of which one it is.
    least = 0.0 if fitted[0].cost >= UNFIT else fitted[0].cost
    return [asked(part, one, draft.cost + one.cost - least) for one in fitted]


def asked(part: families.OwnPart, fitted: Draft, cost: float) -> Draft:
    """The draft with the questions about its own part: about the outputs as a layer of the whole, else on its own."""
    whole = part.joined(fitted, cost)
    heads = settings.ask(whole, part.hints).questions[len(whole.questions) :]
    own = frozenset(spec.name for spec in fitted.blueprint.layers)
    return part.joined(settings.ask(fitted.add(*(q for q in heads if about(q, own))), part.hints), cost)


def about(question: Question, layers: frozenset[str]) -> bool:
    """Whether a question is about these layers alone."""
    return all(layer in layers for option in question.options for layer, _ in option.edits)


def wired(readings: Sequence[Grouping], hints: Hints, say: Say = silent) -> list[Draft]:
    """Drafts of an architecture of the user's own."""
    say("wiring", 0, 0)
    share = min(1.0, ALL_UP_TO / max(1, *(len(seen.parts) for seen in readings)))
    some, more = max(2, round(FITTED * share)), max(3, round(WIDTH * share))
    drafts = best((priced(draft, seen) for seen in readings for draft in wiring.wire(seen, hints)), some)
    budget = geometry.Budget()
    fitted: list[Draft] = []
    for done, draft in enumerate(drafts):
        say("map sizes", done, len(drafts))
        fitted += geometry.fit(draft, hints, budget)
    asked: list[Draft] = []
    for draft in (found := best(fitted, more)):
        say("settings", len(asked), len(found))
        asked.append(settings.ask(draft, hints))
    return asked


def priced(draft: Draft, seen: Grouping) -> Draft:
    """A draft that costs what the reading of the file behind it costs as well."""
    return replace(draft, cost=draft.cost + seen.cost)


def best(drafts: Iterable[Draft], count: int) -> list[Draft]:
    """The cheapest drafts, without those that are far behind."""
    ranked = sorted(drafts, key=lambda draft: draft.cost)[:count]
    return [draft for place, draft in enumerate(ranked) if draft.cost <= ranked[0].cost + (NEAR if place > 1 else FAR)]
