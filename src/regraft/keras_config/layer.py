"""One layer of the JSON as a LayerSpec; what the catalogue cannot read becomes a placeholder with its reason."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any, cast

from regraft.blueprint import Blueprint, Choice, LayerSpec, Setting
from regraft.errors import UnknownLayerError, quote
from regraft.keras_config.merge_layer import modern_merge
from regraft.keras_config.operations import is_operation_entry, operation_class, unknown_operation
from regraft.keras_config.place import Place, encodable
from regraft.keras_config.scope import Scope
from regraft.layers import ALIASES, FORBIDDEN, Layer, Reading, layer_class, spec_of, unread_keys
from regraft.layers.custom import current

MODEL_CLASSES = frozenset({"Sequential", "Model", "Functional"})
#: How tf.keras writes operations; ``tensorflow_operations`` reads them together with their calls.
TENSORFLOW_OPERATIONS = frozenset({"TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"})
#: First components of ``module`` that are Keras itself.
KERAS_MODULES = frozenset({"keras", "tf_keras", "tensorflow"})
#: Key in the config of a placeholder for a class of Keras, in JSON that ``dump`` wrote.
PLACEHOLDER = "placeholder"
#: What a malformed setting may raise in a layer's own reading.
MALFORMED = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


def read_layer(value: Any, scope: Scope, place: Place, name: str = "") -> LayerSpec:
    """
    Read ``{"class_name": ..., "config": ...}``.

    Args:
        value: The JSON value.
        scope: Version and collected notes.
        place: Where the value stands.
        name: The name if the surrounding model gives it; otherwise that in the config.

    Raises:
        ConfigError: If the value has not the form of a layer.
    """
    scope.count_layer(place)
    entry = place.mapping(value)
    class_name, config = class_and_config(entry, place)
    if not name:
        named = config.get("name") if isinstance(config, dict) else None
        name = (place / "name").name(entry.get("name", named) if named is None else named)
    if class_name in MODEL_CLASSES or is_functional(config):
        return read_nested(entry, class_name, config, name, scope, place)
    own = declared_by_user(class_name, name, entry)
    class_name = own or class_name
    if not own and is_operation_entry(entry) and f"{class_name}Operation" in ALIASES:
        class_name += "Operation"
    settings = (place / "config").mapping(config)
    if own and entry.get("class_name") == "Lambda":
        settings = lambda_arguments(settings)
    if class_name == "InputLayer":
        return read_input(settings, name, scope, place / "config")
    trainable = settings.get("trainable", True) is not False
    try:
        if not own:
            refuse_foreign(class_name, entry, settings)
        if class_name == "Merge":
            class_name, settings = modern_merge(settings)
        layer = from_settings(class_name, settings, scope, place / "config")
    except UnknownLayerError as error:
        return LayerSpec(name, class_name, {}, trainable, unknown=str(error))
    except MALFORMED as error:
        reason = f"the settings of this {class_name} cannot be read: {quote(str(error))}"
        return LayerSpec(name, class_name, {}, trainable, unknown=reason)
    for key in unread_keys(dataclasses.fields(layer), settings):
        scope.findings.unread_setting(name, class_name, key, settings[key])
    for key, old in old_defaults(layer, settings).items():
        words = f"{class_name}: {key} is not stated and has the default of Keras {scope.version}, {quote(old)}"
        scope.findings.old_default(name, words)
    spec = spec_of(name, layer, trainable=trainable)
    return dataclasses.replace(spec, config={k: frozen(v) for k, v in spec.config.items()})


def old_defaults(layer: Layer, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that a config leaves out where the version that wrote it had another default than Keras 3."""
    return {
        f.name: value
        for f in dataclasses.fields(layer)
        if f.metadata.get("before")
        and f.metadata.get("keras", True)
        and not settings.keys() & {f.name, *f.metadata.get("old", ())}
        # what is made up of the layers around it is a choice, reported as such
        if f.name != "data_format" and (value := getattr(layer, f.name)) != f.default
    }


