"""
Back to Keras: any model that was read, whatever its Keras, as a ``.keras`` file that today's Keras opens.

What Keras 3 computes in another way than the Keras that wrote the file is expressed in its terms where there is a way
(``Layer.in_keras_3``), and refused where there is none: the file that is written computes what the old one did.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from regraft import keras_config
from regraft.blueprint import Blueprint, LayerSpec, Setting, TensorRef
from regraft.emit.atomic import replacing
from regraft.errors import BlueprintError, quote
from regraft.keras_config.dump import VERSIONS, every_layer
from regraft.keras_config.dump_nodes import is_chain
from regraft.keras_config.nodes import argument_names
from regraft.layers import KerasVersion, build
from regraft.layers.binding import Binding, Bound, places_of
from regraft.layers.custom import current
from regraft.layers.matching import group_keys
from regraft.layers.model import blueprint_in_keras_3
from regraft.layout import Move, shapes_after
from regraft.weights import StoredArray, write_keras_archive

FILE = "model.keras"


@dataclass(frozen=True)
class Revived:
    """
    A model in the terms of Keras 3.

    Attributes:
        blueprint: Its architecture.
        binding: Its variables.
        names: New names of layers whose own Keras 3 does not allow, by old name.
        notes: What is expressed in other words than in the file.
    """

    blueprint: Blueprint
    binding: Binding
    names: Mapping[str, str]
    notes: tuple[str, ...]


def revived(blueprint: Blueprint, binding: Binding) -> Revived:
    """
    The same model in the terms of Keras 3.

    Raises:
        BlueprintError: Layers have no equal in Keras 3, or the shape of an input is not known; all at once.
    """
    found, moves = blueprint_in_keras_3(blueprint)
    names = allowed_names(found)
    notes = [
        f"{old.name} ({old.type}) is written {what}{', its arrays adapted' if moves.get(old.name) else ''}"
        for old, new in zip(blueprint.layers, found.layers, strict=True)
        if (what := f"as {new.type}" if old.type != new.type else "in the terms of Keras 3" if old != new else "")
    ]
    notes += [f"{old} is named {new}: Keras 3 allows no / in a name" for old, new in names.items()]
    layers = {
        names.get(layer, layer): {v: moved(b, moves.get(layer, {}).get(v, ())) for v, b in bound.items()}
        for layer, bound in binding.layers.items()
    }
    found = in_form(renamed(found, names))
    if any(not spec.unknown and build(spec).may_mask(False) for _, spec in every_layer(found)):
        wrong = (*keras_config.caveats(found, remarks=False), *hidden_masks(found))
    else:
        found = without_masks(found)
        wrong = keras_config.caveats(found, remarks=False)
    if custom := current():
        wrong += tuple(
            f"layer {quote(name)}: a Lambda, whose code cannot be put into a file"
            for name, spec in every_layer(found)
            if spec.type in custom.lambdas.values()
        )
    if any(spec.config.get("batch_shape") is None for spec in (found.by_name[ref.layer] for ref in found.inputs)):
        wrong += ("the shape of an input is not known; give it with --input-shape",)
    if wrong:
        lines = "\n  ".join(wrong)
        raise BlueprintError(f"{quote(blueprint.name)} cannot be written for Keras 3 as it computes:\n  {lines}")
    return Revived(found, replace(binding, layers=layers), names, tuple(notes))


def without_masks(blueprint: Blueprint) -> Blueprint:
    """Where no mask is made, it does not matter what a layer gives at masked steps."""
    return mapped(blueprint, lambda config: {**config, "zero_masked_sequences": True})


def hidden_masks(blueprint: Blueprint) -> tuple[str, ...]:
    """Recurrent layers that get states: beside them Keras 3 does not hand on the mask of the sequence."""
    called = [c for c in blueprint.calls if len(c.inputs) > 1 or "initial_state" in c.arguments]
    old = not KerasVersion.parse(blueprint.keras_version).major >= 3
    found = [c.layer for c in called if old and "initial_state" in argument_names(blueprint.by_name[c.layer])]
    return tuple(
        f"layer {quote(n)}: beside initial states Keras 3 does not see the mask of the sequence" for n in found
    )


def mapped(
    blueprint: Blueprint, change: Callable[[Mapping[str, Setting]], Mapping[str, Setting]], kind: str = "Bidirectional"
) -> Blueprint:
    """The blueprint with other settings for the layers of one kind, also in models and wrappers."""

    def part(spec: LayerSpec) -> LayerSpec:
        config: Mapping[str, Setting] = {
            key: mapped(value, change, kind)
            if isinstance(value, Blueprint)
            else part(value)
            if isinstance(value, LayerSpec)
            else value
            for key, value in spec.config.items()
        }
        return replace(spec, config=change(config) if spec.type == kind else config)

    return replace(blueprint, layers=tuple(part(spec) for spec in blueprint.layers))


def moved(bound: Bound, moves: tuple[Move, ...]) -> Bound:
    """A variable with more moves."""
    if not moves:
        return bound
    (shape,) = shapes_after(moves, [bound.shape])
    return Bound(bound.sources, (*bound.moves, *moves), shape)


def allowed_names(blueprint: Blueprint) -> dict[str, str]:
    """New names for the layers whose name holds a ``/``, which Keras 3 refuses."""
    taken = set(blueprint.by_name)
    names: dict[str, str] = {}
    for name in blueprint.by_name:
        if "/" in name:
            new = name.replace("/", "_")
            while new in taken:
                new += "_"
            taken.add(new)
            names[name] = new
    return names


def renamed(blueprint: Blueprint, names: Mapping[str, str]) -> Blueprint:
    """The blueprint with other names for some layers."""
    if not names:
        return blueprint

    def ref(old: TensorRef) -> TensorRef:
        return replace(old, layer=names.get(old.layer, old.layer))

    def inside(value: object) -> object:
        if isinstance(value, TensorRef):
            return ref(value)
        if isinstance(value, Mapping):
            return {key: inside(item) for key, item in value.items()}
        return tuple(inside(item) for item in value) if isinstance(value, tuple) else value

    calls = tuple(
        replace(
            call,
            layer=names.get(call.layer, call.layer),
            inputs=tuple(ref(old) for old in call.inputs),
            arguments={key: inside(value) for key, value in call.arguments.items()},  # type: ignore[misc]
        )
        for call in blueprint.calls
    )
    layers = tuple(replace(spec, name=names.get(spec.name, spec.name)) for spec in blueprint.layers)
    inputs, outputs = tuple(map(ref, blueprint.inputs)), tuple(map(ref, blueprint.outputs))
    return replace(blueprint, layers=layers, calls=calls, inputs=inputs, outputs=outputs)


def in_form(blueprint: Blueprint) -> Blueprint:
    """Models are called Sequential only if they are written so: Keras names the groups of the file accordingly."""

    def part(spec: LayerSpec) -> LayerSpec:
        config = {
            key: in_form(value)
            if isinstance(value, Blueprint)
            else part(value)
            if isinstance(value, LayerSpec)
            else value
            for key, value in spec.config.items()
        }
        return replace(spec, config=config)

    layers = tuple(part(spec) for spec in blueprint.layers)
    return replace(blueprint, layers=layers, sequential=is_chain(blueprint))


def back_to_keras(
    model: Revived, target: Path, *, force: bool = False, done: Callable[[str], None] | None = None
) -> None:
    """
    Write the ``.keras`` file.

    Raises:
        OutputError: There is a file already.
    """
    config = keras_config.dump(model.blueprint)
    if custom := current():  # Keras 3 looks for an activation of the user only if it is written as a function
        from regraft.verify.custom_config import for_keras

        config = json.dumps(for_keras(json.loads(config), custom, frozenset(custom.activations)))
    keys = group_keys(model.blueprint)
    names = {"": model.blueprint.name, **{f"layers/{key}": name for name, key in keys.items()}}
    with replacing(target, force=force) as file:
        version = str(VERSIONS[3])
        write_keras_archive(file, config, arrays_of(model, keys), names, version=version, done=done)


def arrays_of(model: Revived, keys: Mapping[str, str]) -> Iterator[StoredArray]:
    """Every variable with its place in the file."""
    for spec in model.blueprint.layers:
        bound = model.binding.layers.get(spec.name, {})
        for name, (path, key) in places_of(build(spec).variables()).items():
            steps = (step.split("|", maxsplit=1)[0] for step in path)
            place = "/".join(("layers", keys[spec.name], *steps, "vars", key))
            yield StoredArray(place, bound[name].shape, bound[name].read)


__all__ = ["FILE", "Revived", "back_to_keras", "revived"]
