"""
DTLN's published Keras file onto its published PyTorch layout: which tensors find their place, and are they the published ones.

The file cannot be run (its Fourier transforms are Lambda layers), so order, roles and shapes decide, and nothing is compared.
The module here is written anew; it has the names and shapes of the published state dict.

    python benchmarks/graft_dtln.py DTLN_norm_or_model.h5 model.pth
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from regraft import graft
from regraft.grafting.report import report_of

FRAME, SHIFT, BINS, CODES, UNITS = 512, 128, 257, 256, 128


class Mask(nn.Module):
    """Two recurrent layers that estimate a mask."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.rnn1 = nn.LSTM(size, UNITS, batch_first=True)
        self.rnn2 = nn.LSTM(UNITS, UNITS, batch_first=True)
        self.dense = nn.Linear(UNITS, size)

    def forward(self, x: Tensor) -> Tensor:
        """A factor for each bin of each frame."""
        return torch.sigmoid(self.dense(self.rnn2(self.rnn1(x)[0])[0]))


class Norm(nn.Module):
    """Every frame by itself."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(1, 1, size))
        self.beta = nn.Parameter(torch.zeros(1, 1, size))

    def forward(self, x: Tensor) -> Tensor:
        """Mean 0 and variance 1 along the last axis, then scaled and moved."""
        mean = x.mean(-1, keepdim=True)
        spread = ((x - mean) ** 2).mean(-1, keepdim=True)
        return (x - mean) / torch.sqrt(spread + 1e-7) * self.gamma + self.beta


class Denoiser(nn.Module):
    """Masks on the spectrum, then on codes that are learnt; ``(batch, samples)`` in and frames out."""

    def __init__(self) -> None:
        super().__init__()
        self.sep1 = Mask(BINS)
        self.encoder_conv1 = nn.Conv1d(FRAME, CODES, 1, bias=False)
        self.encoder_norm1 = Norm(CODES)
        self.sep2 = Mask(CODES)
        self.decoder_conv1 = nn.Conv1d(CODES, FRAME, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Frames of the cleaned signal."""
        spectrum = torch.fft.rfft(x.unfold(-1, FRAME, SHIFT))
        size = spectrum.abs()
        frames = torch.fft.irfft(torch.polar(size * self.sep1(size), spectrum.angle()))
        codes = self.encoder_conv1(frames.transpose(1, 2)).transpose(1, 2)
        codes = codes * self.sep2(self.encoder_norm1(codes))
        return self.decoder_conv1(codes.transpose(1, 2))


def main(weights: str, published: str) -> int:
    """Print what found its place, and how far it is from the published numbers."""
    module = Denoiser()
    wanted = torch.load(published, map_location="cpu", weights_only=True)
    same = {k: tuple(v.shape) for k, v in wanted.items()} == {k: tuple(v.shape) for k, v in module.state_dict().items()}
    print(f"the module has the names and shapes of the published state dict: {same}")
    for title, example in (("run", torch.randn(1, 4 * FRAME)), ("not run", None)):
        module = Denoiser()
        result = graft(weights, module, example)
        report = report_of(result, "the published layout")
        print(f"\n{title}: {report.status}, exit code {report.exit_code}")
        print(f"  {report.variables} of {sum(1 for _ in result.source.tree.variables())} variables placed")
        for line in (*report.problems, *report.notes):
            print("  ", line)
        state = summed(module.state_dict())
        off = {k: float(np.abs(v - summed(wanted)[k]).max()) for k, v in state.items()}
        print(f"  {sum(v == 0.0 for v in off.values())} of {len(off)} tensors are the published numbers bit for bit")
        print("  ", {k: v for k, v in off.items() if v})
    return 0


def summed(state: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """A state dict with the two biases of a recurrent layer, which are added anyway, as one."""
    found = {k: v.numpy() for k, v in state.items()}
    for key in [k for k in found if ".bias_ih" in k]:
        found[key.replace("bias_ih", "bias")] = found.pop(key) + found.pop(key.replace("bias_ih", "bias_hh"))
    return found


if __name__ == "__main__":
    raise SystemExit(main(*map(str, map(Path, sys.argv[1:3]))))
