"""Runs an emitted file as it is shipped, and shows every tensor that passes one of its probes."""

from __future__ import annotations

import ast
import types
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from einops import rearrange

from regraft.errors import OutputError
from regraft.layers import AxisOrder
from regraft.verify.steps import split_path
from regraft.verify.subject import Probe, Spot, State, Subject

RECORD = "__record__"
FILE_NAME = "model.py"

See = Callable[[Spot, np.ndarray], None]


@dataclass(frozen=True)
class Ran:
    """
    How one run ended.

    Attributes:
        outputs: What the model returned, in Keras order; None if it stopped before.
        placeholder: What the placeholder said that stopped it, or empty.
        crash: The error that stopped it otherwise, or empty.
    """

    outputs: tuple[np.ndarray, ...] | None
    placeholder: str = ""
    crash: str = ""


@dataclass
class Emitted:
    """The emitted module, running, with its parameters; ``dtype`` is a name such as ``float64``."""

    subject: Subject
    model: Any
    dtype: str
    recorder: Recorder = field(repr=False)

    def run(self, inputs: Sequence[np.ndarray], see: See) -> Ran:
        """
        Run the model and show every probed tensor, in Keras order, as soon as it exists.

        Args:
            inputs: In Keras order; floats are brought to the model's dtype, integers to int64.
            see: Receives each tensor. The array is valid during the call only.
        """
        import torch

        self.recorder.start(see)
        arguments = [
            in_torch(array, order, self.dtype) for array, order in zip(inputs, self.subject.input_orders, strict=True)
        ]
        try:
            with torch.no_grad(), default_dtype(self.dtype):
                outputs = self.model(*arguments)
        except NotImplementedError as stop:
            self.recorder.flush()
            return Ran(None, placeholder=str(stop)[:300])
        except (RuntimeError, ValueError, TypeError, LookupError, AttributeError, NameError, ArithmeticError) as error:
            self.recorder.flush()
            return Ran(None, crash=f"{type(error).__name__}: {str(error)[:500]}")
        outputs = outputs if isinstance(outputs, tuple | list) else (outputs,)
        orders = self.subject.output_orders
        return Ran(tuple(in_keras(tensor, order) for tensor, order in zip(outputs, orders, strict=True)))


@contextmanager
def default_dtype(name: str) -> Generator[None]:
    """Integers become floats of this dtype: where a module divides or casts them, it does not say which."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, name))
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@dataclass
class Recorder:
    """
    Receives the variables of the emitted file while it runs, and names them.

    The layers of a nested model are seen before the model's own output, so they wait until the outer call is known.
    """

    places: Mapping[tuple[str, int], Sequence[tuple[Probe, tuple[str, ...]]]]
    paths: dict[int, str] = field(default_factory=dict)
    see: See = field(default=lambda *_: None)
    waiting: dict[tuple[str, ...], list[tuple[Spot, np.ndarray]]] = field(default_factory=lambda: defaultdict(list))
    done: dict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))

    def start(self, see: See) -> None:
        """Begin a run."""
        self.see = see
        self.waiting.clear()
        self.done.clear()

    def __call__(self, module: object, line: int, values: Mapping[str, Any]) -> None:
        """Called by the emitted file after each probed line."""
        for probe, layers in self.places.get((self.paths.get(id(module), ""), line), ()):
            tensor = values[probe.variable]
            spot = Spot(layers, (probe.call,), probe.index)
            if len(layers) > 1:
                self.waiting[layers[:-1]].append((spot, in_keras(tensor, probe.order).copy()))
            else:
                self.see(spot, in_keras(tensor, probe.order))
            self.settle(layers, probe.call)

    def settle(self, layers: tuple[str, ...], call: int) -> None:
        """The call number of a nested model is known: its layers' tensors have waited for it."""
        self.done[layers] = max(self.done[layers], call + 1)
        for spot, array in self.waiting.pop(layers, []):
            self.hand_up(Spot(spot.layers, (call, *spot.calls), spot.index), array, layers)

    def hand_up(self, spot: Spot, array: np.ndarray, model: tuple[str, ...]) -> None:
        """Show a tensor whose calls are all known, or let it wait for the next model outwards."""
        if len(spot.calls) == len(spot.layers):
            self.see(spot, array)
        else:
            self.waiting[model[:-1]].append((spot, array))

    def flush(self) -> None:
        """The run was stopped: what waits belongs to the calls that were not finished."""
        for model in sorted(self.waiting, key=len, reverse=True):
            for spot, array in self.waiting.pop(model):
                self.hand_up(Spot(spot.layers, (self.done[model], *spot.calls), spot.index), array, model)


