"""Operations of maps: resizing, blocks of depth, grey values, convolution with a constant kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import CATALOGUE
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import Operation
from regraft.layers.operations.moving import declared
from regraft.layers.operations.operands import Given, Operand, array_of, shape_of
from regraft.layers.operations.parsing import count, counts, integer, integers, real, word
from regraft.layers.order import AxisOrder
from regraft.layers.settings import setting
from regraft.layers.upsampling import BY_MATRIX


def last(value: Any, _: object = None) -> str:
    """Where the channels are; nothing said means last, as in Keras' own defaults."""
    if value not in (None, "channels_last", "channels_first"):
        raise UnknownLayerError(f"data_format {quote(value)}")
    return value or "channels_last"


@dataclass(frozen=True, kw_only=True)
class Maps(Operation, abstract=True):
    """Maps ``(batch, h, w, c)``, which PyTorch takes channels first."""

    data_format: str = setting("channels_last", parse=last)

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        names = {"NHWC": "channels_last", "NCHW": "channels_first"}
        return {**values, "data_format": names.get(values.get("data_format", "NHWC"), values.get("data_format"))}

    @classmethod
    def to_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "data_format": {"channels_first": "NCHW"}.get(values.get("data_format", ""), "NHWC")}

    @property
    def takes_channels_first(self) -> bool:
        return self.data_format == "channels_last"

    def order(self) -> AxisOrder:
        """The order in which PyTorch takes them."""
        return AxisOrder.channels_first(4) if self.data_format == "channels_last" else AxisOrder.keras(4)

    def parts(self, shape: Shape) -> tuple[int | None, int | None, int | None, int | None]:
        """Batch, height, width, channels."""
        if shape is None or len(shape) != 4:
            raise ValueError(f"{self.keras_class} of a tensor of shape {shape}; maps have four axes")
        b, h, w, c = shape if self.data_format == "channels_last" else (shape[0], *shape[2:], shape[1])
        return b, h, w, c

    def joined(self, b: int | None, h: int | None, w: int | None, c: int | None) -> Shape:
        """A shape in Keras order."""
        return (b, h, w, c) if self.data_format == "channels_last" else (b, c, h, w)

    def arrange(self, arrival: Arrival) -> Arranged:
        """Channels first."""
        return Arranged((self.order(), *arrival.orders[1:]), (self.order(),))


def two(value: Any, _: object = None) -> tuple[int, ...]:
    """Height and width."""
    found = integers(value)
    if len(found) != 2 or min(found) < 1:
        raise UnknownLayerError(f"the size {quote(value)}")
    return found


@dataclass(frozen=True, kw_only=True)
class Resize(Maps, abstract=True):
    """Maps of another size, as the layer ``Resizing`` makes them."""

    call_arguments: ClassVar = ("images",)

    size: tuple[int, ...] = setting(parse=two)
    interpolation: str = setting("bilinear", parse=word)
    antialias: bool = setting(False)
    crop_to_aspect_ratio: bool = setting(False)
    pad_to_aspect_ratio: bool = setting(False)
    fill_mode: str = setting("constant")
    fill_value: float = setting(0.0)

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return values

    @classmethod
    def to_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return values

    def check(self, given: Given) -> None:
        """What the layer does."""
        known = {"nearest", "bilinear", *BY_MATRIX}
        if self.crop_to_aspect_ratio or self.pad_to_aspect_ratio or self.interpolation not in known:
            raise UnknownLayerError(f"resize by {quote(self.interpolation)}, or one that keeps the aspect ratio")
        if self.interpolation == "nearest" and self.antialias:
            raise UnknownLayerError("resize to the nearest pixel with antialias")

    def result(self, given: Given) -> Shape:
        b, _, _, c = self.parts(given["images"].shape)
        return self.joined(b, self.size[0], self.size[1], c)

    def torch(self, site: Site) -> Form:
        height, width = self.size
        facts = {"height": height, "width": width, "interpolation": self.interpolation, "antialias": self.antialias}
        return CATALOGUE["Resizing"](**{**facts, "data_format": self.data_format}).torch(site)


