"""Convolutions whose kernel differs from place to place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.errors import ShapeMismatchError, UnknownLayerError, quote
from regraft.layers.activations import activated
from regraft.layers.base import Weight
from regraft.layers.conv import Windowed
from regraft.layers.form import Carry, Form, Site
from regraft.layers.settings import Reading, positive, setting
from regraft.layers.spatial import MapShape, map_sizes
from regraft.layers.version import KerasVersion
from regraft.layers.window import number, option, slid
from regraft.layout import Layout, Move


def implementation(value: Any, _: Reading) -> int:
    """How tf.keras stores the kernel: by place, dense, or as the values of a sparse matrix."""
    if value not in (1, 2, 3):
        raise UnknownLayerError(f"LocallyConnected with implementation {quote(value)}")
    return value


@dataclass(frozen=True, kw_only=True)
class LocallyConnected(Windowed, abstract=True):
    """
    A sum over a window and all channels, with weights and a bias of its own at every place.

    ``implementation`` says what the file holds: 1 the weights of every window, 2 those of every pair of places, of which
    only the pairs in a window count, 3 the weights of these pairs alone. Stand-alone Keras knows the first one only.
    """

    filters: int = setting(old=("nb_filter",), parse=positive)
    implementation: int = setting(1, parse=implementation)
    weights: ClassVar = (Weight("kernel", "... -> ..."), Weight("bias", "... -> ...", given="use_bias"))

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {k: v for k, v in super().to_keras(version).items() if k != "dilation_rate"}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        gone = (f"Keras 3 has no {type(self).__name__}",) if version.major >= 3 else ()
        return (*super().caveats(version), *gone)

    def axis_sizes(self) -> dict[str, int]:
        return {}

    @property
    def first(self) -> bool:
        """Whether the channels come before the map."""
        return self.data_format == "channels_first"

    def places(self, sizes: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Size of the result."""
        return slid(sizes, self.kernel_size, self.strides, self.padding)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        arriving = self.map_shape(inputs[0])
        return arriving.resized(self.places(arriving.sizes), self.filters)

    # ---- form

    def torch(self, site: Site) -> Form:
        arriving = MapShape.of(site.inputs[0], self.rank, self.data_format)
        sizes = map_sizes(site, self.rank)
        if None in sizes or arriving.channels is None:
            raise UnknownLayerError(
                f"layer {quote(site.name)}: the size of its input varies, but its weights are fixed"
            )
        known = tuple(size or 0 for size in sizes)
        places = tuple(size or 0 for size in self.places(known))
        windows = self.implementation == 1 or (self.implementation == 3 and self.padding == "valid")
        moves = self.window_moves(arriving.channels, places) if windows else self.pair_moves()
        self.check(site, known, places, arriving.channels)
        carries = [Carry(("kernel",), moves, ("weight",))]
        if self.use_bias:
            carries.append(Carry(("bias",), self.bias_moves(places), ("bias",)))
        size = f"size={number(places)}" if windows else f"size={number(known)}"
        options = f"{option('stride', self.strides)}, {size}"
        options += "" if windows else ', padding="same"' if self.padding == "same" else ""
        options += ", packed=True" if not windows and self.implementation == 3 else ""
        options += "" if self.use_bias else ", bias=False"
        name = f"LocallyConnected{self.rank}d" if windows else f"MaskedLocal{self.rank}d"
        module = f"{name}({arriving.channels}, {self.filters}, {number(self.kernel_size)}{options})"
        text, snippets = activated("%self(%0)", self.activation, site.output_orders[0])
        return Form((text,), module, carries=tuple(carries), snippets=(name, *snippets))

    def check(self, site: Site, sizes: tuple[int, ...], places: tuple[int, ...], channels: int) -> None:
        """
        Compare the stored shapes with what the settings ask for.

        Raises:
            ShapeMismatchError: If they differ.
        """
        window = prod(self.kernel_size) * channels
        shapes: Mapping[int, tuple[int, ...]] = {
            1: (prod(places), window, self.filters),
            2: (channels, *sizes, self.filters, *places) if self.first else (*sizes, channels, *places, self.filters),
        }
        expected = {"kernel": shapes.get(self.implementation), "bias": (*places, self.filters)}
        if self.implementation == 3 and self.padding == "valid":
            expected["kernel"] = (prod(places) * window * self.filters,)
        for name, shape in expected.items():
            if shape is not None and name in site.stored and site.stored[name] != shape:
                raise ShapeMismatchError(
                    f"layer {quote(site.name)} ({type(self).__name__}): its {name} has shape {site.stored[name]}, "
                    f"expected {shape} for maps of {sizes} and implementation {self.implementation}"
                )

    def window_moves(self, channels: int, places: tuple[int, ...]) -> tuple[Move, ...]:
        """From the weights of every window to ``(filters, channels, *places, *window)``."""
        axes = "xyz"[: self.rank]
        out, kernel = " ".join(f"o{a}" for a in axes), " ".join(f"k{a}" for a in axes)
        window = f"cin {kernel}" if self.first else f"{kernel} cin"
        if self.implementation == 1:
            pattern = f"({out}) ({window}) filters"
        else:
            place = f"filters {out}" if self.first else f"{out} filters"
            pattern = f"({place} {window})"
        named = {f"o{a}": n for a, n in zip(axes, places, strict=True)}
        named |= {f"k{a}": n for a, n in zip(axes, self.kernel_size, strict=True)}
        named |= {"cin": channels, "filters": self.filters}
        return (Layout(f"{pattern} -> filters cin {out} {kernel}", named),)

    def pair_moves(self) -> tuple[Move, ...]:
        """From the weights of all pairs to ``(*places, filters, *sizes, channels)``; packed ones are in that order."""
        if self.implementation == 3:
            if self.first:
                raise UnknownLayerError("a LocallyConnected with implementation 3, padding same and channels first")
            return ()
        axes = "xyz"[: self.rank]
        out, size = " ".join(f"o{a}" for a in axes), " ".join(f"i{a}" for a in axes)
        source = f"cin {size} filters {out}" if self.first else f"{size} cin {out} filters"
        return (Layout(f"{source} -> {out} filters {size} cin"),)

    def bias_moves(self, places: tuple[int, ...]) -> tuple[Move, ...]:
        """
        From ``(*places, filters)`` to ``(filters, *places)``.

        Channels first Keras reads the same numbers in another shape, without moving an axis: ``bias_add`` in
        ``tf_keras/src/backend.py``.
        """
        axes = " ".join(f"o{a}" for a in "xyz"[: self.rank])
        if not self.first:
            return (Layout(f"{axes} filters -> filters {axes}"),)
        named = {f"o{a}": n for a, n in zip("xyz", places, strict=False)}
        joined = Layout(f"{axes} filters -> ({axes} filters)", {**named, "filters": self.filters})
        return (joined, Layout(f"(filters {axes}) -> filters {axes}", {**named, "filters": self.filters}))


@dataclass(frozen=True, kw_only=True)
class LocallyConnected1D(LocallyConnected):
    """
    ``(batch, time, cin) -> (batch, new_time, filters)``.

    Keras: ``tf_keras/src/layers/locally_connected/locally_connected1d.py``; PyTorch: ``Tensor.unfold`` and
    ``torch.einsum``.
    """

    rank: ClassVar = 1


@dataclass(frozen=True, kw_only=True)
class LocallyConnected2D(LocallyConnected):
    """
    ``(batch, h, w, cin) -> (batch, new_h, new_w, filters)``.

    Keras: ``tf_keras/src/layers/locally_connected/locally_connected2d.py``; PyTorch: ``Tensor.unfold`` and
    ``torch.einsum``.
    """

    rank: ClassVar = 2
    kernel_keys: ClassVar = ("nb_row", "nb_col")
