"""What goes wrong with recurrent layers: gates, biases, forms, directions, functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any

import numpy as np

from regraft.blueprint import LayerSpec, TensorRef
from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.model import Edited, Model

GATES = {"LSTM": ("i", "f", "g", "o"), "GRU": ("z", "r", "h")}
CLASSES = frozenset({"LSTM", "GRU", "SimpleRNN"})
PARTS = ("forward/", "backward/")


def mistakes(place: Place) -> Iterator[Mistake]:
    """Mistakes of a recurrent layer of one or two directions."""
    spec = place.spec
    if spec.type in CLASSES:
        yield from single(place, spec, ("",))
        return
    inner = spec.config.get("layer")
    if spec.type == "Bidirectional" and isinstance(inner, LayerSpec) and inner.type in CLASSES:
        yield from both(place, inner)
        yield from single(place, inner, PARTS)
        for part in PARTS:
            yield from arrays(place, inner, (part,), f" in the {part[:-1]} direction")


def single(place: Place, spec: LayerSpec, prefixes: tuple[str, ...]) -> Iterator[Mistake]:
    """What may be wrong in either direction, and the settings."""
    yield from arrays(place, spec, prefixes, "")
    yield from forms(place, spec, prefixes)
    for name, right, others in (
        (
            "recurrent_activation",
            spec.config.get("recurrent_activation"),
            ("sigmoid", "hard_sigmoid", "hard_sigmoid_keras2"),
        ),
        ("activation", spec.config.get("activation"), ("tanh", "relu", "sigmoid", "linear")),
    ):
        if name in spec.config:
            for other in others:
                if other != right:
                    words = f"{name} is {shown(other)}; in Keras {shown(right)}"
                    yield configured(
                        place, "activation of gates", words, f"{name} {shown(right)} in {{module}}", **{name: other}
                    )
    if len(prefixes) == 1:
        yield configured(
            place, "direction", "reads the sequence in the other direction", "x.flip(1) in front of {module}",
            go_backwards=not spec.config.get("go_backwards", False),
        )  # fmt: skip
        if not spec.config.get("return_sequences"):
            yield first_step(place)
        if spec.type == "LSTM" and not spec.config.get("return_sequences") and not spec.config.get("return_state"):
            yield cell_state(place)


def shown(name: object) -> str:
    """A function as a person calls it."""
    return {"hard_sigmoid": "hard_sigmoid of Keras 3", "hard_sigmoid_keras2": "hard_sigmoid of Keras 2"}.get(
        str(name), str(name)
    )


def arrays(place: Place, spec: LayerSpec, prefixes: tuple[str, ...], where: str) -> Iterator[Mistake]:
    """Gates in another order, and what may happen to the arrays."""
    names = GATES.get(spec.type, ("h",))
    count = len(names)
    right = " ".join(names)
    own = [f"{p}{n}" for p in prefixes for n in ("kernel", "recurrent_kernel", "bias")]
    for order in permutations(range(count)):
        if order != tuple(range(count)):
            told = " ".join(names[i] for i in order)
            yield place.edit_all(
                "gate order", f"its gates stand as {told}{where}, where they should stand as {right}",
                gates_change(spec), {n: mover(order) for n in own if n in place.variables},
            )  # fmt: skip
    yield from partly(place, spec, own, where)
    for name in (f"{p}recurrent_kernel" for p in prefixes):
        if len(prefixes) == 1 and name in place.variables:
            yield place.edit_all(
                "weight transposed", f"weight_hh is not transposed gate by gate{where}",
                "weight_hh = recurrent_kernel.T in {module}",
                {name: lambda a: turned(a, count)},
            )  # fmt: skip
    kernels = [f"{p}kernel" for p in prefixes]
    first = place.variable(kernels[0])
    if first is not None and first.shape[0] == first.shape[1] // count:
        yield place.edit_all(
            "weight transposed", f"weight_ih is not transposed gate by gate{where}", "weight_ih = kernel.T in {module}",
            {n: lambda a: turned(a, count) for n in kernels},
        )  # fmt: skip
        yield place.edit_all(
            "kernels exchanged", f"kernel and recurrent kernel are exchanged{where}",
            "weight_ih = kernel.T, weight_hh = recurrent_kernel.T in {module}",
            {n: (lambda _, other=other: other) for p in prefixes for n, other in exchanged(place, p)},
        )  # fmt: skip
    yield from biases(place, [f"{p}bias" for p in prefixes], where)


def partly(place: Place, spec: LayerSpec, own: list[str], where: str) -> Iterator[Mistake]:
    """Gates in another order in one of the arrays alone, and a gate that is turned round."""
    names = GATES.get(spec.type, ())
    for i, j in combinations(range(len(names)), 2):
        order = tuple({i: j, j: i}.get(n, n) for n in range(len(names)))
        told = f"the gates {names[i]} and {names[j]} are exchanged"
        for kind in ("kernel", "recurrent_kernel", "bias"):
            arrays_ = [n for n in own if n.rpartition("/")[2] == kind and n in place.variables]
            for words, edit in halves(place.variable(arrays_[0]) if arrays_ else None, kind, mover(order)):
                edits: dict[str, Any] = dict.fromkeys(arrays_, edit)
                yield place.edit_all(
                    "gate order", f"{told} in its {words}{where}, and in no other array", gates_change(spec),
                    edits,
                )  # fmt: skip
    if spec.type == "GRU":  # sigmoids of -x are 1 - sigmoid(x)
        yield place.edit_all(
            "update gate", f"takes z for 1 - z{where}: h = (1 - z) * h + z * new; in Keras h = z * h + (1 - z) * new",
            "h = z * h + (1 - z) * new in {module}", {n: negated for n in own if n in place.variables},
        )  # fmt: skip


def halves(array: np.ndarray | None, kind: str, edit: Any) -> Iterator[tuple[str, Any]]:
    """An edit of an array, and of either row of a bias that has two."""
    if array is None:
        return
    if kind == "bias" and array.ndim == 2:
        yield "bias_ih", lambda a: np.stack([edit(a[0]), a[1]])
        yield "bias_hh", lambda a: np.stack([a[0], edit(a[1])])
    yield kind.replace("_", " "), edit


def negated(array: np.ndarray) -> np.ndarray:
    """The block of the first gate with the other sign."""
    first, *others = np.split(array, 3, -1)
    return np.concatenate([-first, *others], -1)


def exchanged(place: Place, prefix: str) -> list[tuple[str, Any]]:
    """Kernel and recurrent kernel, each with the other's numbers."""
    names = (f"{prefix}kernel", f"{prefix}recurrent_kernel")
    return [(names[0], place.variable(names[1])), (names[1], place.variable(names[0]))]


