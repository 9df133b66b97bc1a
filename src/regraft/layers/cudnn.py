"""LSTM and GRU of Keras 2 that ran on NVIDIA's library alone, and stored their weights in its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import LayerSpec
from regraft.layers.base import Weight
from regraft.layers.form import Carry, Site
from regraft.layers.gru import GRU
from regraft.layers.lstm import LSTM
from regraft.layers.recurrent import Recurrent
from regraft.layers.settings import setting
from regraft.layers.version import KerasVersion
from regraft.layout import Layout, Move, Pick, Split, Stack

WEIGHTS = (
    Weight("kernel", "cin gates -> gates cin"),
    Weight("recurrent_kernel", "units gates -> gates units"),
    Weight("bias", "bias_gates -> bias_gates"),
)


def cudnn_carries(layer: Recurrent, site: Site, gates: tuple[int, ...]) -> tuple[Carry, ...]:
    """
    Every gate of a kernel, (cin, units) in the file, holds the numbers of a (units, cin) matrix one after the other.

    So it is read anew, not transposed; the bias of the input comes before that of the state. Source:
    ``_convert_rnn_weights`` in ``tf_keras/src/saving/legacy/hdf5_format.py``.
    """
    count = len(gates)

    def kernel(rows: int) -> tuple[Move, ...]:
        sizes = {"rows": rows, "units": layer.units}
        flat = Layout("rows units -> (rows units)", sizes), Layout("(units rows) -> units rows", sizes)
        return (Split(1, count), *flat, Pick(gates), Stack(0, count))

    bias = (Split(0, 2 * count), Pick((*gates, *(count + g for g in gates))))
    halves = (Stack(0, 2 * count), Split(0, 2))
    return (
        Carry(("kernel",), kernel(site.stored["kernel"][0]), ("weight_ih_l0",)),
        Carry(("recurrent_kernel",), kernel(layer.units), ("weight_hh_l0",)),
        Carry(("bias",), (*bias, *halves), ("bias_ih_l0", "bias_hh_l0")),
    )


@dataclass(frozen=True, kw_only=True)
class CuDNN(Recurrent, abstract=True):
    """What both have in common: no masks, and of the settings of LSTM and GRU only those that Keras 2 writes."""

    masks: ClassVar = "drop"
    flat: ClassVar = "no"
    weights: ClassVar = WEIGHTS
    #: Places of today's gates among those in the file.
    pytorch_gates: ClassVar[tuple[int, ...]]

    activation: str | LayerSpec = setting("tanh", keras=False)
    recurrent_activation: str | LayerSpec = setting("sigmoid", keras=False)
    use_bias: bool = setting(True, keras=False)
    unroll: bool = setting(False, keras=False)
    zero_output_for_mask: bool = setting(False, keras=False)
    dropout: float = setting(0.0, keras=False)
    recurrent_dropout: float = setting(0.0, keras=False)

    def axis_sizes(self) -> dict[str, int]:
        return {**super().axis_sizes(), "bias_gates": 2 * self.gate_count * self.units}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        gone = (
            (f"Keras 3 has no {type(self).__name__}, and its successor holds other arrays",)
            if version.major > 2
            else ()
        )
        return (*super().caveats(version), *gone)

    def carries(self, site: Site) -> tuple[Carry, ...]:
        return cudnn_carries(self, site, self.pytorch_gates)


@dataclass(frozen=True, kw_only=True)
class CuDNNLSTM(CuDNN, LSTM):
    """
    An LSTM with tanh and sigmoid, without masks, and with the two biases of PyTorch.

    Keras: ``tf_keras/src/layers/rnn/cudnn_lstm.py``; PyTorch: ``torch.nn.LSTM``.
    """

    pytorch_gates: ClassVar = (0, 1, 2, 3)


@dataclass(frozen=True, kw_only=True)
class CuDNNGRU(CuDNN, GRU):
    """
    A GRU with tanh and sigmoid, without masks, that resets after the matrix product.

    Keras: ``tf_keras/src/layers/rnn/cudnn_gru.py``; PyTorch: ``torch.nn.GRU``.
    """

    pytorch_gates: ClassVar = (1, 0, 2)

    reset_after: bool = setting(True, keras=False)
