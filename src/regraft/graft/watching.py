"""Every tensor that a module makes in one run, with the module and the line of the user's code that made it."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from regraft.graft.operations import name_of
from regraft.graft.trace import DROPPING, tensors

#: Packages whose lines are not the user's.
NOT_THEIRS = ("torch", "regraft", "torchvision", "timm", "transformers")


@dataclass(frozen=True)
class Made:
    """
    One tensor of a run.

    Attributes:
        array: Its numbers as they were when it was made, in the axis order of the module.
        module: Path of the module in whose ``forward`` it was made.
        operation: Name of the function of PyTorch.
        inputs: Numbers of the tensors that it was made of; ``-1 - i`` is the i-th input of the model.
        where: File and line of the user's code; empty if there is none.
    """

    array: np.ndarray = field(repr=False)
    module: str
    operation: str
    inputs: tuple[int, ...]
    where: tuple[str, int] | None = None


@dataclass(frozen=True)
class Watched:
    """
    A run of a module.

    Attributes:
        inputs: What entered.
        made: Every tensor, in the order in which it was made.
        outputs: What the module returned.
        ends: The numbers of the outputs among ``made``.
    """

    inputs: tuple[np.ndarray, ...] = field(repr=False)
    made: tuple[Made, ...] = field(repr=False)
    outputs: tuple[np.ndarray, ...] = field(repr=False)
    ends: tuple[int, ...]


def prepared(module: Any, *, as_is: bool = False) -> Any:
    """
    A copy of a module in double precision, in evaluation mode.

    Args:
        module: The user's, which stays as it is.
        as_is: Leave every part in the mode in which it is.
    """
    twin = copy.deepcopy(module).double()
    return twin if as_is else twin.eval()


def watch(twin: Any, inputs: Sequence[Any], *, seed: int = 0, still: bool = False, whole: bool = True) -> Watched:
    """
    Run a module and keep every tensor.

    Args:
        twin: As ``prepared`` gave it.
        inputs: Tensors as it takes them.
        seed: Of what is random in it.
        still: Whether dropout drops nothing, in whatever mode it is.
        whole: Whether every tensor is kept, or the outputs alone.

    Raises:
        RuntimeError: And whatever else the module raises on these inputs.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    given = [tensor.double() if tensor.is_floating_point() else tensor.clone() for tensor in inputs]
    first = tuple(numbers(tensor) for tensor in given)
    made: list[Made] = []
    known: dict[int, int] = {id(tensor): -1 - i for i, tensor in enumerate(given)}
    held: list[Any] = list(given)
    path: list[str] = [""]

    class Watching(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = name_of(func)
            if still and name in DROPPING:
                return args[0]
            result = func(*args, **(kwargs or {}))
            results = list(tensors(args[0] if name == "__setitem__" else result))
            if not results or name == "__get__":
                return result
            taken = [t for t in tensors([*args, *(kwargs or {}).values()]) if id(t) in known]
            if not taken or not whole:
                return result
            entering = tuple(dict.fromkeys(known[id(t)] for t in taken))
            place = line_of_user()
            for tensor in results:
                if tensor.dtype in (torch.float64, torch.float32, torch.int64, torch.int32, torch.bool):
                    known[id(tensor)] = len(made)
                    held.append(tensor)
                    made.append(Made(numbers(tensor), path[-1], name, entering, place))
            return result

    def leave(*_: Any) -> None:
        path.pop()

    handles: list[Any] = []
    for name, part in twin.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            continue  # it takes no hooks
        handles.append(part.register_forward_pre_hook(lambda *_, name=name: path.append(name)))
        handles.append(part.register_forward_hook(leave))
    before = torch.get_default_dtype()
    try:
        torch.manual_seed(seed)
        torch.set_default_dtype(torch.float64)  # what a module makes in its forward is as wide as its weights
        with torch.no_grad(), Watching():
            result = twin(*given)
    finally:
        torch.set_default_dtype(before)
        for handle in handles:
            handle.remove()
    ends = list(leaving(result))
    return Watched(
        first, tuple(made), tuple(numbers(t) for t in ends), tuple(known.get(id(t), len(made)) for t in ends)
    )


def leaving(result: Any) -> Iterator[Any]:
    """The tensors that a module returned, of an output of transformers too."""
    if isinstance(result, Mapping):
        result = list(result.values())
    yield from tensors(result)


def numbers(tensor: Any) -> np.ndarray:
    """The numbers of a tensor, which may change later."""
    array: np.ndarray = tensor.detach().clone().contiguous().numpy()
    return array


def line_of_user() -> tuple[str, int] | None:
    """The line that is running now and belongs to nobody's library; None if libraries alone run."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not watch.__code__:
        name = frame.f_globals.get("__name__", "").partition(".")[0]
        if name not in NOT_THEIRS and not frame.f_code.co_filename.startswith("<"):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def defined_at(module: Any, path: str) -> tuple[str, int] | None:
    """
    The line of the user's code that makes a submodule: ``self.conv1 = ...`` in the class that holds it.

    A part of a ``Sequential`` is made where that is.
    """
    names = path.split(".") if path else []
    for depth in range(len(names), 0, -1):
        try:
            owner = type(module.get_submodule(".".join(names[: depth - 1])))
        except AttributeError:
            return None
        if owner.__module__.partition(".")[0] in NOT_THEIRS:
            continue
        try:  # the function knows its file; a class is looked up by the name of its module, which another may bear
            lines, first = inspect.getsourcelines(owner.__init__)
            file = inspect.getsourcefile(owner.__init__)
        except (OSError, TypeError):
            continue
        pattern = re.compile(rf"self\.{re.escape(names[depth - 1])}\s*(:[^=]+)?=[^=]")
        found = next((first + i for i, line in enumerate(lines) if pattern.search(line)), 0)
        if found and file:
            return file, found
    return None


def shown(place: tuple[str, int] | None) -> str:
    """A line of a file as a person reads it."""
    return f"{Path(place[0]).name}:{place[1]}" if place else ""