def gates_change(spec: LayerSpec) -> str:
    """The line that puts gates in order."""
    if spec.type == "GRU":
        return "z, r, h = np.split(kernel, 3, -1); weight_ih = np.concatenate([r, z, h], -1).T in {module}, the same for all arrays"
    return "weight_ih = kernel.T in {module}: i, f, g, o is the order of both"


def mover(order: tuple[int, ...]) -> Any:
    """Blocks along the last axis in another order."""
    return lambda a: np.concatenate([np.split(a, len(order), -1)[i] for i in order], -1)


def turned(array: np.ndarray, count: int) -> np.ndarray:
    """Every square block transposed."""
    return np.concatenate([block.T for block in np.split(array, count, -1)], -1)


def biases(place: Place, names: list[str], where: str) -> Iterator[Mistake]:
    """A bias left out, counted twice, or with its halves exchanged."""
    array = place.variable(names[0])
    if array is None or not all(name in place.variables for name in names):
        return
    own = dict.fromkeys(names)
    yield place.edit_all(
        "missing bias", f"has no bias{where}", "load bias_ih and bias_hh of {module}", dict.fromkeys(own, np.zeros_like)
    )
    if array.ndim == 1:
        yield place.edit_all(
            "recurrent bias", f"adds the bias twice, as bias_ih and as bias_hh{where}", "bias_hh = 0 in {module}",
            {n: (lambda a: 2 * a) for n in own},
        )  # fmt: skip
        return
    for words, edit in (
        ("the halves of the bias are exchanged", lambda a: a[::-1]),
        ("bias_hh is 0", lambda a: a * np.array([[1.0], [0.0]])),
        ("bias_ih is 0", lambda a: a * np.array([[0.0], [1.0]])),
        ("the first half of the bias is taken for both", lambda a: a[[0, 0]]),
        ("the second half of the bias is taken for both", lambda a: a[[1, 1]]),
        ("both halves are added in bias_ih", lambda a: np.stack([a.sum(0), 0 * a[0]])),
        ("both halves are added in bias_hh", lambda a: np.stack([0 * a[0], a.sum(0)])),
    ):
        yield place.edit_all(
            "recurrent bias",
            f"{words}{where}",
            "bias_ih = bias[0], bias_hh = bias[1] in {module}, gates reordered",
            dict.fromkeys(own, edit),
        )


def configured(place: Place, what: str, words: str, change: str, **config: Any) -> Mistake:
    """Other settings of the layer, or of the layer inside a Bidirectional."""
    return Mistake(what, place.name, words, change, lambda model: inner_set(model, place.name, **config))


def inner_set(model: Model, name: str, **config: Any) -> Model:
    """The same as a model."""
    spec = model.blueprint.by_name[name]
    inner = spec.config.get("layer")
    if not isinstance(inner, LayerSpec):
        return model.with_layer(name, **config)
    found = {"layer": replace(inner, config={**inner.config, **config})}
    back = spec.config.get("backward_layer")
    if isinstance(back, LayerSpec):
        turned = {k: not v if k == "go_backwards" else v for k, v in config.items()}
        found["backward_layer"] = replace(back, config={**back.config, **turned})
    return model.with_layer(name, **found)


