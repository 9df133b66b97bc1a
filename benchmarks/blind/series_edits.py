"""Mistakes as edits of the text of ``series.py``: name, Keras layer, words of the cause, old text, new text."""

from __future__ import annotations

from benchmarks.blind.mistake import made

SERIES = made(
    "series",
    [
        ("zero taken for the value of the mask", "masking lstm", "mask", "MISSING = -1.0", "MISSING = 0.0"),
        (
            "no mask in the LSTM",
            "lstm",
            "mask",
            "            h = torch.where(m, h1, h)\n            c = torch.where(m, c1, c)",
            "            h, c = h1, c1",
        ),
        ("mask inverted in the mean", "mean", "mask|invert", "m = valid.to(y.dtype)", "m = 1 - valid.to(y.dtype)"),
        ("mean of all steps", "mean", "mask", "y = (y * m).sum(1) / m.sum(1)", "y = y.mean(1)"),
        ("last output for the mean", "mean", "last|step", "y = (y * m).sum(1) / m.sum(1)", "y = y[:, -1]"),
        ("sum for the mean", "mean", "sum|mean|divide|scal|count|mask", "(y * m).sum(1) / m.sum(1)", "(y * m).sum(1)"),
        (
            "divided by all steps",
            "mean",
            "mask|count|divide|mean",
            "(y * m).sum(1) / m.sum(1)",
            "(y * m).sum(1) / y.shape[1]",
        ),
        (
            "forget and cell gates exchanged",
            "lstm",
            "gate",
            'net.cell.weight_ih.data = t[cell + "kernel"].T.contiguous()',
            'net.cell.weight_ih.data = t[cell + "kernel"].T.reshape(4, 6, 4)[[0, 2, 1, 3]].reshape(24, 4)',
        ),
        ("sigmoid for silu", "fc", "sigmoid|silu|activation", "F.silu(self.fc(y))", "torch.sigmoid(self.fc(y))"),
        ("bias of PyTorch left as it was made", "lstm", "bias", "    net.cell.bias_hh.data.zero_()\n", ""),
        ("cell state not masked", "lstm", "mask|cell", "c = torch.where(m, c1, c)", "c = c1"),
    ],
)
