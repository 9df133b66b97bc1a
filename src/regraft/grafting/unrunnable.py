"""A file whose model cannot be run, for it has layers that nobody here knows: what has weights is put in place by order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from regraft.errors import RegraftError
from regraft.graft.axes import map_words
from regraft.graft.by_order import by_order
from regraft.graft.filling import tensor_of
from regraft.graft.held import Held, held_by
from regraft.graft.network import network_of
from regraft.graft.onto import Grafting
from regraft.graft.pieces import seen_by
from regraft.graft.seeing import seen
from regraft.graft.trace import Trace
from regraft.grafting.example import BATCH, OPEN, SEED, example_for
from regraft.grafting.source import Converted

UNKNOWN_ORDER = "alphabetical"


def unrunnable(source: Converted) -> tuple[str, ...]:
    """The layers that keep the file's model from running, each with its class; none if it runs."""
    return tuple(f"{spec.name} ({spec.type})" for spec in source.blueprint.layers if spec.unknown)


def tried_on(source: Converted, shapes: Sequence[tuple[int | None, ...]]) -> tuple[Any, ...]:
    """What the user's module may be run on, to see in which order it uses its parameters; nothing if that is not known."""
    if shapes:
        rng = np.random.default_rng(SEED)
        whole = [tuple(size or (OPEN if i else BATCH) for i, size in enumerate(shape)) for shape in shapes]
        return tuple(tensor_of(rng.standard_normal(shape).astype("float32")) for shape in whole)
    try:
        return example_for(source)
    except RegraftError:
        return ()


def in_order(
    source: Converted, module: Any, inputs: Sequence[Any], *, by_forms: bool = False
) -> tuple[Grafting, Trace | None]:
    """
    Pair the layers of a file with modules by their order; and the run of the module, if it could be run.

    Args:
        source: The file; layers that could not be converted hold their weights all the same.
        module: The user's module.
        inputs: What to try to run it on; its order of definition counts if it does not run.
        by_forms: Whether the order among layers of one form may count where that of all is another.
    """
    run, _ = seen(module, inputs)
    ours, theirs = held_by(source.twin.model, None), held_by(module, run)
    names = {
        key.rpartition(".")[0]: one.layer for one in source.module.transfers for key in one.parameters if one.layer
    }
    order = {spec.name: place for place, spec in enumerate(source.blueprint.layers)}
    ours = sorted(ours, key=lambda one: order.get(names.get(one.name, one.name), len(order)))
    found = by_order(
        ours, theirs, ran=run is not None, ordered=source.tree.order_source != UNKNOWN_ORDER, by_forms=by_forms
    )
    flat = behind_flatten(run) if run is not None else by_numbers(theirs)
    problems = tuple(
        f"{name} stands behind a Flatten of a map ({words}): the order of its rows may be another in the file, whose model "
        "cannot be run to see it; state it in a mapping.toml, with --mapping"
        for name, words in flat.items()
    )
    return replace(found, problems=(*found.problems, *problems)), run


def behind_flatten(run: Trace) -> dict[str, str]:
    """Linear modules that take a map as a vector, with the map: the order in which it is read cannot be compared."""
    found: dict[str, str] = {}
    for node in network_of(run).nodes:
        if node.kind == "linear" and prod((seen_by(node) or (1,))[:-1]) > 1:
            found[node.name] = "x".join(map(str, seen_by(node)))
    return found


def by_numbers(held: Sequence[Held]) -> dict[str, str]:
    """The same for a module that was not run: a Linear that takes a multiple of the channels before it."""
    found: dict[str, str] = {}
    channels = 0
    for one in held:
        if one.kind == "linear":
            features = one.parameters["weight"].shape[-1]
            if channels and features > channels and (words := map_words(features, channels)):
                found[one.name] = words
            channels = 0
        elif one.kind == "conv":
            channels, *_ = one.parameters["weight"].shape
    return found


def said(layers: Sequence[str], ran: bool) -> list[str]:
    """What the report says of it."""
    shown = ", ".join(layers[:8]) + (f" and {len(layers) - 8} more" if len(layers) > 8 else "")
    found = [f"layers that regraft cannot run, so that nothing was compared: {shown}"]
    if not ran:
        found.append(
            "the module was not run: its order of definition was taken; give --input-shape, so that the order of its run counts"
        )
    return found
