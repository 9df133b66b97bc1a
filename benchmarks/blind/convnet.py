"""A classifier of images: blocks in ``nn.Sequential``, functional calls between them."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class ConvBNReLU(nn.Sequential):
    def __init__(self, cin, cout, k, stride=1, pad=0, dilation=1, groups=1):
        super().__init__(
            nn.Conv2d(cin, cout, k, stride, pad, dilation=dilation, groups=groups, bias=False),
            nn.BatchNorm2d(cout, eps=1e-3),
            nn.ReLU6(inplace=True),
        )


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvBNReLU(3, 8, 3, stride=2)
        self.depth = ConvBNReLU(8, 16, 3, pad=1, groups=8)
        self.point = nn.Conv2d(16, 12, 1)
        self.wide = nn.Conv2d(12, 12, (3, 5), padding=(2, 4), dilation=2)
        self.short = nn.Conv2d(12, 12, 1, stride=2)
        self.res1 = nn.Conv2d(12, 12, 3, stride=1, padding=1)
        self.res2 = nn.Conv2d(12, 12, 3, stride=2)
        self.fc1 = nn.Linear(48, 24)
        self.fc2 = nn.Linear(24, 24)
        self.out = nn.Linear(24, 7)
        self.drop = nn.Dropout(0.3)

    def forward(self, x):
        x = x / 127.5 - 1.0
        x = self.stem(F.pad(x, (0, 1, 0, 1)))
        x = self.depth(x)
        x = F.leaky_relu(self.point(x), 0.3)
        x = F.max_pool2d(x, 3, 2, padding=1)
        x = F.elu(self.wide(x))
        y = F.relu(self.res1(x))
        y = self.res2(F.pad(y, (1, 1, 0, 1)))
        x = F.relu(self.short(x) + 0.5 * y)
        x = F.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)
        x = F.max_pool2d(x, 2, 2)
        x = x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)
        x = F.selu(self.fc1(x))
        x = self.drop(x)
        x = torch.tanh(self.fc2(x))
        return F.softmax(self.out(x), dim=1)


def load(net, w):
    def conv(m, name):
        m.weight.data = torch.from_numpy(np.transpose(w[name + "/kernel"], (3, 2, 0, 1)).copy())
        if m.bias is not None:
            m.bias.data = torch.from_numpy(w[name + "/bias"])

    def bn(m, name):
        m.weight.data = torch.from_numpy(w[name + "/gamma"])
        m.bias.data = torch.from_numpy(w[name + "/beta"])
        m.running_mean.data = torch.from_numpy(w[name + "/moving_mean"])
        m.running_var.data = torch.from_numpy(w[name + "/moving_variance"])

    def dense(m, name):
        m.weight.data = torch.from_numpy(w[name + "/kernel"].T.copy())
        m.bias.data = torch.from_numpy(w[name + "/bias"])

    conv(net.stem[0], "stem")
    bn(net.stem[1], "stem_bn")
    k = w["depth/kernel"]  # h, w, 8, 2
    net.depth[0].weight.data = torch.from_numpy(k.transpose(2, 3, 0, 1).reshape(16, 1, 3, 3).copy())
    bn(net.depth[1], "depth_bn")
    conv(net.point, "point")
    conv(net.wide, "wide")
    conv(net.short, "short")
    conv(net.res1, "res1")
    conv(net.res2, "res2")
    dense(net.fc1, "fc1")
    dense(net.fc2, "fc2")
    dense(net.out, "out")
