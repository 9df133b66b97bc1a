"""Recovery with an engine: candidates are emitted and run, so that samples and known outputs can judge them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from regraft.blueprint import Blueprint, TensorRef
from regraft.emit.module import emit
from regraft.errors import BlueprintError, FileError, RegraftError, ShapeMismatchError
from regraft.layers.binding import bind
from regraft.layers.walk import model_shapes
from regraft.moments.propagate import NORMS
from regraft.recover.beside import Beside
from regraft.recover.candidate import Candidate, Pairs, Ran
from regraft.recover.draft import Hints
from regraft.recover.grouping import check_size, group
from regraft.recover.recover import recover as from_hints
from regraft.recover.recover import silent
from regraft.recover.rescoring import norm_axis
from regraft.stepwise import Stepwise, subject_of
from regraft.verify import Spot
from regraft.verify.trace import emitted
from regraft.weights import Group, Variable, WeightTree

Arrays = np.ndarray | Sequence[np.ndarray]
Progress = Callable[[str, int, int], None]
#: Trees up to this many bytes are kept in memory while candidates are tried.
KEPT = 1 << 30


def recovered(
    tree: WeightTree, shapes: Sequence[tuple[int | None, ...]], beside: Beside | None, progress: Progress | None
) -> tuple[Candidate, ...]:
    """The likeliest architectures of a weights-only file, with what the user's files say; best first."""
    given = beside or Beside()
    return fitting(
        recover(
            tree,
            input_shapes=shapes,
            samples=None if given.samples is None else load_arrays(given.samples),
            labels=None if given.labels is None else load_arrays(given.labels)[0],
            pairs=None if given.pairs is None else (load_arrays(given.pairs[0]), load_arrays(given.pairs[1])),
            settings=given.settings,
            candidates=max(5, given.candidates),
            progress=progress,
        ),
        shapes,
    )


def fitting(found: Sequence[Candidate], shapes: Sequence[tuple[int | None, ...]]) -> tuple[Candidate, ...]:
    """
    Those candidates whose layers take what reaches them.

    Raises:
        BlueprintError: None does, which with stated shapes means that they are not those of this file.
    """
    fit, problems = list[Candidate](), list[str]()
    for candidate in found:
        try:
            model_shapes(candidate.blueprint)
        except RegraftError as error:
            problems.append(str(error))
        else:
            fit.append(candidate)
    if fit:
        return tuple(fit)
    if not shapes:
        raise BlueprintError(
            f"no architecture was found whose layers fit each other; of the likeliest, {problems[0]}. "
            "Give the shape of the inputs (--input-shape), or the architecture (--architecture model.json)."
        )
    said = " and ".join(spelled(shape) for shape in shapes)
    turned = [spelled(other) for shape in shapes if (other := channels_moved(shape)) is not None]
    other = f"With the channels on the other side: --input-shape {' --input-shape '.join(turned)}. " if turned else ""
    raise BlueprintError(
        f"no architecture was found that takes inputs of shape {said}; of the likeliest, {problems[0]}. "
        f"The shape is that of Keras, without the batch axis. {other}"
        "Without --input-shape, sizes are told from the file as far as it says them."
    )


def spelled(shape: Sequence[int | None]) -> str:
    """A shape as the command line takes it: ``96,1366,1``."""
    return ",".join("?" if size is None else str(size) for size in shape)


def channels_moved(shape: tuple[int | None, ...]) -> tuple[int | None, ...] | None:
    """The shape of a map with the channels on the other side, where they are the smallest axis; else None."""
    sizes = [size for size in shape if size is not None]
    if len(shape) < 3 or shape[0] == shape[-1]:
        return None
    if shape[-1] == min(sizes):
        return (shape[-1], *shape[:-1])
    return (*shape[1:], shape[0]) if shape[0] == min(sizes) else None


def recover(
    tree: WeightTree,
    *,
    input_shapes: Sequence[tuple[int | None, ...]] = (),
    samples: Arrays | None = None,
    labels: np.ndarray | None = None,
    pairs: tuple[Arrays, Arrays] | None = None,
    settings: Mapping[str, str] | None = None,
    candidates: int = 5,
    progress: Progress | None = None,
) -> list[Candidate]:
    """
    The likeliest architectures of a weights file, best first; an architecture inside the file is not looked at.

    Args:
        tree: What ``read`` gave.
        input_shapes: Shape of each input in Keras order without the batch axis, None for an axis that varies.
        samples: Real inputs, one array an input, in Keras order, batch first: their statistics at every BatchNorm are
            compared with the stored ones. Arrays stand for a list of one.
        labels: Class number of each sample: candidates that classify better come first.
        pairs: Inputs and the outputs that the original model gave for them: a proof.
        settings: What you know, by subject: ``{"conv2d_3.strides": "2"}``.
        candidates: How many to give.
        progress: Called with a word for the step, how much is done, and of how much (0 if that is not known).

    Returns:
        At least one candidate; ``candidate.blueprint.choices`` says what was chosen, how sure it is, and why.

    Raises:
        BlueprintError: A setting names something that is not there.
        FileError: The file holds no variables, or more layers or arrays than any network.
    """
    if not any(True for _ in tree.variables()):
        raise FileError(tree.file, "holds no variables, so there is nothing to rebuild an architecture from")
    check_size(tree)
    shapes = tuple(tuple(shape) for shape in input_shapes)
    if pairs is not None and not shapes:
        shapes = tuple(array.shape[1:] for array in arrays(pairs[0]))
    if samples is not None and not shapes:
        shapes = tuple(array.shape[1:] for array in arrays(samples))
    kept = remembered(tree)
    return from_hints(
        kept,
        Hints(shapes, dict(settings or {}), () if pairs is None else tuple(a.shape[1:] for a in arrays(pairs[1]))),
        run=run,
        quick=Stepwise(),
        pairs=None if pairs is None else Pairs(arrays(pairs[0]), arrays(pairs[1])),
        samples=() if samples is None else arrays(samples),
        labels=labels,
        count=candidates,
        say=(lambda word, done, total: progress(f"recover: {word}", done, total)) if progress is not None else silent,
    )


