"""Layers of the file's own in front of or behind a published architecture: one after another, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from regraft.blueprint import Call, LayerSpec, Shape, TensorRef
from regraft.errors import RegraftError
from regraft.layers import build
from regraft.layers.walk import output_shapes
from regraft.recover.families.library import Shapes
from regraft.recover.families.refit import default_config, entering

#: Layers without variables that take one tensor and that a chain may hold.
SINGLE = frozenset(
    "Activation ActivityRegularization AlphaDropout AveragePooling2D Dropout ELU Flatten GaussianDropout GaussianNoise "
    "GlobalAveragePooling2D GlobalMaxPooling2D LeakyReLU MaxPooling2D ReLU SELU Softmax SpatialDropout2D ThresholdedReLU "
    "UnitNormalization ZeroPadding2D Rescaling RandomFlip RandomRotation RandomZoom RandomContrast RandomTranslation "
    "RandomBrightness RandomCrop RandomHeight RandomWidth UpSampling2D".split()
)
POOLS = frozenset({"GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten"})


class NotAChainError(Exception):
    """These layers cannot follow one another."""


@dataclass(frozen=True)
class Link:
    """
    One layer of a chain.

    Attributes:
        spec: The layer; of an empty type where its name says nothing or is a guess: whatever the next layer needs.
        shapes: Of its variables.
    """

    spec: LayerSpec
    shapes: Shapes = ()


@dataclass
class Chain:
    """A chain that grows from a tensor; ``made`` are layers that no name in the file speaks of."""

    end: TensorRef
    shape: Shape
    taken: set[str]
    specs: list[LayerSpec] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def add(self, spec: LayerSpec) -> None:
        """One more layer at the end."""
        if spec.name in self.taken:
            raise NotAChainError(f"{spec.name} is there already")
        call = Call(spec.name, (self.end,))
        try:
            (self.shape,) = output_shapes(call, build(spec), (self.shape,))
        except (RegraftError, ValueError):
            raise NotAChainError(f"{spec.name} cannot follow") from None
        self.specs.append(spec)
        self.calls.append(call)
        self.taken.add(spec.name)
        self.end = TensorRef(spec.name)

    def invent(self, type_name: str, name: str = "") -> None:
        """A layer of default settings; under a name of its own if the file has none for it."""
        if not name:
            base = {"GlobalAveragePooling2D": "global_average_pooling2d", "Flatten": "flatten"}[type_name]
            name = base
            count = 0
            while name in self.taken:
                count += 1
                name = f"{base}_{count}"
            self.made.append(name)
        self.add(LayerSpec(name, type_name, default_config(type_name, {})))

    def extend(self, links: Sequence[Link], *, complete: bool) -> None:
        """
        All links in order.

        Args:
            links: The layers.
            complete: Whether layers without variables are among them; if not, pooling or flattening is put in where
                a matrix needs it.

        Raises:
            NotAChainError: If a layer cannot take what reaches it.
        """
        nameless = ""
        for i, link in enumerate(links):
            if link.spec.unknown or (not link.spec.type and link.shapes):
                raise NotAChainError(f"nothing is known of {link.spec.name}")
            if not link.spec.type:
                nameless = link.spec.name
                continue
            if link.shapes:
                self.bridge(links[i:], nameless, complete=complete)
                nameless = ""
                needed = entering(link.spec, link.shapes)
                if needed is None or self.shape is None or self.shape[-1] not in (needed, None):
                    raise NotAChainError(f"{link.spec.name} takes {needed} channels, {self.shape} reaches it")
            elif link.spec.type not in SINGLE:
                raise NotAChainError(f"{link.spec.name} does not belong into a chain")
            self.add(link.spec)

    def bridge(self, links: Sequence[Link], nameless: str, *, complete: bool) -> None:
        """Pooling or flattening in front of the first of ``links``, if the next matrix takes a vector."""
        if self.shape is None or len(self.shape) != 4:
            return
        needed = next((entering(k.spec, k.shapes) for k in links if k.spec.type == "Dense"), None)
        pooled = any(k.spec.type in POOLS for k in links[: next_dense(links)])
        kernel = links[0].spec.type not in ("Dense", "BatchNormalization", "LayerNormalization")
        if needed is None or pooled or kernel:
            return
        channels = self.shape[-1]
        norm = links[0].spec.type != "Dense"
        if norm and any(k.spec.type.startswith("Conv") for k in links[: next_dense(links)]):
            return
        if needed == channels:
            self.invent("GlobalAveragePooling2D", nameless if complete else "")
        elif not norm or entering(links[0].spec, links[0].shapes) == needed:
            self.invent("Flatten", nameless if complete else "")


def next_dense(links: Sequence[Link]) -> int:
    """Place of the first Dense layer."""
    return next((i for i, link in enumerate(links) if link.spec.type == "Dense"), len(links))


def area_needed(links: Sequence[Link], channels: int) -> int | None:
    """How many positions the map must have that the first Dense layer sees flattened; None if it does not say."""
    for link in links:
        if link.spec.type in ("GlobalAveragePooling2D", "GlobalMaxPooling2D"):
            return None
        if link.spec.type == "Dense":
            rows = entering(link.spec, link.shapes) or 0
            return rows // channels if rows % channels == 0 and rows != channels else None
        if link.shapes and link.spec.type not in ("BatchNormalization", "LayerNormalization"):
            return None
    return None
