"""Every setting that a file does not state and that changes what the model computes, asked for or settled."""

from __future__ import annotations

from dataclasses import replace

from regraft.blueprint import Choice
from regraft.recover.draft import Draft, Hints
from regraft.recover.settings import doubled, heads, hidden, masks, numbers, recurrent
from regraft.recover.settings.insertion import with_activations
from regraft.recover.settings.scene import Scene, completed
from regraft.recover.settings.slots import Settled, find_slots


def ask(draft: Draft, hints: Hints) -> Draft:
    """
    Ask for every open setting that has an effect, map geometry aside, and settle what the graph decides.

    Args:
        draft: The graph with its layers' types; settings that another stage asked for or decided are left alone.
        hints: Unused here: answers are put in by ``answered``.

    Returns:
        A draft with more questions and choices, whose blueprint can be built: what has no default has a value, and
        where the file lists no layers without variables, activations stand behind normalisations and sums.
    """
    del hints
    blueprint = completed(draft.blueprint)
    partners: dict[str, str] = {}
    if not draft.grouping.complete and not draft.family:
        blueprint, partners = with_activations(blueprint)
    scene = Scene(replace(draft, blueprint=blueprint), partners)
    slots, settled = find_slots(scene)
    final = [slot for slot in slots if slot.role != "hidden"]
    if draft.family:
        # A published architecture brings its settings; only what stands on top of it may differ.
        return replace(draft, blueprint=blueprint).add(*heads.ask(scene, [s for s in final if s.role == "head"]))
    ends = heads.ask(scene, final)
    best = {key: value for question in ends for key, value in question.options[0].edits.items()}
    middle = scene.changed(best)
    questions = [
        *hidden.ask(middle, [slot for slot in slots if slot.role == "hidden"]),
        *ends,
        *recurrent.ask(scene),
        *numbers.ask(scene),
        *masks.ask(scene),
    ]
    twice = doubled.ask(settled)
    choices = draft.choices if twice else (*draft.choices, *map(choice, settled))
    return replace(draft, blueprint=blueprint, choices=choices).add(*questions, *twice)


def choice(settled: Settled) -> Choice:
    """A function that the graph settles, as a choice."""
    return Choice(f"{settled.layer}.{settled.key}", "linear", ("linear",), "assumed", settled.reason)
