"""Mistakes as edits of the text of ``nhwc.py``: name, Keras layer, words of the cause, old text, new text."""

from __future__ import annotations

from benchmarks.blind.mistake import made

NHWC = made(
    "nhwc",
    [
        (
            "height and width exchanged at the entry",
            "patch",
            "axes|height|width|transpos",
            "x = x.permute(0, 3, 1, 2)",
            "x = x.permute(0, 3, 1, 2).flip(2)",
        ),
        (
            "gelu by tanh",
            "b0_gelu",
            "gelu",
            "F.gelu(self.pw1(self.norm(y)))",
            'F.gelu(self.pw1(self.norm(y)), approximate="tanh")',
        ),
        ("no normalisation", "b0_ln", "missing|layer|left out|normali", "self.pw1(self.norm(y))", "self.pw1(y)"),
        ("epsilon of the layer norm", "b0_ln", "epsilon", "nn.LayerNorm(dim, eps=1e-6)", "nn.LayerNorm(dim, eps=1e-3)"),
        (
            "scale of the residual way missing",
            "b0_scale b0_add",
            "scal|missing|operation",
            "x + 0.3 * y.permute",
            "x + y.permute",
        ),
        (
            "scale of the residual way",
            "b0_scale b0_add",
            "scal|0\\.1|operation",
            "x + 0.3 * y.permute",
            "x + 0.1 * y.permute",
        ),
        (
            "no residual way",
            "b0_add",
            "missing|connection|residual|without",
            "return x + 0.3 * y.permute(0, 3, 1, 2)",
            "return 0.3 * y.permute(0, 3, 1, 2)",
        ),
        ("maximum for average", "squeeze", "max|pool", "F.adaptive_avg_pool2d(x, 1)", "F.adaptive_max_pool2d(x, 1)"),
        ("sigmoid for hard sigmoid", "se2", "sigmoid", "F.hardsigmoid(self.fc2", "torch.sigmoid(self.fc2"),
        (
            "hard sigmoid of Keras 2",
            "se2",
            "hard.?sigmoid|0\\.2",
            "F.hardsigmoid(self.fc2(F.silu(self.fc1(s))))",
            "torch.clamp(0.2 * self.fc2(F.silu(self.fc1(s))) + 0.5, 0, 1)",
        ),
        ("relu for swish", "se1", "relu|silu|swish|activation", "F.silu(self.fc1(s))", "F.relu(self.fc1(s))"),
        ("attention added", "excite", "operation|add|sum", "return x * s", "return x + s"),
        (
            "attention without the map",
            "excite",
            "missing|connection|operation|without",
            "return x * s",
            "return s.expand_as(x)",
        ),
        (
            "channels of the groups mixed",
            "grouped",
            "group|shuffl|order",
            "x = self.grouped(x)",
            "x = self.grouped(x.view(x.shape[0], 2, 4, *x.shape[2:]).transpose(1, 2).reshape(x.shape))",
        ),
        ("normalised over another axis", "unit", "axis|axes", "F.normalize(x, dim=1)", "F.normalize(x, dim=2)"),
        ("no unit length", "unit", "missing|left out|layer|normali", "x = F.normalize(x, dim=1)\n", "x = x + 0\n"),
        (
            "reshaped without a permutation",
            "tokens",
            "reshape|order",
            "x.flatten(2).transpose(1, 2)",
            "x.reshape(x.shape[0], 35, 12)",
        ),
        (
            "heights and widths of the tokens exchanged",
            "tokens",
            "reshape|order|axes|transpos",
            "x.flatten(2).transpose(1, 2)",
            "x.transpose(2, 3).flatten(2).transpose(1, 2)",
        ),
        (
            "softmax over the tokens",
            "head",
            "softmax|axis",
            "F.softmax(self.head(x), dim=-1)",
            "F.softmax(self.head(x), dim=1)",
        ),
        (
            "weights of the blocks exchanged",
            "b0_dw",
            "exchanged|b1|weights|layers",
            "for i, block in enumerate(net.blocks):",
            "for i, block in enumerate(reversed(net.blocks)):",
        ),
        ("kernel flipped", "b0_dw", "flip", 'w[f"b{i}_dw/kernel"].permute', 'w[f"b{i}_dw/kernel"].flip(0, 1).permute'),
        (
            "kernel with axes exchanged",
            "b0_dw",
            "transpos|exchanged|axes",
            'w[f"b{i}_dw/kernel"].permute(2, 3, 0, 1)',
            'w[f"b{i}_dw/kernel"].permute(2, 3, 1, 0)',
        ),
    ],
)
