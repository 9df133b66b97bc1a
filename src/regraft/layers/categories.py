"""Layers that make categories of numbers, and vectors of categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from regraft.blueprint import Setting, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, plain, positive, setting
from regraft.layers.version import KerasVersion

#: How categories are encoded; ``binary`` is the old name of ``multi_hot``.
MODES = {"int": "int", "one_hot": "one_hot", "multi_hot": "multi_hot", "binary": "multi_hot", "count": "count"}
#: Over the categories of one sample the encodings are joined along this axis.
SAMPLE = 1


def output_mode(value: Any, _: Reading) -> str:
    """How a category leaves the layer."""
    if value not in MODES:
        raise UnknownLayerError(f"categories encoded as {quote(value)}")
    return MODES[value]


def dense_only(value: Any, _: Reading) -> bool:
    """Sparse tensors hold the same numbers; what comes behind them takes dense ones in PyTorch."""
    return bool(value)


def encoded_shape(shape: Shape, mode: str, depth: int) -> Shape:
    """The shape of encoded categories, batch first."""
    if shape is None or mode == "int":
        return shape
    if mode == "one_hot":
        return (*shape[:-1], depth) if len(shape) > 1 and shape[-1] == 1 else (*shape, depth)
    if len(shape) < 2:
        raise UnknownLayerError(f"{mode} encoding of single categories, which Keras counts over the whole batch")
    return (shape[0], *shape[2:], depth)


def encoded(mode: str, categories: str, shape: Shape, weights: str = "") -> str:
    """The expression that encodes categories with the ``OneHot`` module ``%self``."""
    call = f"%self({categories})"
    if mode == "one_hot":
        shrunk = shape is not None and len(shape) > 1 and shape[-1] == 1
        return f"%self({categories}[..., 0])" if shrunk else call
    if mode == "multi_hot":
        return f"{call}.amax({SAMPLE})"
    return f"({call} * {weights}[..., None]).sum({SAMPLE})" if weights else f"{call}.sum({SAMPLE})"


@dataclass(frozen=True, kw_only=True)
class Categories(Layer, abstract=True):
    """Layers whose result is a category, encoded by ``output_mode``."""

    axis_order: ClassVar = "keras"
    masks: ClassVar = "drop"

    output_mode: str = setting("int", parse=output_mode)
    sparse: bool = setting(False, parse=dense_only, keras=False)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        return {**config, "sparse": True} if self.sparse else config

    @property
    def depth(self) -> int:
        """Number of categories."""
        raise NotImplementedError

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return encoded_shape(inputs[0], self.output_mode, self.depth)

    def found(self) -> tuple[str, str]:
        """Constructor and helper of the module that finds the category."""
        raise NotImplementedError

    def torch(self, site: Site) -> Form:
        module, helper = self.found()
        if self.output_mode == "int":
            return Form(("%self(%0)",), module, snippets=(helper,))
        text = encoded(self.output_mode, "%categories", site.inputs[0]).replace("%self(", "%self[1](")
        both = f"nn.ModuleList([{module}, OneHot({self.depth})])"
        return Form((text,), both, before=("%categories = %self[0](%0)",), snippets=(helper, "OneHot"))


def boundaries(value: Any, _: Reading) -> tuple[float, ...]:
    """Ascending boundaries; without them they were measured, and Keras 2 has them in a table of its own."""
    if not isinstance(value, list | tuple) or not value:
        raise UnknownLayerError("a Discretization whose boundaries are not in its config")
    return tuple(float(item) for item in plain(value))


@dataclass(frozen=True, kw_only=True)
class Discretization(Categories):
    """
    The number of the bin in which a number lies: boundary ``i`` begins bin ``i + 1``.

    Keras: ``keras/src/layers/preprocessing/discretization.py``; PyTorch: ``torch.bucketize``.
    """

    takes_trainable: ClassVar = False

    bin_boundaries: tuple[float, ...] = setting(old=("bins",), parse=boundaries)
    #: What the boundaries were measured with.
    num_bins: int | None = setting(None, keras=False, parse=lambda v, _: v if isinstance(v, int) else None)
    epsilon: float = setting(0.01, keras=False)

    @property
    def depth(self) -> int:
        return len(self.bin_boundaries) + 1

    def found(self) -> tuple[str, str]:
        return f"Discretization({', '.join(map(repr, self.bin_boundaries))})", "Discretization"


def vocabulary(value: Any, _: Reading) -> tuple[int, ...]:
    """The integers of a lookup; a vocabulary that was measured lies in a file beside the weights."""
    if not isinstance(value, list | tuple) or not value:
        raise UnknownLayerError("an IntegerLookup whose vocabulary is not in its config")
    if not all(isinstance(item, int) and not isinstance(item, bool) for item in value):
        raise UnknownLayerError(f"an IntegerLookup with the vocabulary {quote(value)}")
    return tuple(value)


def one_unknown(value: Any, _: Reading) -> int:
    """Places for integers that are not in the vocabulary: none or one, as more are chosen by a hash."""
    if value not in (0, 1):
        raise UnknownLayerError(f"an IntegerLookup that hashes unknown integers into {quote(value)} places")
    return int(value)


@dataclass(frozen=True, kw_only=True)
class IntegerLookup(Categories):
    """
    The place of an integer in the vocabulary, behind places for masked and unknown ones.

    Keras: ``keras/src/layers/preprocessing/integer_lookup.py``; PyTorch: ``torch.searchsorted``.
    """

    vocabulary: tuple[int, ...] = setting(parse=vocabulary)
    #: Its length is known.
    vocabulary_size: int | None = setting(None, keras=False)
    idf_weights: None = setting(None, keras=False, parse=lambda _, __: None)
    max_tokens: int | None = setting(None)
    num_oov_indices: int = setting(1, parse=one_unknown)
    mask_token: int | None = setting(None, old=("mask_value",))
    oov_token: int | None = setting(-1, old=("oov_value",))
    pad_to_max_tokens: bool = setting(False, keras=False)

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        if reading.config.get("invert"):
            raise UnknownLayerError("an IntegerLookup that goes from places to integers")
        found = super().from_keras(reading)
        if found.mask_token is not None and found.output_mode != "int":
            raise UnknownLayerError(f"an IntegerLookup with a mask token, encoded as {found.output_mode}")
        return found

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        padded = self.pad_to_max_tokens and self.max_tokens is not None
        return {**super().to_keras(version), **({"pad_to_max_tokens": True} if padded else {})}

    @property
    def first(self) -> int:
        """Place of the first unknown integer: behind the mask, which only whole numbers have."""
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def words(self) -> tuple[int, ...]:
        """The vocabulary without the tokens for masked and unknown integers, where it begins with them."""
        special = [*([self.mask_token] if self.first else []), *([self.oov_token] if self.num_oov_indices else [])]
        given = list(self.vocabulary)
        return tuple(given[len(special) :] if special and given[: len(special)] == special else given)

    @property
    def depth(self) -> int:
        found = len(self.words) + self.num_oov_indices + self.first
        return self.max_tokens if self.pad_to_max_tokens and self.max_tokens else found

    def found(self) -> tuple[str, str]:
        options = [
            ("unknown", self.first if self.num_oov_indices else None, 0),
            ("first", self.first + self.num_oov_indices, 1),
            ("mask", self.mask_token, None),
        ]
        texts = [f"{name}={value!r}" for name, value, default in options if value != default]
        return f"IntegerLookup({', '.join([*map(str, self.words), *texts])})", "IntegerLookup"


@dataclass(frozen=True, kw_only=True)
class CategoryEncoding(Layer):
    """
    Categories as vectors of ``num_tokens`` numbers: one for each category, or one for each sample.

    ``multi_hot`` has a 1 for every category that a sample has, ``count`` says how often, times ``count_weights``.
    Keras: ``keras/src/layers/preprocessing/category_encoding.py``; PyTorch: ``torch.nn.functional.one_hot``.
    """

    axis_order: ClassVar = "keras"
    masks: ClassVar = "drop"
    call_arguments: ClassVar = ("inputs", "count_weights")

    num_tokens: int = setting(old=("max_tokens",), parse=positive)
    output_mode: str = setting("multi_hot", parse=output_mode)
    sparse: bool = setting(False, parse=dense_only, keras=False)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        return {**config, "sparse": self.sparse} if self.sparse else config

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return encoded_shape(inputs[0], self.output_mode, self.num_tokens)

    def torch(self, site: Site) -> Form:
        given: Mapping[str, Setting] = site.arguments
        places = site.argument_places.get("count_weights", ())
        if given.get("count_weights") is not None and not places:
            raise UnknownLayerError(f"layer {quote(site.name)}: count_weights that are no tensor")
        text = encoded(self.output_mode, "%0", site.inputs[0], f"%{places[0]}" if places else "")
        return Form((text,), f"OneHot({self.num_tokens})", snippets=("OneHot",))
