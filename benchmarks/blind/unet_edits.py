"""Mistakes as edits of the text of ``unet.py``: name, Keras layer, words of the cause, old text, new text."""

from __future__ import annotations

from benchmarks.blind.mistake import made

UNET = made(
    "unet",
    [
        ("groups of the normalisation", "down1_norm", "group", "Block(2, 8, 4)", "Block(2, 8, 2)"),
        (
            "epsilon of PyTorch in every block",
            "down1_norm",
            "epsilon",
            "nn.GroupNorm(groups, cout, eps=1e-3)",
            "nn.GroupNorm(groups, cout)",
        ),
        ("batch of one group: instance normalisation", "down2_norm", "group", "Block(8, 12, 3)", "Block(8, 12, 12)"),
        ("average for maximum", "pool1", "average|pool", "F.max_pool2d(a, 2)", "F.avg_pool2d(a, 2)"),
        (
            "layer norm over the whole map",
            "ln",
            "axis|axes",
            "c = self.ln(c.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)",
            "c = F.layer_norm(c, c.shape[1:], eps=1e-5) * self.ln.weight[:, None, None] + self.ln.bias[:, None, None]",
        ),
        ("epsilon of the layer norm", "ln", "epsilon", "nn.LayerNorm(12, eps=1e-5)", "nn.LayerNorm(12, eps=1e-3)"),
        ("swish for mish", "mish", "mish|silu|swish|activation", "c = F.mish(c)", "c = F.silu(c)"),
        (
            "transposed kernel flipped",
            "up1",
            "flip",
            'w["up1/kernel"].permute(3, 2, 0, 1)',
            'w["up1/kernel"].flip(0, 1).permute(3, 2, 0, 1)',
        ),
        (
            "transposed kernel, heights and widths exchanged",
            "up1",
            "transpos|exchanged|axes",
            'w["up1/kernel"].permute(3, 2, 0, 1)',
            'w["up1/kernel"].permute(3, 2, 1, 0)',
        ),
        (
            "order of the joined maps",
            "join1 up_conv",
            "order|concat|exchanged|join",
            "torch.cat([u, b], dim=1)",
            "torch.cat([b, u], dim=1)",
        ),
        (
            "nearest for bilinear",
            "up2",
            "nearest|interpol|upsampl",
            'mode="bilinear", align_corners=False',
            'mode="nearest"',
        ),
        ("corners aligned", "up2", "corner|interpol|upsampl", "align_corners=False", "align_corners=True"),
        (
            "one slope for all channels",
            "prelu",
            "slope|alpha|prelu|weight",
            'w["prelu/alpha"].flatten()',
            'w["prelu/alpha"].mean() * torch.ones(8)',
        ),
        (
            "depthwise kernel with axes exchanged",
            "sep",
            "transpos|kernel|axes",
            'w["sep/depthwise_kernel"].permute(2, 3, 0, 1)',
            'w["sep/depthwise_kernel"].permute(2, 3, 1, 0)',
        ),
        (
            "function between depthwise and pointwise",
            "sep",
            "relu|activation|function|between",
            "self.sep_p(self.sep_d(u))",
            "self.sep_p(F.relu(self.sep_d(u)))",
        ),
        (
            "order at the end",
            "join2 head",
            "order|concat|exchanged|join",
            "torch.cat([a, u], dim=1)",
            "torch.cat([u, a], dim=1)",
        ),
        ("no sigmoid", "head", "sigmoid|logits", "torch.sigmoid(self.head(u))", "self.head(u)"),
        (
            "softmax for sigmoid",
            "head",
            "softmax|sigmoid",
            "torch.sigmoid(self.head(u))",
            "torch.softmax(self.head(u), dim=2)",
        ),
        (
            "convolution without padding to the left",
            "mid",
            "padding",
            "c = self.mid(F.avg_pool2d(b, 2))",
            "c = F.conv2d(F.pad(F.avg_pool2d(b, 2), (0, 2, 0, 2)), self.mid.weight, self.mid.bias)",
        ),
        (
            "zeros replaced by reflection",
            "mid",
            "reflect",
            "self.mid = nn.Conv2d(12, 12, 3, padding=1)",
            'self.mid = nn.Conv2d(12, 12, 3, padding=1, padding_mode="reflect")',
        ),
    ],
)
