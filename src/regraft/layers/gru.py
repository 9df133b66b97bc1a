"""Gated recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from regraft.blueprint import LayerSpec
from regraft.layers.activations import activation
from regraft.layers.base import Weight
from regraft.layers.form import Carry, Site
from regraft.layers.recurrent import Recurrent
from regraft.layers.settings import setting
from regraft.layout import Fill, Reorder, Split


@dataclass(frozen=True, kw_only=True)
class GRU(Recurrent):
    """
    ``(batch, time, cin) -> (batch, units)``, or ``(batch, time, units)`` with ``return_sequences``; one state h.

    Keras has the gates in the order z, r, h, PyTorch in the order r, z, n. With ``reset_after`` there are two biases,
    as in PyTorch; without it the reset gate acts before the matrix product, which ``torch.nn.GRU`` cannot do.
    Keras: ``keras/src/layers/rnn/gru.py``; PyTorch: ``torch.nn.GRU``.
    """

    weights: ClassVar = (
        Weight("kernel", "cin gates -> gates cin", torch="weight_ih_l0", path=("cell",), follows="cin"),
        Weight("recurrent_kernel", "units gates -> gates units", torch="weight_hh_l0", path=("cell",)),
        Weight("bias", "side gates -> side gates", path=("cell",), given="use_bias"),
    )
    stock: ClassVar = "nn.GRU"
    twin: ClassVar = "KerasGRU"
    gates_of: ClassVar = {"recurrent_activation": (0, 1), "activation": (2,)}
    gate_count: ClassVar = 3
    keras_1_gates: ClassVar = (0, 1, 2)

    recurrent_activation: str | LayerSpec = setting(
        "sigmoid", old=("inner_activation",), parse=activation, before={(2, 3, 0): "hard_sigmoid"}
    )
    # tf.keras always states it; where it is missing, an old stand-alone Keras wrote the file.
    reset_after: bool = setting(True, before={(2, 4, 0): False})

    def variables(self) -> tuple[Weight, ...]:
        *kernels, bias = self.weights
        if not self.reset_after:
            bias = replace(bias, pattern="gates -> gates")
        return (*kernels, bias) if self.use_bias else tuple(kernels)

    def axis_sizes(self) -> dict[str, int]:
        return {**super().axis_sizes(), "side": 2}

    def carries(self, site: Site) -> tuple[Carry, ...]:
        swap = Reorder("gate", 0, (1, 0, 2))
        kernels = [replace(carry, moves=(*carry.moves, swap)) for carry in self.carry(site)]
        if not self.use_bias:
            return tuple(kernels)
        if self.reset_after:
            sides = (Split(0, 2, drop=True), swap)
            return (*kernels, Carry(("bias",), sides, ("bias_ih_l0", "bias_hh_l0")))
        zeros = Carry((), (Fill((3 * self.units,), 0.0),), ("bias_hh_l0",))
        return (*kernels, Carry(("bias",), (swap,), ("bias_ih_l0",)), zeros)

    def is_stock(self, masked: bool) -> bool:
        return self.reset_after and super().is_stock(masked)

    def twin_options(self, masked: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        options, snippets = super().twin_options(masked)
        return (options if self.reset_after else (*options, "reset_after=False")), snippets
