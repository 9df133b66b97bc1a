"""Pooling of maps as an operation: what the layers of pooling do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import CATALOGUE, Layer
from regraft.layers.form import Form, Site
from regraft.layers.operations.imaging import Maps, spatial
from regraft.layers.operations.moving import declared
from regraft.layers.operations.operands import Given
from regraft.layers.operations.parsing import counts, integers, word
from regraft.layers.settings import setting


def two_of(value: int | tuple[int, ...]) -> tuple[int, ...]:
    """A number for height and width."""
    found = integers(value)
    return found * 2 if len(found) == 1 else found


@dataclass(frozen=True, kw_only=True)
class Pool(Maps, abstract=True):
    """The largest or the mean of what a window covers."""

    call_arguments: ClassVar = ("inputs",)
    layer: ClassVar[str] = ""

    pool_size: int | tuple[int, ...] = setting(parse=counts)
    strides: int | tuple[int, ...] | None = setting(None, parse=lambda v, _: None if v is None else counts(v))
    padding: str = setting("valid", parse=word)

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        found = {**super().from_tensorflow(values), "padding": str(values["padding"]).lower()}
        return {**found, **{k: spatial(found[k]) for k in ("pool_size", "strides") if k in found}}

    @classmethod
    def to_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {
            **super().to_tensorflow(values),
            "padding": str(values.get("padding", "valid")).upper(),
            "strides": values.get("strides") or values["pool_size"],
        }

    def check(self, given: Given) -> None:
        """Maps, and a padding that Keras names."""
        sizes = [two_of(self.pool_size), two_of(self.strides or 1)]
        if any(len(size) != 2 for size in sizes) or self.padding not in ("valid", "same"):
            raise UnknownLayerError(f"pooling by {quote(self.pool_size)} with padding {quote(self.padding)}")

    def pooling(self) -> Layer:
        """The layer that does the same."""
        facts: dict[str, Any] = {"pool_size": two_of(self.pool_size), "padding": self.padding}
        strides = two_of(self.strides) if self.strides is not None else None
        return CATALOGUE[self.layer](**facts, **{"strides": strides, "data_format": self.data_format})

    def result(self, given: Given) -> Shape:
        shape: Shape = given["inputs"].shape
        self.parts(shape)
        return self.pooling().shape((shape,))  # type: ignore[return-value]

    def torch(self, site: Site) -> Form:
        return self.pooling().torch(site)


SIGNATURE = "ksize=pool_size, strides, padding, data_format"
for _kind, _layer in (("max", "MaxPooling2D"), ("avg", "AveragePooling2D")):
    declared(
        Pool,
        {"max": "MaxPool", "avg": "AveragePool"}[_kind],
        f"nn.{_kind.capitalize()}Pool2d(pool_size, strides)",
        f"nn.{_kind}_pool2d(input=inputs, {SIGNATURE}) | nn.{_kind}_pool(input=inputs, {SIGNATURE}) | "
        f"compat.v1.nn.{_kind}_pool(value=inputs, {SIGNATURE})",
        {"max": "MaxPool", "avg": "AvgPool"}[_kind] + f"(inputs, {SIGNATURE})",
        module="nn",
        layer=_layer,
    )
