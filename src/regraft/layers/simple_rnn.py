"""The simple recurrent network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.layers.base import Weight
from regraft.layers.recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class SimpleRNN(Recurrent):
    """
    ``(batch, time, cin) -> (batch, units)``, or ``(batch, time, units)`` with ``return_sequences``; one state h.

    PyTorch has a second bias, which is zero.
    Keras: ``keras/src/layers/rnn/simple_rnn.py``; PyTorch: ``torch.nn.RNN``.
    """

    weights: ClassVar = (
        Weight("kernel", "cin gates -> gates cin", torch="weight_ih_l0", path=("cell",), follows="cin"),
        Weight("recurrent_kernel", "units gates -> gates units", torch="weight_hh_l0", path=("cell",)),
        Weight("bias", "gates -> gates", torch="bias_ih_l0", path=("cell",), given="use_bias"),
    )
    gates_of: ClassVar = {"activation": (0,)}
    stock: ClassVar = "nn.RNN"
    twin: ClassVar = "KerasRNN"

    def is_stock(self, masked: bool) -> bool:
        return not masked and self.activation in {"tanh", "relu"}

    def stock_options(self) -> tuple[str, ...]:
        return ('nonlinearity="relu"',) if self.activation == "relu" else ()
