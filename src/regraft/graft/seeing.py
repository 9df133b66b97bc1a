"""A run of a module of which little is known, to see how it uses its parameters: what it computes is of no account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from regraft.graft.trace import Trace, trace

#: Sentences and words, where a module takes words and nobody said how many.
SENTENCES = (2, 5)

Example = Sequence[Any] | Mapping[str, Any]


class Called:
    """A module that takes its arguments by name, for ``trace``, which hands them over in order."""

    def __init__(self, module: Any, names: Sequence[str]) -> None:
        self.module, self.names = module, tuple(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)

    def __call__(self, *inputs: Any) -> Any:
        """The module's result."""
        return self.module(**dict(zip(self.names, inputs, strict=True)))


def seen(module: Any, example: Sequence[Any] | Mapping[str, Any]) -> tuple[Trace | None, str]:
    """
    A run of the module, or None with the reason why there is none.

    Args:
        module: A ``torch.nn.Module``.
        example: Its arguments in order, or by name; none if nothing is known.
    """
    if not example:
        return None, "nothing is known that it could be run on"
    try:
        if isinstance(example, Mapping):
            return trace(Called(module, list(example)), list(example.values())), ""
        return trace(module, example), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def tried(module: Any, example: Example) -> tuple[Example, Trace | None, str]:
    """
    A run on the example, or on words of its shapes where the module has a table of words.

    Returns:
        What it ran on, the run, and why there is none.
    """
    run, why = seen(module, example)
    if run is not None:
        return example, run, ""
    for other in words_for(module, example):
        run, _ = seen(module, other)
        if run is not None:
            return other, run, ""
    return (), None, why


def words_for(module: Any, example: Example) -> Iterator[tuple[Any, ...]]:
    """Words of the shapes of an example, if the module has a table of words."""
    import torch

    if not any(isinstance(part, torch.nn.Embedding) for part in module.modules()):
        return
    if isinstance(example, Mapping):
        shapes = [] if example else [SENTENCES]
    else:
        shapes = [tuple(tensor.shape) for tensor in example] or [SENTENCES]
    yield tuple(torch.zeros(shape, dtype=torch.long) for shape in shapes)
