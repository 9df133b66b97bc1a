"""How a layer's settings are declared, and read from the Keras JSON of any version."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regraft.blueprint import LayerSpec
from regraft.errors import UnknownLayerError, quote
from regraft.layers.version import KerasVersion

if TYPE_CHECKING:
    from regraft.blueprint import Blueprint

#: Keys of a Keras layer config that do not change what the layer computes at inference.
IGNORED = frozenset(
    "name trainable dtype batch_input_shape batch_shape input_dtype input_dim input_shape weights init "
    "inner_init forget_bias_init W_regularizer U_regularizer b_regularizer W_constraint U_constraint b_constraint "
    "consume_less quantization_config lora_rank lora_alpha autocast registered_name build_config seed "
    "input_length renorm_momentum gamma_init beta_init gamma_regularizer beta_regularizer momentum synchronized unit_forget_bias "
    "depthwise_regularizer implementation use_cudnn ragged sparse optional query_shape key_shape value_shape "
    "alpha_init beta_init t_left_init a_left_init t_right_init a_right_init".split()
)
IGNORED_ENDINGS = ("_initializer", "_regularizer", "_constraint")


@dataclass(frozen=True)
class Reading:
    """
    What reading one setting may depend on.

    Attributes:
        version: The Keras version that wrote the JSON.
        config: The layer's whole config, as in the file.
        layer: Reads the JSON of a wrapped layer.
        model: Reads the JSON of a wrapped model.
        rank: Number of spatial axes of the layer class, 0 if it has none.
    """

    version: KerasVersion
    config: Mapping[str, Any]
    layer: Callable[[Mapping[str, Any]], LayerSpec]
    model: Callable[[Mapping[str, Any]], Blueprint]
    rank: int = 0


Parse = Callable[[Any, Reading], Any]


def setting(
    default: Any = dataclasses.MISSING,
    *,
    old: Sequence[str] = (),
    parse: Parse | None = None,
    before: Mapping[tuple[int, int, int], Any] | None = None,
    keras: bool = True,
) -> Any:
    """
    Declare one setting of a layer.

    Args:
        default: The default in Keras 3; leave out if Keras has none.
        old: Other keys under which older versions write it, newest first.
        parse: Turns the JSON value into ours; it may raise ``UnknownLayerError`` with the reason.
        before: Defaults of older versions: ``{(2, 3, 0): "hard_sigmoid"}`` holds for everything before 2.3.0.
        keras: False for a setting that is ours alone and is not written to Keras JSON.
    """
    metadata = {"old": tuple(old), "parse": parse, "before": dict(before or {}), "keras": keras}
    return dataclasses.field(default=default, metadata=metadata)


def read_setting(field: dataclasses.Field[Any], reading: Reading) -> Any:
    """The value of one declared setting in a Keras config; the version's default where the config omits it."""
    for key in (field.name, *field.metadata.get("old", ())):
        if key in reading.config:
            value = reading.config[key]
            break
    else:
        value = version_default(field, reading.version)
        if value is dataclasses.MISSING:
            raise UnknownLayerError(f"setting {quote(field.name)} is missing")
    parse: Parse | None = field.metadata.get("parse")
    return parse(value, reading) if parse else plain(value)


def version_default(field: dataclasses.Field[Any], version: KerasVersion) -> Any:
    """The default of a setting in the version that wrote the file."""
    for limit, value in sorted(field.metadata.get("before", {}).items()):
        if version.before(*limit):
            return value
    return field.default


def unread_keys(fields: Sequence[dataclasses.Field[Any]], config: Mapping[str, Any]) -> list[str]:
    """Keys of a config that no setting reads and that are not known to be harmless: reported, never dropped in silence."""
    known = {key for f in fields for key in (f.name, *f.metadata.get("old", ()))} | IGNORED
    return [
        k
        for k, v in config.items()
        if k not in known and not k.endswith(IGNORED_ENDINGS) and v not in (None, False, {}, [])
    ]


def plain(value: Any) -> Any:
    """JSON lists as tuples, so that settings can be compared and hashed."""
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    return value


def sizes(value: Any, reading: Reading) -> tuple[int, ...]:
    """A size for every spatial axis: ``3`` becomes ``(3, 3)`` in a layer of rank 2. Positive integers only."""
    items = (value,) * reading.rank if isinstance(value, int | float) else tuple(value)
    if len(items) != reading.rank:
        raise UnknownLayerError(f"expected {reading.rank} sizes, found {quote(value)}")
    return tuple(positive(item) for item in items)


def positive(value: Any, _: Reading | None = None) -> int:
    """A positive integer of believable size; JSON may hold ``2.0`` for 2."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or not 0 < value < 2**31:
        raise UnknownLayerError(f"expected a positive integer, found {quote(value)}")
    return int(value)
