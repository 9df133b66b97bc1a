"""Which known mistakes, put into the Keras model, make it compute what the module computes."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from regraft.blueprint import Call, TensorRef
from regraft.comparing.doubles import doubles, joined
from regraft.comparing.everywhere import all_of, elsewhere
from regraft.comparing.evidence import counterpart, evidence
from regraft.comparing.finding import Index, placed
from regraft.comparing.mistakes import Mistake, Place, mistakes_at
from regraft.comparing.mistakes.entering import exchanged_inputs
from regraft.comparing.model import CannotRunError, Model, Values
from regraft.comparing.walking import Key, Walk, walk
from regraft.errors import RegraftError

#: Calls behind the suspect that are run with it, and first of all.
LOOK, NEAR = 7, 2
#: Calls behind the first divergent one whose mistakes are tried too: what the module does in one step is several in Keras.
BEHIND = 2
#: Pairs of mistakes are tried where one changes nothing by itself.
MOST_WEAK, MOST_MISTAKES = 10, 60
#: Layers that pass numbers on.
MOVING = frozenset("Flatten Reshape Permute RepeatVector Dropout SpatialDropout1D SpatialDropout2D Identity".split())
#: Layers whose result is right and may be taken wrongly: directions in the other order, the cell for the output.
TAKEN_APART = frozenset("LSTM GRU SimpleRNN Bidirectional".split())


@dataclass(frozen=True)
class Cause:
    """
    A mistake that explains what the module computes.

    Attributes:
        mistake: The mistake.
        divergent: The layer at which it showed first.
        number: The module's tensor that is explained, among those of the run.
        before: How far the Keras layer is from it.
        after: The same with the mistake in it.
    """

    mistake: Mistake
    divergent: Call
    number: int | None
    before: float | None
    after: float


@dataclass
class Diagnosis:
    """
    How far two models are explained.

    Attributes:
        model: The Keras model with all mistakes that were found in it.
        values: Its tensors.
        walk: What of it is in the module.
        causes: The mistakes.
        unknown: Calls that differ for no known reason.
        tried: How many mistakes were tried.
        stopped: Whether time was up.
        base: The model without any mistake, its tensors, and what of it is in the module.
        stand_ins: Of calls that differ for no known reason, the module's tensor in their place.
    """

    model: Model
    values: Values
    walk: Walk
    causes: list[Cause] = field(default_factory=list)
    unknown: list[Call] = field(default_factory=list)
    tried: int = 0
    stopped: bool = False
    base: tuple[Model, Values, Walk] | None = None
    stand_ins: dict[TensorRef, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """A mistake that was tried: how far the model is right with it, and whether that shows anything."""

    mistake: Mistake
    reach: int
    strong: bool
    model: Model
    values: Values
    walk: Walk


@dataclass
class Search:
    """Tries mistakes one by one on one pair of models; at ``foreign`` layers, whose weights are others, none."""

    index: Index
    inputs: Sequence[np.ndarray]
    tolerance: float
    deadline: float = float("inf")
    tried: int = 0
    foreign: frozenset[str] = frozenset()
    excused: set[Key] = field(default_factory=set)

    def diagnose(self, model: Model) -> Diagnosis:
        """
        Put known mistakes into a model until it computes what the module computes, or none helps any more.

        Raises:
            CannotRunError: The model itself does not run.
        """
        values = model.run(self.inputs)
        found = Diagnosis(model, values, walk(model, values, self.index, self.tolerance))
        found.base = (model, values, found.walk)
        for _ in range(MOST_MISTAKES):
            if found.walk.first >= len(found.model.calls):
                break
            chain = [] if found.model.calls[found.walk.first].layer in self.foreign else self.explained(found)
            if chain and self.accept(found, chain):
                continue
            call = found.model.calls[found.walk.first]
            found.unknown.append(call)
            if not self.excuse(found, call):
                break
        found.tried, found.stopped = self.tried, time.monotonic() > self.deadline
        return found

    def excuse(self, found: Diagnosis, call: Call) -> bool:
        """Go on behind a call that differs for no known reason, with what the module has in its place; False if nothing."""
        ref = TensorRef(call.layer, call.call)
        number = counterpart(self.index, found.values, found.walk, call)
        if number is None or ref not in found.values:
            return False
        self.excused |= {(call.layer, call.call)}
        array = placed(found.values[ref], self.index.array(number))
        found.stand_ins[ref] = number
        name = f"{call.layer}/{call.call}/given" if call.call else f"{call.layer}/given"
        model = found.model.given(ref, name, array.shape)
        self.inputs = [*self.inputs, array]
        try:
            found.values = model.run(self.inputs)
        except CannotRunError:
            return False
        found.model = model
        found.walk = self.walked(found.model, found.values)
        return True

    def walked(self, model: Model, values: Values) -> Walk:
        """What of a model is in the module."""
        return walk(model, values, self.index, self.tolerance, excused=frozenset(self.excused))

    def accept(self, found: Diagnosis, chain: Sequence[Mistake]) -> bool:
        """Put mistakes into the model for good; False if the whole model does not bear them out."""
        divergent = found.model.calls[found.walk.first]
        old = found.values
        model = found.model
        for mistake in chain:
            model = mistake.make(model)
        values = model.run(self.inputs)
        gc.collect()  # emitted modules are parts of cycles, and hold their weights
        new = self.walked(model, values)
        number, before, after = evidence(found.walk, model, new, old, values)
        if after > self.tolerance or new.first <= found.walk.first:
            return False
        for mistake in chain:
            found.causes.append(Cause(mistake, divergent, number, before, after))
        found.model, found.values, found.walk = model, values, new
        if len(chain) == 1 and new.first < len(model.calls):
            self.spread(found, chain[0])
        return True

    def spread(self, found: Diagnosis, mistake: Mistake) -> None:
        """Put a mistake that was found at one layer into the later ones of its type, as far as the module bears it out."""
        same = list(elsewhere(found.model, found.values, mistake))
        for _ in range(2):  # first at all of them; then at those alone in front of the first that is wrong with it
            if len(same) < 2:
                return
            try:
                model = all_of(found.model, [one for _, one in same])
                values = model.run(self.inputs)
            except RegraftError:
                return
            new = self.walked(model, values)
            right = {(c.layer, c.call) for c in model.calls[: new.first]}
            kept = [(call, one) for call, one in same if (call.layer, call.call) in right]
            if len(kept) == len(same):
                break
            same = kept
        else:
            return
        if new.first <= found.walk.first:
            return
        for call, one in same:
            seen = new.found.get(TensorRef(call.layer, call.call))
            after = seen.error if seen is not None else 0.0
            found.causes.append(Cause(one, call, None if seen is None else seen.number, None, after))
        found.model, found.values, found.walk = model, values, new

    def explained(self, found: Diagnosis) -> list[Mistake]:
        """The mistake, or the few, with which the first divergent call is right; none if there is no such."""
        model, values, first = found.model, found.values, found.walk.first
        weak: list[Attempt] = []
        best: Attempt | None = None
        for mistake in self.suspected(model, values, found.walk, first):
            attempt = self.attempt(model, values, mistake, first)
            if attempt is None or attempt.reach <= first:
                continue
            if not attempt.strong:
                weak.append(attempt)
            elif best is None or attempt.reach > best.reach:
                best = attempt
                if attempt.reach >= min(first + LOOK, len(model.calls)):
                    break
        if best is not None:
            return [best.mistake]
        for base in sorted(weak, key=lambda one: -one.reach)[:MOST_WEAK]:
            if time.monotonic() > self.deadline:
                break
            place = next(
                (i for i, c in enumerate(base.model.calls) if not base.walk.right.get((c.layer, c.call), True)), None
            )
            if place is None:
                return [base.mistake]
            for mistake in self.suspected(base.model, base.values, base.walk, place, near=True):
                attempt = self.attempt(base.model, base.values, mistake, place)
                if attempt is not None and attempt.strong and attempt.reach > place:
                    return [base.mistake, mistake]
        for chain in doubles(list(self.at(model, model.calls[first], values))):
            attempt = self.attempt(model, values, joined(chain), first)
            if attempt is not None and attempt.strong and attempt.reach > first:
                return list(chain)
        return []

    def suspected(
        self, model: Model, values: Values, known: Walk, first: int, *, near: bool = False
    ) -> Iterator[Mistake]:
        """Mistakes of the divergent call, of what only moved numbers in front of it, and of what is right behind it."""
        calls = model.calls
        divergent = calls[first]
        yield from self.at(model, divergent, values)
        for call in fronts(model, values, known, divergent, self.index):
            yield from self.at(model, call, values)
        if any(ref in model.blueprint.inputs for ref in divergent.inputs):
            yield from exchanged_inputs(model, values)
        if near:
            return
        behind = [c for c in calls[first + 1 : first + 8] if reaches(model, divergent, c)][:BEHIND]
        for call in behind:
            yield from self.at(model, call, values)

    def at(self, model: Model, call: Call, values: Values) -> Iterator[Mistake]:
        """Mistakes at one call."""
        if model.spec(call).unknown or not all(ref in values for ref in call.inputs):
            return
        yield from mistakes_at(Place(model, call, values))
        if sum(c.layer == call.layer for c in model.calls) > 1:
            yield from at_one_call(model, call, values)

    def attempt(self, model: Model, values: Values, mistake: Mistake, first: int) -> Attempt | None:
        """Run a model with a mistake in it, around the place where it matters; None if it does not run."""
        if time.monotonic() > self.deadline:
            return None
        self.tried += 1
        found = self.tried_on(model, values, mistake, first, NEAR)
        return found if found is None or found.reach <= first else self.tried_on(model, values, mistake, first, LOOK)

    def tried_on(self, model: Model, values: Values, mistake: Mistake, first: int, look: int) -> Attempt | None:
        """The same with so many calls behind it."""
        try:
            changed = mistake.make(model)
            names = [(c.layer, c.call) for c in model.calls]
            old = set(names)
            start = min((names.index(k) for k in touched(model, mistake) if k in old), default=first)
            start = min(start, first)
            if model.masked:
                start = 0
            window = set(names[start : first + look + 1])
            part = [c for c in changed.calls if (c.layer, c.call) in window or (c.layer, c.call) not in old]
            part = closed(changed, part, old, window)
            own, entering = changed.part(part, values)
            made = own.run(entering)
        except (RegraftError, KeyError, ValueError, IndexError, TypeError, AssertionError, StopIteration):
            return None
        back = dict(zip(own.blueprint.inputs, entering, strict=True))
        seen = {ref: array for ref, array in made.items() if ref not in back}
        both = {**{r: values[r] for r in values if (r.layer, r.call) not in {(c.layer, c.call) for c in part}}, **seen}
        last = first + look >= len(names) - 1
        found = walk_part(
            changed, both, seen, self.index, self.tolerance, part, whole=last, excused=frozenset(self.excused)
        )
        reach = next(
            (i for i in range(start, min(first + look + 1, len(names))) if not found.right.get(names[i], True)),
            min(first + look + 1, len(names)),
        )
        here = [c for c in part if (c.layer, c.call) not in old or names.index((c.layer, c.call)) >= min(first, start)]
        strong = found.strong([c for c in here if not before(names, c, first, start)]) and reach > first
        if last and reach >= len(names) and all(e is not None and e <= self.tolerance for e in found.outputs):
            strong = True
        return Attempt(mistake, reach, strong, changed, both, found)


def at_one_call(model: Model, call: Call, values: Values) -> Iterator[Mistake]:
    """Mistakes that a module makes at one call of a layer that is called several times."""
    split, own = model.alone(call)
    place = Place(split, own, {**values, TensorRef(own.layer): values[TensorRef(call.layer, call.call)]})
    for mistake in mistakes_at(place):
        words = f"{mistake.words} (at call {call.call + 1} only)"
        yield replace(
            mistake, layer=call.layer, words=words, make=lambda m, mistake=mistake: mistake.make(m.alone(call)[0])
        )


def before(names: list[Key], call: Call, first: int, start: int) -> bool:
    """Whether a call stands in front of the divergent one and was right already."""
    key = (call.layer, call.call)
    return key in names and start <= names.index(key) < first


def closed(changed: Model, part: list[Call], old: set[Key], window: set[Key]) -> list[Call]:
    """Calls of a part in running order."""
    del old, window
    wanted = {(c.layer, c.call) for c in part}
    return [c for c in changed.calls if (c.layer, c.call) in wanted]


def touched(model: Model, mistake: Mistake) -> list[Key]:
    """The calls that a mistake changes: those of its layer."""
    return [(c.layer, c.call) for c in model.calls if c.layer == mistake.layer]


def walk_part(
    model: Model,
    values: Values,
    seen: Values,
    index: Index,
    tolerance: float,
    part: Sequence[Call],
    *,
    whole: bool,
    excused: frozenset[Key],
) -> Walk:
    """A walk over a part; what it was given need not be looked for."""
    found = walk(
        model,
        seen | {r: values[r] for c in part for r in c.inputs if r in values},
        index,
        tolerance,
        calls=part,
        whole=False,
        excused=excused,
    )
    if not whole or not all(ref in values for ref in model.blueprint.outputs):
        return found
    return walk(model, values, index, tolerance, calls=part, whole=True, excused=excused)


def fronts(model: Model, values: Values, known: Walk, call: Call, index: Index, depth: int = 4) -> list[Call]:
    """Calls in front of one that only moved numbers, or passed them on: a mistake there shows behind them only."""
    makers = {(c.layer, c.call): c for c in model.calls}
    found: list[Call] = []
    todo = [makers[key] for ref in call.inputs if (key := (ref.layer, ref.call)) in makers]
    for level in range(depth):
        following: list[Call] = []
        for one in todo:
            ref = TensorRef(one.layer, one.call)
            hidden = ref not in known.found or ref in known.weak or known.found[ref].how == "rearranged"
            hidden = hidden or not any(n in index.used for n in index.equal(values[ref]))
            if level == 0 and model.spec(one).type in TAKEN_APART:
                found.append(one)
            elif hidden or model.spec(one).type in MOVING:
                found.append(one)
                following += [makers[key] for r in one.inputs if (key := (r.layer, r.call)) in makers]
        todo = following
    return list({(c.layer, c.call): c for c in found}.values())


def reaches(model: Model, start: Call, end: Call) -> bool:
    """Whether a call takes, however late, what another makes."""
    makers = {(c.layer, c.call): c for c in model.calls}
    todo, seen = [end], set[Key]()
    while todo:
        call = todo.pop()
        if (call.layer, call.call) == (start.layer, start.call):
            return True
        for ref in call.inputs:
            key = (ref.layer, ref.call)
            if key in makers and key not in seen:
                seen.add(key)
                todo.append(makers[key])
    return False