def emitted(subject: Subject) -> Emitted:
    """
    The emitted module in float64, filled from its state dict with ``strict=True``.

    Raises:
        OutputError: If a probe's line is no statement, or the state dict does not fit.
    """
    places: dict[tuple[str, int], list[tuple[Probe, tuple[str, ...]]]] = defaultdict(list)
    for probe in subject.probes:
        places[probe.module, probe.line].append((probe, split_path(subject.blueprint, probe.layer) or (probe.layer,)))
    recorder = Recorder(places)
    variables: dict[int, set[str]] = defaultdict(set)
    for probe in subject.probes:
        variables[probe.line].add(probe.variable)
    space = types.ModuleType("regraft_emitted")
    space.__dict__[RECORD] = recorder
    code = compile(instrumented(subject.source, variables) if variables else subject.source, FILE_NAME, "exec")
    exec(code, space.__dict__)  # noqa: S102 - our own output, which is what is being verified
    model = space.__dict__["Model"]().double().eval()
    recorder.paths |= {id(module): path for path, module in model.named_modules()}
    try:
        model.load_state_dict(tensors(subject.state), strict=True)
    except RuntimeError as error:
        raise OutputError(
            f"the state dict does not fit the emitted model, please report this: {str(error)[:1000]}"
        ) from None
    return Emitted(subject, model, "float64", recorder)


def as_float32(twin: Emitted) -> Emitted:
    """The same module in float32, the dtype it is deployed in; the float64 one is gone."""
    return Emitted(twin.subject, twin.model.float(), "float32", twin.recorder)


def instrumented(source: str, variables: Mapping[int, set[str]]) -> ast.Module:
    """
    The syntax tree of the file with a recorder call behind every statement that ends at a probed line.

    Lines keep their numbers, so that an error names the place in the shipped file.

    Raises:
        OutputError: If no statement ends at a probed line.
    """
    tree = ast.parse(source, FILE_NAME)
    left = dict(variables)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                for name in ("body", "orelse", "finalbody"):
                    block = getattr(node, name, None)
                    if isinstance(block, list):
                        setattr(node, name, [s for old in block for s in with_record(old, left)])
    if left:
        raise OutputError(
            f"{FILE_NAME}: no statement ends at line {', '.join(map(str, sorted(left)))}, please report this"
        )
    return ast.fix_missing_locations(tree)


def with_record(statement: ast.stmt, left: dict[int, set[str]]) -> list[ast.stmt]:
    """A statement, and behind it the recorder call if its line is probed."""
    compound = hasattr(statement, "body")  # its last line belongs to the statement inside
    names = None if compound else left.pop(statement.end_lineno or 0, None)
    if names is None:
        return [statement]
    values = ", ".join(f"{name!r}: {name}" for name in sorted(names))
    (call,) = ast.parse(f"{RECORD}(self, {statement.end_lineno}, {{{values}}})").body
    for node in ast.walk(call):
        ast.copy_location(node, statement)
    return [statement, call]


def tensors(state: State) -> Mapping[str, Any]:
    """
    A state dict as tensors.

    Raises:
        OutputError: If the file has another ending than ``.pth`` or ``.safetensors``.
    """
    import torch

    if not isinstance(state, Path):
        return {
            name: v if isinstance(v, torch.Tensor) else torch.from_numpy(np.array(v)) for name, v in state().items()
        }
    if state.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(state)
    if state.suffix in (".pth", ".pt"):
        return torch.load(state, map_location="cpu", weights_only=True, mmap=True)
    raise OutputError(f"{state}: expected a state dict ending in .pth or .safetensors")


def in_torch(array: np.ndarray, order: AxisOrder, dtype: str) -> Any:
    """An input in Keras order as the tensor the emitted module takes."""
    import torch

    moved = array.transpose(order.axes) if order.axes else array
    tensor = torch.from_numpy(np.ascontiguousarray(moved))
    return tensor.to(getattr(torch, dtype)) if tensor.is_floating_point() else tensor


def in_keras(tensor: Any, order: AxisOrder) -> np.ndarray:
    """
    A tensor of the emitted module in Keras order.

    A flattened map that PyTorch holds as ``(c h w)`` becomes ``(h w c)``.
    """
    array: np.ndarray = tensor.detach().numpy()
    if order.axes:
        array = array.transpose(np.argsort(order.axes))
    if order.flat:
        array = rearrange(array, "... (c place) -> ... (place c)", c=order.flat[-1])
    return array
