"""
a test

    model = Model()
    model.load_state_dict(torch.load("model.pth", weights_only=True))
    model.eval()
"""

import torch.nn.functional as F
from torch import Tensor, nn


class Model(nn.Module):
    """digits: input (batch, 1, 8, 8), channels first; (batch, 8, 8, 1) in Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 12, 3, padding=1, bias=False)
        self.stem_bn = nn.BatchNorm2d(12, eps=0.001, momentum=0.01)
        self.conv2d = nn.Conv2d(12, 12, 3, padding=1)
        self.batch_normalization = nn.BatchNorm2d(12, eps=0.001, momentum=0.01)
        self.residual_conv = nn.Conv2d(12, 12, 3, padding=1)
        self.conv2d_1 = nn.Conv2d(12, 20, 3, stride=2)
        self.max_pooling2d = nn.MaxPool2d((2, 1))
        self.dropout = nn.Dropout(0.3)
        self.dense = nn.Linear(160, 32)
        self.digit = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:  # (batch, 1, 8, 8)
        x = self.stem(x)  # (batch, 12, 8, 8)
        x = self.stem_bn(x)  # (batch, 12, 8, 8)
        re_lu = F.relu(x, inplace=True)  # (batch, 12, 8, 8)
        x = self.conv2d(re_lu)  # (batch, 12, 8, 8)
        x = self.batch_normalization(x)  # (batch, 12, 8, 8)
        x = F.relu(x, inplace=True)  # (batch, 12, 8, 8)
        x = self.residual_conv(x)  # (batch, 12, 8, 8)
        x += re_lu  # (batch, 12, 8, 8)
        x = F.relu(self.conv2d_1(F.pad(x, (0, 1, 0, 1))))  # (batch, 20, 4, 4)
        x = self.max_pooling2d(x)  # (batch, 20, 2, 4)
        x = x.flatten(1)  # (batch, 160)
        x = self.dropout(x)  # (batch, 160)
        x = F.relu(self.dense(x))  # (batch, 32)
        x = F.softmax(self.digit(x), dim=1)  # (batch, 10)
        return x
