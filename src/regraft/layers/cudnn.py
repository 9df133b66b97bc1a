"""LSTM and GRU of Keras 2 that ran on NVIDIA's library alone, and stored their weights in its form."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import LayerSpec
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Carry, Site
from regraft.layers.gru import GRU
from regraft.layers.lstm import LSTM
from regraft.layers.recurrent import Recurrent
from regraft.layers.settings import setting
from regraft.layers.version import KerasVersion
from regraft.layout import Layout, Move, Pick, Split, Stack, Total

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
    #: The layer that does the same on any device, and the moves that make its bias of the two in the file.
    successor: ClassVar[type[Recurrent]]
    bias_in_keras_3: ClassVar[tuple[Move, ...]]
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

    def in_keras_3(self) -> tuple[Layer, Mapping[str, tuple[Move, ...]]]:
        """The layer that came after, with the arrays turned into its form; see ``cudnn_carries``."""
        cls, common = self.successor, {f.name for f in dataclasses.fields(self.successor)}
        layer = cls(**{name: value for name, value in self.config.items() if name in common})
        count = self.gate_count
        flat = Layout("rows units -> (rows units)"), Layout("(units rows) -> rows units", {"units": self.units})
        kernel: tuple[Move, ...] = (Split(1, count), *flat, Stack(1, count))
        return layer, {"kernel": kernel, "recurrent_kernel": kernel, "bias": self.bias_in_keras_3}

    def carries(self, site: Site) -> tuple[Carry, ...]:
        return cudnn_carries(self, site, self.pytorch_gates)


@dataclass(frozen=True, kw_only=True)
class CuDNNLSTM(CuDNN, LSTM):
    """
    An LSTM with tanh and sigmoid, without masks, and with the two biases of PyTorch.

    Keras: ``tf_keras/src/layers/rnn/cudnn_lstm.py``; PyTorch: ``torch.nn.LSTM``.
    """

    successor: ClassVar = LSTM
    bias_in_keras_3: ClassVar = (Split(0, 2), Total(2))
    pytorch_gates: ClassVar = (0, 1, 2, 3)


@dataclass(frozen=True, kw_only=True)
class CuDNNGRU(CuDNN, GRU):
    """
    A GRU with tanh and sigmoid, without masks, that resets after the matrix product.

    Keras: ``tf_keras/src/layers/rnn/cudnn_gru.py``; PyTorch: ``torch.nn.GRU``.
    """

    successor: ClassVar = GRU
    bias_in_keras_3: ClassVar = (Layout("(side gates) -> side gates", {"side": 2}),)
    pytorch_gates: ClassVar = (1, 0, 2)

    reset_after: bool = setting(True, keras=False)
