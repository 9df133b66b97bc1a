"""
Weights of every model of keras.applications, without names or architecture as well: is the family found, and the very model?

    python benchmarks/families.py [--only TEXT] [--level named ...] [--json OUT]

Each model is built by the real Keras in four forms (as published, 7 classes, 4 input channels, without top), with
variables that have shapes only; the weight tree of a file is made of them at four levels: ``named`` (legacy .h5),
``classed`` (.weights.h5), ``ordered`` and ``shuffled`` (arrays alone). The architecture found is compared with Keras' own:
graph and settings, names aside. Exit code 1 if a family is missed or taken for another.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from benchmarks import families_real
from benchmarks.recovery_memory import memory_peak, memory_restarted
from tests.recover.families.files import LEVELS, canonical, tree_of

from regraft import keras_config
from regraft.blueprint import Blueprint
from regraft.recover import families, grouping
from regraft.recover.draft import Hints
from regraft.recover.part import Grouping
from regraft.recover.recover import recover
from regraft.weights import WeightTree

FORMS: dict[str, dict[str, Any]] = {
    "published": {},
    "7 classes": {"classes": 7},
    "4 channels": {"channels": 4},
    "no top": {"include_top": False},
}


@dataclass(frozen=True)
class Row:
    """One file: what was found, and whether it is the model."""

    model: str
    form: str
    level: str
    layers: int
    found: str
    right: bool
    equal: bool
    place: int
    drafts: int
    matched: float
    memory: float = 0.0
    share: float = 1.0
    choices: str = ""


def builders() -> dict[str, Any]:
    """Every function of keras.applications that builds a model."""
    import keras

    found = vars(keras.applications).items()
    return {n: f for n, f in sorted(found) if inspect.isfunction(f) and "weights" in inspect.signature(f).parameters}


def build(
    function: Any, size: tuple[int, int], channels: int = 3, **arguments: Any
) -> tuple[Blueprint, dict[str, Any]]:
    """The true blueprint of one model, and the shapes of its variables in stored order."""
    import keras
    from keras.src.backend.common.stateless_scope import StatelessScope

    keras.backend.clear_session()
    with StatelessScope(initialize_variables=False):
        model = function(weights=None, input_shape=(*size, channels), **arguments)
    shapes = {
        layer.name: [
            tuple(w.shape) for w in (*layer.trainable_weights, *layer.non_trainable_weights) if "seed" not in w.name
        ]
        for layer in model.layers
    }
    return keras_config.parse(model.to_json()), shapes


def default_size(function: Any) -> tuple[int, int]:
    """The published input size."""
    from keras.src.backend.common.stateless_scope import StatelessScope

    with StatelessScope(initialize_variables=False):
        return function(weights=None).input_shape[1:3]


def judged(name: str, form: str, level: str, truth: Blueprint, tree: WeightTree) -> Row:
    """Match one file and compare."""
    # Of a list of arrays the search needs no more than the arrays, and reading it as layers takes ten times as long.
    arrays = tree.dialect == "arrays"
    seen = Grouping(tree, (), complete=False) if arrays else grouping.group(tree)[0]
    begun = time.process_time()
    drafts = families.match(seen, Hints())
    matched = time.process_time()
    wanted = canonical(truth)
    equal = [canonical(draft.blueprint) == wanted for draft in drafts]
    found = drafts[0].family if drafts else ""
    right = found.split(" (")[0].split(",")[0] == name
    place = equal.index(True) + 1 if any(equal) else 0
    return Row(name, form, level, len(truth.layers), found, right, bool(equal and equal[0]), place, len(drafts),
               matched - begun)  # fmt: skip


def recovered(name: str, form: str, level: str, hint: tuple[int, ...], truth: Blueprint, tree: WeightTree) -> Row:
    """The whole pipeline on one file; a hint is the input shape, if it was given."""
    before = memory_restarted()
    begun = time.process_time()
    candidates = recover(tree, Hints((hint,) if hint else ()), count=5)
    seconds, memory = time.process_time() - begun, memory_peak() - before
    wanted = canonical(truth)
    equal = [canonical(candidate.blueprint) == wanted for candidate in candidates]
    first = candidates[0]
    right = first.family.split(" (")[0].split(",")[0] == name
    place = equal.index(True) + 1 if any(equal) else 0
    labels = Counter(choice.label for choice in first.blueprint.choices)
    told = " ".join(f"{count} {label}" for label, count in sorted(labels.items()))
    return Row(name, form, level, len(truth.layers), first.family, right, equal[0], place, len(candidates), seconds,
               memory, first.share, told)  # fmt: skip


def main() -> int:
    """Build, strip and match each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names that contain this")
    parser.add_argument("--level", nargs="*", default=list(LEVELS))
    parser.add_argument("--form", nargs="*", help="of the forms only these")
    parser.add_argument("--whole", action="store_true", help="the whole pipeline, not the stage alone")
    parser.add_argument("--hint", action="store_true", help="with the input shape as a hint")
    parser.add_argument("--values", choices=("fresh", "trained"), default="fresh", help="what the arrays hold")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--real", action="store_true", help="files of real Keras, see benchmarks/families_real.py")
    parser.add_argument("--kind", nargs="*", default=list(families_real.KINDS), help="with --real: how it was saved")
    parser.add_argument("--names", nargs="*", default=families_real.NAMES, help="with --real: models")
    options = parser.parse_args()
    if options.real:
        forms = options.form or list(families_real.FORMS)
        names = [name for name in options.names if options.only in name]
        return families_real.main(forms, options.kind, names, options.json, whole=options.whole)
    rows: list[Row] = []
    for name, function in builders().items():
        if options.only not in name:
            continue
        size = default_size(function)
        for form, arguments in FORMS.items():
            if options.form and form not in options.form:
                continue
            truth, shapes = build(function, size, **arguments)
            for level in options.level:
                tree = tree_of(truth, shapes, level, values=options.values)
                hint = (*size, arguments.get("channels", 3)) if options.hint else ()
                row = (
                    recovered(name, form, level, hint, truth, tree)
                    if options.whole
                    else judged(name, form, level, truth, tree)
                )
                rows.append(row)
                verdict = "equal" if row.equal else f"equal at {row.place}" if row.place else "DIFFERENT"
                print(f"{name:20} {form:11} {level:9} {verdict:11} {row.matched:5.2f} s {row.memory:4.0f} MB "
                      f"{row.found} ({row.drafts} drafts, {row.share:.2f}; {row.choices})", flush=True)  # fmt: skip
    for level in options.level:
        own = [row for row in rows if row.level == level]
        print(
            f"{level}: {sum(r.right for r in own)} families right, {sum(r.equal for r in own)} equal, of {len(own)}; "
            f"slowest {max((r.matched for r in own), default=0):.2f} s, "
            f"most memory {max((r.memory for r in own), default=0):.0f} MB"
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0 if all(row.right for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
