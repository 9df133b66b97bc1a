"""Blocks that keep the channels last inside, with squeeze and excitation and a scaled residual way."""

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dw = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pw1 = nn.Linear(dim, 2 * dim)
        self.pw2 = nn.Linear(2 * dim, dim)

    def forward(self, x):
        y = self.dw(x).permute(0, 2, 3, 1)
        y = self.pw2(F.gelu(self.pw1(self.norm(y))))
        return x + 0.3 * y.permute(0, 3, 1, 2)


class SqueezeExcite(nn.Module):
    def __init__(self, dim, reduced):
        super().__init__()
        self.fc1 = nn.Conv2d(dim, reduced, 1)
        self.fc2 = nn.Conv2d(reduced, dim, 1)

    def forward(self, x):
        s = F.adaptive_avg_pool2d(x, 1)
        s = F.hardsigmoid(self.fc2(F.silu(self.fc1(s))))
        return x * s


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 2, stride=2)
        self.blocks = nn.ModuleList([Block(8), Block(8)])
        self.se = SqueezeExcite(8, 4)
        self.grouped = nn.Conv2d(8, 12, 3, padding=1, groups=2)
        self.head = nn.Linear(12, 6)

    def forward(self, x):
        x = x.permute(0, 3, 1, 2)
        x = self.patch(x)
        for block in self.blocks:
            x = block(x)
        x = self.se(x)
        x = self.grouped(x)
        x = F.normalize(x, dim=1)
        x = x.flatten(2).transpose(1, 2)
        x = F.softmax(self.head(x), dim=-1)
        return x


def load(net, w):
    w = {k: torch.from_numpy(v) for k, v in w.items()}
    net.patch.weight.data = w["patch/kernel"].permute(3, 2, 0, 1).contiguous()
    net.patch.bias.data = w["patch/bias"]
    for i, block in enumerate(net.blocks):
        block.dw.weight.data = w[f"b{i}_dw/kernel"].permute(2, 3, 0, 1).contiguous()
        block.dw.bias.data = w[f"b{i}_dw/bias"]
        block.norm.weight.data = w[f"b{i}_ln/gamma"]
        block.norm.bias.data = w[f"b{i}_ln/beta"]
        for j in (1, 2):
            linear = getattr(block, f"pw{j}")
            linear.weight.data = w[f"b{i}_pw{j}/kernel"].T.contiguous()
            linear.bias.data = w[f"b{i}_pw{j}/bias"]
    for j in (1, 2):
        conv = getattr(net.se, f"fc{j}")
        conv.weight.data = w[f"se{j}/kernel"].T[:, :, None, None].contiguous()
        conv.bias.data = w[f"se{j}/bias"]
    net.grouped.weight.data = w["grouped/kernel"].permute(3, 2, 0, 1).contiguous()
    net.grouped.bias.data = w["grouped/bias"]
    net.head.weight.data = w["head/kernel"].T.contiguous()
    net.head.bias.data = w["head/bias"]
