"""Calls of layers as ``inbound_nodes``, in the form of Keras 3 and of tf.keras 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from regraft.blueprint import Blueprint, Call, TensorRef
from regraft.keras_config.nodes import CONSTANT, argument_names
from regraft.keras_config.operations import operation_class
from regraft.keras_config.tensorflow_operations import written_call
from regraft.layers import build
from regraft.layers.operations import Operation


@dataclass(frozen=True)
class Dialect:
    """Which form to write: ``modern`` is that of Keras 3."""

    modern: bool

    def header(self, class_name: str, module: str) -> dict[str, Any]:
        """The class; Keras 3 also wants to know where it lives."""
        if not self.modern:
            return {"class_name": class_name}
        registered = class_name if module.startswith("keras.src") else None
        return {"module": module, "class_name": class_name, "registered_name": registered}


def is_chain(blueprint: Blueprint) -> bool:
    """Whether the model can be written as Sequential: one input, every layer called once on the layer before it."""
    if not blueprint.sequential or not blueprint.layers or blueprint.layers[0].type != "InputLayer":
        return False
    names = [spec.name for spec in blueprint.layers]
    before = [{ref.layer for ref in call.inputs} for call in blueprint.calls]
    called = [call.layer for call in blueprint.calls]
    plain = not any(call.arguments or call.call for call in blueprint.calls)
    ends = {ref.layer for ref in blueprint.outputs} == set(names[-1:])
    return plain and ends and called == names[1:] and before == [{name} for name in names[:-1]]


def first_call(ref: TensorRef, blueprint: Blueprint, dialect: Dialect, *, output: bool) -> int:
    """The number under which Keras knows the first call: 1 where it counts the creation of a nested model as call 0."""
    inner = blueprint.by_name[ref.layer].config.get("blueprint")
    if not isinstance(inner, Blueprint):
        return 0
    if dialect.modern:
        return int(output and not is_chain(inner))
    # tf.keras: a Sequential model that does not know its input is not a graph yet.
    return int(not is_chain(inner) or inner.layers[0].config.get("batch_shape") is not None)


def triple(ref: TensorRef, blueprint: Blueprint, dialect: Dialect, *, output: bool = False) -> list[Any]:
    """``[layer, call, output]``."""
    return [ref.layer, ref.call + first_call(ref, blueprint, dialect, output=output), ref.index]


def triples(refs: tuple[TensorRef, ...], blueprint: Blueprint, dialect: Dialect) -> list[Any]:
    """``input_layers`` or ``output_layers``; Keras 3 takes a list of one for a model that gives a list."""
    found = [triple(ref, blueprint, dialect, output=True) for ref in refs]
    return found[0] if dialect.modern and len(found) == 1 else found


def node(call: Call, blueprint: Blueprint, dialect: Dialect) -> Any:
    """One call: ``{"args": ..., "kwargs": ...}`` in Keras 3, a list of ``[layer, call, output, kwargs]`` before."""
    spec = blueprint.by_name[call.layer]
    operation = None if spec.unknown or operation_class(spec.type) is None else build(spec)
    if isinstance(operation, Operation) and not dialect.modern and operation.functions:
        first, named = written_call(operation, call)
        found = entries(first, legacy(named, blueprint), blueprint)
        return found if isinstance(first, tuple) else found[0]
    if isinstance(operation, Operation):
        call = replace(call, arguments=operation.write_arguments(dict(call.arguments), modern=True))
    elif dialect.modern:
        call = with_named_states(call, blueprint)
    positional: dict[int, Any] = {int(key): value for key, value in call.arguments.items() if key.isdecimal()}
    named = {k: v for k, v in call.arguments.items() if not k.isdecimal()}
    if dialect.modern:
        first: list[Any] = [call.inputs] if call.inputs else []
        args: list[Any] = [*call.inputs] if len(call.inputs) == 1 else first
        args += [value for _, value in sorted(positional.items())]
        # Keras forgets a number that comes first under its name (1 - x), so what has a place is written in its place.
        names = argument_names(blueprint.by_name[call.layer])
        while len(args) < len(names) and names[len(args)] in named:
            args.append(named.pop(names[len(args)]))
        return {"args": modern(args, blueprint), "kwargs": modern(named, blueprint)}
    named |= {str(k): v for k, v in positional.items() if k}
    kwargs = legacy(named, blueprint)
    return entries(positional.get(0, call.inputs), kwargs, blueprint)


def entries(first: Any, kwargs: Any, blueprint: Blueprint) -> list[Any]:
    """The tensors of the first argument, or the constant in its place, each with the named arguments."""
    items = first if isinstance(first, tuple) else (first,)  # type: ignore[reportUnknownVariableType]
    return [
        [*triple(item, blueprint, Dialect(modern=False)), kwargs]
        if isinstance(item, TensorRef)
        else [CONSTANT, -1, legacy(item, blueprint), kwargs]
        for item in items
    ]


def with_named_states(call: Call, blueprint: Blueprint) -> Call:
    """Initial states, which Keras 1 and 2 list behind the sequence, as the argument that they are in Keras 3."""
    if len(call.inputs) < 2 or "initial_state" not in argument_names(blueprint.by_name[call.layer]):
        return call
    sequence, *states = call.inputs
    return replace(call, inputs=(sequence,), arguments={**call.arguments, "initial_state": tuple(states)})


def modern(value: Any, blueprint: Blueprint) -> Any:
    """An argument in Keras 3. It computes the shapes anew, so that a placeholder stands for each."""
    if isinstance(value, TensorRef):
        config = {"shape": [None], "dtype": "float32", "keras_history": triple(value, blueprint, Dialect(modern=True))}
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(value, Mapping) and set(value) == {"array", "dtype"}:
        return {
            "class_name": "__numpy__",
            "config": {"value": modern(value["array"], blueprint), "dtype": value["dtype"]},
        }
    if isinstance(value, Mapping):
        return {k: modern(v, blueprint) for k, v in value.items()}
    return [modern(v, blueprint) for v in value] if isinstance(value, tuple | list) else value


def legacy(value: Any, blueprint: Blueprint) -> Any:
    """An argument in tf.keras 2."""
    if isinstance(value, TensorRef):
        return triple(value, blueprint, Dialect(modern=False))
    if isinstance(value, Mapping) and set(value) == {"array", "dtype"}:
        return legacy(value["array"], blueprint)
    if isinstance(value, Mapping):
        return {k: legacy(v, blueprint) for k, v in value.items()}
    return [legacy(v, blueprint) for v in value] if isinstance(value, tuple | list) else value
