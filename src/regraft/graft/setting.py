"""The lines of code that set on a module what was set on another of its class: a state dict does not hold settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from regraft.graft.difference import Difference

ATTRIBUTES = {"epsilon": "eps", "momentum": "momentum"}
#: So many modules are named one by one.
FEW = 3


def lines(fixed: Sequence[Difference], module: Any) -> tuple[str, ...]:
    """
    Python lines for a module that is called ``model``.

    Args:
        fixed: What was set.
        module: On what.
    """
    return tuple(line for name in ATTRIBUTES for line in of_one([d for d in fixed if d.what == name], name, module))


def of_one(fixed: Sequence[Difference], what: str, module: Any) -> Iterator[str]:
    """The lines for one setting: one for all modules of a class where they are set alike, else by name."""
    attribute = ATTRIBUTES[what]
    alike: dict[str, list[str]] = {}
    for difference in fixed:
        alike.setdefault(difference.expected, []).append(difference.where)
    for value, names in alike.items():
        kinds = {type(module.get_submodule(name)) for name in names}
        every = [name for name, part in module.named_modules() if type(part) in kinds]
        if len(names) > FEW and set(every) == set(names) and all(hasattr(torch_nn(), kind.__name__) for kind in kinds):
            classes = " | ".join(sorted(f"torch.nn.{kind.__name__}" for kind in kinds))
            yield f"for part in model.modules():\n    if isinstance(part, {classes}):\n        part.{attribute} = {value}"
        elif len(names) > FEW:
            yield f"for name in {tuple(names)!r}:\n    model.get_submodule(name).{attribute} = {value}"
        else:
            yield from (f'model.get_submodule("{name}").{attribute} = {value}' for name in names)


def torch_nn() -> Any:
    """``torch.nn``."""
    from torch import nn

    return nn