def forms(place: Place, spec: LayerSpec, prefixes: tuple[str, ...]) -> Iterator[Mistake]:
    """A GRU of the other form; with its bias in the shape of that."""
    if spec.type != "GRU":
        return
    after = bool(spec.config.get("reset_after", True))

    def made(model: Model) -> Model:
        model = inner_set(model, place.name, reset_after=not after)
        own = dict(model.variables[place.name])
        for prefix in prefixes:
            if (old := own.get(f"{prefix}bias")) is not None:
                edit = (lambda a: a.sum(0)) if after else (lambda a: np.stack([a, 0 * a]))
                shape = old.shape[1:] if after else (2, *old.shape)
                own[f"{prefix}bias"] = Edited(old.sources, old.moves, shape, edit)
        return replace(model, variables={**model.variables, place.name: own})

    yield Mistake(
        "reset_after", place.name,
        f"the reset gate acts {'before' if after else 'behind'} the product; in Keras {'behind' if after else 'before'} it "
        f"(reset_after={after})",
        "nn.GRU as {module}" if after else "the class KerasGRU of the model.py that regraft convert writes as {module}", made,
    )  # fmt: skip


def first_step(place: Place) -> Mistake:
    """The output of the first step in place of the last."""

    def made(model: Model) -> Model:
        model = model.with_layer(place.name, return_sequences=True)
        units = None if place.y is None else place.y.shape[-1]
        return model.behind(
            place.ref, LayerSpec(f"{place.name}/step", "Written", {"code": "%0[:, 0]", "made": (None, units)})
        )

    return Mistake(
        "time step", place.name, "takes the first step; Keras takes the last", "out[:, -1] of {module}", made
    )


def cell_state(place: Place) -> Mistake:
    """The cell state in place of the output."""

    def made(model: Model) -> Model:
        state = TensorRef(place.name, place.call.call, 2)
        return model.with_layer(place.name, return_state=True).rewired({place.ref: state})

    return Mistake(
        "cell state",
        place.name,
        "takes the cell state c; Keras takes the output h",
        "_, (h, c) = {module}(x): take h[-1]",
        made,
    )


def both(place: Place, inner: LayerSpec) -> Iterator[Mistake]:
    """What may be wrong between two directions."""
    mode = place.spec.config.get("merge_mode")
    width = None if place.y is None else place.y.shape[-1]
    if not inner.config.get("return_sequences"):

        def made(model: Model) -> Model:
            model = inner_set(model, place.name, return_sequences=True)
            return model.behind(
                place.ref, LayerSpec(f"{place.name}/step", "Written", {"code": "%0[:, -1]", "made": (None, width)})
            )

        yield Mistake(
            "time step", place.name,
            "takes the last step of both directions, where the backward one has read a single step; Keras takes the step that "
            "each read last",
            "torch.cat([h[-2], h[-1]], -1) with h = {module}(x)[1]", made,
        )  # fmt: skip
    own = place.variables
    pairs = {n: place.array(n.replace("forward", "backward")) for n in own if n.startswith("forward/")}
    pairs |= {n: place.array(n.replace("backward", "forward")) for n in own if n.startswith("backward/")}
    yield place.edit_all(
        "directions exchanged", "the weights of the two directions are exchanged",
        "weight_ih_l0 = forward, weight_ih_l0_reverse = backward in {module}",
        {n: (lambda _, other=other: other) for n, other in pairs.items()},
    )  # fmt: skip
    forward = {n: place.array(n.replace("backward", "forward")) for n in own if n.startswith("backward/")}
    yield place.edit_all(
        "directions exchanged", "the backward direction has the weights of the forward one",
        "load the weights with _reverse of {module} from the backward layer", {n: (lambda _, o=o: o) for n, o in forward.items()},
    )  # fmt: skip
    if mode == "concat" and width:
        half = width // 2
        for code, words in (
            (f"torch.cat([%0[..., {half}:], %0[..., :{half}]], -1)", "the backward direction stands first"),
            (
                f"torch.cat([%0[..., :{half}], %0[..., {half}:].flip(1)], -1)",
                "the backward direction is not turned round again",
            ),
        ):
            if "flip" in code and not inner.config.get("return_sequences"):
                continue
            yield Mistake(
                "merge of directions", place.name, f"{words}; in Keras the forward one stands first, both in the order of time",
                "torch.cat([forward, backward], -1) behind {module}",
                lambda model, code=code: model.behind(place.ref, LayerSpec(f"{place.name}/merge", "Written", {"code": code})),
            )  # fmt: skip
    for other in ("sum", "ave", "mul"):
        if other != mode and mode in ("sum", "ave", "mul"):
            yield place.setting(
                "merge of directions",
                f"merges by {other}; Keras by {mode}",
                f"{mode} behind {{module}}",
                merge_mode=other,
            )
