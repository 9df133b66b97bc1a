"""The head of an emitted file: where it comes from, how to load it, what was assumed; imports and helpers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from regraft.blueprint import Blueprint
from regraft.emit.names import comment
from regraft.emit.snippet import imported_by_user

LOADERS = {
    "model.pth": 'torch.load("model.pth", weights_only=True)',
    "model.safetensors": 'safetensors.torch.load_file("model.safetensors")',
}


def header(
    blueprint: Blueprint,
    about: str,
    weights: str,
    code: Iterable[str],
    snippets: Mapping[str, str],
    *,
    selftest: bool = False,
) -> list[str]:
    """
    Everything above the classes.

    Args:
        blueprint: The architecture; its open and assumed choices are listed, for they may have to be changed.
        about: One line: where the file was converted from.
        weights: Name of the file that holds the parameters.
        code: The lines of the classes.
        snippets: The helpers they use, by name.
        selftest: Whether the file ends with a self-test.
    """
    lines = [
        '"""',
        comment(about),
        "",
        "    model = Model()",
        f"    model.load_state_dict({LOADERS[weights]})",
        "    model.eval()",
    ]
    if selftest:
        lines += ["", "    python model.py --selftest  # whether it computes here what it did when it was converted"]
    unsure = [choice for choice in blueprint.choices if choice.label in ("assumed", "open")]
    if unsure:
        lines += ["", "Not stated by the Keras file:"]
        lines += [comment(f"- {c.subject} = {c.value} ({c.label}; possible: {possible(c.candidates)})") for c in unsure]
    lines += ['"""', "", *imports([*code, *snippets.values()], torch=selftest)]
    for text in snippets.values():
        lines += ["", "", *text.rstrip().splitlines()]
    return lines


def possible(candidates: Iterable[str]) -> str:
    """Candidates in one line; those of several values in brackets."""
    return ", ".join(f"({value})" if ", " in value else value for value in candidates)


def imports(code: Iterable[str], *, torch: bool = False) -> list[str]:
    """The imports that the code needs, ``torch`` itself in any case if asked for, in the order in which ruff sorts them."""
    text = "\n".join(code)
    lines = ["import math", ""] if re.search(r"\bmath\.", text) else []
    lines += ["import torch"] if torch or re.search(r"\btorch\.", text) else []
    lines += ["import torch.nn.functional as F"] if re.search(r"\bF\.", text) else []
    lines += ["from torch import Tensor, nn"]
    own = imported_by_user([text])
    return [*lines, *(["", *own] if own else [])]