def read_input(settings: dict[str, Any], name: str, scope: Scope, place: Place) -> LayerSpec:
    """
    The entry of a model. It is never a placeholder: without its shape nothing behind it could be built.

    Raises:
        ConfigError: If its shape is no shape.
    """
    for key in ("batch_shape", "batch_input_shape"):
        if settings.get(key) is not None:
            settings = {**settings, key: list((place / key).shape(settings[key]))}
    try:
        return spec_of(name, from_settings("InputLayer", settings, scope, place))
    except (UnknownLayerError, *MALFORMED) as error:
        raise place.error(f"the InputLayer {quote(name)} cannot be read: {quote(str(error))}") from None


def declared_by_user(class_name: str, name: str, entry: Mapping[str, Any]) -> str:
    """
    The layer type of the user's file for a class of the JSON, or for a Lambda of this name; empty if there is none.

    A name that Keras has too is the user's, unless the JSON says that the class comes from Keras.
    """
    custom = current()
    if custom is None:
        return ""
    if class_name == "Lambda":
        return custom.lambdas.get(name, "")
    bare = class_name.rpartition(">")[2]
    module, registered = entry.get("module"), entry.get("registered_name")
    of_keras = isinstance(module, str) and module.split(".")[0] in KERAS_MODULES and not registered
    return "" if of_keras else custom.aliases.get(class_name, custom.aliases.get(bare, ""))


def from_settings(class_name: str, settings: dict[str, Any], scope: Scope, place: Place) -> Layer:
    """
    The catalogue's layer for a config.

    Raises:
        UnknownLayerError: If the catalogue cannot do what the config asks for.
    """
    if not all_encodable(settings):
        raise UnknownLayerError("a setting holds text that is not valid Unicode")

    def wrapped(value: Mapping[str, Any]) -> LayerSpec:
        spec = read_layer(value, scope.deeper(place), place, name=inner_name(value))
        if spec.unknown:
            raise UnknownLayerError(f"the wrapped layer {quote(spec.name)} ({quote(spec.type)}): {spec.unknown}")
        return spec

    def model(value: Mapping[str, Any]) -> Blueprint:
        return cast("Blueprint", wrapped({"class_name": "Model", "config": value}).config["blueprint"])

    cls = layer_class(class_name)
    stated = settings.keys() & {"dim_ordering", "data_format"}
    if scope.data_format and not stated and cls.rank > 1 and "data_format" in cls.__dataclass_fields__:
        # Keras 1 does not write it for UpSampling, ZeroPadding and Cropping.
        settings = {**settings, "dim_ordering": scope.data_format}
        evidence = "this layer of Keras 1 does not state it; all layers that do agree"
        subject = f"{settings.get('name', class_name)}.data_format"
        scope.findings.choices.append(Choice(subject, scope.data_format, (scope.data_format,), "supported", evidence))
    return cls.from_keras(Reading(version=scope.version, config=settings, layer=wrapped, model=model))


def class_and_config(entry: dict[str, Any], place: Place) -> tuple[str, Any]:
    """Class name and config; Keras 0 wrote the settings beside a ``name`` that is the class."""
    if "class_name" not in entry and "config" not in entry and "name" in entry:
        class_name = (place / "name").name(entry["name"])
        return class_name, {**entry, "name": entry.get("custom_name", class_name.lower())}
    class_name = (place / "class_name").name(entry.get("class_name"))
    # "Custom>Attention" and "keras.layers>Dense": what is in front says who registered the class.
    return class_name.removeprefix("Keras>"), entry.get("config", {})


def inner_name(value: Any) -> str:
    """The name of a wrapped layer, which needs none of its own."""
    config = value.get("config") if isinstance(value, Mapping) else None
    named = config.get("name") if isinstance(config, Mapping) else None
    return named if isinstance(named, str) and named and encodable(named) else "layer"


def is_functional(config: Any) -> bool:
    """Whether a config holds a graph, whatever its class: a subclass of Model may keep the functional form."""
    return isinstance(config, dict) and isinstance(config.get("layers"), list) and "output_layers" in config


