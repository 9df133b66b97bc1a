"""Which stored variable becomes which parameter, as data: written to ``mapping.toml``, edited, applied, turned round."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from regraft.blueprint.toml_text import Table, Tables, write
from regraft.errors import ConfigError, ShapeMismatchError, quote
from regraft.graft.spelling import parsed, spelled
from regraft.layout import Move, apply, undo

HEAD = """\
# Which variable of the Keras file becomes which parameter of the module. Edit it, and apply it with
#   regraft graft WEIGHTS TARGET --mapping mapping.toml
# from      variables of the file; several are taken together
# moves     how their axes move, one after another
# to        parameters of the module, one for each array that comes out; "" for one that it has no place for
# then      moves of one parameter alone, by its name
# less      variables that are taken off a parameter: biases of convolutions, off the mean of the normalisation behind them
"""
KEYS = frozenset({"layer", "from", "made", "moves", "to", "then", "less", "how"})


GATES_OF_GRU = 3


@dataclass(frozen=True)
class Made:
    """A variable as Keras 2 and 3 hold it, with the stored arrays it is made of."""

    paths: tuple[str, ...]
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True)
class Entry:
    """
    Variables of one layer on their way into parameters.

    Attributes:
        layer: Name of the Keras layer.
        sources: The variables.
        moves: From the variables to the parameters.
        parameters: Keys of the module's state dict; empty text for an array that it has no place for.
        then: Further moves of one parameter, by its key.
        less: Paths of stored variables that are taken off a parameter, by its key.
        how: Why they belong together.
    """

    layer: str
    sources: tuple[Made, ...]
    moves: tuple[Move, ...]
    parameters: tuple[str, ...]
    then: Mapping[str, tuple[Move, ...]]
    less: Mapping[str, tuple[str, ...]]
    how: str = ""

    def forward(self, read: Callable[[str], np.ndarray]) -> dict[str, np.ndarray]:
        """The parameters, from stored arrays by path."""
        made = tuple(apply(source.moves, tuple(map(read, source.paths)))[0] for source in self.sources)
        found: dict[str, np.ndarray] = {}
        for key, array in zip(self.parameters, apply(self.moves, made), strict=True):
            if not key:
                continue
            found[key] = self.put(key, array, read)
        return found

    def backward(self, state: Mapping[str, np.ndarray], read: Callable[[str], np.ndarray]) -> dict[str, np.ndarray]:
        """
        The stored arrays by path, from parameters; what the module has no place for, and what did not change, is as it is.

        Raises:
            ShapeMismatchError: A parameter has changed that Keras has no place for.
        """
        was = tuple(apply(source.moves, tuple(map(read, source.paths)))[0] for source in self.sources)
        before = apply(self.moves, was)
        arrays: list[np.ndarray] = []
        for key, old in zip(self.parameters, before, strict=True):
            array = state[key] if key else old
            if not key or unchanged(array, self.put(key, old, read)):
                arrays.append(old)  # to take a bias off and add it again may round
                continue
            array = shifted(array, self.less.get(key, ()), 1, read)
            arrays.append(undo(self.then.get(key, ()), (array,))[0])
        try:
            made = undo(self.moves, tuple(arrays))
        except ValueError:
            where = f" of the layer {self.layer}" if self.layer else ""
            raise ShapeMismatchError(
                f"{', '.join(filter(None, self.parameters))} has other numbers than {self.moves[-1].words}, and the Keras file "
                f"has no such array{where}: what it does in the module cannot be written there"
            ) from None
        found: dict[str, np.ndarray] = {}
        for source, array in zip(self.sources, made, strict=True):
            found |= dict(zip(source.paths, undo(source.moves, (array,)), strict=True))
        return found

    def put(self, key: str, array: np.ndarray, read: Callable[[str], np.ndarray]) -> np.ndarray:
        """An array that the moves made, as the parameter that it becomes."""
        (moved,) = apply(self.then.get(key, ()), (array,))
        return shifted(moved, self.less.get(key, ()), -1, read)


def unchanged(array: np.ndarray, was: np.ndarray) -> bool:
    """Whether a parameter is what the file made it, in the precision of the parameter."""
    return array.shape == was.shape and np.array_equal(
        array, was.astype(array.dtype), equal_nan=array.dtype.kind == "f"
    )


def biases_together(entries: Sequence[Entry], state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """
    Parameters with the two biases of a recurrent layer as one, where Keras has one: they are added anyway.

    PyTorch trains both; the second one has no array in the file.
    """
    found = dict(state)
    constant = {key for entry in entries if not entry.sources for key in entry.parameters}
    for key in constant:
        other = key.replace("bias_hh", "bias_ih")
        weight = state.get(key.replace("bias_hh", "weight_hh"))
        if other == key or other in constant or other not in state or weight is None or not np.any(state[key]):
            continue
        if len(weight) == GATES_OF_GRU * weight.shape[1]:
            continue  # a gate comes between the two
        found[other] = (state[other].astype("float64") + state[key].astype("float64")).astype(state[other].dtype)
        found[key] = np.zeros_like(state[key])
    return found


def shifted(array: np.ndarray, paths: Sequence[str], sign: int, read: Callable[[str], np.ndarray]) -> np.ndarray:
    """An array with stored variables added or taken off, in its own precision."""
    if not paths:
        return array
    total = array.astype("float64")
    for path in paths:
        total = total + sign * read(path).astype("float64")
    return total.astype(array.dtype)


@dataclass(frozen=True)
class TensorMap:
    """All entries of one graft."""

    entries: tuple[Entry, ...]

    def parameters(self, read: Callable[[str], np.ndarray]) -> dict[str, np.ndarray]:
        """Every parameter."""
        found: dict[str, np.ndarray] = {}
        for entry in self.entries:
            found |= entry.forward(read)
        return found

    def variables(self, state: Mapping[str, np.ndarray], read: Callable[[str], np.ndarray]) -> dict[str, np.ndarray]:
        """
        Every stored array.

        Raises:
            ShapeMismatchError: A parameter is missing, or has numbers that the file has no place for.
        """
        missing = [key for entry in self.entries for key in entry.parameters if key and key not in state]
        if missing:
            raise ShapeMismatchError(
                f"the state dict has no {', '.join(missing[:5])}: is it that of this mapping's module?"
            )
        state = biases_together(self.entries, state)
        found: dict[str, np.ndarray] = {}
        for entry in self.entries:
            found |= entry.backward(state, read)
        return found

    def to_toml(self) -> str:
        """The text of ``mapping.toml``."""
        return HEAD + "\n".join(write({"tensor": Tables(Table(table(entry)) for entry in self.entries)})) + "\n"


def table(entry: Entry) -> dict[str, Any]:
    """One entry as TOML."""
    found: dict[str, Any] = {"layer": entry.layer} if entry.layer else {}
    if all(len(source.paths) == 1 and not source.moves for source in entry.sources):
        if entry.sources:
            found["from"] = [source.paths[0] for source in entry.sources]
    else:
        found["made"] = [
            {"from": list(source.paths), "moves": [spelled(move) for move in source.moves]} for source in entry.sources
        ]
    if entry.moves:
        found["moves"] = [spelled(move) for move in entry.moves]
    found["to"] = list(entry.parameters)
    if entry.then:
        found["then"] = {key: [spelled(move) for move in moves] for key, moves in entry.then.items()}
    if entry.less:
        found["less"] = {key: paths[0] if len(paths) == 1 else list(paths) for key, paths in entry.less.items()}
    if entry.how:
        found["how"] = entry.how
    return found


def from_toml(text: str, name: str = "mapping.toml") -> TensorMap:
    """
    A mapping from its text.

    Raises:
        ConfigError: It is none; the message names the entry.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: {error}") from None
    tables = data.get("tensor")
    if not isinstance(tables, list) or not tables:
        raise ConfigError(f"{name}: no [[tensor]] in it; regraft graft writes such a file")
    return TensorMap(tuple(entry_of(one, f"{name}, tensor {i + 1}") for i, one in enumerate(tables)))


