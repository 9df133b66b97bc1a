"""The parameters of a module as layers with names, each with the axes that its operation gives it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from regraft.graft.naming import Words, counted, words_of
from regraft.graft.owner import Array, Owner
from regraft.graft.trace import Trace, Use

ROLES = frozenset({"weight", "bias", "running_mean", "running_var", "in_proj_weight", "in_proj_bias"})


def parameters(module: Any, seen: Trace | None) -> list[Owner]:
    """
    The modules that own parameters, in the order of the state dict.

    Args:
        module: A ``torch.nn.Module``.
        seen: Its run, if it could be run: it says how each parameter is used. What it does not say, the class of the owner
            does, where that is one of PyTorch's own.
    """
    state = module.state_dict(keep_vars=True)
    keys: dict[int, list[str]] = {}
    for key, tensor in state.items():
        keys.setdefault(id(tensor), []).append(key)
    used = axes_used(seen) if seen is not None else {}
    parts = dict(module.named_modules())
    found: dict[str, dict[str, Array]] = {}
    kinds: dict[str, str] = {}
    for names in keys.values():
        key = names[0]
        tensor = state[key]
        if not tensor.is_floating_point():
            continue  # counters and tables of positions
        path, _, role = key.rpartition(".")
        axes = next((used[name] for name in names if used.get(name)), "") or axes_of_class(parts.get(path), role)
        array = Array(key, tuple(tensor.shape), "", axes, tuple(names[1:]))
        if role in ROLES:
            found.setdefault(path, {})[role] = array
            kinds[path] = kind_of(parts.get(path))
        else:
            found.setdefault(key, {})[""] = array
    kinds |= thirds(seen) if seen is not None else {}
    for path, arrays in found.items():
        if kinds.get(path) in ("attention", "blocks"):
            found[path] = {role: replace(array, blocks=True) for role, array in arrays.items()}
    owners = [Owner(path, words_of(path.split(".")), arrays, kinds.get(path, "")) for path, arrays in found.items()]
    others = [(i, words_of(key.split(".")[:-1])) for i, owner in enumerate(owners) for key in shared(owner)]
    words = counted([*(owner.words for owner in owners), *(name for _, name in others)])
    also: dict[int, tuple[Words, ...]] = {}
    for (i, _), name in zip(others, words[len(owners) :], strict=True):
        also[i] = (*also.get(i, ()), name)
    return [owner.called(words[i], also.get(i, ())) for i, owner in enumerate(owners)]


def shared(owner: Owner) -> tuple[str, ...]:
    """Keys under which a module has the only array of another too."""
    arrays = list(owner.arrays.values())
    return arrays[0].again if len(arrays) == 1 else ()


def axes_used(seen: Trace) -> dict[str, str]:
    """How each parameter is used, by key; empty where two uses contradict each other."""
    found: dict[str, set[str]] = {}
    for use in seen.uses:
        for role, key in use.parameters.items():
            axes = use.axes.get(role, "") or turned(use, role, seen.shapes[key])
            if axes:
                found.setdefault(key, set()).add(axes)
    for axes in found.values():
        if "vocabulary embed" in axes:
            axes.discard("cout cin")  # a table that gives the scores of its own words: the same array, not turned
    return {key: next(iter(axes)) if len(axes) == 1 else "" for key, axes in found.items()}


def thirds(seen: Trace) -> dict[str, str]:
    """
    How the three parts lie in the results of linear modules that are taken in three.

    ``blocks`` where they stand one behind another, ``by heads`` where each head has its own three.
    """
    found: dict[str, str] = {}
    makers = {use.place: use for use in seen.uses if use.kind == "linear" and "weight" in use.parameters}
    for use in seen.uses:
        maker = makers.get(use.inputs[0]) if use.inputs else None
        if maker is None:
            continue
        path = maker.parameters["weight"].rpartition(".")[0]
        last = maker.shape[-1]
        if use.kind in ("chunk", "split", "tensor_split") and use.shape[-1] * 3 == last:
            found[path] = "blocks"
        elif use.kind in ("reshape", "view", "unflatten") and use.shape[: len(maker.shape) - 1] == maker.shape[:-1]:
            new = use.shape[len(maker.shape) - 1 :]
            first = new[:1] == (3,)
            later = new[1:2] == (3,) if len(new) == 3 else len(new) == 2 and new[1] % 3 == 0
            if len(new) in (2, 3) and first != later:  # with three heads it could be either
                found[path] = "blocks" if first else "by heads"
    return found


def turned(use: Use, role: str, shape: tuple[int, ...]) -> str:
    """Axes of a matrix of which a linear map takes the transposed view: what enters says which; empty if it cannot."""
    if use.kind != "linear" or role != "weight.transpose" or len(shape) != 2 or not use.shapes or shape[0] == shape[1]:
        return ""
    enters = use.shapes[0][-1]
    return "cout cin" if enters == shape[1] else "cin cout" if enters == shape[0] else ""


def axes_of_class(part: Any, role: str) -> str:
    """Axes of a parameter of one of PyTorch's own classes; empty for another."""
    from torch import nn
    from torch.nn.modules.conv import _ConvNd as Conv  # pyright: ignore[reportPrivateUsage]

    if role == "bias" and isinstance(part, nn.Linear | Conv):
        return "cout"
    if role != "weight":
        return {"in_proj_weight": "cout cin", "in_proj_bias": "cout"}.get(role, "")
    if isinstance(part, nn.Linear):
        return "cout cin"
    if isinstance(part, Conv):
        spatial = " ".join(("kd", "kh", "kw")[-(part.weight.dim() - 2) :])
        return f"cin cout {spatial}" if part.transposed else f"cout cin {spatial}"
    if isinstance(part, nn.Embedding | nn.EmbeddingBag):
        return "vocabulary embed"
    return ""


def kind_of(part: Any) -> str:
    """What a module is, as far as its class says."""
    from torch import nn

    if isinstance(part, nn.MultiheadAttention):
        return "attention"
    return "embedding" if isinstance(part, nn.Embedding | nn.EmbeddingBag) else ""
