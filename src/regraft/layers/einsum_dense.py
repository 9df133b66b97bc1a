"""Fully connected layers whose axes an einsum equation names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from regraft.blueprint import LayerSpec, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.activations import activated, activation, activation_caveats, keras_name
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, plain, setting
from regraft.layers.version import KerasVersion

EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


def equation(value: Any, _: Reading) -> str:
    """``[X],[Y]->[Z]``, with an ellipsis in front of X and Z, behind them, or nowhere."""
    found = EQUATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if not found or found[1] != found[5] or found[3] != found[7] or (found[1] and found[3]):
        raise UnknownLayerError(f"EinsumDense with the equation {quote(value)}")
    return value.replace(" ", "")


def output_sizes(value: Any, _: Reading) -> tuple[int | None, ...]:
    """The output shape without the batch axis; None for an axis that varies."""
    sizes = plain(value) if isinstance(value, list | tuple) else (value,)
    if not all(size is None or (isinstance(size, int) and size > 0) for size in sizes):
        raise UnknownLayerError(f"EinsumDense with the output shape {quote(value)}")
    return sizes


def bias_letters(value: Any, _: Reading) -> str | None:
    """The output axes along which the bias differs, as letters of the equation."""
    if value is not None and (not isinstance(value, str) or not value.isalpha()):
        raise UnknownLayerError(f"EinsumDense with bias_axes {quote(value)}")
    return value


def axis_name(letter: str) -> str:
    """A letter of an equation as the name of an axis; capitals are other axes than small letters."""
    return letter if letter.islower() else f"upper_{letter.lower()}"


@dataclass(frozen=True, kw_only=True)
class EinsumDense(Layer):
    """
    ``einsum(equation, x, kernel) + bias``: a linear map between named axes.

    Where it maps the last axes of its input to the last axes of its output it is a Linear on the joined axes; any other
    equation stays an einsum with the kernel as Keras stores it.
    Keras: ``keras/src/layers/core/einsum_dense.py``; PyTorch: ``torch.nn.Linear`` or ``torch.einsum``.
    """

    axis_order: ClassVar = "keras"
    masks: ClassVar = "drop"
    #: All that there may be; ``variables`` knows their axes.
    weights: ClassVar = (Weight("kernel", "... -> ..."), Weight("bias", "... -> ...", given="bias_axes"))

    equation: str = setting(parse=equation)
    output_shape: tuple[int | None, ...] = setting(parse=output_sizes)
    activation: str | LayerSpec = setting("linear", parse=activation)
    bias_axes: str | None = setting(None, parse=bias_letters)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {**super().to_keras(version), "activation": keras_name(self.activation, version)}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return activation_caveats(self.activation, version)

    @property
    def letters(self) -> tuple[str, str, str]:
        """The letters of input, kernel and output, without the ellipsis."""
        found = EQUATION.fullmatch(self.equation)
        assert found, self.equation
        return found[2], found[4], found[6]

    @property
    def bias_spec(self) -> str:
        """The letters of the bias, ``1`` for an axis along which it is the same; from its first letter to the last axis."""
        _, _, output = self.letters
        bias = self.bias_axes or ""
        first = min(output.index(letter) for letter in bias)
        spec = "".join(letter if letter in bias else "1" for letter in output[first:])
        return spec if not self.equation.endswith("...") else f"{spec}..."

    @property
    def trailing(self) -> tuple[str, str] | None:
        """The letters of the last axes that are summed and of those that are made, if that is all the equation does."""
        given, kernel, output = self.letters
        summed = [letter for letter in given if letter in kernel and letter not in output]
        made = [letter for letter in output if letter in kernel and letter not in given]
        kept = given[: len(given) - len(summed)]
        whole = (
            not self.equation.endswith("...")
            and len(set(given)) == len(given)
            and len(set(output)) == len(output)
            and given == kept + "".join(summed)
            and output == kept + "".join(made)
            and sorted(kernel) == sorted(summed + made)
            and bool(summed and made)
        )
        if not whole or (self.bias_axes and self.bias_spec != "".join(made)):
            return None
        return "".join(summed), "".join(made)

    def variables(self) -> tuple[Weight, ...]:
        _, kernel, _ = self.letters
        names = " ".join(map(axis_name, kernel))
        trailing = self.trailing
        if trailing is None:
            found = [Weight("kernel", f"{names} -> {names}", torch="kernel")]
            if self.bias_axes:
                found.append(Weight("bias", "... -> ...", torch="bias"))
            return tuple(found)
        summed, made = (bracketed([axis_name(letter) for letter in part]) for part in trailing)
        found = [Weight("kernel", f"{names} -> {made} {summed}", torch="weight")]
        if self.bias_axes:
            found.append(Weight("bias", f"{made.strip('()')} -> {made}", torch="bias"))
        return tuple(found)

    def axis_sizes(self) -> dict[str, int]:
        """The lengths that ``output_shape`` states for axes of the kernel."""
        _, kernel, output = self.letters
        stated = self.output_shape if self.equation.startswith("...") else (None, *self.output_shape)
        pairs = zip(reversed(output), reversed(stated), strict=False)
        if self.equation.endswith("..."):
            pairs = zip(output, stated, strict=False)
        return {axis_name(letter): size for letter, size in pairs if letter in kernel and size is not None}

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        given = inputs[0]
        if given is None:
            return None
        letters, _, output = self.letters
        elided = len(given) - len(letters)
        front, behind = self.equation.startswith("..."), self.equation.endswith("...")
        if elided < 0 or (elided and not (front or behind)):
            raise ValueError(f"the equation {self.equation} does not fit an input of shape {given}")
        known = dict(zip(letters, given[elided:] if front else given, strict=False))
        stated = self.axis_sizes()
        own = tuple(known[a] if a in known else stated.get(axis_name(a)) for a in output)
        return (*given[:elided], *own) if front else (*own, *(given[len(letters) :] if behind else ()))

    def torch(self, site: Site) -> Form:
        trailing = self.trailing
        if trailing is None:
            shapes = ", ".join(str(site.stored[name]) for name in ("kernel", "bias") if name in site.stored)
            text, snippets = activated("%self(%0)", self.activation, site.output_orders[0])
            return Form((text,), f'EinsumDense("{self.equation}", {shapes})', snippets=("EinsumDense", *snippets))
        _, kernel, _ = self.letters
        sizes = dict(zip(kernel, site.stored["kernel"], strict=True))
        summed, made = ([sizes[letter] for letter in part] for part in trailing)
        x = "%0" if len(summed) == 1 else f"%0.flatten({-len(summed)})"
        call = f"%self({x})" if len(made) == 1 else f"%self({x}).unflatten(-1, {tuple(made)})"
        text, snippets = activated(call, self.activation, site.output_orders[0])
        bias = "" if self.bias_axes else ", bias=False"
        return Form((text,), f"nn.Linear({prod(summed)}, {prod(made)}{bias})", snippets=snippets)


def bracketed(axes: list[str]) -> str:
    """Several axes as one: ``(heads dim)``."""
    return axes[0] if len(axes) == 1 else f"({' '.join(axes)})"
