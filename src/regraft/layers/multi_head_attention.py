"""Attention in several heads, with projections of query, key, value and output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from regraft.blueprint import Setting, Shape, refs_in
from regraft.errors import UnknownLayerError, quote
from regraft.layers.attention_masks import tensor_arguments, visible
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import Reading, plain, positive, setting
from regraft.layers.version import KerasVersion
from regraft.layout import Layout, Stack

#: Names of the projections in the file, in the order in which Keras makes them.
PARTS = ("query", "key", "gate", "value", "attention_output")


def optional_size(value: Any, _: Reading) -> int | None:
    """A positive integer, or None."""
    return None if value is None else positive(value)


def some_sizes(value: Any, _: Reading) -> tuple[int, ...]:
    """Sizes or axes, one or several; an empty tuple for None."""
    found = () if value is None else plain(value) if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(item, int) and not isinstance(item, bool) for item in found):
        raise UnknownLayerError(f"expected integers, found {quote(value)}")
    return found


@dataclass(frozen=True, kw_only=True)
class HeadedAttention(Layer, abstract=True):
    """
    What both classes share: projections, masks and what a call may ask for.

    Masks of query, value and key, ``attention_mask``, ``use_causal_mask`` and ``sliding_window`` act together. Where a
    query may look at nothing, Keras gives the mean of all values since 3.7, where it does not compute the weights apart;
    where it does it gives zeros since 3.10, and before the softmax of ``scores - 1e9``.
    """

    masks: ClassVar = "own"
    axis_order: ClassVar = "keras"
    #: All that there may be; ``variables`` knows their axes.
    weights: ClassVar = tuple(Weight(f"{part}/{role}", "... -> ...") for part in PARTS for role in ("kernel", "bias"))
    call_arguments: ClassVar[tuple[str, ...]] = (
        "query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask", "return_attention_scores",
        "training", "use_causal_mask",
    )  # fmt: skip

    dropout: float = setting(0.0)
    use_bias: bool = setting(True)
    sliding_window: int | None = setting(None, parse=optional_size)
    use_gate: bool = setting(False)
    #: Whether Keras has a kernel that computes no weights, and what its softmax does where everything is masked.
    fused: bool = setting(True, before={(3, 7, 0): False}, keras=False)
    zero_if_masked: bool = setting(True, before={(3, 10, 0): False}, keras=False)
    #: tf.keras uses the masks of its inputs since 2.10.
    implicit_masks: bool = setting(True, before={(2, 10, 0): False}, keras=False)
    #: The names of the tensors that a call gives, and whether it returns the weights.
    given: tuple[str, ...] = setting((), keras=False)
    scores: bool = setting(False, keras=False)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        late = {"use_gate", "sliding_window"} if version.major < 3 else set[str]()
        # Keras 3 has them since 3.15 only, so that older ones can read what says nothing new.
        return {k: v for k, v in config.items() if k not in late and (v or k not in ("use_gate", "sliding_window"))}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        late = version.major < 3 and (self.use_gate or self.sliding_window)
        return ("attention of Keras 2 has no gate and no sliding window",) if late else ()

    # ---- settings that differ between the classes

    @property
    def query_heads(self) -> int:
        """Number of heads of the query."""
        raise NotImplementedError

    @property
    def shared_by(self) -> int:
        """Number of query heads that share a head of keys and values."""
        return 1

    @property
    def widths(self) -> tuple[int, int]:
        """Width of a head in query and key, and in the value."""
        raise NotImplementedError

    @property
    def axes(self) -> tuple[int, ...]:
        """Axes along which is attended; none for the axes between batch and features."""
        return ()

    @property
    def output_sizes(self) -> tuple[int, ...]:
        """Sizes of the output behind batch and time; none for those of the query."""
        return ()

    # ---- variables

    def variables(self) -> tuple[Weight, ...]:
        out = " ".join(f"out{i}" for i in range(len(self.output_sizes))) or "out"
        joined = f"({out})" if " " in out else out
        found: list[Weight] = []
        for part in PARTS:
            if part == "gate" and not self.use_gate:
                continue
            step = "output_dense" if part == "attention_output" else f"{part}_dense"
            path, target = (f"{step}|_{step}",), "output" if part == "attention_output" else part
            axes = ("heads dim", out) if target == "output" else ("cin", "heads dim")
            moved = (joined, "(heads dim)") if target == "output" else ("(heads dim)", "cin")
            kernel = f"{' '.join(axes)} -> {' '.join(moved)}"
            bias = f"{out} -> {joined}" if target == "output" else "heads dim -> (heads dim)"
            found.append(Weight(f"{part}/kernel", kernel, torch=f"{target}.weight", path=path))
            if self.use_bias:
                found.append(Weight(f"{part}/bias", bias, torch=f"{target}.bias", path=path))
        return tuple(found)

    def axis_sizes(self) -> dict[str, int]:
        width, value_width = self.widths
        found: dict[str, int] = {}
        for part in PARTS:
            shared = self.shared_by if part in ("key", "value") else 1
            found[f"{part}/heads"] = self.query_heads // shared
            found[f"{part}/dim"] = width if part in ("query", "key") else value_width
        return found

    # ---- graph

    def called(self, arguments: Mapping[str, Setting]) -> Layer:
        names = tuple(name for name, value in arguments.items() for _ in refs_in(value))
        return replace(self, given=names, scores=bool(arguments.get("return_attention_scores")))

    def output_count(self) -> int:
        return 2 if self.scores else 1

    def carries_mask(self, output: int) -> bool:
        return output == 0

    def attended(self, rank: int) -> tuple[int, ...]:
        """The axes along which is attended, counted from the front, for a query of this rank."""
        return tuple(axis % rank for axis in self.axes) or tuple(range(1, rank - 1))

    def shape(self, inputs: tuple[Shape, ...]) -> Shape | tuple[Shape, ...]:
        query = inputs[0]
        value = inputs[1 + self.given.index("value")] if "value" in self.given else None
        output = None if query is None else (*query[:-1], *(self.output_sizes or query[-1:]))
        if not self.scores:
            return output
        if query is None or value is None:
            return output, None
        axes = self.attended(len(query))
        others = tuple(query[i] for i in range(1, len(query) - 1) if i not in axes)
        long = (*(query[axis] for axis in axes), *(value[axis] for axis in axes))
        return output, (query[0], *others, self.query_heads, *long)

    def arrange(self, arrival: Arrival) -> Arranged:
        inputs = tuple(AxisOrder.keras(len(order.axes)) for order in arrival.orders)
        rank = len(inputs[0].axes)
        output = AxisOrder.keras(rank - 1 + len(self.output_sizes or "x")) if rank else inputs[0]
        weights = AxisOrder.keras(rank + len(self.attended(rank))) if rank else inputs[0]
        return Arranged(inputs, (output, weights)[: self.output_count()])

    # ---- masks

    def passed_mask(self, site: Site) -> str:
        """The mask that leaves: that of the query."""
        return "%m0" if site.masks[0] and self.implicit_masks else ""

    def query_mask(self, site: Site, named: Mapping[str, str]) -> str:
        """The mask of the query: the argument, else the one that comes with it."""
        return named.get("query_mask") or self.passed_mask(site)

    # ---- form

    def torch(self, site: Site) -> Form:
        named = tensor_arguments(site)
        if "value" not in named:
            raise UnknownLayerError(f"layer {quote(site.name)} is called without a value")
        seen = site if self.implicit_masks else replace(site, masks=(False,) * len(site.masks))
        mask, snippets = visible(seen, self.query_mask(seen, named), self.attended(site.rank), self.sliding_window)
        stock = self.stock(site, mask, named)
        if stock is not None:
            return stock
        value, key = named["value"], named.get("key", "")
        before: list[str] = []
        arguments = ["%0", value, *([key] if key else [])]
        if mask:
            before.append(f"%visible = {mask}")
            arguments.append("mask=%visible")
        if self.scores:
            arguments.append("need_weights=True")
        call = f"%self({', '.join(arguments)})"
        shape = f".unflatten(-1, {self.output_sizes})" if len(self.output_sizes) > 1 else ""
        outputs = (f"{call}[0]{shape}",)
        if self.scores:
            before.append(f"%attended, %weights = {call}")
            axes = self.attended(site.rank)
            lengths = [f"{x}.shape[{axis}]" for x in ("%0", value) for axis in axes]
            apart = f".flatten(-2).unflatten(-1, ({', '.join(lengths)}))" if len(axes) > 1 else ""
            outputs = (f"%attended{shape}", f"%weights{apart}")
        name, module = self.constructor(site, masked=bool(mask))
        return Form(outputs, module, tuple(before), None, (*snippets, name), self.passed_mask(site))

    def blind(self) -> str:
        """What a query gets that may look at nothing; see ``MultiHeadAttention`` in the snippets."""
        return (
            "mean" if self.fused and not self.dropout and not self.scores else "zero" if self.zero_if_masked else "all"
        )

    def constructor(self, site: Site, *, masked: bool) -> tuple[str, str]:
        """The helper class, and its constructor with what is not its default."""
        features, key, value = (site.stored[f"{part}/kernel"][0] for part in ("query", "key", "value"))
        width, value_width = self.widths
        out = site.stored["attention_output/kernel"][2:]
        total = 1
        for size in out:
            total *= size
        axes = self.attended(site.rank)
        along = axes if site.rank != 3 or axes != (1,) else None
        blind = ("zero" if self.zero_if_masked else "all") if along and self.blind() == "mean" else self.blind()
        options: list[tuple[str, object, object]] = [
            ("value_features", value, features),
            ("key_features", key, value),
            ("value_head_dim", value_width, width),
            ("out_features", total, features),
            ("shared_by", self.shared_by, 1),
            ("bias", self.use_bias, True),
            ("gate", self.use_gate, False),
            ("dropout", self.dropout, 0.0),
            ("blind", blind if masked else "mean", "mean"),
            ("axes", along, None),
        ]
        texts = [f'{n}="{v}"' if isinstance(v, str) else f"{n}={v!r}" for n, v, default in options if v != default]
        name = "AxesAttention" if along else "MultiHeadAttention"
        return name, f"{name}({', '.join([str(features), str(self.query_heads), str(width), *texts])})"

    def stock(self, site: Site, mask: str, named: Mapping[str, str]) -> Form | None:
        """PyTorch's own module, where it is exact: heads that divide the features, and no masks, which it takes to be NaN."""
        features, key, value = (site.stored[f"{part}/kernel"][0] for part in ("query", "key", "value"))
        heads, (width, value_width) = self.query_heads, self.widths
        out = site.stored["attention_output/kernel"][2:]
        fits = heads * width == features == out[0] and width == value_width and len(out) == 1
        if mask or not fits or self.use_gate or self.shared_by > 1 or site.rank != 3 or self.axes not in ((), (1,)):
            return None
        bias = "" if self.use_bias else ", bias=False"
        dropout = f", dropout={self.dropout!r}" if self.dropout else ""
        other = f", kdim={key}, vdim={value}" if (key, value) != (features, features) else ""
        module = f"nn.MultiheadAttention({features}, {heads}{dropout}{bias}{other}, batch_first=True)"
        call = f"%self(%0, {named.get('key', named['value'])}, {named['value']}"
        carries = self.stock_carries(site, joined=not other)
        if self.scores:
            before = (f"%attended, %weights = {call}, average_attn_weights=False)",)
            return Form(("%attended", "%weights"), module, before, carries, mask=self.passed_mask(site))
        return Form((f"{call}, need_weights=False)[0]",), module, (), carries, mask=self.passed_mask(site))

    def stock_carries(self, site: Site, *, joined: bool) -> tuple[Carry, ...]:
        """How the variables fill ``nn.MultiheadAttention``, whose projections of the inputs are one matrix if they can be."""

        def layout(name: str) -> Layout:
            weight = next(w for w in self.variables() if w.name == name)
            return Layout(weight.pattern).bind(site.stored[name])

        parts = ("query", "key", "value")
        kernels, biases = (tuple(f"{part}/{role}" for part in parts) for role in ("kernel", "bias"))
        found: list[Carry] = []
        if joined:
            found.append(Carry(kernels, (layout(kernels[0]), Stack(0, 3)), ("in_proj_weight",)))
        else:
            found += (Carry((f"{p}/kernel",), (layout(f"{p}/kernel"),), (f"{p[0]}_proj_weight",)) for p in parts)
        found.append(Carry(("attention_output/kernel",), (layout("attention_output/kernel"),), ("out_proj.weight",)))
        if self.use_bias:
            found.append(Carry(biases, (layout(biases[0]), Stack(0, 3)), ("in_proj_bias",)))
            found.append(Carry(("attention_output/bias",), (layout("attention_output/bias"),), ("out_proj.bias",)))
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class MultiHeadAttention(HeadedAttention):
    """
    ``softmax(query @ key / sqrt(key_dim)) @ value`` in ``num_heads`` heads, along ``attention_axes``, then a projection.

    Keras: ``keras/src/layers/attention/multi_head_attention.py``; PyTorch: ``torch.nn.MultiheadAttention``, or
    ``torch.nn.functional.scaled_dot_product_attention``.
    """

    num_heads: int = setting(parse=positive)
    key_dim: int = setting(parse=positive)
    value_dim: int | None = setting(None, parse=optional_size)
    output_shape: tuple[int, ...] = setting((), parse=some_sizes)
    attention_axes: tuple[int, ...] = setting((), parse=some_sizes)
    #: Since 3.8 it takes the masks off its inputs, and knows no mask of the query but the one it took.
    takes_masks: bool = setting(True, before={(3, 8, 0): False}, keras=False)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        # tf.keras asks for the shapes that it was built for; it does without where they are None.
        shapes = dict.fromkeys(("query_shape", "value_shape", "key_shape")) if version.major < 3 else {}
        return {
            **config,
            **shapes,
            "output_shape": self.output_shape or None,
            "attention_axes": self.attention_axes or None,
        }

    @property
    def query_heads(self) -> int:
        return self.num_heads

    @property
    def widths(self) -> tuple[int, int]:
        return self.key_dim, self.value_dim or self.key_dim

    @property
    def axes(self) -> tuple[int, ...]:
        return self.attention_axes

    @property
    def output_sizes(self) -> tuple[int, ...]:
        return self.output_shape

    def query_mask(self, site: Site, named: Mapping[str, str]) -> str:
        if self.takes_masks and not site.masks[0]:
            return ""
        return super().query_mask(site, named)


@dataclass(frozen=True, kw_only=True)
class GroupQueryAttention(HeadedAttention):
    """
    Attention in heads of which several share one head of keys and values.

    Keras: ``keras/src/layers/attention/grouped_query_attention.py``;
    PyTorch: ``torch.nn.functional.scaled_dot_product_attention``.
    """

    aliases: ClassVar = ("GroupedQueryAttention",)
    group_class: ClassVar = "GroupedQueryAttention"

    head_dim: int = setting(parse=positive)
    num_query_heads: int = setting(parse=positive)
    num_key_value_heads: int = setting(parse=positive)

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return ("Keras 2 has no GroupQueryAttention",) if version.major < 3 else ()

    @property
    def query_heads(self) -> int:
        return self.num_query_heads

    @property
    def shared_by(self) -> int:
        return self.num_query_heads // self.num_key_value_heads

    @property
    def widths(self) -> tuple[int, int]:
        return self.head_dim, self.head_dim
