"""
The forward pass of a module as a graph of operations, with the parameters that each one uses.

Every function of PyTorch that runs on a tensor is seen as it is called (``torch.overrides.TorchFunctionMode``), so that any
Python code can be traced: what is recorded is what ran. Sizes and settings are those of this one run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from regraft.graft.operations import IDENTITIES, IGNORED, PACKED, RNN, name_of, operation_of

#: Arguments that change nothing that is computed when a network is used.
NO_MATTER = frozenset({"inplace", "training", "dtype", "_stacklevel", "p", "generator", "antialias"})
#: What makes another form of a parameter, which is still that parameter where only axes of length 1 come or go.
RESHAPING = frozenset({"reshape", "view", "unsqueeze", "squeeze", "flatten", "expand", "__getitem__", "view_as"})
DERIVING = frozenset({"transpose", "permute", "sqrt", "rsqrt", "clamp"})
POINTWISE = frozenset({"add", "sub", "mul", "div"})
#: What changes its first argument and returns nothing.
ASSIGNING = frozenset({"__setitem__"})
#: Dropouts, which do something when a network is used if nobody tells them that it is.
DROPPING = frozenset(
    "dropout alpha_dropout feature_dropout dropout1d dropout2d dropout3d feature_alpha_dropout".split()
)
#: Constants with at most so many numbers are settings.
FEW = 16
#: Roles of the weights of one direction of a recurrent layer, in the order in which torch hands them over.
RECURRENT = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@dataclass(frozen=True)
class Use:
    """
    One operation of a run.

    Attributes:
        place: Its number in the order of the run.
        kind: What it does: ``conv``, ``linear``, ``relu``, ``add`` ...
        module: Path of the module in whose ``forward`` it ran.
        inputs: Places of the operations that made its tensors; the model's i-th input is ``-1 - i``.
        parameters: Keys of the state dict by role: ``weight``, ``bias``, ``running_mean`` ...
        axes: Names of the axes of a parameter, by role, where they are known.
        settings: Stride, padding, epsilon and the like.
        shapes: Of the tensors that enter.
        shape: Of the tensor that leaves.
    """

    place: int
    kind: str
    module: str
    inputs: tuple[int, ...]
    parameters: Mapping[str, str]
    axes: Mapping[str, str]
    settings: Mapping[str, Any]
    shapes: tuple[tuple[int, ...], ...]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Trace:
    """
    One run of a module.

    Attributes:
        uses: Every operation, in order.
        outputs: Places of the operations that made the outputs.
        shapes: Of every entry of the state dict.
        unused: Entries of the state dict that no operation used.
    """

    uses: tuple[Use, ...]
    outputs: tuple[int, ...]
    shapes: Mapping[str, tuple[int, ...]]
    unused: tuple[str, ...]


@dataclass
class Record:
    """What is known so far of a run: who made which tensor. Tensors are held, so that no two share an identity."""

    names: Mapping[int, str]
    made: dict[int, int] = field(default_factory=dict)
    derived: dict[int, tuple[str, str]] = field(default_factory=dict)
    aliases: dict[int, str] = field(default_factory=dict)
    held: list[Any] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    path: list[str] = field(default_factory=lambda: [""])
    inside: int = 0
    kept: dict[int, Any] | None = None
    forced: Callable[[int, Any], Any] | None = None

    def see(self, function: Any, arguments: Sequence[Any], named: Mapping[str, Any], result: Any) -> None:
        """One call that returned."""
        name = name_of(function)
        results = list(tensors(arguments[0] if name in ASSIGNING else result))
        if self.inside or name in IGNORED or not results:
            return
        self.held += results
        operation = operation_of(function)
        order = PACKED if operation.arguments == RNN and packed(arguments) else operation.arguments
        given = dict(zip(order, arguments, strict=False))
        given |= {f"argument_{i}": value for i, value in enumerate(arguments) if i >= len(order)}
        given |= named
        parameters, inputs, shapes = self.sorted(given)
        if not inputs:
            self.derive(name, parameters, next(tensors(list(given.values())), None), results)
            return  # made of parameters or of nothing: a constant of the run
        if (
            (name in IDENTITIES and not drops(name, given))
            or (name == "flatten" and len(shapes[0]) == 2)
            or (name == "cat" and len(inputs) == 1)
        ):
            self.made |= {id(r): inputs[0] for r in results}
            return
        settings = {key: given.get(key, value) for key, value in operation.defaults.items()}
        settings |= {k: v for k, v in given.items() if plain(v) and k not in settings and k not in NO_MATTER}
        settings |= {"p": given.get("p", 0.5)} if name in DROPPING else {}
        settings |= {"packed": True} if order is PACKED else {}
        if operation.kind in POINTWISE:
            settings |= {role: numbers for role, value in given.items() if (numbers := self.numbers(value))}
        axes = {role: operation.axes[role] for role in parameters if role in operation.axes}
        self.note(operation.kind, inputs, parameters, axes, settings, shapes, results)

    def derive(self, name: str, parameters: Mapping[str, str], given: Any, results: Sequence[Any]) -> None:
        """A parameter in another form: itself if no more than axes of length 1 came or went, else with a word for it."""
        if len(parameters) != 1 or given is None:
            return
        ((role, key),) = parameters.items()
        done = role.partition(".")[2]
        for made in results:
            bare, was = ([size for size in tensor.shape if size != 1] for tensor in (made, given))
            if not done and name in RESHAPING | IDENTITIES and bare == was:
                self.aliases[id(made)] = key
            elif name in DERIVING:
                self.derived[id(made)] = (key, f"{done}.{name}" if done else name)

    def numbers(self, value: Any) -> tuple[float, ...]:
        """The numbers of a small constant; none of anything else."""
        import torch

        if not isinstance(value, torch.Tensor) or id(value) in self.made or value.numel() > FEW:
            return ()
        return tuple(value.detach().double().flatten().tolist())

    def note(
        self,
        kind: str,
        inputs: tuple[int, ...],
        parameters: Mapping[str, str],
        axes: Mapping[str, str],
        settings: Mapping[str, Any],
        shapes: tuple[tuple[int, ...], ...],
        results: Sequence[Any],
    ) -> None:
        """One more operation."""
        place = len(self.uses)
        shape = tuple(results[0].shape)
        self.uses.append(Use(place, kind, self.path[-1], inputs, parameters, axes, settings, shapes, shape))
        self.made |= {id(r): place for r in results}
        if self.kept is not None:
            self.kept[place] = results[0].detach().clone()  # what follows may change it in place
        other = self.forced(place, results[0]) if self.forced is not None else None
        if other is not None:
            results[0].copy_(other)

    def own_recurrence(self, module: Any, arguments: Sequence[Any], result: Any) -> None:
        """
        A recurrent module that computes its steps itself, with the parameters of PyTorch's own.

        How it does that is its own affair; gates and parameters are those of ``torch.nn.LSTM`` and its kin.
        """
        weight_ih, weight_hh = module.weight_ih_l0, module.weight_hh_l0
        functions = functions_of(module)
        plainly = "rnn_relu" if functions.get("activation") == "relu" else "rnn_tanh"
        kind = {4: "lstm", 3: "gru", 1: plainly}.get(len(weight_ih) // weight_hh.shape[1], "recurrence")
        roles = [name for name, _ in module.named_parameters(recurse=False)]
        prefix = f"{self.path[-1]}." if self.path[-1] else ""
        _, inputs, shapes = self.sorted({"input": list(arguments)})
        settings = {"num_layers": 1, "bidirectional": "weight_ih_l0_reverse" in roles, "batch_first": True, "own": True}
        settings |= functions
        results = list(tensors(result))
        self.held += results
        self.note(kind, inputs, {role: prefix + role for role in roles}, {}, settings, shapes, results)

    def sorted(self, given: Mapping[str, Any]) -> tuple[dict[str, str], tuple[int, ...], tuple[tuple[int, ...], ...]]:
        """The arguments of a call: parameters by role, and the tensors of the network with their shapes."""
        parameters: dict[str, str] = {}
        inputs: list[int] = []
        shapes: list[tuple[int, ...]] = []
        for role, value in given.items():
            found = list(tensors(value))
            for number, tensor in enumerate(found):
                if id(tensor) in self.made:
                    inputs.append(self.made[id(tensor)])
                    shapes.append(tuple(tensor.shape))
                elif id(tensor) in self.names or id(tensor) in self.aliases:
                    key = self.names.get(id(tensor)) or self.aliases[id(tensor)]
                    parameters[role_of(role, number, found, given)] = key
                elif id(tensor) in self.derived:
                    key, how = self.derived[id(tensor)]
                    parameters[f"{role}.{how}"] = key
        return parameters, tuple(inputs), tuple(shapes)


def packed(arguments: Sequence[Any]) -> bool:
    """Whether a recurrent function is given a packed sequence: then the lengths come second, else the states."""
    return len(arguments) > 1 and not isinstance(arguments[1], list | tuple) and arguments[1].dim() == 1


def drops(name: str, given: Mapping[str, Any]) -> bool:
    """Whether a dropout drops something in a run in evaluation mode: ``functional.dropout(x)`` without ``training=``."""
    return name in DROPPING and bool(given.get("training", True)) and given.get("p", 0.5) > 0


def functions_of(module: Any) -> dict[str, str]:
    """The functions of a recurrent module that computes its steps itself, by what they are called there."""
    found: dict[str, str] = {}
    for name in ("activation", "recurrent_activation"):
        function = getattr(module, name, None)
        if callable(function):
            found[name] = getattr(function, "__name__", type(function).__name__).lower()
    if isinstance(getattr(module, "reset_after", None), bool):
        found["reset gate"] = "behind the product" if module.reset_after else "before the product"
    return found


def own(part: Any) -> bool:
    """Whether a module with the parameters of PyTorch's recurrent ones has a ``forward`` of its own."""
    return hasattr(part, "weight_ih_l0") and not type(part).forward.__module__.startswith("torch.")


