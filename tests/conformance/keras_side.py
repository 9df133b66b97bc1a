"""The real Keras, in either library: cases become layers, a model of many branches, and expected outputs."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np
from tests.conformance import cudnn
from tests.conformance.case import BATCH, MASKED, Case

from regraft.keras_config.dump import layer as written_layer
from regraft.keras_config.dump_nodes import Dialect
from regraft.layers import Layer, spec_of
from regraft.layers.cudnn import CuDNN
from regraft.layers.inputs import InputLayer

LibraryName = Literal["keras", "tf_keras"]
#: They pick elements, and TensorFlow does so in float32 only; the drawn numbers are exact there. MelSpectrogram fails in a
#: float64 model, and is compared with its float32 result.
SELECTING = frozenset({"MaxPooling3D", "AdaptiveMaxPooling3D", "MelSpectrogram"})
#: Width of an embedding or a dense layer that stands around the layer under test.
WIDTH = 4


@dataclass(frozen=True)
class Parts:
    """The Keras layers of one case."""

    front: tuple[Any, ...]
    layer: Any
    behind: tuple[Any, ...]

    @property
    def all(self) -> tuple[Any, ...]:
        """In the order of the model."""
        return (*self.front, self.layer, *self.behind)


@dataclass(frozen=True)
class Library:
    """Keras 3 or tf-keras."""

    name: LibraryName
    module: ModuleType

    @contextmanager
    def precision(self, dtype: str) -> Generator[None]:
        """Everything built inside computes in ``dtype``."""
        modern = self.name == "keras"
        floats = self.module.config if modern else self.module.backend
        policies = self.module.config if modern else self.module.mixed_precision
        put = policies.set_dtype_policy if modern else policies.set_global_policy
        floats.set_floatx(dtype)
        put(dtype)
        try:
            yield
        finally:
            floats.set_floatx("float32")
            put("float32")

    def made(self, case: Case, number: int) -> Parts:
        """The layers of a case under the current precision, not built yet."""
        if isinstance(case.layer, InputLayer):
            return Parts((), self.module.layers.Activation("linear", name=f"c{number}"), ())
        written = written_layer(spec_of(f"c{number}", cudnn.stand_in(case.layer)), Dialect(self.name == "keras"))
        if self.name == "keras":
            layer = self.module.saving.deserialize_keras_object(written)
        else:
            experimental = {n: c for n, c in vars(self.module.layers.experimental).items() if isinstance(c, type)}
            layer = self.module.layers.deserialize(written, custom_objects=experimental)
            if isinstance(layer, str):  # what it makes of SpectralNormalization
                layer = getattr(self.module.layers, written["class_name"]).from_config(written["config"])
        return Parts(self.front(case, number), layer, self.behind(case, number))

    def front(self, case: Case, number: int) -> tuple[Any, ...]:
        """What stands in front of the layer."""
        layers, name, rank = self.module.layers, f"f{number}", len(case.inputs[0].shape) - 1
        if case.front == "mask":
            return (layers.Masking(MASKED, name=name),)
        if case.front == "ids":
            return (layers.Embedding(case.inputs[0].below, WIDTH, mask_zero=True, name=name),)
        if case.front in ("map", "flat"):
            padding = getattr(layers, f"ZeroPadding{rank}D")((0, 1) if rank == 1 else ((0, 1),) * rank, name=name)
            return (padding, layers.Flatten(name=f"g{number}")) if case.front == "flat" else (padding,)
        return ()

    def behind(self, case: Case, number: int) -> tuple[Any, ...]:
        """What stands behind its first output."""
        layers = self.module.layers
        if case.behind == "average":
            return (layers.GlobalAveragePooling1D(name=f"b{number}"),)
        return (layers.Dense(WIDTH, name=f"b{number}"),) if case.behind == "dense" else ()

    def symbols(self, case: Case, number: int) -> list[Any]:
        """The inputs of the model for a case."""
        found: list[Any] = []
        for i, one in enumerate(case.inputs):
            shape = (*(None for _ in one.shape[:-1]), one.shape[-1]) if case.unsized and i == 0 else one.shape
            options = {"dtype": one.dtype} if one.dtype else {}
            batch = (
                {"batch_size": BATCH}
                if "stateful=True" in repr(case.layer) or "'stateful': True" in repr(case.layer)
                else {}
            )
            found.append(self.module.Input(shape, name=f"i{number}_{i}", **batch, **options))
        return found

    def expected(self, case: Case, parts: Parts, arrays: Sequence[np.ndarray], dtype: str) -> list[np.ndarray]:
        """
        The outputs of a case.

        TensorFlow's plain kernels on a CPU lack channels-first convolutions and 3-D pools in float64; its compiler, XLA,
        has them, and runs the same Keras code.
        """
        import tensorflow as tf

        tensors = [tf.constant(a.astype(dtype) if a.dtype.kind == "f" else a) for a in arrays]
        for part in parts.all:
            if getattr(part, "built", False) and hasattr(part, "reset_states") and getattr(part, "stateful", False):
                part.reset_states()
        lacking = (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError, tf.errors.NotFoundError)
        try:
            found = applied(case, parts, tensors, eager=True)
        except lacking as error:
            try:
                run = tf.function(
                    lambda *t: applied(case, parts, list(t), eager=True), jit_compile=True, autograph=False
                )
                found = run(*tensors)
            except Exception:
                raise error from None
        return [np.asarray(one) for one in found]


def applied(case: Case, parts: Parts, tensors: list[Any], *, eager: bool) -> list[Any]:
    """All outputs of the layer, the first one behind what stands behind it."""
    first, rest = tensors[0], tensors[1:]
    for part in parts.front:
        first = part(first)
    extra: dict[str, Any] = dict(case.keywords)
    if eager and (
        getattr(parts.layer, "_call_has_training_arg", False) or getattr(parts.layer, "_expects_training_arg", False)
    ):
        extra["training"] = False
    if case.states:
        rest, states = rest[: -case.states], rest[-case.states :]
        extra["initial_state"] = by_cell(case.layer, states)
    together = [first, *rest]
    for place, number in case.numbers:
        together.insert(place, number)
    if case.call == "list":
        made = parts.layer(together, **extra)
    elif case.call == "apart":
        made = parts.layer(*together, **extra)
    else:
        made = parts.layer(first, **extra)
    outputs = flat(made)
    for part in parts.behind:
        outputs[0] = part(outputs[0])
    return outputs


def flat(value: Any) -> list[Any]:
    """Tensors in lists, in order."""
    return [tensor for item in value for tensor in flat(item)] if isinstance(value, list | tuple) else [value]


def by_cell(layer: Any, states: list[Any]) -> list[Any]:
    """Initial states as a stack of cells takes them: one for each cell, several of them as a list."""
    if getattr(layer, "single", True) or not hasattr(layer, "stack"):
        return states
    left = iter(states)
    groups = [[next(left) for _ in range(one.state_count)] for one in layer.stack]
    return [group if len(group) > 1 else group[0] for group in groups]


def fill(parts: Parts, seed: int) -> None:
    """Random variables that hide nothing: statistics and gains around 1, biases that are not zero."""
    rng = np.random.default_rng(seed)
    for part in parts.all:
        for weight in getattr(part, "weights", ()):
            name = getattr(weight, "path", weight.name).split("/")[-1].split(":")[0]
            shape = tuple(weight.shape)
            if "seed" in name or "int" in str(weight.dtype) or "state" in name:
                continue
            if "variance" in name:
                value = rng.uniform(0.3, 2.0, shape)
            elif name in ("gamma", "scale"):
                value = rng.uniform(0.5, 1.5, shape)
            elif "kernel" in name or "embeddings" in name:
                value = rng.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[:-1])))
            else:
                value = rng.standard_normal(shape) * 0.3
            weight.assign(value.astype("float32"))
        settle(part)


def settle(part: Any) -> None:
    """Let Normalization compute what it derives from its variables."""
    getattr(part, "finalize_state", lambda: None)()


def copy(source: Parts, target: Parts) -> None:
    """Give one set of layers the variables of another."""
    for a, b in zip(source.all, target.all, strict=True):
        for given, taken in zip(getattr(a, "weights", ()), getattr(b, "weights", ()), strict=True):
            taken.assign(np.asarray(given).astype(str(taken.dtype).removeprefix("<dtype: '").removesuffix("'>")))
        settle(b)


LIBRARIES: dict[str, Library] = {}


def library(name: LibraryName) -> Library:
    """One of the two libraries, imported when it is asked for."""
    if name not in LIBRARIES:
        if name == "keras":
            import keras as module
        else:
            import tf_keras as module
        LIBRARIES[name] = Library(name, module)
    return LIBRARIES[name]


def has(name: LibraryName, cls: type[Layer]) -> bool:
    """Whether a library has a layer of this class; the operations are those of Keras 3."""
    if cls.keras_module != "keras.layers":
        return name == "keras"
    if issubclass(cls, CuDNN):
        return name == "tf_keras"
    return any(found(library(name).module, one) for one in (cls.keras_class or cls.__name__, *cls.aliases))


def found(module: ModuleType, type_name: str) -> bool:
    """Whether there is a layer of that name, in ``experimental`` too."""
    return hasattr(module.layers, type_name) or hasattr(getattr(module.layers, "experimental", None), type_name)
