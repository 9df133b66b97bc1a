"""One mistake is often made everywhere: all normalisations with the epsilon of PyTorch. It is tried at all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regraft.blueprint import Call
from regraft.comparing.mistakes import Mistake, Place, mistakes_at
from regraft.comparing.model import Model, Values

#: Layers behind the first at which the same is tried.
MOST = 400


def elsewhere(model: Model, values: Values, mistake: Mistake) -> Iterator[tuple[Call, Mistake]]:
    """
    The same mistake at the layers of the same type that come later, in running order.

    Args:
        model: With the mistake in it.
        values: Its tensors.
        mistake: At the first layer.
    """
    spec = model.blueprint.by_name.get(mistake.layer)
    places = [number for number, call in enumerate(model.calls) if call.layer == mistake.layer]
    if spec is None or not places:
        return
    done = {mistake.layer}
    for call in model.calls[places[-1] + 1 :][:MOST]:
        other = model.spec(call)
        if other.type != spec.type or call.layer in done or not all(ref in values for ref in call.inputs):
            continue
        done.add(call.layer)
        twin = next(
            (m for m in mistakes_at(Place(model, call, values)) if (m.what, m.words) == (mistake.what, mistake.words)),
            None,
        )
        if twin is not None:
            yield call, twin


def all_of(model: Model, mistakes: Sequence[Mistake]) -> Model:
    """A model with several mistakes in it."""
    for mistake in mistakes:
        model = mistake.make(model)
    return model