def role_of(argument: str, number: int, found: Sequence[Any], given: Mapping[str, Any]) -> str:
    """The role of the n-th tensor of an argument: lists of weights of recurrent layers count by layer and direction."""
    if argument != "weights":
        return argument if len(found) == 1 else f"{argument}_{number}"
    per = 4 if given.get("has_biases", True) else 2
    directions = 2 if given.get("bidirectional") else 1
    layer, direction = divmod(number // per, directions)
    return f"{RECURRENT[number % per]}_l{layer}{'_reverse' if direction else ''}"


def plain(value: Any) -> bool:
    """Whether an argument is a setting: a number, a word, or a list of numbers."""
    return isinstance(value, int | float | str) or (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(item, int) for item in value)
    )


def tensors(value: Any) -> Iterator[Any]:
    """All tensors inside a value."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors(item)


def copied(value: Any) -> Any:
    """A tensor, or several, as a copy."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    return [copied(item) for item in value] if isinstance(value, list | tuple) else value


def observe(
    module: Any, inputs: Sequence[Any], forced: Callable[[int, Any], Any] | None = None
) -> tuple[Trace, dict[int, Any]]:
    """
    The tensor that every operation of a module makes, by its place in the trace; the run is the same as ``trace``'s.

    ``forced`` is given the place and the tensor of each operation, and may return another one for what follows to take, so
    that each operation is seen on the right inputs whatever went wrong before it.
    """
    kept: dict[int, Any] = {}
    return trace(module, inputs, kept, forced), kept


