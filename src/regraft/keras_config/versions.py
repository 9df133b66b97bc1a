"""Which Keras wrote a JSON that does not say so."""

from __future__ import annotations

from typing import Any

from regraft.blueprint import Choice

#: Keys and classes that exist in one generation only.
KERAS_1_KEYS = frozenset(
    "nb_filter nb_row nb_col border_mode subsample dim_ordering inner_activation inner_init W_regularizer W_constraint "
    "b_constraint consume_less pool_length subsample_length filter_length concat_axis init".split()
)
KERAS_1_CLASSES = frozenset({"Merge", "TimeDistributedDense", "MaxoutDense", "Highway"})
TF_KERAS_KEYS = frozenset({"ragged", "shared_object_id"})
TF_KERAS_CLASSES = frozenset({"Functional", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"})
#: Words that Keras 3 writes since the version beside them, newest first: settings of attention, of every input, of Dense.
KERAS_3_WORDS = {
    "use_gate": "3.15.0", "optional": "3.13.0", "lora_alpha": "3.10.0", "ragged": "3.9.0", "DTypePolicy": "3.5.0",
}  # fmt: skip


def infer_version(value: Any) -> tuple[str, Choice]:
    """
    The version a JSON looks like, and the choice to report.

    Keras 3 writes ``inbound_nodes`` as objects and ``batch_shape``; tf.keras 2.12 and later has the same ``module``
    keys but still ``batch_input_shape``; Keras 1 has names of its own.
    """
    keys, classes, nodes = _vocabulary(value)
    modules = bool(keys & {"module", "registered_name", "build_config"})
    if modules and "batch_input_shape" not in keys and nodes is not list:
        for word, version in KERAS_3_WORDS.items():
            if word in keys or word in classes:
                return _chosen(version, f"the form of Keras 3 with {word!r}, which it writes since {version[:-2]}")
        return _chosen("3.0.0", "keys 'module', 'registered_name' or 'build_config' in the form of Keras 3")
    if modules:
        return _chosen("2.13.0", "keys 'module' and 'registered_name' beside batch_input_shape or listed inbound nodes")
    if nodes is dict:
        return _chosen("3.0.0", "inbound nodes are objects with args and kwargs")
    if old := sorted((keys & KERAS_1_KEYS) | (classes & KERAS_1_CLASSES)):
        return _chosen("1.2.2", f"names of Keras 1: {', '.join(old[:4])}")
    if new := sorted((keys & TF_KERAS_KEYS) | (classes & TF_KERAS_CLASSES)):
        return _chosen("2.11.0", f"names of tf.keras 2: {', '.join(new[:4])}")
    return _chosen("2.3.1", "neither the names of Keras 1 nor the form of Keras 3")


def _chosen(version: str, evidence: str) -> tuple[str, Choice]:
    generation = version.split(".", maxsplit=1)[0]
    return version, Choice("keras_version", version, (f"{generation}.x",), "supported", evidence)


def stated_order(value: Any) -> str:
    """The ``dim_ordering`` (``tf`` or ``th``) of a Keras 1 model if all layers that state one agree, else nothing."""
    found: set[str] = set()
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if item.get("dim_ordering") in ("tf", "th"):
                found.add(item["dim_ordering"])
            todo += item.values()
        elif isinstance(item, list):
            todo += item
    return found.pop() if len(found) == 1 else ""


def _vocabulary(value: Any) -> tuple[set[str], set[str], type | None]:
    """All keys, all class names, and whether inbound nodes are lists or objects."""
    keys: set[str] = set()
    classes: set[str] = set()
    nodes: type | None = None
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            keys.update(item)
            if isinstance(item.get("class_name"), str):
                classes.add(item["class_name"])
            calls = item.get("inbound_nodes")
            if isinstance(calls, list) and calls:
                nodes = type(calls[0])
            todo += item.values()
        elif isinstance(item, list):
            todo += item
    return keys, classes, nodes
