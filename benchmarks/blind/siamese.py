"""Two pictures through one encoder; their difference and product are joined."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.Conv2d(6, 6, 3),
            nn.BatchNorm2d(6, eps=1e-3),
            nn.Hardswish(),
            nn.Conv2d(6, 9, 3, stride=2, padding=1),
        )
        self.joint = nn.Linear(36, 9)
        self.out = nn.Linear(9, 1)

    def embed(self, x):
        mean = x.new_tensor([103.9, 116.8, 123.7]).view(1, 3, 1, 1)
        x = (x - mean) / 50.0
        x = self.encoder(x)
        return torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)

    def forward(self, left, right):
        a = self.embed(left)
        b = self.embed(right)
        x = torch.cat((a - b, a * b), dim=-1)
        x = torch.nn.functional.softplus(self.joint(x))
        return torch.sigmoid(self.out(x))


def load(net, w):
    def conv(i, name):
        net.encoder[i].weight.data = torch.from_numpy(w[name + "/kernel"].transpose(3, 2, 0, 1).copy())
        net.encoder[i].bias.data = torch.from_numpy(w[name + "/bias"])

    conv(0, "c1")
    conv(3, "c2")
    conv(6, "c3")
    bn = net.encoder[4]
    for attr, name in (
        ("weight", "gamma"),
        ("bias", "beta"),
        ("running_mean", "moving_mean"),
        ("running_var", "moving_variance"),
    ):
        getattr(bn, attr).data = torch.from_numpy(w["c2_bn/" + name])
    for m, name in ((net.joint, "joint"), (net.out, "out")):
        m.weight.data = torch.from_numpy(w[name + "/kernel"].T.copy())
        m.bias.data = torch.from_numpy(w[name + "/bias"])
