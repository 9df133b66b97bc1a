"""Mistakes as edits of the text of ``convnet.py``: name, Keras layer, words of the cause, old text, new text."""

from __future__ import annotations

from benchmarks.blind.mistake import Mistake, made

CONVNET = made(
    "convnet",
    [
        (
            "symmetric padding for same, even size",
            "stem",
            "padding",
            "self.stem(F.pad(x, (0, 1, 0, 1)))",
            "self.stem(F.pad(x, (1, 0, 1, 0)))",
        ),
        ("padding 1 for same at stride 2", "res2", "padding", "F.pad(y, (1, 1, 0, 1))", "F.pad(y, (1, 1, 1, 0))"),
        ("input not scaled", "scale", "scal|preproc|127", "x = x / 127.5 - 1.0", "x = x + 0.0"),
        ("x / 255", "scale", r"/ 255|0\.0039", "x = x / 127.5 - 1.0", "x = x / 255.0"),
        (
            "epsilon of PyTorch in every block",
            "stem_bn",
            "epsilon",
            "nn.BatchNorm2d(cout, eps=1e-3)",
            "nn.BatchNorm2d(cout)",
        ),
        (
            "relu for relu6 in every block",
            "stem_relu",
            "relu|activation|function",
            "nn.ReLU6(inplace=True)",
            "nn.ReLU(inplace=True)",
        ),
        (
            "no function in every block",
            "stem_relu",
            "relu|activation|function",
            "            nn.ReLU6(inplace=True),\n",
            "",
        ),
        (
            "depthwise kernel, multiplier first",
            "depth",
            "multiplier|transpos|order|depthwise|kernel",
            "k.transpose(2, 3, 0, 1).reshape(16, 1, 3, 3)",
            "k.transpose(3, 2, 0, 1).reshape(16, 1, 3, 3)",
        ),
        ("slope of PyTorch", "leaky", "slope|leaky", "F.leaky_relu(self.point(x), 0.3)", "F.leaky_relu(self.point(x))"),
        (
            "relu for leaky relu",
            "leaky",
            "relu|activation|function",
            "F.leaky_relu(self.point(x), 0.3)",
            "F.relu(self.point(x))",
        ),
        ("no dilation", "wide", "dilation", "(3, 5), padding=(2, 4), dilation=2", '(3, 5), padding="same"'),
        (
            "heights and widths of kernels exchanged",
            "stem",
            "transpos|axes|exchanged|height",
            "(3, 2, 0, 1)).copy())\n        if",
            "(3, 2, 1, 0)).reshape(m.weight.shape).copy())\n        if",
        ),
        (
            "stride on the first convolution of the block",
            "res1 res2",
            "stride",
            "y = F.relu(self.res1(x))\n        y = self.res2(F.pad(y, (1, 1, 0, 1)))",
            "y = F.relu(F.conv2d(F.pad(x, (1, 1, 0, 1)), self.res1.weight, self.res1.bias, stride=2))\n"
            "        y = F.conv2d(y, self.res2.weight, self.res2.bias, padding=1)",
        ),
        ("residual way not scaled", "half add", "scal|0.5", "self.short(x) + 0.5 * y", "self.short(x) + y"),
        (
            "no residual way",
            "add",
            "missing|connection|residual|without",
            "F.relu(self.short(x) + 0.5 * y)",
            "F.relu(0.5 * y)",
        ),
        (
            "function in front of the addition",
            "add add_relu",
            "relu|activation|function|order",
            "F.relu(self.short(x) + 0.5 * y)",
            "F.relu(self.short(x)) + 0.5 * y",
        ),
        (
            "zeros counted in the average",
            "avg",
            "count|zeros|border|padding",
            "padding=1, count_include_pad=False",
            "padding=1",
        ),
        ("average for the last maximum", "pool2", "average|pool", "F.max_pool2d(x, 2, 2)", "F.avg_pool2d(x, 2, 2)"),
        (
            "flattened as PyTorch has it",
            "flat fc1",
            "flatten|order",
            "x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)",
            "torch.flatten(x, 1)",
        ),
        ("dropout always on", "drop", "dropout", "x = self.drop(x)", "x = F.dropout(x, 0.3)"),
        (
            "square dense kernel not transposed",
            "fc2",
            "transpos",
            'dense(net.fc2, "fc2")',
            'dense(net.fc2, "fc2")\n    net.fc2.weight.data = torch.from_numpy(w["fc2/kernel"])',
        ),
        ("elu for selu", "fc1", "elu|activation|function", "F.selu(self.fc1(x))", "F.elu(self.fc1(x))"),
        ("softmax forgotten", "out", "softmax|logits", "return F.softmax(self.out(x), dim=1)", "return self.out(x)"),
        (
            "softmax twice",
            "out",
            "softmax|twice",
            "return F.softmax(self.out(x), dim=1)",
            "return F.softmax(F.softmax(self.out(x), dim=1), dim=1)",
        ),
        (
            "softmax over the batch",
            "out",
            "softmax|axis",
            "return F.softmax(self.out(x), dim=1)",
            "return F.softmax(self.out(x), dim=0)",
        ),
        (
            "bias of one layer not copied",
            "short",
            "bias",
            '    conv(net.short, "short")',
            '    conv(net.short, "short")\n    net.short.bias.data.zero_()',
        ),
        ("weights of a layer not copied", "res1", "weight|random|layer|kernel", '    conv(net.res1, "res1")\n', ""),
        (
            "mean and variance not copied",
            "depth_bn",
            "statistic|mean|varian",
            '    bn(net.depth[1], "depth_bn")',
            '    m = net.depth[1]\n    m.weight.data = torch.from_numpy(w["depth_bn/gamma"])\n'
            '    m.bias.data = torch.from_numpy(w["depth_bn/beta"])',
        ),
        (
            "gamma and beta exchanged",
            "stem_bn",
            "gamma|beta",
            '    bn(net.stem[1], "stem_bn")',
            '    bn(net.stem[1], "stem_bn")\n    m = net.stem[1]\n    m.weight.data, m.bias.data = m.bias.data, m.weight.data',
        ),
        (
            "standard deviation taken for the variance",
            "stem_bn",
            "varian|deviation|root|statistic",
            '    bn(net.stem[1], "stem_bn")',
            '    bn(net.stem[1], "stem_bn")\n    net.stem[1].running_var.data = net.stem[1].running_var.data.sqrt()',
        ),
    ],
) + [
    Mistake(
        "convnet",
        "normalisation in training mode",
        ("stem_bn",),
        "training",
        (
            (
                "return F.softmax(self.out(x), dim=1)",
                "return F.softmax(self.out(x), dim=1)\n\n    def eval(self):\n"
                "        super().eval()\n        self.stem.train()\n        return self",
            ),
        ),
    ),
    Mistake(
        "convnet",
        "pool padded at the end only",
        ("pool1",),
        "padding|ceil",
        (("F.max_pool2d(x, 3, 2, padding=1)", "F.max_pool2d(F.pad(x, (0, 2, 0, 2)), 3, 2)"),),
    ),
]
