"""Mistakes as edits of the text of ``siamese.py``: name, Keras layer, words of the cause, old text, new text."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.blind.mistake import made

SIAMESE = made(
    "siamese",
    [
        (
            "colours in the other order",
            "mean",
            "channel|colou?r|bgr|order|flip",
            "x = (x - mean) / 50.0",
            "x = (x[:, [2, 1, 0]] - mean) / 50.0",
        ),
        ("mean not subtracted", "mean", "mean|preproc|scal|subtract", "x = (x - mean) / 50.0", "x = x / 50.0"),
        ("not divided by the deviation", "mean", "scal|divi|preproc|varian", "x = (x - mean) / 50.0", "x = x - mean"),
        (
            "means in the order of RGB",
            "mean",
            "mean|order|channel|preproc",
            "[103.9, 116.8, 123.7]",
            "[123.7, 116.8, 103.9]",
        ),
        (
            "pool rounded down",
            "c1_pool",
            "padding|ceil|round",
            "nn.MaxPool2d(2, ceil_mode=True)",
            "nn.Sequential(nn.MaxPool2d(2), nn.ReplicationPad2d((0, 1, 0, 1)))",
        ),
        (
            "normalisation behind the function",
            "c2_act c2_bn",
            "order|exchanged|function|activation|normali",
            "            nn.BatchNorm2d(6, eps=1e-3),\n            nn.Hardswish(),",
            "            nn.Hardswish(),\n            nn.BatchNorm2d(6, eps=1e-3),",
        ),
        ("swish for hard swish", "c2_act", "swish|silu|activation", "nn.Hardswish()", "nn.SiLU()"),
        ("average twice", "gmp", "average|maximum|pool", "x.amax(dim=(2, 3))", "x.mean(dim=(2, 3))"),
        (
            "pools joined the other way",
            "pools",
            "order|concat|exchanged|join",
            "torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)",
            "torch.cat([x.amax(dim=(2, 3)), x.mean(dim=(2, 3))], dim=1)",
        ),
        (
            "difference the other way",
            "minus",
            "subtract|swapped|exchanged|order|operand|inputs",
            "a - b, a * b",
            "b - a, a * b",
        ),
        ("absolute difference", "minus", "abs|operation", "a - b, a * b", "(a - b).abs(), a * b"),
        ("square of the difference", "minus", "square|operation", "a - b, a * b", "(a - b) ** 2, a * b"),
        (
            "inputs exchanged",
            "left right mean encoder c1 minus",
            "input|exchanged|swapped|order",
            "a = self.embed(left)\n        b = self.embed(right)",
            "a = self.embed(right)\n        b = self.embed(left)",
        ),
        (
            "kernels flipped",
            "c1",
            "flip",
            "transpose(3, 2, 0, 1).copy())",
            "[::-1, ::-1].transpose(3, 2, 0, 1).copy())",
        ),
        ("sum for product", "times", "operation|sum|add", "a - b, a * b", "a - b, a + b"),
        (
            "relu for softplus",
            "joint",
            "relu|softplus|activation",
            "torch.nn.functional.softplus(self.joint(x))",
            "torch.relu(self.joint(x))",
        ),
        (
            "one picture flipped by a channel dimension",
            "mean",
            "axes|transpos|height|width|preproc|order",
            "x = (x - mean) / 50.0",
            "x = (x.flip(3) - mean) / 50.0",
        ),
    ],
)

#: Edits that come in two places.
BOTH = {
    "kernels flipped": (
        (
            '[name + "/kernel"].transpose(3, 2, 0, 1).copy())\n        net',
            '[name + "/kernel"][::-1, ::-1].transpose(3, 2, 0, 1).copy())\n        net',
        ),
    ),
    "normalisation behind the function": (
        (
            "            nn.BatchNorm2d(6, eps=1e-3),\n            nn.Hardswish(),",
            "            nn.Hardswish(),\n            nn.BatchNorm2d(6, eps=1e-3),",
        ),
        ("bn = net.encoder[4]", "bn = net.encoder[5]"),
    ),
}
SIAMESE = [replace(m, edits=BOTH.get(m.name, m.edits)) for m in SIAMESE]
