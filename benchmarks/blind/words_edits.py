"""Mistakes as edits of the text of ``words.py``: name, Keras layer, words of the cause, old text, new text."""

from __future__ import annotations

from benchmarks.blind.mistake import made

WORDS = made(
    "words",
    [
        (
            "no mask",
            "lstm",
            "mask",
            "packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)",
            "packed = x",
        ),
        (
            "embedding off by one",
            "emb",
            "offset|one|index|row",
            "x = self.emb(ids)",
            "x = self.emb((ids - 1).clamp(min=0))",
        ),
        (
            "row of the padding set to zero, no mask",
            "emb lstm",
            "mask|zero|padding",
            "packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)",
            "packed = x * (ids != 0).unsqueeze(-1)",
        ),
        (
            "lengths one too short",
            "lstm",
            "mask|length|step",
            "lengths = (ids != 0).sum(1)",
            "lengths = (ids != 0).sum(1) - 1",
        ),
        (
            "gates in another order",
            "lstm",
            "gate",
            't["lstm/lstm_cell/kernel"].T,',
            't["lstm/lstm_cell/kernel"][:, [*range(8), *range(16, 24), *range(8, 16), *range(24, 32)]].T,',
        ),
        ("cell for output", "lstm", "cell|state", "_, (h, _) = self.lstm(packed)", "_, (_, h) = self.lstm(packed)"),
        ("square dense kernel not transposed", "fc", "transpos", 't["fc/kernel"].T', 't["fc/kernel"]'),
        ("tanh for relu", "fc", "tanh|relu|activation", "torch.relu(self.fc(h[-1]))", "torch.tanh(self.fc(h[-1]))"),
        (
            "recurrent kernel not transposed by gates",
            "lstm",
            "transpos|recurrent",
            't["lstm/lstm_cell/recurrent_kernel"].T',
            't["lstm/lstm_cell/recurrent_kernel"].view(8, 4, 8).permute(1, 0, 2).reshape(32, 8)',
        ),
    ],
)
