"""What goes wrong in front of a model: scale, channel order, axes, and inputs in another order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from regraft.blueprint import LayerSpec, TensorRef
from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.mistakes.windows import again
from regraft.comparing.model import Model, Values

#: What modules do to images, as a formula of channels last.
SCALES = {
    "x / 255": "%0 / 255", "x / 127.5 - 1": "%0 / 127.5 - 1", "x / 128 - 1": "%0 / 128 - 1", "x * 255": "%0 * 255",
    "(x + 1) * 127.5": "(%0 + 1) * 127.5", "2 x - 1": "2 * %0 - 1", "(x + 1) / 2": "(%0 + 1) / 2", "x - 0.5": "%0 - 0.5",
    "(x - 0.5) / 0.5": "(%0 - 0.5) / 0.5",
}  # fmt: skip
#: Layers that scale.
SCALING = frozenset({"Rescaling", "Normalization"})
CAFFE = (103.939, 116.779, 123.68)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def mistakes(place: Place) -> Iterator[Mistake]:
    """What a module may do to an input in front of its first layer, or in place of the layer that scales it."""
    model = place.model
    if place.spec.type in SCALING and place.call.inputs and place.x.dtype.kind == "f":
        yield from otherwise(place)
    for number, ref in enumerate(place.call.inputs):
        if ref not in model.blueprint.inputs or ref not in place.values:
            continue
        array = place.values[ref]
        if array.dtype.kind != "f":
            continue
        for words, code in codes(array):
            spec = LayerSpec(f"{place.name}/entering", "Written", {"code": code})
            what = "channel order" if words == "BGR for RGB" else "preprocessing"
            what = "axes of the input" if "exchanged" in words else what
            yield Mistake(
                what, place.name, f"computes {words} of its input; Keras takes it as it is" if what == "preprocessing" else words,
                f"take the input as Keras does: no {words} in front of {{module}}",
                lambda m, spec=spec, number=number: m.before(again(m, place.call), spec, number),
            )  # fmt: skip


def otherwise(place: Place) -> Iterator[Mistake]:
    """Another formula in place of a layer that scales."""
    kind, config = place.spec.type, place.spec.config
    told = f"Keras computes {kind}"
    line = f"the formula of {kind} in {{module}}"
    for words, code in codes(place.x):
        yield place.other("preprocessing", f"computes {words}; {told}", line, "Written", code=code)
    if kind == "Rescaling":
        for name, neutral in (("offset", 0.0), ("scale", 1.0)):
            if config.get(name, neutral) != neutral:
                yield place.setting("preprocessing", f"leaves the {name} out; {told}", line, **{name: neutral})
        return
    mean, variance = config.get("mean"), config.get("variance")
    if mean is None or variance is None:  # measured: they are variables
        if {"mean", "variance"} <= set(place.variables):
            for words, name, edit in (
                ("does not subtract the mean", "mean", np.zeros_like),
                ("does not divide by the deviation", "variance", np.ones_like),
                ("divides by the variance, not by its root", "variance", np.square),
                ("has the means in the other order of channels", "mean", lambda a: a[..., ::-1]),
            ):
                yield place.edit("preprocessing", f"{words}; Keras does as {kind} says", line, **{name: edit})
        return
    if config.get("invert"):
        return
    m, v = (np.asarray(a, dtype=np.float64).reshape(-1) for a in (mean, variance))
    for words, means, deviations in (
        ("does not subtract the mean", 0 * m, np.sqrt(v)),
        ("does not divide by the deviation", m, np.ones_like(v)),
        ("divides by the variance, not by its root", m, v),
        ("has the means in the other order of channels", m[::-1], np.sqrt(v)),
        ("has means and deviations in the other order of channels", m[::-1], np.sqrt(v)[::-1]),
    ):
        code = f"(%0 - {written(means)}) / {written(deviations)}"
        yield place.other("preprocessing", f"{words}; Keras does as {kind} says", line, "Written", code=code)


def written(array: np.ndarray) -> str:
    """An array as code, along the last axis."""
    return f"torch.tensor({array.tolist()}, dtype=torch.float64)"


def codes(array: np.ndarray) -> Iterator[tuple[str, str]]:
    """What may be computed of an input."""
    yield from SCALES.items()
    if array.ndim == 4 and array.shape[-1] == 3:
        yield "BGR for RGB", "%0.flip(-1)"
        yield "BGR less the caffe means", f"%0.flip(-1) - torch.tensor({CAFFE}, dtype=%0.dtype)"
        yield "x - the caffe means", f"%0 - torch.tensor({CAFFE}, dtype=%0.dtype)"
        mean, spread = IMAGENET
        yield (
            "(x - mean) / std of ImageNet",
            f"(%0 - torch.tensor({mean}, dtype=%0.dtype)) / torch.tensor({spread}, dtype=%0.dtype)",
        )
        yield (
            "(x / 255 - mean) / std of ImageNet",
            f"(%0 / 255 - torch.tensor({mean}, dtype=%0.dtype)) / torch.tensor({spread}, dtype=%0.dtype)",
        )
    if array.ndim == 4 and array.shape[1] == array.shape[2]:
        yield "height and width of the input are exchanged", "%0.transpose(1, 2)"
    if array.ndim == 3 and array.shape[1] == array.shape[2]:
        yield "the two axes of the input are exchanged", "%0.transpose(1, 2)"
    if array.ndim >= 3:
        yield "the input read backwards (axis 1 exchanged end for end)", "%0.flip(1)"
        yield "a reshape in place of moved axes (axes exchanged)", reread(array)


def reread(array: np.ndarray) -> str:
    """Channels last read as channels first without moving an axis."""
    first = (array.shape[-1], *array.shape[1:-1])
    return f"%0.reshape(-1, {', '.join(map(str, first))}).movedim(1, -1)"


def exchanged_inputs(model: Model, values: Values) -> Iterator[Mistake]:
    """Two inputs of one shape in the other order."""
    inputs = model.blueprint.inputs
    for a, b in combinations(inputs, 2):
        if (
            not {a.layer, b.layer} & {ref.layer for ref in inputs if ref.layer.endswith("/given")}
            and values[a].shape == values[b].shape
            and values[a].dtype.kind == values[b].dtype.kind
        ):
            yield Mistake(
                "inputs exchanged", a.layer, f"takes {b.layer} for {a.layer} and the other way round",
                f"exchange the two arguments for {a.layer} and {b.layer} in forward",
                lambda m, a=a, b=b: m.rewired({a: b, b: a}),
            )  # fmt: skip


__all__ = ["TensorRef", "exchanged_inputs", "mistakes"]
