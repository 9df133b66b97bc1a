"""The variables of a file as layers with names: of any model, also one whose architecture is Python code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from regraft.graft.naming import counted, words_of
from regraft.graft.owner import Array, Owner
from regraft.keras_classes import class_of, stem_of
from regraft.weights import Group, Variable, WeightTree

#: What Keras and models on top of it call the array in each role.
ROLES = {
    "kernel": "weight", "depthwise_kernel": "weight", "gamma": "weight", "scale": "weight", "embeddings": "weight",
    "weight": "weight", "alpha": "weight", "beta": "bias", "bias": "bias", "moving_mean": "running_mean",
    "moving_variance": "running_var", "recurrent_kernel": "recurrent", "pointwise_kernel": "pointwise",
}  # fmt: skip
#: Where variables are numbered in the order in which a layer made them: vectors of a layer without a matrix.
VECTORS = ("gamma", "beta", "moving_mean", "moving_variance")


def stored(tree: WeightTree) -> list[Owner]:
    """
    The layers of a file, each with its arrays.

    The name of a layer is where its variables are, without the name of the model: ``encoder/layer_._0/attention``.
    A variable that is stored twice under one name, with the same numbers, is one array.
    """
    found: dict[tuple[str, ...], dict[str, Array]] = {}
    every = list(named(tree))
    first = firsts([parts for parts, _, _ in every])
    for whole, variable, again in every:
        parts = tuple(first.get(whole[: i + 1], part) for i, part in enumerate(whole))
        *layer, word = parts
        role = ROLES.get(word)
        place = tuple(layer) if role is not None else parts
        arrays = found.setdefault(place, {})
        if role is None or role in arrays:
            arrays, role = found.setdefault(parts, {}), ""
        arrays[role] = Array(variable.path, variable.shape, word, again=again)
    owners = [Owner("/".join(place), words_of(place), arrays) for place, arrays in found.items() if arrays]
    return [owner.called(words) for owner, words in zip(owners, counted([o.words for o in owners]), strict=True)]


def firsts(names: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """
    Of names that stand beside numbered ones, the number that Keras leaves out: ``dense`` beside ``dense_1`` is ``dense_0``.

    >>> firsts([("enc", "dense", "kernel"), ("enc", "dense_1", "kernel"), ("dense", "kernel")])
    {('enc', 'dense'): 'dense_0'}
    """
    places = {name[: i + 1] for name in names for i in range(len(name) - 1)}
    return {place: f"{place[-1]}_0" for place in sorted(places) if (*place[:-1], f"{place[-1]}_1") in places}


def named(tree: WeightTree) -> Iterator[tuple[tuple[str, ...], Variable, tuple[str, ...]]]:
    """Every variable once, with its name in parts, and the paths at which it is stored again."""
    twins = repeated(tree)
    repeats = {path for paths in twins.values() for path in paths}
    model = model_names(tree)
    for group in tree.layers:
        for variable, parts in parts_of(group, model):
            if variable.path not in repeats and not integers(variable):
                yield parts, variable, twins.get(variable.path, ())
    own = {variable.path for group in tree.layers for variable in group.walk()}
    for variable in tree.variables():
        if variable.path not in own and variable.path not in repeats and not integers(variable):
            yield split(variable.name), variable, twins.get(variable.path, ())


def integers(variable: Variable) -> bool:
    """Whether a variable is a table of numbers or a seed, which a module makes itself."""
    return variable.dtype.startswith(("int", "uint", "bool"))


def repeated(tree: WeightTree) -> dict[str, tuple[str, ...]]:
    """Paths of variables that have the name and the numbers of an earlier one, by the path of that one."""
    first: dict[str, Variable] = {}
    found: dict[str, tuple[str, ...]] = {}
    for variable in tree.variables():
        earlier = first.setdefault(variable.name, variable)
        if earlier is variable or "/" not in variable.name or earlier.shape != variable.shape:
            continue
        if np.array_equal(earlier.read(), variable.read(), equal_nan=True):
            found[earlier.path] = (*found.get(earlier.path, ()), variable.path)
    return found


def model_names(tree: WeightTree) -> set[str]:
    """What stands in front of the layer's own name in names of variables: a subclassed model puts its name there."""
    return {
        parts[0]
        for group in tree.layers
        for variable in group.walk()
        if group.key in (parts := split(variable.name))[1:] and parts[0] != group.key
    }


def parts_of(group: Group, model: set[str]) -> Iterator[tuple[Variable, tuple[str, ...]]]:
    """The variables of a group, each with its name in parts, the last of which is its own."""
    if not any(variable.name.isdigit() for variable in group.walk()):
        for variable in group.walk():
            parts = split(variable.name)
            if group.key in parts[:-1]:
                yield variable, parts[parts.index(group.key) :]
            elif parts[0] in model:
                yield variable, parts[1:]
            else:
                yield variable, (group.key, *parts)
        return
    yield from numbered(group, ())


def numbered(group: Group, above: tuple[str, ...]) -> Iterator[tuple[Variable, tuple[str, ...]]]:
    """Variables without names of their own, which stand in the order in which the layer made them."""
    here = (*above, group.key)
    for variable, word in zip(group.variables, unnamed(group.variables), strict=True):
        yield variable, (*here, word)
    for below in group.groups:
        yield from numbered(below, here)


def unnamed(variables: Sequence[Variable]) -> list[str]:
    """
    What the variables of a layer are, by their order: a kernel and its bias, or what a normalisation has.

    A single vector may be anything: it keeps its number as its name.
    """
    ranks = [len(variable.shape) for variable in variables]
    if ranks and ranks[0] >= 2 and ranks[1:] in ([1], [2] if ranks[0] == 3 else [1]):
        return ["kernel", "bias"]
    if len(ranks) == 1 and ranks[0] >= 2:
        return ["weight" if ranks[0] == 2 else "kernel"]  # a matrix alone may be a table
    if ranks in ([1, 1], [1, 1, 1, 1]):
        return list(VECTORS[: len(ranks)])
    return [variable.name for variable in variables]


def split(name: str) -> tuple[str, ...]:
    """
    A stored name in parts, without the number of its output.

    >>> split("bert/encoder/layer_._0/dense/kernel:0")
    ('bert', 'encoder', 'layer_._0', 'dense', 'kernel')
    """
    return (
        tuple(part for part in name.rpartition(":")[0].split("/") if part)
        if ":" in name
        else tuple(part for part in name.split("/") if part)
    )


def subclassed(tree: WeightTree) -> str:
    """
    What says that the file's model is Python code, which no file holds; empty if nothing does.

    In a model that is a graph of layers, a variable is named after its layer. A subclassed model puts its own name in
    front, and where variables have no names, the file has the attributes of its class, or layers of classes of its own.
    """
    if model := model_names(tree):
        return f"variables are named after the model ({', '.join(sorted(model))}), as those of a subclassed model are"
    if tree.dialect not in ("keras-3", "checkpoint-h5"):
        return ""
    for group in tree.layers:
        if not group.path.startswith(("/layers/", "/_layer_checkpoint_dependencies/")) and variables_in(group):
            return f"{group.path} is an attribute of the author's own class"
        if not class_of(stem_of(group.key)) and any(below.key != "cell" for below in group.groups):
            return f"{group.path} is a layer of a class that is not Keras' own"
    return ""


def variables_in(group: Group) -> bool:
    """Whether a group or one below has variables."""
    return any(True for _ in group.walk())
