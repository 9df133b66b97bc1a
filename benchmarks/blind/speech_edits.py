"""Mistakes as edits of the text of ``speech.py``: name, Keras layer, words of the cause, old text, new text."""

from __future__ import annotations

from benchmarks.blind.mistake import made

SPEECH = made(
    "speech",
    [
        ("same for causal", "conv", "padding|causal", "F.pad(x, (4, 0))", "F.pad(x, (2, 2))"),
        (
            "no dilation",
            "conv",
            "dilation",
            "self.conv(F.pad(x, (4, 0)))",
            "F.conv1d(F.pad(x, (2, 0)), self.conv.weight, self.conv.bias)",
        ),
        (
            "no function behind the normalisation",
            "relu",
            "relu|activation|function",
            "F.relu(self.bn(self.conv(F.pad(x, (4, 0)))))",
            "self.bn(self.conv(F.pad(x, (4, 0))))",
        ),
        (
            "halves exchanged",
            "bi",
            "direction|halves|backward",
            "x, _ = self.bi(x)",
            "x, _ = self.bi(x)\n        x = torch.cat([x[..., 6:], x[..., :6]], -1)",
        ),
        (
            "both directions with the forward weights",
            "bi",
            "direction|backward|weight",
            'cell = f"bi/{side}_lstm/lstm_cell/"',
            'cell = "bi/forward_lstm/lstm_cell/"',
        ),
        (
            "the backward half not turned",
            "bi",
            "direction|backward|revers|turn",
            "x, _ = self.bi(x)",
            "x, _ = self.bi(x)\n        x = torch.cat([x[..., :6], x[..., 6:].flip(1)], -1)",
        ),
        ("bias twice", "bi", "bias", '0 * w[cell + "bias"]', 'w[cell + "bias"]'),
        (
            "bias not copied",
            "bi",
            "bias",
            'put(getattr(net.bi, "bias_ih_l0" + suffix), w[cell + "bias"])',
            'put(getattr(net.bi, "bias_ih_l0" + suffix), 0 * w[cell + "bias"])',
        ),
        ("gates of the GRU left as in Keras", "gru", "gate", "return np.concatenate([r, z, h], axis=-1)", "return a"),
        (
            "only the kernels of the GRU reordered",
            "gru",
            "gate|bias",
            'zrh_to_rzn(w["gru/gru_cell/bias"][0])',
            'w["gru/gru_cell/bias"][0]',
        ),
        (
            "both biases of the GRU added",
            "gru",
            "bias|reset",
            'zrh_to_rzn(w["gru/gru_cell/bias"][0]))\n    put(net.gru.bias_hh_l0, zrh_to_rzn(w["gru/gru_cell/bias"][1]))',
            'zrh_to_rzn(w["gru/gru_cell/bias"].sum(0)))\n    put(net.gru.bias_hh_l0, 0 * w["gru/gru_cell/bias"][1])',
        ),
        (
            "recurrent bias of the GRU left out",
            "gru",
            "bias",
            'zrh_to_rzn(w["gru/gru_cell/bias"][1])',
            '0 * w["gru/gru_cell/bias"][1]',
        ),
        ("hard sigmoid of Keras 2", "old", "hard|sigmoid", "x / 6 + 0.5", "0.2 * x + 0.5"),
        ("sigmoid for hard sigmoid", "old", "sigmoid", "torch.clamp(x / 6 + 0.5, 0.0, 1.0)", "torch.sigmoid(x)"),
        (
            "reset gate behind the recurrent kernel",
            "old",
            "reset",
            "(r * h) @ self.u[:, 2 * n :]",
            "r * (h @ self.u[:, 2 * n :])",
        ),
        ("update gate the other way", "old", "gate|update|step", "h = z * h + (1 - z) * c", "h = (1 - z) * h + z * c"),
        (
            "the first step for the last",
            "old",
            "step|direction|revers",
            "for t in range(x.shape[1]):",
            "for t in reversed(range(x.shape[1])):",
        ),
        ("mean for maximum", "peak", "average|mean|pool", "x.max(dim=1)[0]", "x.mean(dim=1)"),
        (
            "joined the other way",
            "join out",
            "order|concat|exchanged|join",
            "torch.cat((last, peak), 1)",
            "torch.cat((peak, last), 1)",
        ),
        ("softmax for log softmax", "out", "softmax", "F.log_softmax(", "F.softmax("),
        ("tanh for softsign", "td", "tanh|softsign|activation", "F.softsign(self.td(x))", "torch.tanh(self.td(x))"),
        ("square dense kernel not transposed", "td", "transpos", 'w["td/kernel"].T', 'w["td/kernel"]'),
    ],
)
