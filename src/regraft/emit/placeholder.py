"""The form of a layer that cannot be converted: its weights are kept, its forward raises."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from regraft.blueprint import LayerSpec
from regraft.emit.names import identifiers
from regraft.layers import Carry, Form
from regraft.layers.binding import Bound
from regraft.weights import Variable


def placeholder_bound(variables: Sequence[Variable]) -> dict[str, Bound]:
    """The variables of a placeholder under names that can be parameters: ``kernel``, ``bias``, ``array_0``."""
    leaves = [v.name.split(":")[0].rsplit("/", 1)[-1] for v in variables]
    wishes = [f"array_{leaf}" if leaf.isdigit() else leaf for leaf in leaves]
    unique = [f"{wish}#{i}" if wishes.count(wish) > 1 else wish for i, wish in enumerate(wishes)]
    names = identifiers(unique)
    return {names[wish]: Bound((v,), (), v.shape) for wish, v in zip(unique, variables, strict=True)}


def placeholder_form(spec: LayerSpec, bound: Mapping[str, Bound], inputs: int, outputs: int) -> Form:
    """A module that holds the weights as they are stored and raises when it is called."""
    shapes = ", ".join(f"{json.dumps(name)}: {b.shape}" for name, b in bound.items())
    arguments = ", ".join(f"%{i}" for i in range(inputs))
    carries = tuple(Carry((name,), (), (name,)) for name in bound)
    module = f"Placeholder({json.dumps(spec.type[:80])}, {{{shapes}}})"
    call = f"%self({arguments})"
    names = tuple(f"%out_{i}" for i in range(outputs))
    before = (f"{', '.join(names)} = {call}",) if outputs > 1 else ()
    return Form(names if outputs > 1 else (call,), module, before, carries=carries, snippets=("Placeholder",))
