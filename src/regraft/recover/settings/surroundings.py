"""What stands before and behind a layer, past layers that leave values as they are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from regraft.blueprint import Blueprint, LayerSpec, TensorRef, all_refs

#: Layers that keep values, choose among those of a channel or average them: an activation in front acts behind as well.
PASSIVE = frozenset(
    """
    ActivityRegularization AlphaDropout AveragePooling1D AveragePooling2D AveragePooling3D Cropping1D Cropping2D Cropping3D
    Dropout Flatten GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D Identity MaxPooling1D MaxPooling2D MaxPooling3D Permute
    RepeatVector Reshape SpatialDropout1D SpatialDropout2D SpatialDropout3D UpSampling1D UpSampling2D UpSampling3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveMaxPooling2D
    """.split()
)
ACTIVATIONS = frozenset({"Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"})
BATCH_NORMS = frozenset({"BatchNormalization", "SyncBatchNormalization"})
NORMS = BATCH_NORMS | {"LayerNormalization", "GroupNormalization", "RMSNormalization", "UnitNormalization"}
SUMS = frozenset({"Add", "Average", "Subtract"})
RECURRENT = frozenset({"LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU", "RNN", "Bidirectional"})


def core(spec: LayerSpec) -> LayerSpec:
    """The layer itself, or the one that a TimeDistributed wraps."""
    inner = spec.config.get("layer")
    return inner if spec.type == "TimeDistributed" and isinstance(inner, LayerSpec) else spec


def path(spec: LayerSpec, setting: str) -> str:
    """The setting's name as an edit reaches it."""
    return setting if core(spec) is spec else f"layer.{setting}"


class Surroundings:
    """Neighbours in a blueprint. A layer that is called several times has those of all its calls."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint

    @cached_property
    def _made(self) -> dict[str, list[TensorRef]]:
        """The tensors that each layer gives and that somebody uses."""
        found: dict[str, list[TensorRef]] = {}
        for ref in dict.fromkeys((*self.blueprint.consumers, *self.blueprint.outputs)):
            found.setdefault(ref.layer, []).append(ref)
        return found

    @cached_property
    def _entering(self) -> dict[str, list[str]]:
        """The layers that each layer receives from."""
        found: dict[str, list[str]] = {}
        for call in self.blueprint.calls:
            found.setdefault(call.layer, []).extend(ref.layer for ref in all_refs(call))
        return found

    def following(self, layer: str) -> Iterator[LayerSpec | None]:
        """The layers that take what one gives; None stands for an output of the model."""
        for ref in self._made.get(layer, ()):
            if ref in self.blueprint.outputs:
                yield None
            for call in self.blueprint.consumers.get(ref, ()):
                yield self.blueprint.by_name.get(call.layer)

    def behind(self, layer: str, past: frozenset[str] = PASSIVE) -> tuple[LayerSpec | None, ...]:
        """The first layers behind one whose type is not in ``past``, in the order found; None for an output of the model."""
        found: dict[str | None, LayerSpec | None] = {}
        todo, seen = [layer], {layer}
        while todo:
            for spec in self.following(todo.pop(0)):
                if spec is not None and core(spec).type in past:
                    if spec.name not in seen:
                        seen.add(spec.name)
                        todo.append(spec.name)
                else:
                    found[spec.name if spec else None] = spec
        return tuple(found.values())

    def before(self, layer: str, past: frozenset[str] = PASSIVE) -> tuple[LayerSpec, ...]:
        """The last layers before one whose type is not in ``past``; input layers included."""
        found: dict[str, LayerSpec] = {}
        todo, seen = [layer], {layer}
        while todo:
            for name in self._entering.get(todo.pop(0), ()):
                spec = self.blueprint.by_name.get(name)
                if spec is None or name in seen:
                    continue
                seen.add(name)
                if core(spec).type in past:
                    todo.append(name)
                else:
                    found[name] = spec
        return tuple(found.values())

    def types_behind(self, layer: str, past: frozenset[str] = PASSIVE) -> tuple[str, ...]:
        """Types of ``behind``, sorted; ``output`` for an output of the model."""
        return tuple(sorted({core(spec).type if spec else "output" for spec in self.behind(layer, past)}))

    def between(self, layer: str, goal: str) -> frozenset[str]:
        """Types of the layers that are passed between two layers that only passive ones separate."""
        passed: set[str] = set()
        todo, seen = [layer], {layer}
        while todo:
            for spec in self.following(todo.pop(0)):
                if spec is not None and spec.name != goal and core(spec).type in PASSIVE and spec.name not in seen:
                    seen.add(spec.name)
                    passed.add(core(spec).type)
                    todo.append(spec.name)
        return frozenset(passed)
