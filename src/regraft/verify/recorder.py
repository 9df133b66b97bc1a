"""What passes the watched lines of an emitted file, named by Keras layer and call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from einops import rearrange

from regraft.errors import OutputError
from regraft.layers import AxisOrder
from regraft.verify.subject import Probe, Spot

See = Callable[[Spot, np.ndarray], None]
Place = tuple[Probe, tuple[str, ...]]


@dataclass
class Recorder:
    """
    Receives the variables of the emitted file while it runs, and names them.

    The layers of a nested model are seen before the model's own output. Which of its calls it is follows from the order
    of the lines; where no line of the model itself is watched, its layers' tensors wait until the call is known.

    Attributes:
        places: What can be seen behind a line of a module, and the path of its layer, by module path and line.
        paths: Path of every module by its id.
        orders: Calls of every nested model, by its path, in the order in which they run.
        ended: How many calls of it have ended, in the call of the model around it.
    """

    places: Mapping[tuple[str, int], Sequence[Place]]
    paths: dict[int, str] = field(default_factory=dict)
    orders: Mapping[tuple[str, ...], Sequence[int]] = field(default_factory=dict)
    see: See = field(default=lambda *_: None)
    waiting: dict[tuple[str, ...], list[tuple[Spot, np.ndarray]]] = field(default_factory=lambda: defaultdict(list))
    done: dict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))
    ended: dict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))

    def start(self, see: See) -> None:
        """Begin a run."""
        self.see = see
        self.waiting.clear()
        self.done.clear()
        self.ended.clear()

    def __call__(self, module: object, line: int, values: Mapping[str, Any]) -> None:
        """Called by the emitted file after each probed line."""
        for probe, layers in self.places.get((self.paths.get(id(module), ""), line), ()):
            tensor = values[probe.variable]
            spot = Spot(layers, (probe.call,), probe.index)
            outer = self.running(layers)
            if outer is not None:
                self.see(Spot(layers, (*outer, probe.call), probe.index), in_keras(tensor, probe.order))
            else:
                self.waiting[layers[:-1]].append((spot, in_keras(tensor, probe.order).copy()))
            self.settle(layers, probe.call)

    def running(self, layers: tuple[str, ...]) -> tuple[int, ...] | None:
        """The calls of the models around a layer that run now; None if one of them is not known yet."""
        calls: list[int] = []
        for depth in range(1, len(layers)):
            order, ended = self.orders.get(layers[:depth], ()), self.ended[layers[:depth]]
            if ended >= len(order):
                return None
            calls.append(order[ended])
        return tuple(calls)

    def settle(self, layers: tuple[str, ...], call: int) -> None:
        """The call number of a nested model is known: its layers' tensors have waited for it."""
        order = self.orders.get(layers, ())
        place = order.index(call) if call in order else -1
        if place > self.ended[layers]:
            raise OutputError(
                f"{'/'.join(layers)}: its calls run in another order than their lines, please report this"
            )
        self.ended[layers] = max(self.ended[layers], place + 1)
        for inner in [path for path in self.ended if len(path) > len(layers) and path[: len(layers)] == layers]:
            self.ended[inner] = 0
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


def orders_of(places: Iterable[Place]) -> dict[tuple[str, ...], list[int]]:
    """The calls of every layer in the order of their lines, by its path; of those that one module calls."""
    found: dict[tuple[str, ...], dict[int, None]] = {}
    modules: dict[tuple[str, ...], set[str]] = {}
    for probe, layers in sorted(places, key=lambda place: place[0].line):
        found.setdefault(layers, {})[probe.call] = None
        modules.setdefault(layers, set()).add(probe.module)
    return {layers: list(calls) for layers, calls in found.items() if len(modules[layers]) == 1}


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