def arrays(value: Arrays) -> tuple[np.ndarray, ...]:
    """One array as a tuple of one."""
    return (value,) if isinstance(value, np.ndarray) else tuple(np.asarray(item) for item in value)


def run(blueprint: Blueprint, tree: WeightTree, inputs: Sequence[np.ndarray], watch: Sequence[TensorRef] = ()) -> Ran:
    """Run a candidate in float64; what goes wrong with it is told, not raised."""
    if len(inputs) != len(blueprint.inputs):
        return Ran((), failure=f"the candidate takes {len(blueprint.inputs)} inputs, {len(inputs)} are given")
    try:
        binding = bind(blueprint, tree)
        module = emit(blueprint, binding, "a candidate")
        twin = emitted(subject_of(blueprint, binding, module, tree, seen=bool(watch)))
    except (RegraftError, ValueError, IndexError, KeyError, TypeError) as error:
        return Ran((), failure=f"{type(error).__name__}: {error}")
    wanted = set(watch)
    seen: dict[TensorRef, np.ndarray] = {}

    def see(spot: Spot, array: np.ndarray) -> None:
        ref = TensorRef(spot.layers[0], spot.calls[0], spot.index)
        if len(spot.layers) == 1 and ref in wanted:
            seen[ref] = array.copy()

    try:
        found = twin.run(inputs, see)
    except ValueError as error:  # an input of another rank
        return Ran((), failure=f"ValueError: {error}")
    if found.outputs is None:
        return Ran((), failure=found.placeholder or found.crash)
    return Ran(found.outputs, seen)


def statistics_on(
    blueprint: Blueprint, tree: WeightTree, samples: Sequence[np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean and variance a channel of what reaches every BatchNorm when the model runs on samples."""
    entering = {call.layer: call.inputs[0] for call in blueprint.calls if blueprint.by_name[call.layer].type in NORMS}
    ran = run(blueprint, tree, tuple(samples), tuple(entering.values()))
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, ref in entering.items():
        if ref in ran.seen:
            axis = norm_axis(blueprint, name)
            channels = np.moveaxis(ran.seen[ref], axis, -1).reshape(-1, ran.seen[ref].shape[axis])
            found[name] = (channels.mean(0), channels.var(0))
    return found


def remembered(tree: WeightTree) -> WeightTree:
    """The tree with variables that are read from the file once, if they fit into memory."""
    if sum(v.nbytes for v in tree.variables()) > KEPT:
        return tree

    def variable(old: Variable) -> Variable:
        return replace(old, loader=cache(old.loader))

    def layer(old: Group) -> Group:
        return replace(old, variables=tuple(map(variable, old.variables)), groups=tuple(map(layer, old.groups)))

    return replace(tree, layers=tuple(map(layer, tree.layers)), own=tuple(map(variable, tree.own)))


def regrouped(tree: WeightTree, blueprint: Blueprint) -> WeightTree:
    """
    A list of arrays as the layers of a blueprint that was made for it; any other file as it is.

    Raises:
        ShapeMismatchError: The arrays are not those of the blueprint.
    """
    if tree.dialect != "arrays":
        return tree
    wrong: ShapeMismatchError | None = None
    for grouping in group(tree):
        try:
            bind(blueprint, grouping.tree)
        except ShapeMismatchError as error:
            wrong = wrong or error
        else:
            return grouping.tree
    try:
        bind(blueprint, tree)
    except ShapeMismatchError as error:
        raise wrong or error from None
    return tree


def load_arrays(path: Path) -> tuple[np.ndarray, ...]:
    """
    The arrays of a ``.npy`` or ``.npz`` that the user gives as inputs or outputs; pickles are refused.

    Raises:
        FileError: It is no such file.
    """
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return (found,)
        with found:
            return tuple(found[name] for name in found.files)
    except (OSError, ValueError, EOFError) as error:
        raise FileError(
            path, f"cannot be read as arrays: {error}", hint="Save them with numpy.save or numpy.savez."
        ) from error
