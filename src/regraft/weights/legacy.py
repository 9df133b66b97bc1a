"""
Weights as Keras wrote them up to 2.x, and still does for ``.h5``: one group a layer, in the order of ``layer_names``.

Keras 0.x has ``nb_layers`` and ``layer_0``, ``layer_1`` ... instead. Sources: ``keras/models.py`` (0.1 to 0.3),
``keras/engine/topology.py`` (1.x, 2.0), ``keras/engine/saving.py`` (2.1 to 2.3),
``keras/src/legacy/saving/legacy_h5_format.py`` (3.x).
"""

from __future__ import annotations

from regraft.errors import FileError, quote
from regraft.weights.findings import Findings
from regraft.weights.json_text import parse_object
from regraft.weights.limits import Limits
from regraft.weights.nodes import Dataset, Folder, join
from regraft.weights.quantized import decode_named
from regraft.weights.source import Source
from regraft.weights.tree import Dialect, Group, Variable, WeightTree
from regraft.weights.variables import variable

OWN_GROUP = "top_level_model_weights"
OPTIMIZER = "optimizer_weights"


def is_legacy(file: Source, folder: Folder) -> bool:
    """Whether a group holds legacy weights."""
    return any(file.has(folder, name) for name in ("layer_names", "layer_names0", "nb_layers"))


def read_legacy(file: Source, limits: Limits) -> WeightTree | None:
    """The weight tree of a legacy file, or None if the file is of another dialect."""
    inside = file.root.children.get("model_weights")
    if isinstance(inside, Folder) and is_legacy(file, inside):
        weights = inside
    elif is_legacy(file, file.root):
        weights = file.root
    else:
        return None
    if file.has(weights, "nb_layers"):
        return _read_keras_0(file, weights)
    findings = Findings()
    layers, own = _layers(file, weights, findings)
    version = file.text(weights, "keras_version")
    root_version = version or file.text(file.root, "keras_version")
    config = file.text(file.root, "model_config") or None
    if config is not None:
        parse_object(config, f"{file.shown}:model_config", limits)
    if weights is not file.root:
        findings.ignored += [
            (node.path, "optimizer state" if name == OPTIMIZER else "it lies outside the weights")
            for name, node in file.root.children.items()
            if node is not weights
        ]
    return WeightTree(
        file=file.shown,
        dialect=_dialect(root_version, layers),
        layers=layers,
        order_source="layer_names",
        keras_version=root_version,
        backend=file.text(weights, "backend") or file.text(file.root, "backend"),
        config=config,
        own=own,
        ignored=tuple(findings.ignored),
        notes=tuple(dict.fromkeys(findings.notes)),
    )


def _dialect(version: str, layers: tuple[Group, ...]) -> Dialect:
    """Keras 1 wrote no version beside the weights, and no slash in their names."""
    if version:
        return "keras-1" if version.startswith("1.") else "keras-2"
    slashes = any("/" in v.name for layer in layers for v in layer.variables)
    return "keras-2" if slashes else "keras-1"


def _layers(file: Source, weights: Folder, findings: Findings) -> tuple[tuple[Group, ...], tuple[Variable, ...]]:
    """The layers in the order of ``layer_names``, and the variables of the model itself."""
    names = file.texts(weights, "layer_names") or ()
    _check_unique(file, weights, "layer_names", names)
    layers: list[Group] = []
    for name in names:
        folder = weights.find(name)
        if not isinstance(folder, Folder):
            raise FileError(
                file.shown,
                f"layer_names lists {quote(name)}, but there is no such group.",
                path=weights.path,
                hint="The file was not written to the end, or was edited.",
            )
        layers.append(Group(name, name, folder.path, _weights(file, folder, findings)))
    own_folder = weights.folders.get(OWN_GROUP)
    is_own = own_folder is not None and OWN_GROUP not in names
    own = _weights(file, own_folder, findings) if own_folder is not None and is_own else ()
    for folder in weights.walk():
        findings.ignored += [
            (node.path, "weight_names does not list it")
            for node in folder.datasets.values()
            if node.path not in findings.used
        ]
        findings.ignored += [
            (join(folder.path, name), f"another name of {path}") for name, path in folder.aliases.items()
        ]
    return tuple(layers), own


def _weights(file: Source, folder: Folder, findings: Findings) -> tuple[Variable, ...]:
    names = file.texts(folder, "weight_names")
    if names is None:
        raise FileError(file.shown, "the layer has no weight_names.", path=folder.path)
    _check_unique(file, folder, "weight_names", names)
    found: list[tuple[str, Dataset]] = []
    for name in names:
        node = folder.find(name)
        if not isinstance(node, Dataset):
            raise FileError(
                file.shown,
                f"weight_names lists {quote(name)}, but there is no such array in this layer.",
                path=folder.path,
                hint="The file was not written to the end, or was edited.",
            )
        found.append((name, node))
    findings.used.update(node.path for _, node in found)
    decoded = decode_named(file, found)
    findings.ignored += decoded.ignored
    findings.notes += decoded.notes
    return decoded.variables


def _check_unique(file: Source, folder: Folder, attribute: str, names: tuple[str, ...]) -> None:
    if len(set(names)) != len(names):
        seen: set[str] = set()
        twice = next(name for name in names if name in seen or seen.add(name))
        raise FileError(
            file.shown,
            f"{attribute} lists {quote(twice)} twice, so one array overwrote another when the file was saved.",
            path=folder.path,
            hint="Keras 3.0 to 3.2 did so for nested models; save again with model.save_weights('x.weights.h5').",
        )


def _read_keras_0(file: Source, weights: Folder) -> WeightTree:
    count = file.integer(weights, "nb_layers")
    if not 0 <= count <= len(weights.children):
        raise FileError(file.shown, f"nb_layers says {count}, but there are {len(weights.children)} groups.")
    layers: list[Group] = []
    for number in range(count):
        key = f"layer_{number}"
        folder = weights.children.get(key)
        if not isinstance(folder, Folder):
            raise FileError(file.shown, f"nb_layers says {count}, but there is no {key}.", path=weights.path)
        params = file.integer(folder, "nb_params") if file.has(folder, "nb_params") else len(folder.datasets)
        nodes = [folder.children.get(f"param_{index}") for index in range(min(params, len(folder.children) + 1))]
        if len(nodes) != params or not all(isinstance(node, Dataset) for node in nodes):
            raise FileError(file.shown, f"nb_params says {params}, but not all arrays are here.", path=folder.path)
        layers.append(
            Group(
                key,
                "",
                folder.path,
                tuple(variable(file, n, f"param_{i}") for i, n in enumerate(nodes) if isinstance(n, Dataset)),
            )
        )
    named = {layer.key for layer in layers}
    ignored = [(n.path, "nb_layers does not count it") for name, n in weights.children.items() if name not in named]
    return WeightTree(file.shown, "keras-0", tuple(layers), "nb_layers", ignored=tuple(ignored))
