"""The first lines of a file for ``--custom``: the layer that is missing, as far as the architecture and the file say it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from regraft.blueprint import LayerSpec

IMPORTS = "from regraft.layers import Form, Layer, Site, Weight"
AXES = ("a", "b", "c", "d", "e", "f")


def template(spec: LayerSpec, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """
    What declares the layer of a spec; its PyTorch module remains to be written.

    Args:
        spec: A layer that cannot be converted.
        shapes: Shapes of its stored variables by name, in order.
    """
    name = identifier(spec.name if spec.type == "Lambda" else spec.type)
    lines = [IMPORTS, "", "", f"class {name}(Layer):"]
    if spec.type == "Lambda":
        lines += [f"    lambda_layers = ({json.dumps(spec.name)},)"]
    if shapes:
        rows = [f'        Weight("{n}", "{pattern(s)}", torch="{n}"),  # {s}' for n, s in shapes.items()]
        lines += ["    weights = (", *rows, "    )"]
    module = f'module="{name}Module()"' if shapes else ""
    form = f'Form(("%self(%0)",), {module})' if shapes else f'Form(("{name.lower()}(%0)",))'
    wanted = f"class {name}Module(nn.Module)" if shapes else f"def {name.lower()}(x: Tensor) -> Tensor"
    return "\n".join(
        [
            *lines,
            '    axis_order = "keras"',
            "",
            "    def torch(self, site: Site) -> Form:",
            f"        return {form}",
            "",
            "",
            f"# and above it, in PyTorch: {wanted}",
        ]
    )


def identifier(text: str) -> str:
    """A class name of a layer's or a class's name: ``lambda_1`` becomes ``Lambda1``."""
    words = re.findall(r"[A-Za-z0-9]+", text.rpartition(">")[2])
    name = "".join(word[:1].upper() + word[1:] for word in words) or "Custom"
    return name if name[0].isalpha() else f"Layer{name}"


def pattern(shape: tuple[int, ...]) -> str:
    """An axis move that changes nothing, to be edited: ``a b -> a b``."""
    axes = " ".join(AXES[: len(shape)])
    return f"{axes} -> {axes}"