def read_nested(
    entry: dict[str, Any], class_name: str, config: Any, name: str, scope: Scope, place: Place
) -> LayerSpec:
    """A model used as a layer."""
    from regraft.keras_config.model import read_model

    if class_name not in MODEL_CLASSES:
        scope.findings.note(
            f"model {quote(name)}: its class {quote(class_name)} is read as a functional model; code is not"
        )
    blueprint = read_model(entry, scope.deeper(place), place, name=name)
    trainable = not (isinstance(config, dict) and config.get("trainable") is False)
    return spec_of(name, layer_class("Functional")(**{"blueprint": blueprint}), trainable=trainable)


def is_operation(class_name: str) -> bool:
    """Whether the catalogue knows the name as an operation of Keras 3, and not as a layer of the same name."""
    return operation_class(class_name) is not None


def refuse_foreign(class_name: str, entry: dict[str, Any], settings: dict[str, Any]) -> None:
    """
    Refuse what only looks like a layer of Keras: code, operations, classes of the author.

    Raises:
        UnknownLayerError: With the reason.
    """
    module, registered = entry.get("module"), entry.get("registered_name")
    if (custom := current()) and class_name in custom.aliases:
        raise UnknownLayerError(
            f"this {class_name} is Keras' own, and {custom.path.name} declares another of that name"
        )
    if isinstance(settings.get(PLACEHOLDER), str):
        raise UnknownLayerError(settings[PLACEHOLDER])
    if class_name == "Lambda":
        raise UnknownLayerError(lambda_reason(settings))
    if class_name in TENSORFLOW_OPERATIONS:
        node = settings.get("node_def")
        operation = settings.get("function", node.get("op") if isinstance(node, dict) else settings.get("name"))
        raise UnknownLayerError(f"TensorFlow operation {quote(operation)} outside a functional model")
    known = class_name in ALIASES and (is_operation(class_name) or not layer_class(class_name).takes_trainable)
    if is_operation_entry(entry) and not known:
        raise UnknownLayerError(unknown_operation(class_name))
    if isinstance(module, str) and module.split(".")[0] not in KERAS_MODULES:
        raise UnknownLayerError(f"class {quote(class_name)} of module {quote(module)} is not one of Keras' own")
    if isinstance(registered, str) and ">" in registered and not registered.startswith("Keras>"):
        raise UnknownLayerError(
            f"class {quote(class_name)}, registered as {quote(registered)}, is not one of Keras' own"
        )
    if class_name in FORBIDDEN:
        raise UnknownLayerError(f"{class_name}: {FORBIDDEN[class_name]}")


def lambda_arguments(settings: dict[str, Any]) -> dict[str, Any]:
    """What of a Lambda is data, not code: its name and the arguments that its function is called with."""
    arguments = settings.get("arguments")
    own = {key: settings[key] for key in ("name", "trainable") if key in settings}
    return {**(arguments if isinstance(arguments, dict) else {}), **own}


def lambda_reason(settings: dict[str, Any]) -> str:
    """What can be said about a Lambda without decoding it: length and hash of its code."""
    function = settings.get("function")
    if isinstance(function, dict):
        inner = function.get("config")
        function = inner.get("code") if isinstance(inner, dict) else inner
    elif isinstance(function, list) and function:
        function = function[0]
    elif isinstance(function, str) and settings.get("function_type") != "lambda":
        return f"Lambda that calls a Python function named {quote(function)}, whose code the file does not hold"
    if not isinstance(function, str):
        return f"Lambda: {FORBIDDEN['Lambda']}"
    digest = hashlib.sha256(function.encode("utf-8", "surrogatepass")).hexdigest()
    size = f"{len(function)} characters as stored"
    return f"Lambda: its function is Python code ({size}, sha256 {digest}), which is never run"


def frozen(value: Any) -> Setting:
    """Lists as tuples, inside mappings too, so that settings compare equal after a round trip."""
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    if isinstance(value, dict):
        return {str(key): frozen(item) for key, item in value.items()}
    return value


def all_encodable(value: Any) -> bool:
    """Whether every text inside can be written as UTF-8."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return all(encodable(key) and all_encodable(item) for key, item in value.items())
    return all(map(all_encodable, value)) if isinstance(value, list) else True
