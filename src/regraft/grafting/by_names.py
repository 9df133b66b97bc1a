"""A file without architecture onto a module by names: what HuggingFace's tf_model.h5 and other subclassed models need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import regraft
from regraft.errors import ShapeMismatchError
from regraft.graft.by_names import Named, Pairing, pair
from regraft.graft.filling import fill
from regraft.graft.leftover import problems, said
from regraft.graft.libraries import TRANSFORMERS, example_of, loading
from regraft.graft.mapping import Entry, Made, TensorMap, checked
from regraft.graft.orientation import assumptions, listed, settled
from regraft.graft.owner import Array, Owner
from regraft.graft.parameters import parameters
from regraft.graft.seeing import tried
from regraft.graft.stored import integers, repeated, stored, subclassed
from regraft.graft.ways import filler
from regraft.grafting.run import read_mapping
from regraft.grafting.source import File, reader
from regraft.layout import Fill
from regraft.report.grafted import GraftReport, PairRow, TensorRow
from regraft.weights import WeightTree


@dataclass(frozen=True)
class ByNames:
    """
    A module with the weights of a file whose architecture nobody knows.

    Attributes:
        module: Filled if there are no problems, else untouched.
        pairing: What belongs together, and what is left.
        mapping: Every variable's way.
        unfilled: Entries of the state dict that keep their values.
        problems: Why the module was not filled.
        notes: What was assumed, and what decided where names did not.
        ran_on: Shapes of what the module was run on, to see how it uses its parameters; none if it could not be run.
        tree: The file.
    """

    module: Any
    pairing: Pairing
    mapping: TensorMap
    unfilled: tuple[str, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    ran_on: tuple[tuple[int, ...], ...]
    tree: WeightTree = field(repr=False)

    @property
    def complete(self) -> bool:
        """Whether everything on both sides has its place."""
        return not (self.problems or self.unfilled or self.pairing.lone_sources)


def graft_by_names(
    tree: WeightTree,
    module: Any,
    example: Sequence[Any] | Mapping[str, Any] = (),
    mapping: TensorMap | File | None = None,
) -> ByNames:
    """
    Put the variables of a file onto a module by their names, shapes and the axes of the module's operations.

    What the file's model computes is not known, so that nothing can be compared: the result says what decided each pair.

    Args:
        tree: The file.
        module: A ``torch.nn.Module``; it is filled in place if everything fits, and left alone otherwise.
        example: What the module takes, in order or by name, so that its run shows how it uses its parameters. A model of
            transformers says it itself; without any the classes of the submodules decide.
        mapping: A mapping to apply instead of looking for one.

    Raises:
        ShapeMismatchError: The mapping does not fit the module.
    """
    read = reader(tree)
    example, run, why = tried(module, example or example_of(module))
    targets = parameters(module, run)
    pairing = pair(stored(tree), targets)
    pairs, troubles = settled(pairing.pairs)
    notes: list[str] = []
    if mapping is None:
        plan = TensorMap(tuple(entry for one in pairs for entry in entries(one)))
        troubles = [*problems(pairing, read), *troubles]
        notes = [*decided(pairs), *assumptions(pairs), *explained(pairing, tree)]
    else:
        plan, troubles = mapping if isinstance(mapping, TensorMap) else read_mapping(mapping), []
        notes = [*notes, *left_out(tree, plan)]
        pairing = Pairing(())
    notes += (
        [f"the module was not run ({why}): the classes of its submodules say how it uses its parameters"] if why else []
    )
    filled = {key for entry in plan.entries for key in entry.parameters if key}
    if not troubles:
        state = plan.parameters(read)
        shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
        if wrong := checked(shapes, state):
            raise ShapeMismatchError("the mapping does not fit the module:\n  " + "\n  ".join(wrong[:20]))
        fill(module, state)
    every = {array.name: array.again for owner in targets for array in owner.arrays.values()}
    unfilled = tuple(key for key, again in every.items() if not filled & {key, *again})
    shapes_run = tuple(tuple(t.shape) for t in (example.values() if isinstance(example, Mapping) else example))
    notes += [told for told in [loading(module)] if told]
    again = {key: names for key, names in every.items() if names}
    shared = "; ".join(" = ".join((key, *names)) for key, names in again.items())
    notes += [f"shared in the module: {shared}"] if shared else []
    return ByNames(module, pairing, plan, unfilled, tuple(troubles), tuple(notes), () if why else shapes_run, tree)


def left_out(tree: WeightTree, plan: TensorMap) -> list[str]:
    """Variables of the file that a mapping does not use."""
    used = {path for entry in plan.entries for source in entry.sources for path in source.paths}
    used |= {path for entry in plan.entries for paths in entry.less.values() for path in paths}
    twins = {path for first, others in repeated(tree).items() if first in used for path in others}
    found = [v.path for v in tree.variables() if v.path not in used | twins and not integers(v)]
    return [f"the mapping does not use {listed(found, 8)} of the file"] if found else []


def reason(tree: WeightTree, target: str, architecture: File | None) -> str:
    """
    Why names have to decide, for the report; empty if the file has an architecture, or one that may be recovered.

    Args:
        tree: The file.
        target: The module as the user named it.
        architecture: The architecture JSON that the user gave.
    """
    if target.startswith(f"{TRANSFORMERS}:"):
        return "models of transformers have no Keras architecture: layers and modules are paired by their names"
    said = "" if architecture is not None or tree.config is not None else subclassed(tree)
    return f"paired by names: {said}" if said else ""


def entries(pair: Named) -> list[Entry]:
    """The ways of a pair's arrays for ``mapping.toml``; one stored twice has two, so that the way back writes both."""
    found: list[Entry] = []
    for role, target in pair.target.arrays.items():
        if role not in pair.ways:
            value = filler(role, target.shape)
            assert value is not None  # else the two would not be a pair
            found.append(Entry("", (), (Fill(value.shape, value.value),), (target.name,), {}, {}))
            continue
        there, how = pair.ways[role]
        array = pair.source.arrays[there]
        keys = tuple(part.name for part in target.parts) or (target.name,)
        for paths in stored_at(array):
            sources = tuple(Made((path,)) for path in paths)
            found.append(Entry(pair.source.name, sources, how.moves, keys, {}, {}, pair.how))
    return found