def entry_of(data: Any, place: str) -> Entry:
    """One entry from its table."""
    if not isinstance(data, dict) or set(data) - KEYS:
        extra = sorted(set(data) - KEYS) if isinstance(data, dict) else []
        raise ConfigError(f"{place}: unknown {quote(extra)}; known are {', '.join(sorted(KEYS))}")
    made = data.get("made")
    tables = made if isinstance(made, list) else [{"from": [path]} for path in texts(data.get("from", []), place)]
    sources = tuple(Made(texts(one.get("from", []), place), moves(one.get("moves", []), place)) for one in tables)
    then = {key: moves(value, place) for key, value in table_of(data.get("then", {}), place).items()}
    taken = table_of(data.get("less", {}), place)
    less = {key: texts(value if isinstance(value, list) else [value], place) for key, value in taken.items()}
    return Entry(
        texts([data.get("layer", "")], place)[0],
        sources,
        moves(data.get("moves", []), place),
        texts(data.get("to", []), place),
        then,
        less,
        texts([data.get("how", "")], place)[0],
    )


def table_of(value: Any, place: str) -> dict[str, Any]:
    """A table, or what is wrong."""
    if not isinstance(value, dict):
        raise ConfigError(f"{place}: expected a table, found {quote(value)}")
    return value


def texts(value: Any, place: str) -> tuple[str, ...]:
    """A list of texts, or what is wrong."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{place}: expected a list of texts, found {quote(value)}")
    return tuple(value)


def moves(value: Any, place: str) -> tuple[Move, ...]:
    """Moves from their texts, or what is wrong."""
    try:
        return tuple(parsed(text) for text in texts(value, place))
    except ValueError as error:
        raise ConfigError(f"{place}: {error}") from None


def checked(shapes: Mapping[str, Sequence[int]], found: Mapping[str, np.ndarray]) -> list[str]:
    """What does not fit a module: parameters that it does not have, or that have another shape."""
    wrong = [f"the module has no parameter {quote(key)}" for key in found if key not in shapes]
    wrong += [
        f"{key}: expected {tuple(shapes[key])}, the mapping makes {array.shape}"
        for key, array in found.items()
        if key in shapes and tuple(shapes[key]) != array.shape
    ]
    return wrong
