"""
Write docs/layers.md from the catalogue: every layer, where it exists, what it becomes, how exactly, and why.

    python scripts/layers_page.py            writes the page
    python scripts/layers_page.py --check    says whether it is up to date

It needs the extra ``oracle``, to ask the installed Keras which layers they have.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from tests.conformance.drawing import has_table
from tests.conformance.keras_side import has, library
from tests.conformance.overrides import KERAS_1, UNBUILDABLE, UNBUILDABLE_IN_2, override_of

from regraft.layers import CATALOGUE, Layer
from regraft.verify.precision import CONSTANTS, RESIZING, SINGLE

PAGE = ROOT / "docs" / "layers.md"
SUMMARY = ROOT / "docs" / "conformance.json"
TRAPS = ROOT / "docs" / "traps.json"

#: Layer classes of Keras 1.2 (``keras/layers`` at that tag), under the names they have today where they still exist.
IN_KERAS_1 = frozenset(
    """
    Activation ActivityRegularization Add Average AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization
    Bidirectional Concatenate Conv1D Conv2D Conv2DTranspose Conv3D ConvLSTM2D Cosine Cropping1D Cropping2D Cropping3D Dense
    Dot Dropout ELU Embedding Flatten GRU GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D Highway InputLayer LSTM LeakyReLU
    LocallyConnected1D LocallyConnected2D Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum MaxoutDense Multiply PReLU
    ParametricSoftplus Permute RepeatVector Reshape SReLU SeparableConv2D SimpleRNN SpatialDropout1D SpatialDropout2D
    SpatialDropout3D ThresholdedReLU TimeDistributed UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D
    ZeroPadding3D
    """.split()
)
#: Classes that only TensorFlow 1 and early Keras 2 had, and that tf-keras 2.21 lacks by name.
IN_KERAS_2 = frozenset({"CuDNNGRU", "CuDNNLSTM"})
INTRODUCTION = """\
# Layers

Written by `scripts/layers_page.py` from the catalogue in `src/regraft/layers/`; change it there. CI checks that this page is
up to date.

**Exact** means that the emitted module agrees with Keras in float64 up to rounding (a relative error below 1e-10;
configurations are also drawn with activations such as `leaky_relu` and `gelu`, whose constants TensorFlow keeps in float32:
that alone makes 1e-8).
**To float32** means that Keras itself computes, or keeps a constant, in float32 even in a float64 model, so that the exact
value is ours. A **placeholder** keeps the variables of a layer and stops with the reason when it is run; everything around it
is converted.

