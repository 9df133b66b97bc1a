"""What goes wrong with functions: another one, none, or one too many."""

from __future__ import annotations

import re
from collections.abc import Iterator

from regraft.blueprint import LayerSpec
from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.mistakes.windows import again
from regraft.layers.activations import BUILT_IN

#: Functions as PyTorch writes them, in the order in which they are tried.
CODES = {
    "relu": "F.relu(x)", "gelu": "F.gelu(x)", "gelu (tanh)": 'F.gelu(x, approximate="tanh")', "relu6": "F.relu6(x)",
    "leaky_relu 0.01": "F.leaky_relu(x, 0.01)", "leaky_relu 0.1": "F.leaky_relu(x, 0.1)", "leaky_relu 0.2": "F.leaky_relu(x, 0.2)",
    "leaky_relu 0.3": "F.leaky_relu(x, 0.3)", "leaky_relu 0.05": "F.leaky_relu(x, 0.05)", "silu": "F.silu(x)",
    "elu": "F.elu(x)", "elu 0.1": "F.elu(x, 0.1)", "elu 0.2": "F.elu(x, 0.2)", "elu 0.3": "F.elu(x, 0.3)",
    "elu 0.5": "F.elu(x, 0.5)", "elu 2": "F.elu(x, 2.0)",
    "selu": "F.selu(x)", "celu": "F.celu(x)", "sigmoid": "torch.sigmoid(x)", "tanh": "torch.tanh(x)",
    "hard_sigmoid of Keras 3": "F.hardsigmoid(x)", "hard_sigmoid of Keras 2": "(0.2 * x + 0.5).clamp(0, 1)",
    "hard_silu": "F.hardswish(x)", "softplus": "F.softplus(x)", "softsign": "F.softsign(x)", "mish": "F.mish(x)",
    "hard_tanh": "F.hardtanh(x)", "exponential": "torch.exp(x)", "log_sigmoid": "F.logsigmoid(x)",
    "quick gelu": "x * torch.sigmoid(1.702 * x)", "relu of -x": "F.relu(-x)", "square": "x * x",
}  # fmt: skip
#: Those that a module is likely to apply without need.
LIKELY = ("relu", "tanh", "sigmoid", "gelu", "relu6", "silu", "leaky_relu 0.01", "leaky_relu 0.2", "elu", "softplus")
#: Layers that are functions.
FUNCTIONS = frozenset("Activation ReLU LeakyReLU ELU Softmax PReLU Gelu".split())


def mistakes(place: Place) -> Iterator[Mistake]:
    """Another function for a function, and one in front of anything else."""
    if place.spec.type in FUNCTIONS:
        yield from instead(place)
    elif place.call.inputs:
        yield from extra(place)


def of_input(code: str) -> str:
    """
    A formula of x as one of the first input of a layer.

    >>> of_input("x * torch.exp(-x)")
    '%0 * torch.exp(-%0)'
    """
    return re.sub(r"\bx\b", "%0", code)


def said(spec: LayerSpec) -> str:
    """The function of a layer, as Keras calls it."""
    if spec.type == "Activation":
        return str(spec.config.get("activation"))
    told = ", ".join(f"{k}={v}" for k, v in spec.config.items() if k != "zero_if_masked")
    return f"{spec.type}({told})"


def line_of(spec: LayerSpec) -> str:
    """The same in PyTorch."""
    config = spec.config
    match spec.type:
        case "Activation" if config.get("activation") in BUILT_IN:
            return f"x = {BUILT_IN[str(config['activation'])].format(x='x', dim=-1)}"
        case "LeakyReLU":
            return f"x = F.leaky_relu(x, {config.get('negative_slope'):g})"
        case "ELU":
            return f"x = F.elu(x, {config.get('alpha'):g})"
        case "ReLU" if config.get("max_value") == 6 and not config.get("negative_slope"):
            return "x = F.relu6(x)"
        case "ReLU" if config.get("max_value") is None and not config.get("threshold"):
            slope = config.get("negative_slope")
            return f"x = F.leaky_relu(x, {slope:g})" if slope else "x = F.relu(x)"
        case "Softmax":
            return "x = torch.softmax(x, -1)"
        case _:
            return f"x = {said(spec)}(x)"


def instead(place: Place) -> Iterator[Mistake]:
    """Another function."""
    right, line = said(place.spec), line_of(place.spec)
    for axis in range(1, place.x.ndim) if "softmax" in right.lower() else ():
        if axis != place.x.ndim - 1:
            yield place.other(
                "softmax axis", f"softmax along axis {axis} of Keras; Keras takes the last", f"{line}, the axis of the classes",
                "Written", code=f"torch.softmax(%0, {axis})",
            )  # fmt: skip
    if "softmax" in right.lower():
        yield place.other(
            "softmax axis", "softmax along the batch; Keras takes the last axis", f"{line}, the axis of the classes",
            "Written", code="torch.softmax(%0, 0)",
        )  # fmt: skip
        yield place.other(
            "another activation", "log_softmax; Keras has softmax", line, "Written", code="torch.log_softmax(%0, -1)"
        )
    else:
        yield place.other(
            "another activation", f"softmax; Keras has {right}", line, "Written", code="torch.softmax(%0, -1)"
        )
    for name, code in CODES.items():
        yield place.other(
            "another activation", f"computes {name}; Keras has {right}", line, "Written", code=of_input(code),
        )  # fmt: skip


def extra(place: Place) -> Iterator[Mistake]:
    """A function in front of a layer that Keras hands a tensor as it is."""
    for number, array in enumerate(place.entering[:2]):
        if array.dtype.kind != "f":
            continue
        for name in LIKELY:
            spec = LayerSpec(f"{place.name}/extra", "Written", {"code": of_input(CODES[name])})
            yield Mistake(
                "extra activation", place.name, f"computes {name} in front of it; Keras computes nothing there",
                f"take {CODES[name]} away in front of {{module}}",
                lambda model, spec=spec, number=number: model.before(again(model, place.call), spec, number),
            )  # fmt: skip
