"""Long short-term memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import LayerSpec
from regraft.layers.activations import activation
from regraft.layers.base import Weight
from regraft.layers.recurrent import Recurrent
from regraft.layers.settings import setting


@dataclass(frozen=True, kw_only=True)
class LSTM(Recurrent):
    """
    ``(batch, time, cin) -> (batch, units)``, or ``(batch, time, units)`` with ``return_sequences``; states h and c.

    Gates i, f, c, o stand in the order of PyTorch. PyTorch has a second bias, which is zero.
    Keras: ``keras/src/layers/rnn/lstm.py``; PyTorch: ``torch.nn.LSTM``.
    """

    weights: ClassVar = (
        Weight("kernel", "cin gates -> gates cin", torch="weight_ih_l0", path=("cell",), follows="cin"),
        Weight("recurrent_kernel", "units gates -> gates units", torch="weight_hh_l0", path=("cell",)),
        Weight("bias", "gates -> gates", torch="bias_ih_l0", path=("cell",), given="use_bias"),
    )
    stock: ClassVar = "nn.LSTM"
    twin: ClassVar = "KerasLSTM"
    gates_of: ClassVar = {"recurrent_activation": (0, 1, 3)}
    gate_count: ClassVar = 4
    state_count: ClassVar = 2
    #: Keras 1 wrote i, c, f, o.
    keras_1_gates: ClassVar = (0, 2, 1, 3)

    recurrent_activation: str | LayerSpec = setting(
        "sigmoid", old=("inner_activation",), parse=activation, before={(2, 3, 0): "hard_sigmoid"}
    )
