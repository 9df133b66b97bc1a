"""Questions about recurrent layers: their functions, their direction, and how a Bidirectional merges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from math import log

from regraft.blueprint import LayerSpec, Setting
from regraft.layers.base import layer_class
from regraft.layers.version import KerasVersion
from regraft.recover.question import Option, Question, share, sorted_question
from regraft.recover.settings import conventions
from regraft.recover.settings.functions import written
from regraft.recover.settings.scene import Scene
from regraft.recover.settings.surroundings import PASSIVE

FUNCTIONS = ("tanh", "relu", "sigmoid", "linear", "softsign", "elu", "selu", "hard_sigmoid")
GATES = ("sigmoid", "hard_sigmoid", "tanh", "relu", "linear")
#: What hard_sigmoid was before Keras 3; Keras 2.15 writes the same layout as Keras 3.
OLD = "hard_sigmoid_keras2"
WRAPPERS = {"Bidirectional": "layer", "TimeDistributed": "layer", "RNN": "cell"}
#: Layers that keep the width of what passes and so show it to the next kernel.
KEEPING = PASSIVE - {"Flatten", "Reshape", "Permute"} | {
    "Masking",
    "BatchNormalization",
    "LayerNormalization",
    "Activation",
}
MOST_SINGLE = 24


@dataclass(frozen=True)
class Cell:
    """
    One recurrent layer or cell whose functions are settings.

    Attributes:
        layer: The layer of the graph.
        inside: Keys that lead to it, with a dot at the end, or empty.
        spec: The recurrent layer or cell itself.
        gated: Whether it has a recurrent activation.
    """

    layer: str
    inside: str
    spec: LayerSpec
    gated: bool

    def edits(self, function: str, gate: str, version: KerasVersion | None) -> dict[tuple[str, str], Setting]:
        """The settings that give it these functions."""
        found: dict[tuple[str, str], Setting] = {(self.layer, f"{self.inside}activation"): written(function, version)}
        if self.gated:
            found[self.layer, f"{self.inside}recurrent_activation"] = written(gate, version)
        return found


def cells(scene: Scene) -> Iterator[Cell]:
    """Every recurrent layer whose functions are not fixed; those of cuDNN have no choice."""
    for spec in scene.blueprint.layers:
        if spec.name not in scene.layers:
            continue
        inner, inside = spec, ""
        while (key := WRAPPERS.get(inner.type)) and isinstance(found := inner.config.get(key), LayerSpec):
            inner, inside = found, f"{inside}{key}."
        names = {f.name for f in fields(layer_class(inner.type))}
        recurrent = "recurrent_activation" in names or inner.type.startswith("SimpleRNN")
        if recurrent and not inner.type.startswith("CuDNN") and scene.open(spec.name, f"{inside}activation"):
            yield Cell(spec.name, inside, inner, "recurrent_activation" in names)


def ask(scene: Scene) -> list[Question]:
    """All questions about recurrent layers."""
    found = list(cells(scene))
    return [*functions(scene, found), *directions(scene, found), *merges(scene)]


def default_gate(scene: Scene, found: Sequence[Cell]) -> tuple[str, float, str]:
    """
    The default recurrent activation of the version that wrote the file, how sure it is, and why.

    Hard sigmoid in stand-alone Keras before 2.3 and in tf.keras 1, sigmoid since; a GRU with ``reset_after`` tells
    TensorFlow 2 from 1 where both call themselves 2.2.4-tf.
    """
    version = scene.version
    resets = [cell.spec.config.get("reset_after") for cell in found if "GRU" in cell.spec.type]
    if version is not None and (version.major >= 3 or not version.before(2, 3)):
        return "sigmoid", conventions.GATED_DEFAULT, f"the default of Keras {version}"
    if version is not None and not version.tf and version != KerasVersion(2):
        return "hard_sigmoid", conventions.GATED_DEFAULT, f"the default of Keras {version}"
    if any(resets):
        return "sigmoid", 0.93, "the default of TensorFlow 2, which the biases of a GRU show"
    if resets:
        return "hard_sigmoid", 0.85, "the default before TensorFlow 2, which the biases of a GRU show"
    if version is not None and version.tf:
        return (
            "sigmoid",
            0.60,
            "the default of TensorFlow 2; TensorFlow 1, which has the same version, had hard_sigmoid",
        )
    # Counted on 40 public files with gates: 33 had hard_sigmoid, many of them by one author, so little is made of it.
    return (
        "hard_sigmoid",
        0.55,
        "33 of 40 public files, the default before Keras 2.3; the file does not say its version",
    )


def functions(scene: Scene, found: Sequence[Cell]) -> list[Question]:
    """One question: all recurrent layers have the same functions, or one of them has others."""
    if not found:
        return []
    gate, sure, why = default_gate(scene, found)
    other = "hard_sigmoid" if gate == "sigmoid" else "sigmoid"
    gated = any(cell.gated for cell in found)
    costs: dict[tuple[str, str], float] = {}
    old = not scene.dated and written("hard_sigmoid", scene.version) != OLD
    gates = (*GATES, OLD) if old else GATES
    for function, recurrent in product(FUNCTIONS, gates if gated else (gate,)):
        share_of_other = 0.4 if old else 0.8
        part = sure if recurrent == gate else (1 - sure) * (share_of_other if recurrent in (other, OLD) else 0.06)
        costs[function, recurrent] = conventions.RECURRENT.cost(function) - log(part if gated else 1.0)
    options = [
        Option(
            cost,
            {k: v for cell in found for k, v in cell.edits(*pair, scene.version).items()},
            f"{conventions.RECURRENT.evidence(pair[0])}; recurrent activation: {why if pair[1] == gate else 'not the default'}",
        )
        for pair, cost in costs.items()
    ]
    best = min(options, key=lambda option: option.cost)
    if 1 < len(found) <= MOST_SINGLE:
        ranked = sorted(costs, key=lambda pair: costs[pair])[:6]
        for cell in found:
            for pair in ranked[1:]:
                change = {**best.edits, **cell.edits(*pair, scene.version)}
                if change != best.edits:
                    options.append(
                        Option(
                            best.cost + 2.0 + costs[pair] - costs[ranked[0]], change, f"{cell.layer} alone: {pair[0]}"
                        )
                    )
    question = sorted_question(options, "assumed")
    return [question if share(question) >= 0.5 else Question(question.options, "open")]


def directions(scene: Scene, found: Sequence[Cell]) -> list[Question]:
    """Whether a recurrent layer reads backwards: rare, but for one of two that read the same tensor side by side."""
    alone = [c for c in found if not c.inside.startswith("layer.") and scene.open(c.layer, "go_backwards")]
    if not alone:
        return []
    keys = {cell.layer: "go_backwards" for cell in alone}
    twins = twin_layers(scene, alone)
    forward: dict[tuple[str, str], Setting] = dict.fromkeys(keys.items(), False)
    options = [Option(0.0, forward, conventions.BACKWARDS.evidence("false"))]
    for cell in alone:
        cost = 0.5 if cell.layer in twins else conventions.BACKWARDS.cost("true")
        why = (
            "it stands beside another one that reads the same"
            if cell.layer in twins
            else conventions.BACKWARDS.evidence("true")
        )
        options.append(Option(cost, {**forward, (cell.layer, keys[cell.layer]): True}, why))
    if len(alone) > 1:
        options.append(
            Option(conventions.BACKWARDS.cost("true"), dict.fromkeys(forward, True), "all of them backwards")
        )
    return [sorted_question(options, "open" if twins else "assumed")]


def twin_layers(scene: Scene, found: Sequence[Cell]) -> set[str]:
    """The second of two equal layers that take the same tensor and meet behind."""
    entering = {call.layer: call.inputs[:1] for call in scene.blueprint.calls}
    twins: set[str] = set()
    for i, cell in enumerate(found):
        for other in found[:i]:
            same = cell.spec.type == other.spec.type and cell.spec.config.get("units") == other.spec.config.get("units")
            met = {s.name for s in scene.around.behind(cell.layer) if s} & {
                s.name for s in scene.around.behind(other.layer) if s
            }
            if same and entering.get(cell.layer) == entering.get(other.layer) and met:
                twins.add(cell.layer)
    return twins


def merges(scene: Scene) -> list[Question]:
    """How each Bidirectional merges: what the next kernel takes says whether it concatenates."""
    questions: list[Question] = []
    for spec in scene.blueprint.layers:
        inner = spec.config.get("layer")
        if spec.type != "Bidirectional" or not isinstance(inner, LayerSpec) or not scene.open(spec.name, "merge_mode"):
            continue
        units = inner.config.get("units")
        width = width_behind(scene, spec.name)
        if isinstance(units, int) and width == 2 * units:
            options = [
                Option(
                    0.0,
                    {(spec.name, "merge_mode"): "concat"},
                    f"the next layer takes {width} channels, two times {units}",
                )
            ]
            questions.append(Question(tuple(options), "supported"))
        elif isinstance(units, int) and width == units:
            why = f"the next layer takes {width} channels, so the directions are not concatenated"
            questions.append(of_modes(spec.name, conventions.SUMMED_MODES, ("sum", "ave", "mul"), why))
        else:
            questions.append(of_modes(spec.name, conventions.MERGE_MODES, ("concat", "sum", "ave", "mul"), ""))
    return questions


def of_modes(layer: str, table: conventions.Convention, modes: Sequence[str], why: str) -> Question:
    """A question about the merge mode."""
    options = [Option(table.cost(m), {(layer, "merge_mode"): m}, why or table.evidence(m)) for m in modes]
    return sorted_question(options, "assumed")


def width_behind(scene: Scene, layer: str) -> int | None:
    """How many channels the next layer with variables takes; None where that is not seen."""
    for spec in scene.around.behind(layer, KEEPING):
        if spec is None:
            continue
        arrays: Mapping = scene.stored(spec.name)
        for name in ("kernel", "forward/kernel"):
            if name in arrays and arrays[name].ndim >= 2:
                return int(arrays[name].shape[-2])
    for spec in scene.around.following(layer):
        arrays = scene.stored(spec.name) if spec is not None else {}
        if "moving_mean" in arrays:
            return int(arrays["moving_mean"].shape[0])
    return None
