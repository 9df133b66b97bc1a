"""
Weights as ``keras.saving.saving_lib`` writes them: ``layers/<class>_<n>/vars/<i>`` (``.weights.h5`` and ``.keras``).

Keras 2.12 to 2.14 name the container ``_layer_checkpoint_dependencies`` and count weighted layers by twos.
No list of names gives the order of the layers; see ``order``. Source: ``keras/src/saving/saving_lib.py``.
"""

from __future__ import annotations

from typing import cast

from regraft.weights.findings import Findings
from regraft.weights.nodes import Dataset, Folder, join
from regraft.weights.order import layer_order, natural
from regraft.weights.quantized import decode_numbered, layer_kind, restore_attention
from regraft.weights.source import Source
from regraft.weights.tree import Group, OrderSource, Variable, WeightTree

OLD_CONTAINER = "_layer_checkpoint_dependencies"
CONTAINERS = ("layers", OLD_CONTAINER)
NOT_WEIGHTS = {
    "optimizer": "optimizer state",
    "metrics": "metric state",
    "_metrics": "metric state",
    "_compile_metrics": "metric state",
    "_loss_tracker": "metric state",
    "compiled_metrics": "metric state",
    "compiled_loss": "loss state",
    "loss": "loss state",
    "_compile_loss": "loss state",
}
SUBCLASSED = "this is a subclassed model: its groups are named after attributes, in an order that is not the call order"


def read_saving_lib(file: Source) -> WeightTree | None:
    """The weight tree of a Keras 3 layout, or None if the file is of another dialect."""
    root = file.root
    if not any(_has_vars(folder) for name, folder in root.folders.items() if name not in NOT_WEIGHTS):
        return None
    findings = Findings()
    notes, ignored = findings.notes, findings.ignored
    ignored += [(folder.path, NOT_WEIGHTS[name]) for name, folder in root.folders.items() if name in NOT_WEIGHTS]
    container = next((root.folders[name] for name in reversed(CONTAINERS) if name in root.folders), None)
    others = [
        name
        for name, folder in root.folders.items()
        if folder is not container and name != "vars" and name not in NOT_WEIGHTS and _has_vars(folder)
    ]
    everything = list(root.walk())
    old = any(OLD_CONTAINER in folder.children for folder in everything)
    source: OrderSource = "alphabetical"
    if container is not None and not others:
        order, found, note = layer_order(container.folders, file.link_order(container))
        source = cast("OrderSource", found)
        layers = tuple(_group(file, container.folders[name], findings) for name in order)
        notes += [note] if note else []
        ignored += [(node.path, "it lies outside the layers") for node in container.datasets.values()]
    else:
        written = file.link_order(root) or sorted(root.folders, key=natural)
        shown = [name for name in written if name in root.folders and name != "vars" and name not in NOT_WEIGHTS]
        layers = tuple(_group(file, root.folders[name], findings) for name in shown)
        notes.append(SUBCLASSED)
    ignored += [(node.path, "it lies outside the layers") for node in root.datasets.values()]
    for folder in everything:
        ignored += [(join(folder.path, name), f"another name of {path}") for name, path in folder.aliases.items()]
    own_folder = root.folders.get("vars")
    own = _variables(file, own_folder, "", findings) if own_folder else ()
    return WeightTree(
        file=file.shown,
        dialect="checkpoint-h5" if old else "keras-3",
        layers=layers,
        order_source=source,
        own=own,
        ignored=tuple(ignored),
        notes=tuple(dict.fromkeys(notes)),
        model_name=file.text(own_folder, "name") if own_folder else "",
    )


def _has_vars(folder: Folder) -> bool:
    """Whether this is, or holds, a group named ``vars``."""
    return folder.path.endswith("/vars") or any("vars" in below.children for below in folder.walk())


def _variables(file: Source, folder: Folder, kind: str, findings: Findings) -> tuple[Variable, ...]:
    """The arrays of a ``vars`` group: keys are numbers, but a layer may store named ones."""
    found = decode_numbered(file, sorted(folder.datasets.items(), key=_by_number), kind)
    findings.notes += found.notes
    findings.ignored += found.ignored
    return found.variables


def _by_number(item: tuple[str, Dataset]) -> tuple[tuple[int, int, str], ...]:
    return natural(item[0])


def _group(file: Source, folder: Folder, findings: Findings) -> Group:
    """One layer with everything below it; the scan has bounded the depth."""
    own = folder.folders.get("vars")
    below = {name: child for name, child in folder.folders.items() if name != "vars"}
    order = tuple(below)
    if len(below) > 1:
        written = file.link_order(folder) or sorted(below, key=natural)
        order = tuple(name for name in written if name in below)
        if folder.path.rpartition("/")[2] in CONTAINERS:
            order, _, _ = layer_order(below, order)
    findings.ignored += [(node.path, "it lies outside a vars group") for node in folder.datasets.values()]
    groups = [_group(file, below[name], findings) for name in order]
    if own is not None and own.folders:
        # An attribute of the layer is named ``vars`` and holds layers: they share the group with its variables.
        inner = [_group(file, child, findings) for child in own.folders.values()]
        groups.append(Group("vars", "", own.path, (), tuple(inner)))
    key = folder.path.rpartition("/")[2]
    name = file.text(own, "name") if own is not None else ""
    variables = _variables(file, own, layer_kind(key, name), findings) if own is not None else ()
    return Group(key, name, folder.path, variables, restore_attention(tuple(groups)))
