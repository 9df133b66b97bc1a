"""What a file's layout tells of a model, and what it cannot: without an architecture it is never the whole model."""

from __future__ import annotations

import shlex

from regraft.report.inspection import Architecture

SETTINGS = "strides, padding, dilation, activations, pooling sizes, dropout and epsilon"
GRAPH = "the graph: which layer feeds which, sums, concatenations and shortcuts"
SHOWN_TYPES = 8
INDEX_ONLY = "the roles of the arrays: they are numbered (0, 1, ...), so kernel and bias are told by shape and place"


def knowledge(
    dialect: str,
    order_source: str,
    *,
    architecture: Architecture | None,
    keras_version: str,
    backend: str,
    named: bool,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    Known and unknown, as sentences for a person.

    Args:
        dialect: As in ``WeightTree``.
        order_source: As in ``WeightTree``.
        architecture: At a glance, or None in a weights-only file.
        keras_version: As stored, or empty.
        backend: As stored, or empty.
        named: Whether the layers still have the names that they had in Keras.
    """
    if architecture is not None and not architecture.problem:
        return _whole(architecture)
    known, unknown = ["the name, shape and type of every array"], list[str]()
    if dialect == "arrays":
        known = ["the shape and type of every array"]
        unknown.append("whether the arrays stand in the order of model.get_weights()")
    else:
        ordered = known if order_source != "alphabetical" else unknown
        ordered.append("the order of the layers")
    if architecture is not None:
        unknown.append(f"the architecture: {architecture.problem}")
    if dialect in ("keras-3", "checkpoint-h5"):
        known.append("the class of every layer, from the names of its groups")
        (known if named else unknown).append("the names of the layers")
        unknown.append(INDEX_ONLY)
    elif dialect == "arrays":
        unknown += ["which arrays make a layer, its name and its class", "the roles of the arrays"]
    elif dialect == "keras-0":
        unknown += ["the names and classes of the layers", "the roles of the arrays"]
    else:
        known.append("the names of the layers, and the roles of their arrays (kernel, bias, gamma, ...)")
        unknown.append("the class of a layer, except where it kept its default name (conv2d_1, dense)")
    if dialect == "keras-1":
        unknown.append("the order of the axes of convolution kernels (Theano or TensorFlow), if convolutions are there")
    if not keras_version:
        unknown.append("the exact version of Keras" if dialect != "keras-0" else "the version of Keras, before 1.0")
    elif backend:
        known.append(f"the version of Keras, {keras_version}, and its backend, {backend}")
    else:
        known.append(f"the version of Keras, {keras_version}")
    if architecture is None:
        unknown += [GRAPH, f"the settings: {SETTINGS}"]
    return tuple(known), tuple(unknown)


def _whole(architecture: Architecture) -> tuple[tuple[str, ...], tuple[str, ...]]:
    known = (
        "the architecture: every layer with its class, name, settings and connections",
        "the name, shape and type of every array",
    )
    if not architecture.custom:
        return known, ()
    count = len(architecture.custom)
    types = ", ".join(list(dict.fromkeys(kind for _, kind in architecture.custom))[:SHOWN_TYPES])
    what = "1 layer, which is code" if count == 1 else f"{count} layers, which are code"
    return known, (f"the meaning of {what} and not data ({types})",)


def next_step(file: str, architecture: Architecture | None) -> tuple[str, str]:
    """What to do now, in words, and as a command that can be copied."""
    command = f"regraft convert {shlex.quote(file)}"
    if architecture is None:
        return (
            "Convert it: the architecture is rebuilt from the weights, better with the shape of the inputs "
            "(--input-shape 64,64,1); if you have its JSON, give that (--architecture model.json):",
            command,
        )
    if architecture.problem:
        return (
            "Give the architecture, as the JSON that model.to_json() returns in Keras:",
            f"{command} --architecture model.json",
        )
    if architecture.custom:
        return "Convert it; the layers that are code become placeholders (exit code 3):", command
    return "Convert it:", command
