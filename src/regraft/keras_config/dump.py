"""A blueprint as Keras JSON: of Keras 3, or of tf.keras 2."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from regraft.blueprint import Blueprint, Call, LayerSpec
from regraft.errors import BlueprintError, quote
from regraft.keras_config.dump_nodes import Dialect, is_chain, node, triples
from regraft.keras_config.layer import PLACEHOLDER, is_operation
from regraft.keras_config.operations import operation_class
from regraft.keras_config.tensorflow_operations import written_layer
from regraft.layers import ALIASES, KerasVersion, build, layer_class
from regraft.layers.custom import current
from regraft.layers.operations import TENSORFLOW_ONLY, Operation

#: The versions whose forms are written.
VERSIONS = {2: KerasVersion(2, 15, tf=True), 3: KerasVersion(3, 15)}


def dump(blueprint: Blueprint, *, version: int = 3, partial: bool = False) -> str:
    """
    The architecture as JSON that ``keras.models.model_from_json`` loads.

    Args:
        blueprint: The architecture. A Sequential model that is a plain chain stays Sequential.
        version: 3 for Keras 3; 2 for tf.keras 2, whose semantics files of Keras 1 and 2 need.
        partial: Write placeholders too, as their original class with the config ``{}`` besides name and trainable.
            Keras then needs ``custom_objects`` for these classes, with constructors that take no other arguments.
            A placeholder for a class of Keras itself says so in its config, so that Keras refuses it
            rather than taking defaults that were not in the file.

    Raises:
        BlueprintError: If layers are placeholders and ``partial`` is False, or an input has no shape; all at once.
    """
    if version not in VERSIONS:
        raise ValueError(f"version must be 2 or 3, not {version}")
    if not partial and (missing := list(undumpable(blueprint, version))):
        raise BlueprintError("this architecture cannot be written as Keras JSON:\n  " + "\n  ".join(missing))
    value = model(blueprint, Dialect(version >= 3), trainable=True)
    if version < 3:
        value |= {"keras_version": str(VERSIONS[2]), "backend": "tensorflow"}
    return json.dumps(value, indent=1, allow_nan=False)


def caveats(blueprint: Blueprint, version: int = 3, *, remarks: bool = True) -> tuple[str, ...]:
    """
    What the JSON of that version cannot say about these layers, nested ones included.

    With ``remarks`` also what the emitted module does in another way, which does not concern the JSON.
    """
    found: list[str] = []
    for name, spec in every_layer(blueprint):
        if not spec.unknown and spec.type != "Functional":
            layer = build(spec)
            texts = (*layer.caveats(VERSIONS[version]), *(layer.remarks() if remarks else ()))
            found += [f"layer {quote(name)}: {text}" for text in texts]
    return tuple(found)


def every_layer(value: object, inside: str = "") -> Iterator[tuple[str, LayerSpec]]:
    """All layers with their names, those in nested models and wrappers as ``outer/inner``."""
    if isinstance(value, Blueprint):
        for spec in value.layers:
            yield from every_layer(spec, inside)
    elif isinstance(value, LayerSpec):
        name = f"{inside}/{value.name}" if inside else value.name
        yield name, value
        for setting in value.config.values():
            yield from every_layer(setting, name)
    elif isinstance(value, Mapping | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from every_layer(item, inside)


def undumpable(blueprint: Blueprint, version: int) -> Iterator[str]:
    """What stands in the way of a complete JSON."""
    for name, spec in every_layer(blueprint):
        if spec.unknown:
            yield f"layer {quote(name)} ({quote(spec.type)}) is a placeholder: {spec.unknown}"
        elif operation_class(spec.type) is not None:
            yield from (f"{quote(name)}: {text}" for text in build(spec).caveats(VERSIONS[version]))
    if not is_chain(blueprint):
        for ref in blueprint.inputs:
            if blueprint.by_name[ref.layer].config.get("batch_shape") is None:
                yield f"input {quote(ref.layer)} has no shape"


def model(blueprint: Blueprint, dialect: Dialect, *, trainable: bool) -> dict[str, Any]:
    """One model, at the top or nested."""
    if is_chain(blueprint):
        shape = blueprint.layers[0].config.get("batch_shape")
        layers = blueprint.layers if shape is not None else blueprint.layers[1:]
        config = {"name": blueprint.name, "trainable": trainable, "layers": [layer(spec, dialect) for spec in layers]}
        return {**dialect.header("Sequential", "keras"), "config": config}
    config = {
        "name": blueprint.name,
        "trainable": trainable,
        "layers": [
            {
                **layer(spec, dialect),
                "name": spec.name,
                "inbound_nodes": [node(c, blueprint, dialect) for c in sorted_calls(blueprint, spec.name)],
            }
            for spec in blueprint.layers
        ],
        "input_layers": triples(blueprint.inputs, blueprint, dialect),
        "output_layers": triples(blueprint.outputs, blueprint, dialect),
    }
    return {**dialect.header("Functional", "keras.src.models.functional"), "config": config}


def sorted_calls(blueprint: Blueprint, name: str) -> list[Call]:
    """The calls of one layer by number."""
    return sorted((call for call in blueprint.calls if call.layer == name), key=lambda call: call.call)


def layer(spec: LayerSpec, dialect: Dialect) -> dict[str, Any]:
    """One layer."""
    inner = spec.config.get("blueprint")
    if isinstance(inner, Blueprint):
        return model(inner, dialect, trainable=spec.trainable)
    config: dict[str, Any] = {"name": spec.name}
    operation = not spec.unknown and is_operation(spec.type)
    if spec.type != "InputLayer" and not operation and (spec.unknown or layer_class(spec.type).takes_trainable):
        config["trainable"] = spec.trainable
    if not spec.unknown:
        settings = build(spec).to_keras(VERSIONS[3 if dialect.modern else 2])
        config |= {k: plain(v, dialect) for k, v in settings.items()}
    elif spec.type in ALIASES:
        config[PLACEHOLDER] = spec.unknown
    if spec.unknown:
        return {**dialect.header(spec.type, "keras.layers"), "config": config}
    cls = layer_class(spec.type)
    if (custom := current()) and spec.type in custom.layers:  # as Keras finds it among custom_objects
        header = dialect.header(spec.type, "")
        return {
            **(header | {"module": None, "registered_name": spec.type} if dialect.modern else header),
            "config": config,
        }
    if issubclass(cls, Operation) and dialect.modern and cls.keras_module == TENSORFLOW_ONLY:
        (reason,) = build(spec).caveats(VERSIONS[3])
        return {**dialect.header("TFOpLambda", "keras.layers"), "config": {"name": spec.name, PLACEHOLDER: reason}}
    if issubclass(cls, Operation) and not dialect.modern and cls.functions:
        operation = build(spec)
        assert isinstance(operation, Operation)
        return written_layer(operation, spec.name)
    return {**dialect.header(cls.keras_class or spec.type, cls.keras_module), "config": config}


def plain(value: Any, dialect: Dialect) -> Any:
    """A setting as JSON: wrapped layers and models as theirs."""
    if isinstance(value, LayerSpec):
        return layer(value, dialect)
    if isinstance(value, Blueprint):
        return model(value, dialect, trainable=True)
    if isinstance(value, Mapping):
        return {k: plain(v, dialect) for k, v in value.items()}
    return [plain(v, dialect) for v in value] if isinstance(value, tuple | list) else value