def trace(
    module: Any,
    inputs: Sequence[Any],
    kept: dict[int, Any] | None = None,
    forced: Callable[[int, Any], Any] | None = None,
) -> Trace:
    """
    Run a module once, in evaluation mode and without gradients, and record what it does.

    Args:
        module: A ``torch.nn.Module``; its mode and its parameters are as before afterwards.
        inputs: Its arguments: tensors with the batch first.
        kept: Receives the tensor that each operation makes, by its place.
        forced: As in ``observe``.

    Raises:
        RuntimeError: And whatever else the module raises on these inputs.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    state = module.state_dict(keep_vars=True)
    inputs = [copied(value) for value in inputs]  # a module may change them in place
    record = Record({id(tensor): name for name, tensor in reversed(list(state.items()))}, kept=kept, forced=forced)
    record.made |= {id(tensor): -1 - i for i, tensor in enumerate(tensors(list(inputs)))}

    class Watching(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            record.see(func, args, kwargs or {}, result)
            return result

    training = {name: part.training for name, part in module.named_modules()}
    module.eval()
    try:
        with paths(module, record), torch.no_grad(), Watching():
            result = module(*inputs)
    finally:
        for name, part in module.named_modules():
            part.training = training[name]
    outputs = tuple(record.made[id(t)] for t in tensors(result) if id(t) in record.made)
    used = {key for use in record.uses for key in use.parameters.values()}
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    alike: dict[int, list[str]] = {}
    for name, tensor in state.items():
        alike.setdefault(id(tensor), []).append(name)
    used |= {other for names in alike.values() if used & set(names) for other in names}
    unused = tuple(name for name in shapes if name not in used and not name.endswith("num_batches_tracked"))
    return Trace(tuple(record.uses), outputs, shapes, unused)


@contextmanager
def paths(module: Any, record: Record) -> Generator[None]:
    """While this lasts, the record knows which module runs, and sees recurrences of the user's own as one operation."""
    handles: list[Any] = []
    for name, part in module.named_modules():
        itself = own(part)

        def enter(*_: Any, name: str = name, itself: bool = itself) -> None:
            record.path.append(name)
            record.inside += itself

        def leave(part: Any, arguments: Any, result: Any, itself: bool = itself) -> None:
            record.inside -= itself
            if itself and not record.inside:
                record.own_recurrence(part, arguments, result)
            record.path.pop()

        handles += [part.register_forward_pre_hook(enter), part.register_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
