"""Layers that turn signals into spectra."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import Reading, positive, setting
from regraft.layers.spatial import MapShape, data_format
from regraft.layers.version import KerasVersion
from regraft.layers.window import padded, slid, window_padding

STFT_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


def stft_mode(value: Any, _: Reading) -> str:
    """What of the spectrum leaves the layer."""
    if value not in STFT_MODES:
        raise UnknownLayerError(f"STFTSpectrogram with mode {quote(value)}")
    return value


def maybe_size(value: Any, _: Reading) -> int | None:
    """A positive integer, or None for what follows from other settings."""
    return None if value is None else positive(value)


def named_window(value: Any, _: Reading) -> str | None:
    """The shape of a frame; Keras knows two for MelSpectrogram, or none."""
    if value not in (None, "hann", "hamming"):
        raise UnknownLayerError(f"MelSpectrogram with the window {quote(value)}")
    return value


@dataclass(frozen=True, kw_only=True)
class STFTSpectrogram(Layer):
    """
    Short-time Fourier transform of ``(batch, time, channels)`` by convolution with waves that the file holds.

    Keras: ``keras/src/layers/preprocessing/stft_spectrogram.py``; PyTorch: two ``torch.nn.Conv1d``.
    """

    axis_order: ClassVar = "channels"
    masks: ClassVar = "drop"
    rank: ClassVar = 1
    weights: ClassVar = (
        Weight("real_kernel", "frame 1 bins -> bins 1 frame", torch="real.weight", given="has_real"),
        Weight("imag_kernel", "frame 1 bins -> bins 1 frame", torch="imag.weight", given="has_imag"),
    )

    mode: str = setting("log", parse=stft_mode)
    frame_length: int = setting(256, parse=positive)
    frame_step: int | None = setting(None, parse=maybe_size)
    fft_length: int | None = setting(None, parse=maybe_size)
    #: They made the waves.
    window: Any = setting("hann")
    periodic: bool = setting(False)
    scaling: str | None = setting("density")
    padding: str = setting("valid", parse=window_padding)
    expand_dims: bool = setting(False)
    data_format: str = setting("channels_last", parse=data_format)

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return ("Keras 2 has no STFTSpectrogram",) if version.major < 3 else ()

    @property
    def has_real(self) -> bool:
        """Whether the cosines are stored."""
        return self.mode != "imag"

    @property
    def has_imag(self) -> bool:
        """Whether the sines are stored."""
        return self.mode != "real"

    @property
    def bins(self) -> int:
        """Number of frequencies."""
        return (self.fft_length or 2 ** math.ceil(math.log2(self.frame_length))) // 2 + 1

    @property
    def step(self) -> int:
        """Steps from frame to frame."""
        return self.frame_step or self.frame_length // 2

    def axis_sizes(self) -> dict[str, int]:
        return {"frame": self.frame_length, "bins": self.bins}

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        signal = MapShape.of(inputs[0], 1, self.data_format)
        (frames,) = slid(signal.sizes, (self.frame_length,), (self.step,), self.padding)
        bins = self.bins * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            found = (frames, bins)
            return (signal.batch, signal.channels, *found) if signal.first else (signal.batch, *found, signal.channels)
        return signal.resized((frames,), None if signal.channels is None else signal.channels * bins)

    def arrange(self, arrival: Arrival) -> Arranged:
        order = AxisOrder.channels_first if self.data_format == "channels_last" else AxisOrder.keras
        return Arranged((order(3),), (order(4 if self.expand_dims else 3),))

    def torch(self, site: Site) -> Form:
        pad = padded(self.padding, site.spatial, (self.frame_length,), (self.step,), fill="0.0")
        x = pad.x.replace(", value=0.0", "")
        expand = ", expand=True" if self.expand_dims else ""
        module = f'STFTSpectrogram("{self.mode}", {self.bins}, {self.frame_length}, {self.step}{expand})'
        return Form((f"%self({x})",), module, snippets=("STFTSpectrogram", *pad.snippets))


@dataclass(frozen=True, kw_only=True)
class MelSpectrogram(Layer):
    """
    Mel spectrum of ``(batch, time)``, or of one signal: ``(batch, num_mel_bins, frames)``.

    Keras: ``keras/src/layers/preprocessing/mel_spectrogram.py``; PyTorch: ``torch.stft`` and a product.
    """

    axis_order: ClassVar = "keras"
    masks: ClassVar = "drop"

    fft_length: int = setting(2048, parse=positive)
    sequence_stride: int = setting(512, parse=positive)
    sequence_length: int | None = setting(None, parse=maybe_size)
    window: str | None = setting("hann", parse=named_window)
    sampling_rate: int = setting(16000, parse=positive)
    num_mel_bins: int = setting(128, parse=positive)
    min_freq: float = setting(20.0)
    max_freq: float | None = setting(None)
    power_to_db: bool = setting(True)
    top_db: float = setting(80.0)
    mag_exp: float = setting(2.0)
    min_power: float = setting(1e-10)
    ref_power: float = setting(1.0)

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return ("Keras 2 has no MelSpectrogram",) if version.major < 3 else ()

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        (signal,) = inputs
        if signal is None:
            return None
        # One frame around every stride-th sample, the first included.
        padded_length = None if signal[-1] is None else signal[-1] + self.fft_length // 2 * 2
        frames = None if padded_length is None else (padded_length - self.fft_length) // self.sequence_stride + 1
        return (*signal[:-1], self.num_mel_bins, frames)

    def arrange(self, arrival: Arrival) -> Arranged:
        rank = len(arrival.orders[0].axes)
        return Arranged((AxisOrder.keras(rank),), (AxisOrder.keras(rank + 1 if rank else 0),))

    def torch(self, site: Site) -> Form:
        length = self.sequence_length or self.fft_length
        highest = float(self.max_freq or self.sampling_rate // 2)
        window = "None" if self.window is None else f'"{self.window}"'
        numbers = [self.fft_length, self.sequence_stride, length, window, self.sampling_rate, self.num_mel_bins]
        options = [
            ("decibels", self.power_to_db, True),
            ("top_db", self.top_db, 80.0),
            ("exponent", self.mag_exp, 2.0),
            ("least", self.min_power, 1e-10),
            ("reference", self.ref_power, 1.0),
        ]
        texts = [*map(str, numbers), repr(float(self.min_freq)), repr(highest)]
        texts += [f"{name}={value!r}" for name, value, default in options if value != default]
        return Form(("%self(%0)",), f"MelSpectrogram({', '.join(texts)})", snippets=("MelSpectrogram",))
