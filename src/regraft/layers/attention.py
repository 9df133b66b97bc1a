"""Attention without projections: Luong's and Bahdanau's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from regraft.blueprint import Setting, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import Reading, setting
from regraft.layers.version import KerasVersion


@dataclass(frozen=True, kw_only=True)
class BaseAttention(Layer, abstract=True):
    """
    ``softmax(scores(query, key)) @ value``; the inputs are query, value and key, and the key is the value if it is not given.

    A step of the value that is masked is not looked at, and the output of a masked step of the query is zero.
    """

    masks: ClassVar = "own"
    axis_order: ClassVar = "keras"
    call_arguments: ClassVar[tuple[str, ...]] = (
        "inputs",
        "mask",
        "training",
        "return_attention_scores",
        "use_causal_mask",
    )

    use_scale: bool = setting(False)
    dropout: float = setting(0.0)
    #: Until tf.keras 2.9 a setting, since then an argument of the call.
    causal: bool = setting(False, keras=False)
    #: Whether a call returns the weights too, which its arguments say.
    scores: bool = setting(False, keras=False)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        return {**config, "causal": True} if self.causal and version.major < 3 else config

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        late = self.causal and version.major >= 3
        return ("it is causal by a setting, which Keras 3 has as an argument of the call",) if late else ()

    def called(self, arguments: Mapping[str, Setting]) -> Layer:
        return replace(self, scores=self.scores or bool(arguments.get("return_attention_scores")))

    def output_count(self) -> int:
        return 2 if self.scores else 1

    def carries_mask(self, output: int) -> bool:
        return output == 0

    def shape(self, inputs: tuple[Shape, ...]) -> Shape | tuple[Shape, ...]:
        query, value = inputs[:2]
        found = None if query is None or value is None else (*query[:-1], value[-1])
        weights = None if query is None or value is None else (*query[:-1], value[-2])
        return (found, weights) if self.scores else found

    def arrange(self, arrival: Arrival) -> Arranged:
        inputs = tuple(AxisOrder.keras(len(order.axes)) for order in arrival.orders)
        return Arranged(inputs, (inputs[0],) * self.output_count())

    def constructor(self, site: Site) -> str:
        """The helper class with its arguments."""
        raise NotImplementedError

    def inline(self, mask: str, key: bool) -> str:
        """An expression without a module, where PyTorch has one; else empty."""
        del mask, key
        return ""

    def torch(self, site: Site) -> Form:
        count = len(site.inputs) - sum(map(len, site.argument_places.values()))
        if count not in (2, 3):
            raise UnknownLayerError(f"layer {quote(site.name)} receives {count} tensors, not query, value and key")
        masks = [f"%m{i}" if present else "" for i, present in enumerate(site.masks[:2])]
        if any(masks) and site.rank != 3:
            raise UnknownLayerError(f"layer {quote(site.name)}: a mask on attention of rank {site.rank}")
        causal = self.causal or bool(site.arguments.get("use_causal_mask"))
        if causal and site.rank != 3:
            raise UnknownLayerError(f"layer {quote(site.name)}: causal attention of rank {site.rank}")
        parts = [f"{masks[1]}[:, None]"] if masks[1] else []
        snippets = ["causal_mask"] if causal else []
        if causal:
            parts.append("causal_mask(%0, %1)")
        allowed = " & ".join(parts)
        if not self.scores and not self.variables() and (text := self.inline(allowed, count == 3)):
            outputs, module, before = (text,), "", ()
        else:
            arguments = ["%0", "%1", *(["%2"] if count == 3 else []), *([f"mask={allowed}"] if allowed else [])]
            call = f"%self({', '.join(arguments)})"
            module = self.constructor(site)
            snippets.append(type(self).__name__)
            outputs, before = (f"{call}[0]",), ()
            if self.scores:
                outputs, before = ("%attended", "%weights"), (f"%attended, %weights = {call}",)
        if masks[0]:
            outputs = (f"torch.where({masks[0]}[..., None], {outputs[0]}, 0.0)", *outputs[1:])
        return Form(outputs, module, before, snippets=tuple(snippets), mask=masks[0])


def score_mode(value: Any, _: Reading) -> str:
    """How a score is made of a query and a key."""
    if value not in ("dot", "concat"):
        raise UnknownLayerError(f"Attention with score_mode {quote(value)}")
    return value


@dataclass(frozen=True, kw_only=True)
class Attention(BaseAttention):
    """
    Scores are products of query and key, times ``scale``; or ``concat_score_weight * sum(tanh(scale * (query + key)))``.

    Unlike in PyTorch they are not divided by the root of the number of features.
    Keras: ``keras/src/layers/attention/attention.py``; PyTorch: ``torch.nn.functional.scaled_dot_product_attention``.
    """

    weights: ClassVar = (
        Weight("scale", "... -> ...", torch="scale", given="use_scale"),
        Weight("concat_score_weight", "... -> ...", torch="concat_score_weight", given="concat"),
    )

    score_mode: str = setting("dot", parse=score_mode)

    @property
    def concat(self) -> bool:
        """Whether there is a weight for the scores."""
        return self.score_mode == "concat"

    def constructor(self, site: Site) -> str:
        del site
        options = [("scale", self.use_scale), ("concat", self.concat), ("dropout", self.dropout)]
        return f"Attention({', '.join(f'{name}={value!r}' for name, value in options if value)})"

    def inline(self, mask: str, key: bool) -> str:
        if mask:
            return ""
        dropout = f", dropout_p={self.dropout!r} if self.training else 0.0" if self.dropout else ""
        return f"F.scaled_dot_product_attention(%0, {'%2' if key else '%1'}, %1{dropout}, scale=1.0)"


@dataclass(frozen=True, kw_only=True)
class AdditiveAttention(BaseAttention):
    """
    Scores are sums of ``scale * tanh(query + key)`` over the features.

    Keras: ``keras/src/layers/attention/additive_attention.py``; PyTorch: products, ``torch.tanh`` and ``torch.softmax``.
    """

    weights: ClassVar = (Weight("scale", "features -> features", torch="scale", given="use_scale"),)

    use_scale: bool = setting(True)

    def constructor(self, site: Site) -> str:
        features = [str(site.stored["scale"][0])] if self.use_scale else []
        return f"AdditiveAttention({', '.join([*features, *([f'dropout={self.dropout!r}'] if self.dropout else [])])})"
