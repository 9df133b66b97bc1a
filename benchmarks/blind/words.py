"""A classifier of token sequences with padding: a packed LSTM."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(30, 6)
        self.lstm = nn.LSTM(6, 8, batch_first=True)
        self.fc = nn.Linear(8, 8)
        self.out = nn.Linear(8, 1)

    def forward(self, ids):
        lengths = (ids != 0).sum(1)
        x = self.emb(ids)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        h = torch.relu(self.fc(h[-1]))
        return torch.sigmoid(self.out(h)).squeeze(-1)


def load(net, w):
    t = {k: torch.tensor(v) for k, v in w.items()}
    state = {
        "emb.weight": t["emb/embeddings"],
        "lstm.weight_ih_l0": t["lstm/lstm_cell/kernel"].T,
        "lstm.weight_hh_l0": t["lstm/lstm_cell/recurrent_kernel"].T,
        "lstm.bias_ih_l0": t["lstm/lstm_cell/bias"],
        "lstm.bias_hh_l0": torch.zeros_like(t["lstm/lstm_cell/bias"]),
        "fc.weight": t["fc/kernel"].T,
        "fc.bias": t["fc/bias"],
        "out.weight": t["out/kernel"].T,
        "out.bias": t["out/bias"],
    }
    net.load_state_dict(state)
