"""Variables of a Keras model beside our reading of the file, inside the oracle's process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from regraft.verify.reading import fingerprint

Entry = dict[str, Any]
Pair = tuple[Any, Entry]

#: End of the name of a variable that the file holds twice and Keras once: SpectralNormalization's kernel.
AGAIN = "_again"
#: Names of one variable in different versions.
SAME_NAME = {"depthwise_kernel": "kernel", "scale": "gamma", "embedding": "embeddings"}


def matched(model: Any, entries: Sequence[Entry]) -> list[Pair]:
    """
    The Keras variable of every entry of our reading.

    Within a layer by name and shape, in order; Keras and the catalogue both list variables in order of creation.

    Raises:
        ValueError: If an entry or a Keras variable is left over; all at once.
    """
    leaves: dict[int, tuple[Any, list[tuple[str, Entry]]]] = {}
    wrong: list[str] = []
    for entry in entries:
        found = leaf(model, entry["layer"], entry["name"])
        if found is None:
            wrong.append(f"Keras has no layer for {entry['layer']}: {entry['name']}")
        else:
            layer, name = found
            leaves.setdefault(id(layer), (layer, []))[1].append((name, entry))
    pairs: list[Pair] = []
    for layer, own in leaves.values():
        free = [w for w in layer.weights if "seed" not in plain_name(w)]
        for name, entry in own:
            if name.endswith(AGAIN):
                continue
            weight = take(free, name, tuple(entry["shape"]))
            if weight is None:
                shapes = [f"{plain_name(w)} {tuple(w.shape)}" for w in layer.weights]
                wrong.append(
                    f"layer {entry['layer']}: {entry['name']} {tuple(entry['shape'])} is none of Keras' {', '.join(shapes)}"
                )
            else:
                pairs.append((weight, entry))
        wrong += [f"layer {layer.name}: our reading lacks {plain_name(w)} {tuple(w.shape)}" for w in free]
    known = {id(weight) for weight, _ in pairs}
    for layer in every_leaf(model):
        if id(layer) not in leaves and (
            unknown := [w for w in layer.weights if "seed" not in plain_name(w) and id(w) not in known]
        ):
            wrong.append(f"layer {layer.name}: our reading lacks {', '.join(map(plain_name, unknown))}")
    if wrong:
        raise ValueError("; ".join(wrong))
    return pairs


def every_leaf(model: Any) -> Iterator[Any]:
    """The layers of a model that are not models themselves."""
    for layer in model.layers:
        if hasattr(layer, "get_layer"):
            yield from every_leaf(layer)
        else:
            yield layer


def take(free: list[Any], name: str, shape: tuple[int, ...]) -> Any:
    """Take the first variable of that name and shape, else the first of that shape, off the list."""
    fits = [i for i, w in enumerate(free) if tuple(w.shape) == shape]
    wish = SAME_NAME.get(name, name)
    named = [i for i in fits if SAME_NAME.get(plain_name(free[i]), plain_name(free[i])) == wish]
    chosen = (named or fits)[:1]
    return free.pop(chosen[0]) if chosen else None


def leaf(model: Any, layer: str, name: str) -> tuple[Any, str] | None:
    """The innermost layer that owns a variable such as ``inner/kernel`` of a nested model, and the bare name."""
    found = next((item for item in model.layers if item.name == layer), None)
    while found is not None and hasattr(found, "layers") and hasattr(found, "get_layer"):
        inside = [item for item in found.layers if name.startswith(f"{item.name}/")]
        if not inside:
            return None
        found = max(inside, key=lambda item: len(item.name))
        name = name[len(found.name) + 1 :]
    return None if found is None else (found, name.rsplit("/", 1)[-1])


def plain_name(weight: Any) -> str:
    """``kernel`` of ``dense/kernel:0``."""
    return str(weight.name).rsplit("/", 1)[-1].split(":")[0]


def differing(model: Any, entries: Sequence[Entry]) -> list[str]:
    """Variables whose values in Keras, brought back to the stored dtype, are not bit for bit those of our reading."""
    wrong: list[str] = []
    for weight, entry in matched(model, entries):
        value = np.asarray(weight.numpy()).astype(entry["dtype"])
        if fingerprint(value) != entry["sha256"]:
            wrong.append(
                f"{entry['layer']}: {entry['name']} {tuple(entry['shape'])} is not what Keras reads from the file"
            )
    return wrong


def set_arrays(pairs: Sequence[Pair], folder: Path) -> None:
    """Fill the variables from ``.npy`` files."""
    for weight, entry in pairs:
        array = np.load(folder / entry["file"], allow_pickle=False)
        weight.assign(array.astype(np.asarray(weight.numpy()).dtype))


def copy_weights(source: Any, target: Any) -> None:
    """All variables of one model into the same model of another dtype."""
    for old, new in zip(source.weights, target.weights, strict=True):
        new.assign(np.asarray(old.numpy()).astype(np.asarray(new.numpy()).dtype))


def finish(*models: Any) -> None:
    """Let layers compute what they derive from their variables (Normalization its mean)."""
    for model in models:
        for layer in model._flatten_layers():
            if hasattr(layer, "finalize_state"):
                layer.finalize_state()


def reset(model: Any) -> None:
    """Zero states in stateful layers, as before the first call."""
    for layer in model._flatten_layers():
        if getattr(layer, "stateful", False):
            for name in ("reset_state", "reset_states"):
                if hasattr(layer, name):
                    getattr(layer, name)()
                    break
