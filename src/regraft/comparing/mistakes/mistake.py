"""What a known mistake is: a change of the Keras model in one place, after which it does what a faulty module does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from regraft.blueprint import Call, LayerSpec, TensorRef
from regraft.comparing.model import Model, Values


@dataclass(frozen=True)
class Mistake:
    """
    One mistake at one layer.

    Attributes:
        what: The kind, in a few words.
        layer: The Keras layer.
        words: What the module does, and what Keras does.
        change: What to change in the module; ``{module}`` stands for its path.
        make: The model with the mistake in it.
    """

    what: str
    layer: str
    words: str
    change: str
    make: Callable[[Model], Model]


@dataclass(frozen=True)
class Place:
    """
    A call of a layer with what enters it.

    Attributes:
        model: The whole.
        call: The call.
        values: Tensors of the Keras model, in Keras order.
    """

    model: Model
    call: Call
    values: Values

    @property
    def spec(self) -> LayerSpec:
        """The layer."""
        return self.model.spec(self.call)

    @property
    def name(self) -> str:
        """Its name."""
        return self.call.layer

    @property
    def ref(self) -> TensorRef:
        """What it makes."""
        return TensorRef(self.call.layer, self.call.call)

    @property
    def entering(self) -> tuple[np.ndarray, ...]:
        """What enters, batch first."""
        return tuple(self.values[ref] for ref in self.call.inputs if ref in self.values)

    @property
    def x(self) -> np.ndarray:
        """The first that enters."""
        return self.entering[0]

    @property
    def y(self) -> np.ndarray | None:
        """What leaves."""
        return self.values.get(self.ref)

    def variable(self, name: str) -> np.ndarray | None:
        """One of its variables in Keras order."""
        bound = self.model.variables.get(self.name, {}).get(name)
        return None if bound is None else bound.read()

    def array(self, name: str) -> np.ndarray:
        """One of its variables in Keras order, which it has."""
        return self.model.variables[self.name][name].read()

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of its variables."""
        return tuple(self.model.variables.get(self.name, {}))

    def edit(self, what: str, words: str, change: str, **edits: Callable[[np.ndarray], np.ndarray]) -> Mistake:
        """A mistake in some of its variables."""
        return self.edit_all(what, words, change, edits)

    def edit_all(
        self, what: str, words: str, change: str, edits: dict[str, Callable[[np.ndarray], np.ndarray]]
    ) -> Mistake:
        """The same for variables whose names hold a slash."""
        return Mistake(what, self.name, words, change, lambda model: model.edited(self.name, edits))

    def setting(self, what: str, words: str, change: str, **config: object) -> Mistake:
        """A mistake in some of its settings."""
        return Mistake(what, self.name, words, change, lambda model: model.with_layer(self.name, **config))

    def other(self, what: str, words: str, change: str, type_: str, **config: object) -> Mistake:
        """Another layer in its place."""
        spec = LayerSpec(self.name, type_, config)  # type: ignore[arg-type]
        return Mistake(what, self.name, words, change, lambda model: model.with_spec(spec))
