"""The input of a published architecture: its channels from the file, its size from the user, the head, or the publication."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from regraft.blueprint import Blueprint, Choice, Shape, TensorRef
from regraft.errors import RegraftError
from regraft.recover.draft import Hints
from regraft.recover.families.library import Shapes
from regraft.recover.families.refit import entering, refitted, with_input

#: Sizes that people train with, for a head that sees the map flattened.
USUAL = (224, 299, 256, 128, 32, 64, 48, 96, 112, 150, 160, 180, 192, 200, 240, 300, 320, 331, 380, 384, 400, 448, 456,
         480, 512, 528, 600, 640, 100, 75, 71, 50, 28)  # fmt: skip


@dataclass(frozen=True)
class Entered:
    """A blueprint with its input settled, the shapes of its tensors, and what was chosen for it."""

    blueprint: Blueprint
    shapes: dict[TensorRef, Shape]
    choice: Choice | None


def channels_in(blueprint: Blueprint, stored: dict[str, Shapes]) -> int | None:
    """The channels that enter, as the first kernel says."""
    (ref, *_) = blueprint.inputs
    todo, seen = [ref], {ref}
    while todo:
        for call in blueprint.consumers.get(todo.pop(0), ()):
            spec = blueprint.by_name[call.layer]
            if call.layer in stored:
                if spec.type == "Functional":
                    inner = stored[call.layer][0]
                    return inner[-2] if len(inner) > 2 else None
                needed = entering(spec, stored[call.layer])
                return stored[call.layer][0][-1] if needed is None and spec.type == "Normalization" else needed
            out = TensorRef(call.layer, call.call)
            if out not in seen:
                seen.add(out)
                todo.append(out)
    return None


def entered(
    old: Blueprint,
    new: Blueprint,
    pads: frozenset[str],
    channels: int | None,
    hints: Hints,
    end: TensorRef,
    area: int | None,
) -> Entered | None:
    """
    The blueprint at the right input size.

    Args:
        old: As published.
        new: With the widths of the file.
        pads: As in ``Published``.
        channels: That enter; None to leave them.
        hints: What the user knows.
        end: The tensor whose map a head flattens.
        area: Positions that map must have; None if nothing says so.
    """
    name = new.inputs[0].layer
    published = new.by_name[name].config["batch_shape"]
    if not isinstance(published, tuple):
        return None
    *sizes, known = (size if isinstance(size, int) else None for size in published[1:])
    depth = known if channels is None else channels
    if hints.input_shapes:
        given = tuple(hints.input_shapes[0])
        if len(hints.input_shapes) != 1 or len(given) != len(sizes) + 1 or given[-1] not in (None, depth):
            return None
        found = at(old, new, pads, (*given[:-1], depth))
        return None if found is None or not has_area(found[1].get(end), area) else Entered(*found, None)
    for i, shape in enumerate(candidates(tuple(sizes), area)):
        found = at(old, new, pads, (*shape, depth))
        if found is not None and has_area(found[1].get(end), area):
            text = ", ".join(map(str, (*shape, depth)))
            if area is None:
                choice = Choice(
                    f"{name}.batch_shape", text, (text,), "assumed", "the published size; the weights fit any"
                )
            else:
                evidence = f"its map must have {area} positions where the head flattens it"
                choice = Choice(f"{name}.batch_shape", text, (text,), "supported" if i == 0 else "assumed", evidence)
            return Entered(*found, choice)
    return None


def candidates(published: tuple[int | None, ...], area: int | None) -> Iterator[tuple[int | None, ...]]:
    """Input sizes to try: the published one, and with a flattened map those in use."""
    yield published
    if area is not None:
        yield from ((size,) * len(published) for size in USUAL)


def at(
    old: Blueprint, new: Blueprint, pads: frozenset[str], shape: tuple[int | None, ...]
) -> tuple[Blueprint, dict[TensorRef, Shape]] | None:
    """The blueprint at one input shape; None if its maps become too small."""
    try:
        return refitted(old, with_input(new, shape), pads)
    except RegraftError:
        return None


def has_area(shape: Shape, area: int | None) -> bool:
    """Whether a map has so many positions."""
    if area is None:
        return True
    if shape is None or any(size is None for size in shape[1:-1]):
        return False
    found = 1
    for size in shape[1:-1]:
        found *= size or 0
    return found == area