{measured}
"""


def page() -> str:
    """The whole page."""
    summary = json.loads(SUMMARY.read_text(encoding="utf-8")) if SUMMARY.exists() else {"layers": {}}
    layers = [name for name in sorted(CATALOGUE) if name not in OWN and not is_operation(CATALOGUE[name])]
    operations = [name for name in sorted(CATALOGUE) if is_operation(CATALOGUE[name])]
    parts = [
        INTRODUCTION.format(measured=measured(summary)),
        *table("Layers", [layer_row(name, summary["layers"].get(name, {})) for name in layers]),
        *table("Operations inside graphs", [operation_row(name) for name in operations], OPERATION_HEAD),
        *refused_operations(),
        *placeholders(),
        *traps(),
    ]
    return "\n".join(parts).rstrip() + "\n"


def measured(summary: Mapping[str, Any]) -> str:
    """What the last long run was."""
    counts = [row["equal"] for rows in summary["layers"].values() for row in rows.values()]
    if not counts:
        return "The conformance run has not been made yet."
    wrong = sum(row["wrong"] for rows in summary["layers"].values() for row in rows.values())
    return (
        f"The last run of `scripts/conformance` compared {sum(counts)} configurations of {len(summary['layers'])} classes with "
        f"keras {summary['keras']} and tf-keras {summary['tf_keras']} on tensorflow {summary['tensorflow']}, at least "
        f"{min(counts)} a class and Keras; {wrong} differ. Hypothesis draws them from what a class declares: strides, paddings, "
        "dilations, data formats, axes, sizes, masks, what stands in front. The errors are the largest of all of them, relative "
        "to the largest number of the result. CI compares 20 a class."
    )


HEAD = ("Layer", "Keras", "PyTorch", "Result", "Configurations", "Error in float64", "in float32")
OPERATION_HEAD = ("Operation", "Keras", "PyTorch")


def table(title: str, rows: list[tuple[str, ...]], head: tuple[str, ...] = HEAD) -> Iterator[str]:
    """A heading and a table; nothing where there are no rows."""
    if rows:
        yield f"## {title}\n"
        yield f"| {' | '.join(head)} |"
        yield f"|{' --- |' * len(head)}"
        for row in rows:
            cells = [cell.replace("|", "\\|") for cell in row]
            yield f"| {' | '.join(cells)} |"
        yield ""


def layer_row(name: str, found: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """One layer."""
    cls = CATALOGUE[name]
    also = [alias for alias in cls.aliases if alias != name]
    shown = f"`{name}`" + (f" ({', '.join(also)})" if also else "")
    counts = ", ".join(
        f"{found[key]['equal']} in Keras {number}" for key, number in (("keras", 3), ("tf_keras", 2)) if key in found
    )
    worst = [f"{max(row[dtype] for row in found.values()):.0e}" if found else "" for dtype in ("float64", "float32")]
    return (shown, versions(name), pytorch(cls), exactness(name), counts or unmeasured(name), *worst)


def versions(name: str) -> str:
    """In which Keras there is such a class."""
    cls = CATALOGUE[name]
    there = {
        "1": name in IN_KERAS_1 or name in KERAS_1,
        "2": name in IN_KERAS_2 or has("tf_keras", cls),
        "3": has("keras", cls),
    }
    return ", ".join(number for number, yes in there.items() if yes)


def pytorch(cls: type[Layer]) -> str:
    """The form that its docstring names."""
    text = " ".join((cls.__doc__ or "").split())
    found = re.search(r"PyTorch: (.*?)\.?$", text)
    return found[1].replace("``", "`") if found else ""


def exactness(name: str) -> str:
    """How exact the result is, and why it is not more so."""
    own = override_of(CATALOGUE[name])
    result = "exact"
    if name in SINGLE - {"CenterCrop"}:
        result = "to float32: TensorFlow resizes or transforms in float32"
    elif name in RESIZING:
        result = "exact for nearest; to float32 for other interpolations, which TensorFlow computes in float32"
    elif name in CONSTANTS:
        result = "to float32: TensorFlow keeps its constants in float32"
    return f"{result}; placeholder for {own.unable}" if own.unable else result


def unmeasured(name: str) -> str:
    """Why a layer has no number of configurations."""
    if name in KERAS_1:
        return "by its formula: no Keras of today has it"
    if name in UNBUILDABLE:
        return f"none: {UNBUILDABLE[name]}"
    return UNBUILDABLE_IN_2.get(name, "")


def is_operation(cls: type[Layer]) -> bool:
    """Whether a class stands for an operation in a graph, not for a layer."""
    return has_table(cls) or cls.keras_module.startswith("keras.src.ops")


def operation_row(name: str) -> tuple[str, ...]:
    """One operation."""
    cls = CATALOGUE[name]
    module = cls.keras_module.removeprefix("keras.src.")
    return (f"`{cls.keras_class or name}`", f"`{module}`", pytorch(cls))


def refused_operations() -> Iterator[str]:
    """Operations that are known and never converted, where the catalogue lists some."""
    try:
        from regraft.layers.operations.refused import REFUSED
    except ImportError:
        return
    yield from table(
        "Operations that stay placeholders",
        [(f"`{n}`", why) for n, why in sorted(REFUSED.items())],
        ("Operation", "Why"),
    )


def placeholders() -> Iterator[str]:
    """Classes of Keras itself that are never converted."""
    try:
        from regraft.layers.forbidden import FORBIDDEN
    except ImportError:
        return
    yield from table("Placeholders", [(f"`{n}`", why) for n, why in sorted(FORBIDDEN.items())], ("Class", "Why"))
    there = {name for name in dir(library("keras").module.layers) if name[0].isupper()}
    unknown = sorted(
        there - {n for c in CATALOGUE.values() for n in (c.__name__, *c.aliases)} - set(FORBIDDEN) - NO_LAYERS
    )
    if unknown:
        yield f"Not in the catalogue yet, and so placeholders: {', '.join(f'`{name}`' for name in unknown)}.\n"


#: Names that ``keras.layers`` exports and that are no layers.
NO_LAYERS = {"Input", "InputSpec"}
#: Types of ours that are no layers of Keras: a model inside a model, and what it does to masks.
OWN = ("Functional", "Remasked")


def traps() -> Iterator[str]:
    """What naive translations cost, as measured by tests/layers/test_traps.py."""
    if TRAPS.exists():
        rows = json.loads(TRAPS.read_text(encoding="utf-8"))
        cells = [(row["trap"], f"{row['naive']:.1e}", f"{row['ours']:.0e}") for row in rows]
        yield from table("What the obvious translation costs", cells, ("Trap", "Its error", "Ours"))
        yield "Relative to the largest number of the result, in float64, on the inputs of `tests/layers/test_traps.py`."


if __name__ == "__main__":
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/layers.md is not up to date: run python scripts/layers_page.py")
