"""
How a layer is declared: one class holds everything regraft knows about it.

A subclass states its settings (dataclass fields), its variables (``weights``), how it treats axis orders and masks,
its shape rule (``shape``) and its PyTorch form (``torch``). Subclassing registers it in the catalogue.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

from regraft.blueprint import Blueprint, LayerSpec, Setting, Shape
from regraft.errors import BlueprintError, UnknownLayerError, quote
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.registry import Registry
from regraft.layers.settings import Reading, read_setting
from regraft.layers.stored import Origin, Stored
from regraft.layers.version import KerasVersion
from regraft.layout import Layout, Move

#: Catalogue of layer classes by type name, filled when ``regraft.layers`` is imported and only read afterwards.
CATALOGUE: Registry[type[Layer]] = Registry()
#: Class names of other Keras versions that mean the same type: ``Convolution2D`` is ``Conv2D``.
ALIASES: Registry[str] = Registry()

Orders = Literal["any", "channels", "keras"]
Masks = Literal["pass", "drop", "own"]


@dataclass(frozen=True)
class Weight:
    """
    One variable of a layer.

    Attributes:
        name: The Keras name: ``kernel``, ``moving_mean``; in a wrapper with the part in front, ``forward/kernel``.
        pattern: Axes in Keras and where they go in PyTorch: ``kh kw cin cout -> cout cin kh kw``.
        torch: Parameter or buffer of the module that it fills; empty if the layer's form says so itself.
        given: The variable exists only if this setting is true.
        trainable: Whether Keras counts it as trainable; it decides the order in older files.
        path: Groups below the layer's own group in the Keras 3 file layout, ``("cell",)``; ``a|b`` allows either.
        follows: The axis that runs along the last axis of the input; it is moved when the input is a flattened map.
        index: Key below ``vars`` where that is a name, not a number.
    """

    name: str
    pattern: str
    torch: str = ""
    given: str = ""
    trainable: bool = True
    path: tuple[str, ...] = ()
    follows: str = ""
    index: str = ""

    def inside(self, part: str, *path: str) -> Weight:
        """The same variable as part of a wrapper or a nested model."""
        return replace(self, name=f"{part}/{self.name}" if part else self.name, path=(*path, *self.path))

    @property
    def axes(self) -> tuple[str, ...]:
        """Axis names in Keras order."""
        return tuple(self.pattern.split(" -> ")[0].split())


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Base of every layer type. Frozen: a layer is its settings."""

    #: Variables, in the order in which Keras creates them.
    weights: ClassVar[tuple[Weight, ...]] = ()
    #: In a file of the user: names of the Lambda layers whose form the class is.
    lambda_layers: ClassVar[tuple[str, ...]] = ()
    #: Class names in other Keras versions.
    aliases: ClassVar[tuple[str, ...]] = ()
    #: ``any``: works in every axis order and keeps it; ``channels``: needs channels first; ``keras``: needs Keras order.
    axis_order: ClassVar[Orders] = "any"
    #: Where Keras 3 has the class; operations are not in ``keras.layers``.
    keras_module: ClassVar[str] = "keras.layers"
    #: Its class name there, if it is not that of this class.
    keras_class: ClassVar[str] = ""
    #: The Python class that names its groups in newer files, if Keras exports it under another name.
    group_class: ClassVar[str] = ""
    #: Whether its config may hold ``trainable``; the constructors of SpatialDropout in Keras 3 refuse it.
    takes_trainable: ClassVar[bool] = True
    #: What happens to a mask: ``pass`` it on, ``drop`` it, or the form makes its ``own``.
    masks: ClassVar[Masks] = "pass"
    #: Number of spatial axes, where the class has a fixed one.
    rank: ClassVar[int] = 0
    #: Whether a flattened map may enter in PyTorch order: ``absorb`` it in the weights, ``pass`` it on, or no.
    flat: ClassVar[Literal["absorb", "pass", "no"]] = "no"

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        super().__init_subclass__()
        if abstract:
            return
        names = (cls.__name__, *cls.__dict__.get("aliases", ()))
        for name in names:
            if ALIASES.registered(name):
                raise TypeError(f"layer type {name} is declared twice: {ALIASES[name]} and {cls.__name__}")
        ALIASES.update(dict.fromkeys(names, cls.__name__))
        CATALOGUE[cls.__name__] = cls

    # ---- Keras configuration

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        """
        Read the settings from a Keras config.

        Raises:
            UnknownLayerError: If the config asks for something this class does not do; the layer becomes a placeholder.
        """
        reading = replace(reading, rank=cls.rank)
        return cls(**{f.name: read_setting(f, reading) for f in dataclasses.fields(cls)})

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        """The config as Keras 3 (or 2) reads it, without name and dtype; wrapped layers stay ``LayerSpec``."""
        del version
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.metadata.get("keras", True)}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        """What ``to_keras`` cannot say in that version, for the report: an empty tuple for nearly all layers."""
        del version
        return ()

    def in_keras_3(self) -> tuple[Layer, Mapping[str, tuple[Move, ...]]]:
        """
        A layer of Keras 3 that computes the same, and the moves that make its variables of this one's, by name.

        Most layers are that themselves. What ``caveats`` still says of the layer found has no equal there.
        """
        return self, {}

    def remarks(self) -> tuple[str, ...]:
        """What a person who knows the layer from Keras should know of the emitted module."""
        return ()

    @property
    def config(self) -> dict[str, Any]:
        """Settings as a plain mapping, for ``LayerSpec.config``."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    # ---- variables

    def variables(self) -> tuple[Weight, ...]:
        """The variables this layer has with its settings, in the order in which Keras creates them."""
        return tuple(w for w in self.weights if not w.given or getattr(self, w.given))

    def stored(self, stored: Stored) -> Mapping[str, Origin]:
        """
        Where each variable comes from in a file of any version: which stored arrays, through which moves.

        The default is one stored array a variable, in order. Layers whose older versions stored something else override it.
        """
        del stored
        trainable_first = sorted(self.variables(), key=lambda w: not w.trainable)
        return {w.name: Origin((i,)) for i, w in enumerate(trainable_first)}

    def stored_flags(self, stored: Stored) -> tuple[bool, ...]:
        """Which stored arrays of this layer are trainable, in the order in which Keras creates them."""
        del stored
        return tuple(w.trainable for w in self.variables())

    def axis_sizes(self) -> dict[str, int]:
        """Axis lengths of the variables that the settings fix: ``{"units": 10}``; the stored shapes must agree."""
        axes = {axis for w in self.variables() for axis in w.axes}
        return {axis: value for axis in axes if isinstance(value := getattr(self, axis, None), int)}

    # ---- graph

    @property
    def takes_channels_first(self) -> bool:
        """Whether this layer is a reason to run its input channels first."""
        return self.axis_order == "channels" and getattr(self, "data_format", "channels_last") != "channels_first"

    @property
    def passes_order(self) -> bool:
        """Whether the axis order of the input is also that of the output, so that the search for a reason goes on."""
        return self.axis_order == "any"

    def shape(self, inputs: tuple[Shape, ...]) -> Shape | tuple[Shape, ...]:
        """Output shape in Keras order, batch first; a tuple of tuples for several outputs. Default: as the first input."""
        return inputs[0]

    def called(self, arguments: Mapping[str, Setting]) -> Layer:
        """The layer as a call with these arguments uses it, where they decide how many tensors it gives or their shapes."""
        del arguments
        return self

    def call_shape(self, arguments: Mapping[str, Setting], inputs: tuple[Shape, ...]) -> Shape | tuple[Shape, ...]:
        """The same at one call, where arguments other than tensors may decide it."""
        del arguments
        return self.shape(inputs)

    def call_kind(self, arguments: Mapping[str, Setting], kinds: tuple[str, ...]) -> str | tuple[str, ...]:
        """
        What the outputs hold: ``float``, ``int``, ``bool``, or empty where that is not known; several if they differ.

        The default: what has variables gives floats, what has none gives what it gets.
        """
        del arguments
        return "float" if self.variables() else kinds[0] if kinds else ""

    def output_count(self) -> int:
        """Number of tensors one call gives; 0 if that depends on its inputs, and those that the model uses are made."""
        return 1

    def inside(self, shape: Shape) -> tuple[Layer, Shape]:
        """The layer whose variables these are, and the shape that reaches it: of a wrapper what it holds."""
        return self, shape

    def may_mask(self, arriving: bool) -> bool:
        """Whether a mask can leave the layer; ``arriving`` if one comes with an input."""
        return arriving and self.masks != "drop"

    def carries_mask(self, output: int) -> bool:
        """Whether a mask that leaves the layer belongs to this output; the states of recurrent layers have none."""
        del output
        return True

    def arrange(self, arrival: Arrival) -> Arranged:
        """Settle the axis orders: the default follows ``axis_order``."""
        first = arrival.orders[0]
        if self.axis_order == "any":
            want = next((o for o in arrival.orders if not o.is_keras and len(o.axes) == len(first.axes)), first)
            inputs = tuple(want if len(o.axes) == len(want.axes) else o for o in arrival.orders)
        else:
            last = self.axis_order == "channels" and getattr(self, "data_format", "channels_last") != "channels_first"
            order = AxisOrder.channels_first if last else AxisOrder.keras
            # Behind a layer of unknown rank everything is in Keras order; a layer with a rank of its own knows it all the same.
            unknown = self.rank + 2 if self.rank else 0
            want = order(len(first.axes) or unknown)
            inputs = tuple(order(len(o.axes) or unknown) for o in arrival.orders)
        if self.flat == "no":
            want = replace(want, flat=())
            inputs = tuple(replace(o, flat=()) for o in inputs)
        return Arranged(inputs, (want,) * self.output_count())

    def torch(self, site: Site) -> Form:
        """The PyTorch form at one call."""
        raise NotImplementedError(f"{type(self).__name__} has no PyTorch form yet")

    # ---- for subclasses

    def carry(self, site: Site, *names: str) -> tuple[Carry, ...]:
        """The carries that ``weights`` declare, refined for a flattened input; all of them, or those named."""
        carries: list[Carry] = []
        for weight in self.variables():
            if weight.torch and (not names or weight.name in names):
                layout = Layout(weight.pattern)
                if weight.follows and site.orders and site.orders[0].flat:
                    layout = flattened(layout, weight.follows, site.orders[0].flat)
                if weight.name in site.stored:
                    layout = layout.bind(site.stored[weight.name])
                # An array of any rank stays as it is.
                moves = () if weight.pattern == "... -> ..." else (layout,)
                carries.append(Carry((weight.name,), moves, (weight.torch,)))
        return tuple(carries)

    def sizes(self, site: Site) -> dict[str, int]:
        """Length of every axis named in ``weights``, read off the stored variables."""
        found: dict[str, int] = {}
        for weight in self.variables():
            shape = site.stored.get(weight.name)
            if shape is not None and len(shape) == len(weight.axes):
                found.update(zip(weight.axes, shape, strict=True))
        return found


def flattened(layout: Layout, axis: str, flat: Sequence[int]) -> Layout:
    """A layout whose ``axis`` runs along a flattened map: Keras has it as ``(h w c)``, PyTorch as ``(c h w)``."""
    names = ["d", "h", "w"][-(len(flat) - 1) :] if len(flat) > 1 else []
    names = [f"map_{n}" for n in names]
    sizes = dict(zip((*names, "map_c"), flat, strict=True))
    return layout.refine(axis, f"({' '.join(names)} map_c)", f"(map_c {' '.join(names)})", sizes)


def layer_class(type_name: str) -> type[Layer]:
    """
    The class of a layer type, under its name in any Keras version.

    Raises:
        UnknownLayerError: If the catalogue does not have it; the message suggests the nearest name.
    """
    import difflib

    if type_name in ALIASES:
        return CATALOGUE[ALIASES[type_name]]
    near = difflib.get_close_matches(type_name, ALIASES, n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    raise UnknownLayerError(f"no layer {quote(type_name)} in the catalogue of {len(CATALOGUE)}.{guess}")


def build(spec: LayerSpec) -> Layer:
    """
    The layer that a spec describes.

    Raises:
        UnknownLayerError: If the catalogue lacks the type.
        BlueprintError: If the settings do not belong to the type.
    """
    cls = layer_class(spec.type)
    try:
        return cls(**spec.config)
    except TypeError as error:
        raise BlueprintError(f"layer {quote(spec.name)}: settings do not fit {spec.type}: {error}") from None


def spec_of(name: str, layer: Layer, *, trainable: bool = True) -> LayerSpec:
    """The spec of a layer: the inverse of ``build``."""
    return LayerSpec(name, type(layer).__name__, layer.config, trainable)


__all__ = ["ALIASES", "CATALOGUE", "Blueprint", "Layer", "Weight", "build", "layer_class", "spec_of"]
