"""
The weight tree: every variable of a file, and every fact about names and order that survived.

Names, shapes and dtypes are here at once; the data is read when ``Variable.read`` is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Dialect = Literal[
    "keras-0",  # nb_layers attribute, layer_{k}/param_{n}
    "keras-1",  # layer_names without keras_version, names like dense_1_W
    "keras-2",  # layer_names with keras_version (Keras 2, tf.keras, and Keras 3 saving .h5)
    "checkpoint-h5",  # Keras 2.12 to 2.14 .weights.h5: _layer_checkpoint_dependencies
    "keras-3",  # Keras 2.15+ and 3 .weights.h5: layers/<class>_<n>/vars/<i>
    "arrays",  # .npz: arrays without layers, in ``own``
]
OrderSource = Literal["layer_names", "nb_layers", "heap", "weight_map", "alphabetical", "npz"]


@dataclass(frozen=True)
class Variable:
    """
    One stored Keras array.

    Attributes:
        path: Where it lies in the file, for example ``/dense_1/dense_1/kernel:0``.
        name: The name the file gives it (``dense_1/kernel:0``, ``dense_1_W``, ``0``): weight name or key, as stored.
        shape: As stored and decoded (an int4 kernel shows its unpacked shape).
        dtype: Of the decoded array: ``float32``, ``float16``, ``float64``, ``bfloat16`` or an integer type.
        stored: How it lies in the file when that differs from ``dtype`` (``int8 with scale``), else empty.
    """

    path: str
    name: str
    shape: tuple[int, ...]
    dtype: str
    loader: Callable[[], np.ndarray] = field(repr=False, compare=False)
    stored: str = ""

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=object)) if self.shape else 1

    @property
    def nbytes(self) -> int:
        """Bytes of the decoded array (bfloat16 is decoded to float32)."""
        return self.size * (4 if self.dtype == "bfloat16" else np.dtype(self.dtype).itemsize)

    def read(self) -> np.ndarray:
        """
        Read and decode the data: native byte order, C order, of ``shape``; bfloat16 comes as float32.

        Raises:
            FileError: If the stored bytes are damaged.
        """
        return self.loader()


@dataclass(frozen=True)
class Group:
    """
    What a file stores for one layer: its variables in the file's own order, and the groups below it.

    Attributes:
        key: Name of the group in the file: the layer name (legacy) or ``conv2d_1`` (class and count, Keras 3 layout).
        name: The layer's own name, where the file still has it; else empty.
        variables: In stored order: ``weight_names``, or ascending ``vars/<i>``.
        groups: Groups below, in file order; only the Keras 3 layout nests (``cell``, ``forward_layer``, ``layers``).
    """

    key: str
    name: str
    path: str
    variables: tuple[Variable, ...] = ()
    groups: tuple[Group, ...] = ()

    def group(self, *keys: str) -> Group | None:
        """The group at ``keys`` below this one, or None: ``group("forward_layer", "cell")``."""
        found: Group | None = self
        for key in keys:
            found = next((g for g in found.groups if g.key == key), None)
            if found is None:
                return None
        return found

    def walk(self) -> Iterator[Variable]:
        """Every variable of this group and those below, in order."""
        yield from self.variables
        for group in self.groups:
            yield from group.walk()


@dataclass(frozen=True)
class WeightTree:
    """
    All variables of one file.

    Attributes:
        file: As the user named it.
        dialect: How the file is laid out.
        layers: One group a layer, also for layers without variables where the file names them; in model order
            as far as ``order_source`` can tell.
        order_source: Where the order of ``layers`` comes from; ``alphabetical`` means the order is unknown, ``npz``
            that arrays were numbered or stand as they were written.
        keras_version: As stored, or empty.
        backend: ``tensorflow``, ``theano`` ..., or empty where the file does not say.
        config: The architecture JSON stored inside, as text, or None in a weights-only file.
        own: Variables that belong to the model itself, not to a layer (``top_level_model_weights``, root ``vars``);
            in a file of arrays alone all of them.
        ignored: Paths that hold no weights of the model, each with the reason (optimizer state, metrics).
        notes: Facts a person should know (``file was repacked, layer order is lost``).
        model_name: Name of the model where the weights part of the file has it, else empty.
    """

    file: str
    dialect: Dialect
    layers: tuple[Group, ...]
    order_source: OrderSource
    keras_version: str = ""
    backend: str = ""
    config: str | None = field(default=None, repr=False)
    own: tuple[Variable, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    model_name: str = ""

    def variables(self) -> Iterator[Variable]:
        """Every variable of the model, in layer order."""
        for layer in self.layers:
            yield from layer.walk()
        yield from self.own

    @property
    def parameter_count(self) -> int:
        """Number of stored elements over all variables."""
        return sum(v.size for v in self.variables())