@dataclass(frozen=True, kw_only=True)
class OldResize(Maps, abstract=True):
    """Maps of another size, as TensorFlow 1 made them."""

    size: tuple[int, ...] = setting(parse=two)
    method: ClassVar[str] = "bilinear"
    align_corners: bool = setting(False)
    half_pixel_centers: bool = setting(False)

    def check(self, given: Given) -> None:
        """Corners aligned, or pixel centres; nearest pixels by their corner."""
        bilinear = self.method == "bilinear"
        if self.align_corners and (self.half_pixel_centers or not bilinear):
            raise UnknownLayerError(f"resize by {self.method} with aligned corners")
        if bilinear and not self.align_corners and not self.half_pixel_centers:
            raise UnknownLayerError("resize between pixel corners, as TensorFlow 1 did by default")

    def result(self, given: Given) -> Shape:
        b, _, _, c = self.parts(given["x"].shape)
        return self.joined(b, self.size[0], self.size[1], c)

    def torch(self, site: Site) -> Form:
        mode = "bilinear"
        if self.method == "nearest":
            mode = "nearest-exact" if self.half_pixel_centers else "nearest"
        corners = ", align_corners=True" if self.align_corners else ""
        return Form((f'F.interpolate(%0, {self.size}, mode="{mode}"{corners})',))


@dataclass(frozen=True, kw_only=True)
class Blocks(Maps, abstract=True):
    """Depth and blocks of pixels exchanged; Keras counts the places of a block before the channels, PyTorch after."""

    block_size: int = setting(parse=count)


class DepthToSpace(Blocks, abstract=True):
    """Channels in the places of blocks of pixels."""

    def result(self, given: Given) -> Shape:
        b, h, w, c = self.parts(given["x"].shape)
        n = self.block_size
        return self.joined(
            b, None if h is None else h * n, None if w is None else w * n, None if c is None else c // n**2
        )

    def torch(self, site: Site) -> Form:
        n = self.block_size
        return Form((f"F.pixel_shuffle(%0.unflatten(1, ({n**2}, -1)).transpose(1, 2).flatten(1, 2), {n})",))


class SpaceToDepth(Blocks, abstract=True):
    """Blocks of pixels in the places of channels."""

    def result(self, given: Given) -> Shape:
        b, h, w, c = self.parts(given["x"].shape)
        n = self.block_size
        return self.joined(
            b, None if h is None else h // n, None if w is None else w // n, None if c is None else c * n**2
        )

    def torch(self, site: Site) -> Form:
        n = self.block_size
        return Form((f"F.pixel_unshuffle(%0, {n}).unflatten(1, (-1, {n**2})).transpose(1, 2).flatten(1, 2)",))


class Grey(Maps, abstract=True):
    """The brightness of red, green and blue."""

    call_arguments = ("images",)

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return values

    @classmethod
    def to_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return values

    def result(self, given: Given) -> Shape:
        b, h, w, _ = self.parts(given["images"].shape)
        return self.joined(b, h, w, 1)

    def torch(self, site: Site) -> Form:
        weights = "%0.new_tensor([0.2989, 0.587, 0.114])[:, None, None]"
        return Form((f"(%0 * {weights}).sum(dim=1, keepdim=True)",))


@dataclass(frozen=True, kw_only=True)
class ResponseNorm(Maps, abstract=True):
    """Each value divided by a power of the squares of its neighbours among the channels."""

    depth_radius: int = setting(5, parse=integer)
    bias: float = setting(1.0, parse=real)
    alpha: float = setting(1.0, parse=real)
    beta: float = setting(0.5, parse=real)

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return values

    @classmethod
    def to_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in values.items() if k != "data_format"}

    def result(self, given: Given) -> Shape:
        return given["x"].shape

    def torch(self, site: Site) -> Form:
        size = 2 * self.depth_radius + 1
        # PyTorch divides alpha by the size, TensorFlow does not.
        said = f"{size}, alpha={size} * {self.alpha!r}, beta={self.beta!r}, k={self.bias!r}"
        return Form((f"F.local_response_norm(%0, {said})",))