def stored_at(array: Array) -> list[tuple[str, ...]]:
    """The paths of an array, or of the three that are one; once for each time that it is stored."""
    if array.parts:
        return [tuple(part.name for part in array.parts)]
    return [(array.name,), *((path,) for path in array.again)]


def decided(pairs: Sequence[Named]) -> list[str]:
    """Pairs that not the names decided, by what did."""
    found: dict[str, list[str]] = {}
    for one in pairs:
        if one.how != "names":
            found.setdefault(one.how, []).append(f"{one.source.name} = {one.target.name}")
    return [f"by {how}: {listed(names)}" for how, names in found.items()]


def explained(pairing: Pairing, tree: WeightTree) -> list[str]:
    """What is left or stored twice, with the reason where it is known."""
    twice = repeated(tree)
    found = [f"stored more than once, with the same numbers: {listed(list(twice))}"] if twice else []
    tables = [variable.path for variable in tree.variables() if integers(variable)]
    found += [f"integers, which a module makes itself, are left: {listed(tables)}"] if tables else []
    left = [target.name for one in pairing.pairs for role, target in one.target.arrays.items() if role not in one.ways]
    return [
        *found,
        *([f"the layer in the file has no such array: {listed(left)} set to what it is without"] if left else []),
    ]


def report_by_names(
    found: ByNames, target: str, *, notes: Sequence[str] = (), files: Mapping[str, str] | None = None
) -> GraftReport:
    """
    The report of a graft by names: never better than "filled", since nothing was compared.

    Args:
        found: The graft.
        target: The module as the user named it.
        notes: Why names decided.
        files: What was written, by name.
    """
    tree = found.tree
    written = [] if found.problems else [key for e in found.mapping.entries for key in e.parameters if key]
    paths = {path for e in found.mapping.entries for source in e.sources for path in source.paths} if written else set()
    return GraftReport(
        regraft=regraft.__version__,
        file=tree.file,
        target=target,
        dialect=tree.dialect,
        keras_version=tree.keras_version,
        architecture="none",
        status="does not fit" if found.problems else "filled",
        variables=len(paths),
        parameters=len(set(written)),
        tried_on=found.ran_on,
        pairs=rows(found.mapping),
        ties=tuple(said(found.pairing)),
        lone_layers=names_of(found.pairing.lone_sources),
        lone_modules=names_of(found.pairing.lone_targets),
        unfilled=() if found.problems else found.unfilled,
        problems=found.problems,
        notes=(*tree.notes, *notes, *lone_notes(found), *found.notes),
        files=files or {},
    )


def lone_notes(found: ByNames) -> list[str]:
    """Layers of the file that the module has no place for."""
    names = names_of(found.pairing.lone_sources)
    return [f"the module has no place for {listed(names, 8)} of the file"] if names else []


def names_of(owners: Sequence[Owner]) -> tuple[str, ...]:
    """Names of owners."""
    return tuple(owner.name for owner in owners)


def rows(plan: TensorMap) -> tuple[PairRow, ...]:
    """One row for each layer and module of a mapping."""
    found: dict[tuple[str, str, str], list[TensorRow]] = {}
    for entry in plan.entries:
        key = next(key for key in entry.parameters if key)
        where = (
            key.rpartition(".")[0]
            if len(entry.parameters) == 1
            else ", ".join(k.rpartition(".")[0] for k in entry.parameters)
        )
        paths = tuple(path for source in entry.sources for path in source.paths)
        words = "; ".join(move.words for move in entry.moves)
        place = next((k for k in found if k[1] == where), (entry.layer, where, entry.how))
        found.setdefault(place, []).append(TensorRow(paths, words, entry.parameters))
    return tuple(PairRow(layer, where, how, tuple(tensors)) for (layer, where, how), tensors in found.items())
