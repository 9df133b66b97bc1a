"""
Which Keras configurations may reach the real Keras.

Keras builds whatever class a configuration names, and some of them run code: ``Lambda``, classes found by import
path, layers that open files. So only a configuration made of nothing but known names goes there, stripped of all
that inference does not need. Anything else is written anew from the blueprint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from regraft.errors import quote
from regraft.layers import ALIASES, CATALOGUE
from regraft.layers.operations import Operation

#: Forms of Keras' own JSON that hold data, not classes of models.
DATA_CLASSES = frozenset("__keras_tensor__ __tuple__ __slice__ __ellipsis__ __numpy__ __tensor__ TensorShape".split())
POLICY_CLASSES = frozenset("DTypePolicy FloatDTypePolicy QuantizedDTypePolicy Policy PolicyV1".split())
#: Never, whatever the catalogue may hold one day: they run code, import it, or open files.
DENIED = frozenset(
    "Lambda TFSMLayer TorchModuleWrapper JaxLayer FlaxLayer __lambda__ __typespec__ TensorFlowOpLayer HashedCrossing "
    "StringLookup TextVectorization DenseFeatures".split()
)
FUNCTION_CLASSES = frozenset({"function", "builtin"})
#: Where Keras keeps its own classes. No other import path is let through, whatever it names.
MODULES = re.compile(
    r"builtins|(tf_)?keras(\.src)?(\.(layers|models|activations|applications|dtype_policies|engine|ops)(\.[a-z0-9_]+){0,3})?"
    r"|(tf_)?keras(\.src)?\.(mixed_precision|engine)\.[a-z_]+"
)
#: Activations by name in Keras 2 and 3. They are looked up among Keras' own functions.
ACTIVATIONS = frozenset(
    "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear log_sigmoid "
    "log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid "
    "sparsemax squareplus swish tanh tanh_shrink threshold".split()
)
#: Said about training only, or about the file.
DROPPED = frozenset(
    "compile_config training_config optimizer_config quantization_config weights shared_object_id build_config".split()
)
FLOATS = frozenset("float16 bfloat16 float32 float64 mixed_float16 mixed_bfloat16 int8 int4 _infer infer".split())
DEEPEST = 200


def stripped(config: Any) -> Any:
    """A configuration without initial values, penalties, constraints and training state, so that nothing names them."""
    if isinstance(config, Mapping):
        kept: dict[str, Any] = {}
        for key, value in config.items():
            if key in DROPPED:
                continue
            if key.endswith("_initializer"):
                kept[key] = "zeros"
            elif key.endswith(("_regularizer", "_constraint")):
                kept[key] = None
            else:
                kept[key] = stripped(value)
        return kept
    if isinstance(config, list | tuple):
        return [stripped(item) for item in config]
    return config


def with_dtype(config: Any, dtype: str) -> Any:
    """A configuration that computes in ``dtype``; integer, boolean and string tensors stay what they are."""
    if isinstance(config, Mapping):
        return {
            key: replaced(value, dtype) if key == "dtype" else with_dtype(value, dtype) for key, value in config.items()
        }
    if isinstance(config, list):
        return [with_dtype(item, dtype) for item in config]
    return config


def replaced(value: Any, dtype: str) -> Any:
    """The value of one ``dtype`` key: a name, or a policy."""
    if isinstance(value, Mapping):
        return dtype
    return dtype if value in FLOATS else value


def objections(config: Any, own: frozenset[str] = frozenset()) -> list[str]:
    """Everything in a (stripped) configuration that must not reach Keras, but for the user's ``own``; empty if it may."""
    return list(dict.fromkeys(found(config, 0, own)))


def found(value: Any, depth: int, own: frozenset[str]) -> Iterator[str]:
    """Walk the whole configuration."""
    if depth > DEEPEST:
        yield "it is nested too deeply"
    elif isinstance(value, Mapping):
        yield from wrong_class(value, own)
        for key, item in value.items():
            if key.endswith("activation") and isinstance(item, str) and item not in ACTIVATIONS | own:
                yield f"activation {quote(item)}"
            yield from found(item, depth + 1, own)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from found(item, depth + 1, own)


def wrong_class(value: Mapping[str, Any], own: frozenset[str]) -> Iterator[str]:
    """What is wrong with one serialised object."""
    if "class_name" not in value:
        return
    name, module, registered = value["class_name"], value.get("module"), value.get("registered_name")
    if not isinstance(name, str):
        yield f"class {quote(name)}"
    elif name in FUNCTION_CLASSES:
        function = value.get("config")
        if not isinstance(function, str) or function not in ACTIVATIONS | own:
            yield f"function {quote(function)}"
    elif name in ("TFOpLambda", "SlicingOpLambda"):
        config = value.get("config")
        function = config.get("function") if isinstance(config, Mapping) else None
        if function not in tensorflow_functions():
            yield f"TensorFlow function {quote(function)}"
    elif name in DENIED or not (is_known(name) or name in DATA_CLASSES or name in POLICY_CLASSES or name in own):
        yield f"class {quote(name)}"
    if module is not None and not (isinstance(module, str) and MODULES.fullmatch(module)):
        yield f"module {quote(module)}"
    if registered not in (None, "", name) and registered not in own:
        yield f"registered name {quote(registered)}"


def is_known(name: str) -> bool:
    """Whether a class is a layer or an operation of the catalogue."""
    return name in ALIASES or f"{name}Operation" in ALIASES


@cache
def tensorflow_functions() -> frozenset[str]:
    """The functions of TensorFlow that operations of the catalogue stand for: arithmetic, and nothing else."""
    operations = [cls for cls in CATALOGUE.values() if issubclass(cls, Operation)]
    return frozenset(text.partition("(")[0] for cls in operations for text in cls.functions)