@dataclass(frozen=True, kw_only=True)
class Convolution(Maps, abstract=True):
    """A convolution whose kernel is a constant or another tensor."""

    call_arguments = ("inputs", "kernel")

    strides: int | tuple[int, ...] = setting(1, parse=counts)
    padding: str = setting("valid", parse=word)
    dilation_rate: int | tuple[int, ...] = setting(1, parse=counts)

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        found = {**super().from_tensorflow(values), "padding": str(values["padding"]).lower()}
        return {**found, **{k: spatial(found[k]) for k in ("strides", "dilation_rate") if k in found}}

    @classmethod
    def to_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**super().to_tensorflow(values), "padding": str(values.get("padding", "valid")).upper()}

    def pair(self, value: int | tuple[int, ...]) -> tuple[int, int]:
        """A number for height and width."""
        found = integers(value)
        return (found[0], found[-1])

    def check(self, given: Given) -> None:
        """Maps, and the padding that Keras names."""
        value = given.get("kernel")
        rank = len(value.shape or ()) if isinstance(value, Operand) else array_of(value).ndim
        if rank not in (0, 4) or self.padding not in ("valid", "same"):
            raise UnknownLayerError(f"a convolution with a kernel of rank {rank} and padding {quote(self.padding)}")

    def kernel(self, given: Given) -> tuple[int | None, ...]:
        """The shape of the kernel."""
        return shape_of(given["kernel"])

    def result(self, given: Given) -> Shape:
        b, h, w, _ = self.parts(given["inputs"].shape)
        kernel, (sh, sw), (dh, dw) = self.kernel(given), self.pair(self.strides), self.pair(self.dilation_rate)
        if len(kernel) != 4:
            raise ValueError(f"a kernel of shape {kernel}")
        height, width = ((k or 0) for k in kernel[:2])
        size = self.padding == "same"
        rows, columns = (
            None if n is None else -(-n // s) if size else (n - (k - 1) * d - 1) // s + 1
            for n, k, s, d in ((h, height, sh, dh), (w, width, sw, dw))
        )
        return self.joined(b, rows, columns, kernel[3])

    def torch(self, site: Site) -> Form:
        given = self.at(site)
        kernel, strides, dilation = self.kernel(given), self.pair(self.strides), self.pair(self.dilation_rate)
        value = given["kernel"]
        text = value.text if isinstance(value, Operand) else f"%0.new_tensor({array_of(value).tolist()})"
        windows = tuple(((k or 1) - 1) * d + 1 for k, d in zip(kernel[:2], dilation, strict=False))
        padded = self.padding == "same" and windows != (1, 1)
        source = f"pad_same(%0, {windows}, {strides})" if padded else "%0"
        channels = self.parts(site.inputs[0])[3]
        groups = channels // kernel[2] if channels and kernel[2] else 1
        said = [
            *([f"stride={strides}"] if strides != (1, 1) else []),
            *([f"dilation={dilation}"] if dilation != (1, 1) else []),
            *([f"groups={groups}"] if groups > 1 else []),
        ]
        arguments = ", ".join([source, f"{text}.permute(3, 2, 0, 1)", *said])
        return Form((f"F.conv2d({arguments})",), snippets=("pad_same",) if padded else ())


def spatial(value: Any) -> Any:
    """The numbers for height and width among one for each axis."""
    if isinstance(value, tuple) and len(cast("Sequence[Any]", value)) == 4:
        return value[1:3]  # type: ignore[reportUnknownVariableType]
    return value


declared(
    Resize,
    "Resize",
    "F.interpolate(images, size)",
    "image.resize(images, size, method=(interpolation, 'bilinear'), preserve_aspect_ratio=False, antialias)",
    module="image",
    gives="float",
)
declared(
    OldResize,
    "OldResizeBilinear",
    "F.interpolate(x, size)",
    "compat.v1.image.resize_bilinear(images=x, size, align_corners, half_pixel_centers)",
    "ResizeBilinear(x, size, align_corners, half_pixel_centers)",
    module="tensorflow",
    gives="float",
)
declared(
    OldResize,
    "OldResizeNearest",
    "F.interpolate(x, size)",
    "compat.v1.image.resize_nearest_neighbor(images=x, size, align_corners, half_pixel_centers)",
    "ResizeNearestNeighbor(x, size, align_corners, half_pixel_centers)",
    module="tensorflow",
    method="nearest",
)
declared(
    DepthToSpace,
    "DepthToSpace",
    "F.pixel_shuffle(x, n)",
    "nn.depth_to_space(input=x, block_size, data_format)",
    "DepthToSpace(x, block_size, data_format)",
    module="nn",
)
declared(
    SpaceToDepth,
    "SpaceToDepth",
    "F.pixel_unshuffle(x, n)",
    "nn.space_to_depth(input=x, block_size, data_format)",
    "SpaceToDepth(x, block_size, data_format)",
    module="nn",
)
declared(Grey, "RGBToGrayscale", "(images * weights).sum(1)", "image.rgb_to_grayscale(images)", module="image")
declared(
    ResponseNorm,
    "ResponseNorm",
    "F.local_response_norm(x)",
    "nn.local_response_normalization(input=x, depth_radius, bias, alpha, beta)",
    "LRN(x, depth_radius, bias, alpha, beta)",
    module="tensorflow",
    gives="float",
)
declared(
    Convolution,
    "Conv",
    "F.conv2d(inputs, kernel)",
    "nn.conv2d(input=inputs, filters=kernel, strides, padding, data_format, dilations=dilation_rate) | "
    "compat.v1.nn.conv2d(input=inputs, filter=kernel, strides, padding, data_format, dilations=dilation_rate, "
    "use_cudnn_on_gpu=True)",
    "Conv2D(inputs, kernel, strides, padding, data_format, dilations=dilation_rate, use_cudnn_on_gpu=True)",
    module="nn",
    gives="float",
)
