"""EinsumDense beside real Keras: equations that are a Linear, and others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree

from regraft.errors import UnknownLayerError

RNG = np.random.default_rng(3)
#: Equation, output shape, bias axes, activation, input shape, and whether it becomes a Linear.
CASES: tuple[tuple[str, Any, str | None, str | None, tuple[int, ...], bool], ...] = (
    ("ab,bc->ac", 5, "c", None, (4,), True),
    ("abc,cd->abd", (None, 5), "d", "relu", (3, 4), True),
    ("abc,cde->abde", (None, 5, 2), "de", "softmax", (3, 4), True),
    ("abc,dec->abde", (None, 5, 2), None, "tanh", (3, 4), True),
    ("abcd,cde->abe", (None, 6), "e", None, (3, 4, 5), True),
    ("abcd,cdef->abef", (None, 6, 7), "ef", None, (3, 4, 5), True),
    ("...x,xy->...y", 6, "y", "softsign", (3, 4), True),
    ("...x,xyz->...yz", (6, 2), "yz", None, (3, 4, 5), True),
    ("abc,cde->abde", (None, 5, 2), "e", None, (3, 4), False),
    ("abc,cde->abde", (None, 5, 2), "d", None, (3, 4), False),
    ("abc,bd->adc", (6, None), "d", "relu", (3, 4), False),
    ("abc,bd->adc", (6, 4), "dc", None, (3, 4), False),
    ("abc,bcd->abd", (3, 6), "d", None, (3, 4), False),
    ("aBc,cB->aBc", (3, 4), "B", None, (3, 4), False),
    ("ab...,bc->ac...", (6, 4), "c", None, (3, 4), False),
    ("abc,cd->adb", (5, 3), "d", None, (3, 4), False),
)


@pytest.mark.oracle
@pytest.mark.parametrize(("library", "suffix"), [("keras", ".keras"), ("keras", ".h5"), ("tf_keras", ".h5")])
def test_every_equation_agrees_with_keras(library: str, suffix: str, tmp_path: Path) -> None:
    library = pytest.importorskip(library)
    inputs: dict[tuple[int, ...], Any] = {}
    outputs: list[Any] = []
    for equation, shape, bias, activation, given, _ in CASES:
        entry = inputs.setdefault(given, library.Input(given, name=f"rank_{len(given)}"))
        made = library.layers.EinsumDense(equation, output_shape=shape, bias_axes=bias, activation=activation)
        outputs.append(made(entry))
    data = [RNG.standard_normal((2, *shape)) for shape in inputs]
    module = agree(library.Model(list(inputs.values()), outputs), data, tmp_path, suffix=suffix)
    assert module.source.count("= nn.Linear(") == sum(linear for *_, linear in CASES)


@pytest.mark.parametrize("equation", ["ab,bc", "a...b,bc->a...c", 3, "...ab,bc->ac"])
def test_other_equations_are_refused(equation: Any) -> None:
    with pytest.raises(UnknownLayerError, match="EinsumDense with the equation"):
        layer("EinsumDense", {"equation": equation, "output_shape": 3})
