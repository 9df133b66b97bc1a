"""The first lines of a file for --custom: they are Python that loads, whatever the names in the model file are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from regraft.blueprint import LayerSpec
from regraft.layers.custom import load
from regraft.layers.custom_template import template

HOSTILE = '"),)\nimport os\nos.abort()\n#'


def test_a_layer_with_variables() -> None:
    assert template(LayerSpec("norm", "pkg>InstantNorm"), {"gamma": (257,), "kernel": (3, 5)}) == (
        "from regraft.layers import Form, Layer, Site, Weight\n"
        "\n\n"
        "class InstantNorm(Layer):\n"
        "    weights = (\n"
        '        Weight("gamma", "a -> a", torch="gamma"),  # (257,)\n'
        '        Weight("kernel", "a b -> a b", torch="kernel"),  # (3, 5)\n'
        "    )\n"
        '    axis_order = "keras"\n'
        "\n"
        "    def torch(self, site: Site) -> Form:\n"
        '        return Form(("%self(%0)",), module="InstantNormModule()")\n'
        "\n\n"
        "# and above it, in PyTorch: class InstantNormModule(nn.Module)"
    )


@pytest.mark.parametrize("name", ["lambda_1", "a/b", "1st", HOSTILE, "名前", ""])
@pytest.mark.parametrize("kind", ["Lambda", "Mine", HOSTILE])
def test_it_loads_and_names_the_layer(kind: str, name: str, tmp_path: Path) -> None:
    text = template(LayerSpec(name, kind), {} if kind == "Lambda" else {"gamma": (3,)})
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")

    custom = load(tmp_path / "mine.py")

    (cls,) = custom.layers.values()
    assert re.fullmatch(r"[A-Za-z]\w*", cls.__name__)
    assert cls.lambda_layers == ((name,) if kind == "Lambda" else ())
    assert len(cls.weights) == (kind != "Lambda")
