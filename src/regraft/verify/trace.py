"""Runs an emitted file as it is shipped, and shows every tensor that passes one of its probes."""

from __future__ import annotations

import ast
import types
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from regraft.errors import OutputError
from regraft.layers import AxisOrder
from regraft.verify.recorder import Recorder, See, in_keras, orders_of
from regraft.verify.steps import split_path
from regraft.verify.subject import Probe, State, Subject

RECORD = "__record__"
FILE_NAME = "model.py"


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


def emitted(subject: Subject) -> Emitted:
    """
    The emitted module in float64, filled from its state dict with ``strict=True``.

    Raises:
        OutputError: If a probe's line is no statement, or the state dict does not fit.
    """
    places: dict[tuple[str, int], list[tuple[Probe, tuple[str, ...]]]] = defaultdict(list)
    for probe in subject.probes:
        places[probe.module, probe.line].append((probe, split_path(subject.blueprint, probe.layer) or (probe.layer,)))
    recorder = Recorder(places, orders=orders_of(place for found in places.values() for place in found))
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
