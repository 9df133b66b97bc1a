"""Operations that change what a tensor holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Site
from regraft.layers.operations.elementwise import Elementwise, elementwise
from regraft.layers.operations.operands import Given
from regraft.layers.operations.parsing import dtype, optional_dtype
from regraft.layers.settings import setting

#: Dtypes of TensorFlow's graphs.
NODE_DTYPES = {
    "DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16", "DT_BFLOAT16": "bfloat16", "DT_INT32": "int32",
    "DT_INT64": "int64", "DT_INT16": "int16", "DT_INT8": "int8", "DT_UINT8": "uint8", "DT_BOOL": "bool",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cast(Elementwise, abstract=True):
    """
    Values in another dtype; floats become integers without their fraction.

    All floats of a module have one dtype, so a cast from float to float is nothing, but for what half precision loses.
    """

    dtype: str | None = setting(parse=dtype)

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        name = values["dtype"]
        return {**values, "dtype": NODE_DTYPES.get(name, name) if isinstance(name, str) else name}

    def call_kind(self, arguments: Any, kinds: tuple[str, ...]) -> str:
        name = self.dtype or ""
        return next((kind for kind in ("float", "int", "bool") if kind in name), kinds[0])

    def expression(self, given: Given, site: Site) -> str:
        text = self.written(given, site)["x"]
        if self.dtype in ("float16", "bfloat16"):
            # The module computes in one dtype; what the cast loses is lost all the same.
            return f"{text}.to(torch.{self.dtype}).to(torch.get_default_dtype())"
        if self.dtype is None or (kind := self.call_kind({}, ("",))) == site.kinds[0] == "float":
            return text
        if kind == "float":
            return f"{text}.to(torch.get_default_dtype())"
        short = {"bool": "bool()", "int32": "int()", "int64": "long()"}
        return f"{text}.{short.get(self.dtype, f'to(torch.{self.dtype})')}"


class Reduced(Cast, abstract=True):
    """Values in another dtype, held within its bounds."""

    def check(self, given: Given) -> None:
        """Between floats there are no bounds to hold."""
        super().check(given)
        if "float" not in (self.dtype or ""):
            raise UnknownLayerError(f"saturate_cast to {quote(self.dtype)}")


@dataclass(frozen=True, kw_only=True)
class Converted(Cast, abstract=True):
    """The tensor itself, or its values in another dtype."""

    dtype: str | None = setting(None, parse=optional_dtype)
    sparse: bool | None = setting(None)
    ragged: bool | None = setting(None)


elementwise("Cast", "{x}", "cast(x, dtype)", "Cast(x, DstT=dtype, Truncate=False)", "core", Cast)
elementwise("SaturateCast", "{x}", "", "", "core", Reduced)
elementwise("ConvertToTensor", "{x}", "", "", "core", Converted)
