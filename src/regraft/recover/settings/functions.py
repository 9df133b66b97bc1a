"""Activation functions by short names, and how they are written as a setting in a Keras version."""

from __future__ import annotations

from regraft.blueprint import LayerSpec, Setting
from regraft.layers.version import KerasVersion

#: The version that brought a function, ``relu6`` as a layer; those that are missing were always there.
SINCE: dict[str, tuple[int, int, int]] = {
    "elu": (1, 1, 0),
    "selu": (2, 0, 6),
    "exponential": (2, 2, 3),
    "silu": (2, 2, 5),
    "gelu": (2, 4, 0),
    "relu6": (2, 2, 3),
    "mish": (2, 15, 0),
}
LEAKY = "leaky "


def available(name: str, version: KerasVersion | None) -> bool:
    """Whether a Keras version has a function; an unknown version has all."""
    return version is None or not version.before(*SINCE.get(name, (0, 0, 0)))


def written(name: str, version: KerasVersion | None) -> Setting:
    """
    A function as the value of the setting ``activation``.

    >>> written("hard_sigmoid", KerasVersion(2, 1)), written("leaky 0.2", None).config
    ('hard_sigmoid_keras2', {'negative_slope': 0.2})
    """
    if name.startswith(LEAKY):
        return LayerSpec("leaky_re_lu", "LeakyReLU", {"negative_slope": float(name.removeprefix(LEAKY))})
    if name == "relu6" and version is not None and version.before(2, 15):
        return LayerSpec("re_lu", "ReLU", {"max_value": 6.0})
    if name == "hard_sigmoid" and version is not None and version.before(3):
        return "hard_sigmoid_keras2"
    return name


def short(value: Setting) -> str:
    """
    The short name of a setting, the inverse of ``written``; empty for what has none.

    >>> short("hard_sigmoid_keras2"), short(LayerSpec("l", "LeakyReLU", {"negative_slope": 0.2})), short(None)
    ('hard_sigmoid', 'leaky 0.2', 'linear')
    """
    if value is None:
        return "linear"
    if isinstance(value, LayerSpec) and value.type == "ReLU" and value.config.get("max_value") == 6.0:
        return "relu6"
    if isinstance(value, LayerSpec):
        slope = value.config.get("negative_slope", 0.3)
        return f"{LEAKY}{float(slope):g}" if value.type == "LeakyReLU" and isinstance(slope, int | float) else ""
    if value == "leaky_relu":
        return "leaky 0.2"
    return "hard_sigmoid" if value == "hard_sigmoid_keras2" else value if isinstance(value, str) else ""
