"""A small network for segmentation: group and layer normalisation, two ways up, joined maps."""

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, cin, cout, groups):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, padding="same")
        self.norm = nn.GroupNorm(groups, cout, eps=1e-3)

    def forward(self, x):
        return F.silu(self.norm(self.conv(x)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = Block(2, 8, 4)
        self.down2 = Block(8, 12, 3)
        self.mid = nn.Conv2d(12, 12, 3, padding=1)
        self.ln = nn.LayerNorm(12, eps=1e-5)
        self.up1 = nn.ConvTranspose2d(12, 8, 4, stride=2, padding=1)
        self.up_conv = Block(20, 8, 2)
        self.sep_d = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.sep_p = nn.Conv2d(8, 8, 1)
        self.prelu = nn.PReLU(8)
        self.head = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.mid(F.avg_pool2d(b, 2))
        c = self.ln(c.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        c = F.mish(c)
        u = self.up1(c)
        u = self.up_conv(torch.cat([u, b], dim=1))
        u = F.interpolate(u, scale_factor=2, mode="bilinear", align_corners=False)
        u = self.prelu(self.sep_p(self.sep_d(u)))
        u = torch.cat([a, u], dim=1)
        return torch.sigmoid(self.head(u))


def load(net, w):
    w = {k: torch.from_numpy(v) for k, v in w.items()}

    def conv(m, name):
        m.weight.data = w[f"{name}/kernel"].permute(3, 2, 0, 1).contiguous()
        m.bias.data = w[f"{name}/bias"]

    def norm(m, name):
        m.weight.data, m.bias.data = w[f"{name}/gamma"], w[f"{name}/beta"]

    for name in ("down1", "down2", "up_conv"):
        conv(getattr(net, name).conv, name)
        norm(getattr(net, name).norm, name + "_norm")
    conv(net.mid, "mid")
    norm(net.ln, "ln")
    net.up1.weight.data = w["up1/kernel"].permute(3, 2, 0, 1).contiguous()
    net.up1.bias.data = w["up1/bias"]
    net.sep_d.weight.data = w["sep/depthwise_kernel"].permute(2, 3, 0, 1).contiguous()
    net.sep_p.weight.data = w["sep/pointwise_kernel"].permute(3, 2, 0, 1).contiguous()
    net.sep_p.bias.data = w["sep/bias"]
    net.prelu.weight.data = w["prelu/alpha"].flatten()
    conv(net.head, "head")
