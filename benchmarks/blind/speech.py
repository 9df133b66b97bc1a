"""A recurrent network on frames: both directions, a GRU of PyTorch, and one step of an older GRU by hand."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def hard_sigmoid(x):
    return torch.clamp(x / 6 + 0.5, 0.0, 1.0)


class OldGRU(nn.Module):
    """The GRU of Keras 2 before CuDNN: the reset gate acts in front of the recurrent kernel."""

    def __init__(self, n_in, n):
        super().__init__()
        self.n = n
        self.w = nn.Parameter(torch.zeros(n_in, 3 * n))
        self.u = nn.Parameter(torch.zeros(n, 3 * n))
        self.b = nn.Parameter(torch.zeros(3 * n))

    def forward(self, x):
        n = self.n
        h = x.new_zeros(x.shape[0], n)
        for t in range(x.shape[1]):
            p = x[:, t] @ self.w + self.b
            z = hard_sigmoid(p[:, :n] + h @ self.u[:, :n])
            r = hard_sigmoid(p[:, n : 2 * n] + h @ self.u[:, n : 2 * n])
            c = torch.tanh(p[:, 2 * n :] + (r * h) @ self.u[:, 2 * n :])
            h = z * h + (1 - z) * c
        return h


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(5, 8, 3, dilation=2)
        self.bn = nn.BatchNorm1d(8, eps=1e-3)
        self.bi = nn.LSTM(8, 6, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(12, 10, batch_first=True)
        self.td = nn.Linear(10, 10)
        self.old = OldGRU(10, 7)
        self.out = nn.Linear(17, 4)

    def forward(self, x):
        x = x.transpose(1, 2)
        x = F.relu(self.bn(self.conv(F.pad(x, (4, 0)))))
        x = x.transpose(1, 2)
        x, _ = self.bi(x)
        x, _ = self.gru(x)
        x = F.softsign(self.td(x))
        last = self.old(x)
        peak = x.max(dim=1)[0]
        return F.log_softmax(self.out(torch.cat((last, peak), 1)), -1)


def load(net, w):
    def put(param, a):
        param.data = torch.from_numpy(np.ascontiguousarray(a))

    put(net.conv.weight, w["conv/kernel"].transpose(2, 1, 0))
    put(net.conv.bias, w["conv/bias"])
    put(net.bn.weight, w["bn/gamma"])
    put(net.bn.bias, w["bn/beta"])
    put(net.bn.running_mean, w["bn/moving_mean"])
    put(net.bn.running_var, w["bn/moving_variance"])
    for side, suffix in (("forward", ""), ("backward", "_reverse")):
        cell = f"bi/{side}_lstm/lstm_cell/"
        put(getattr(net.bi, "weight_ih_l0" + suffix), w[cell + "kernel"].T)
        put(getattr(net.bi, "weight_hh_l0" + suffix), w[cell + "recurrent_kernel"].T)
        put(getattr(net.bi, "bias_ih_l0" + suffix), w[cell + "bias"])
        put(getattr(net.bi, "bias_hh_l0" + suffix), 0 * w[cell + "bias"])

    def zrh_to_rzn(a):
        z, r, h = np.split(a, 3, axis=-1)
        return np.concatenate([r, z, h], axis=-1)

    put(net.gru.weight_ih_l0, zrh_to_rzn(w["gru/gru_cell/kernel"]).T)
    put(net.gru.weight_hh_l0, zrh_to_rzn(w["gru/gru_cell/recurrent_kernel"]).T)
    put(net.gru.bias_ih_l0, zrh_to_rzn(w["gru/gru_cell/bias"][0]))
    put(net.gru.bias_hh_l0, zrh_to_rzn(w["gru/gru_cell/bias"][1]))
    put(net.td.weight, w["td/kernel"].T)
    put(net.td.bias, w["td/bias"])
    put(net.old.w, w["old/gru_cell/kernel"])
    put(net.old.u, w["old/gru_cell/recurrent_kernel"])
    put(net.old.b, w["old/gru_cell/bias"])
    put(net.out.weight, w["out/kernel"].T)
    put(net.out.bias, w["out/bias"])
