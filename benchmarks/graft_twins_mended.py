"""A user's module changed as a graft says: epsilon, stride, borders, what is done to the input and to the result."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.graft_twins_table import Twin

from regraft.graft.difference import Difference
from regraft.grafting.result import Graft

WORD = re.compile(r'model\.get_submodule\("([^"]+)"\)\.(\w+) = (.+)')
PAD = re.compile(r"torch\.nn\.functional\.pad\(x, (\([-\d, ]+\))(?:, value=(0\.0|float\(\"-inf\"\)))?\)")


def with_bias(module: Any, problems: Sequence[str]) -> Any:
    """The module with the biases that the refusal asks for."""
    import torch

    for problem in problems:
        match = WORD.search(problem)
        if match is not None and match[2] == "bias":
            part = module.get_submodule(match[1])
            part.bias = torch.nn.Parameter(torch.zeros(part.out_channels))
    return module


def mended(module: Any, graft: Graft, twin: Twin) -> Any:
    """The module with every named difference undone; what is no line of its own is done here by hand, as a user would."""
    import torch

    before: list[Callable[[Any], Any]] = []
    after: list[Callable[[Any], Any]] = []
    pooled: list[tuple[str, Difference]] = []
    for difference in graft.grafting.differences:
        fix = difference.fix
        if match := WORD.match(fix):
            value: Any = (
                float(match[3]) if match[2] in ("eps", "momentum") else tuple(map(int, re.findall(r"-?\d+", match[3])))
            )
            set_on(module.get_submodule(match[1]), match[2], value)
        elif fix.startswith("padding=0 there"):
            (sides, _) = padding_of(fix)
            part = module.get_submodule(difference.where)
            set_on(part, "padding", (0, 0))
            part.register_forward_pre_hook(lambda _, x, sides=sides: (torch.nn.functional.pad(x[0], sides), *x[1:]))
        elif fix.startswith("call the module with "):
            before.append(eval_line(fix.removeprefix("call the module with ")))
        elif fix.startswith("take torch.softmax"):
            after.append(lambda x: torch.softmax(x, -1))
        elif "in that pool" in fix:
            pooled.append((difference.where, difference))
    pools(module, pooled)
    by_hand(module, twin)
    return Ends(module, before, after)


def padding_of(fix: str) -> tuple[tuple[int, ...], float]:
    """The borders and the value of a line with a pad."""
    match = PAD.search(fix)
    if match is None:
        return (), 0.0
    return tuple(map(int, re.findall(r"-?\d+", match[1]))), float("-inf") if match[2] and "inf" in match[2] else 0.0


def set_on(part: Any, name: str, value: Any) -> None:
    """A setting of a module; timm's padding layers have their own idea of ``same`` and are left to their numbers."""
    setattr(part, name, value)


def eval_line(text: str) -> Callable[[Any], Any]:
    """The line that prepares the input, as a function: ``x * A + B`` with numbers or tensors."""
    import torch

    numbers = re.compile(r"torch\.tensor\(\[([^\]]+)\]\)\.view\(-1, 1, 1\)|(-?[\d.]+(?:e[-+]?\d+)?)")
    times: Any = 1.0
    plus: Any = 0.0
    for sign, part in re.findall(r"(?:x )?([*+-]) (torch\.tensor\([^)]*\)\.view\(-1, 1, 1\)|[-\d.e]+)", text):
        match = numbers.fullmatch(part)
        assert match is not None, part
        value: Any = (
            torch.tensor([float(one) for one in match[1].split(",")], dtype=torch.float64).view(-1, 1, 1)
            if match[1]
            else float(match[2])
        )
        times, plus = (value, plus) if sign == "*" else (times, value if sign == "+" else -value)
    return lambda x: (x * times + plus).to(x.dtype)


def pools(module: Any, differences: Sequence[tuple[str, Difference]]) -> None:
    """Pools with other borders: module pools are replaced, those that are functions are set for the whole module."""
    import torch

    done: set[str] = set()
    for _, difference in differences:
        count = re.search(r"count_include_pad=(True|False)", difference.fix)
        sides, value = padding_of(difference.fix)
        for name, part in list(module.named_modules()):
            if count and isinstance(part, torch.nn.AvgPool2d):
                part.count_include_pad = count[1] == "True"
            if (
                count
                or {name, name.rpartition(".")[0]} & done
                or not isinstance(part, torch.nn.MaxPool2d)
                or not near(name, difference.where)
            ):
                continue
            done.add(name)
            kept = torch.nn.Sequential(
                torch.nn.ConstantPad2d((sides[0], sides[1], sides[2], sides[3]) if sides else 0, value),
                torch.nn.MaxPool2d(part.kernel_size, part.stride, 0),
            )
            owner, _, last = name.rpartition(".")
            setattr(module.get_submodule(owner), last, kept)
        if count:
            functional_pools(module, include=count[1] == "True")


def near(name: str, where: str) -> bool:
    """Whether a pool is one of the block that a way goes through."""
    source, _, goal = where.partition(" -> ")
    goal = goal.partition(" in ")[2] or goal
    source = source.partition(" in ")[2] or source
    owner = name.rpartition(".")[0]
    return (
        goal.startswith(f"{name.split('.', maxsplit=1)[0]}.")
        or owner in (goal, source.rpartition(".")[0])
        or goal in owner
    )


def functional_pools(module: Any, *, include: bool) -> None:
    """``F.avg_pool2d`` in the forward functions of torchvision's and timm's Inception, counted in another way."""
    import torch

    plain = torch.nn.functional.avg_pool2d

    def counted(x: Any, *sizes: Any, **named: Any) -> Any:
        return plain(x, *sizes, **{**named, "count_include_pad": include})

    class Functions:
        def __getattr__(self, name: str) -> Any:
            return counted if name == "avg_pool2d" else getattr(torch.nn.functional, name)

    for part in module.modules():
        space = type(part).forward.__globals__
        if space.get("F") is torch.nn.functional and "inception" in space.get("__name__", ""):
            space["F"] = Functions()


def by_hand(module: Any, twin: Twin) -> None:
    """What no line sets: Keras' ResNetV2 halves its map in the last block of a stage, with a pool beside it."""
    import torch

    if "resnetv2" not in twin.target:
        return
    for stage in list(module.stages)[:-1]:
        last = stage.blocks[-1]
        last.downsample = Halving(torch.nn.MaxPool2d(1, 2), last)


def Halving(pool: Any, block: Any) -> Any:  # noqa: N802 - a module that is made where torch is there
    """A shortcut of timm's ResNetV2 that takes what the block takes, not the normalised map that it is called with."""
    import torch

    taken: list[Any] = []
    block.register_forward_pre_hook(lambda _, given: taken.append(given[0]))

    class Shortcut(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool = pool

        def forward(self, _: Any) -> Any:
            return self.pool(taken.pop())

        def __deepcopy__(self, memo: Any) -> Any:
            return self

    return Shortcut()


def Ends(module: Any, before: Sequence[Callable[[Any], Any]], after: Sequence[Callable[[Any], Any]]) -> Any:  # noqa: N802
    """The module with what is done to its input and to its result."""
    import torch

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, x: Any) -> Any:
            for function in before:
                x = function(x)
            x = self.inner(x)
            for function in after:
                x = function(x)
            return x

    return Whole()
