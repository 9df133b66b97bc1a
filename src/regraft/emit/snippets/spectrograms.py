"""Spectra of signals over time."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class STFTSpectrogram(nn.Module):
    """
    The spectrum of every frame of (batch, channels, time), by convolutions with stored waves.

    Gives (batch, channels, frames, bins), or (batch, channels * bins, frames) if not ``expand``.
    Keras: keras/src/layers/preprocessing/stft_spectrogram.py.
    """

    def __init__(self, mode: str, bins: int, length: int, step: int, expand: bool = False) -> None:
        super().__init__()
        self.mode, self.expand = mode, expand
        self.real = None if mode == "imag" else nn.Conv1d(1, bins, length, step, bias=False)
        self.imag = None if mode == "real" else nn.Conv1d(1, bins, length, step, bias=False)

    def spectrum(self, x: Tensor) -> Tensor:
        """(signals, 1, time) to (signals, bins, frames)."""
        real = None if self.real is None else self.real(x)
        imag = None if self.imag is None else self.imag(x)
        if real is None or imag is None:
            return imag if real is None else real
        if self.mode == "angle":
            return torch.atan2(imag, real)
        if self.mode == "stft":
            return torch.cat([real, imag], dim=1)
        power = real**2 + imag**2
        if self.mode == "psd":  # all bins but the first and the last stand for two frequencies
            return power + F.pad(power[:, 1:-1], (0, 0, 1, 1))
        magnitude = torch.sqrt(power.clamp(min=1e-7))
        return torch.log(magnitude.clamp(min=1e-7)) if self.mode == "log" else magnitude

    def forward(self, x: Tensor) -> Tensor:
        spectra = self.spectrum(x.flatten(0, 1)[:, None]).unflatten(0, x.shape[:2])
        return spectra.transpose(2, 3) if self.expand else spectra.flatten(1, 2)


class MelSpectrogram(nn.Module):
    """
    Mel-frequency spectrum of (batch, time), or of one signal: (batch, mel bins, frames), in decibels of the power.

    The loudest frame of the whole batch bounds the quietest: ``top_db`` below it everything is equal.
    Keras: keras/src/layers/preprocessing/mel_spectrogram.py.
    """

    def __init__(
        self,
        fft_length: int,
        stride: int,
        length: int,
        window: str | None,
        rate: int,
        bins: int,
        lowest: float,
        highest: float,
        *,
        decibels: bool = True,
        top_db: float = 80.0,
        exponent: float = 2.0,
        least: float = 1e-10,
        reference: float = 1.0,
    ) -> None:
        super().__init__()
        self.fft_length, self.stride, self.length = fft_length, stride, length
        self.decibels, self.top_db, self.exponent, self.least = decibels, top_db, exponent, least
        self.reference = max(abs(reference), least)
        shapes = {"hann": torch.hann_window, "hamming": torch.hamming_window}
        # TensorFlow makes windows of odd length symmetric, whatever it is asked for.
        shape = shapes[window](length, periodic=length % 2 == 0) if window else torch.ones(length)
        self.register_buffer("window", shape, persistent=False)
        self.register_buffer("mel", self.filters(fft_length // 2 + 1, rate, bins, lowest, highest), persistent=False)

    @staticmethod
    def filters(spectrum: int, rate: int, bins: int, lowest: float, highest: float) -> Tensor:
        """Triangles that are equally wide in mel, the first frequency left out: (spectrum, bins)."""

        def mel(hertz: Tensor) -> Tensor:
            return 1127.0 * torch.log1p(hertz / 700.0)

        edges = torch.linspace(float(mel(torch.tensor(lowest))), float(mel(torch.tensor(highest))), bins + 2)
        low, center, high = edges[:-2], edges[1:-1], edges[2:]
        found = mel(torch.linspace(0.0, rate / 2, spectrum)[1:, None])
        triangles = torch.minimum((found - low) / (center - low), (high - found) / (high - center)).clamp(min=0.0)
        return F.pad(triangles, (0, 0, 1, 0))

    def forward(self, x: Tensor) -> Tensor:
        window = F.pad(self.window, ((self.fft_length - self.length) // 2, (self.fft_length - self.length + 1) // 2))
        spectrum = torch.stft(x, self.fft_length, self.stride, window=window, return_complex=True)
        power = (spectrum.abs() ** self.exponent).transpose(-1, -2) @ self.mel
        if self.decibels:
            power = 10.0 * (torch.log10(power.clamp(min=self.least)) - torch.log10(power.new_tensor(self.reference)))
            power = torch.maximum(power, power.max() - self.top_db)
        return power.transpose(-1, -2)
