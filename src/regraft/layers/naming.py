"""How Keras names the groups of its newer files: ``Conv2D`` becomes ``conv2d``, counted per class."""

from __future__ import annotations

import re


def snake_case(class_name: str) -> str:
    """
    The group name of a class, as in ``keras/src/utils/naming.py``.

    >>> [snake_case(name) for name in ("Conv2D", "ReLU", "LSTM", "MaxPooling2D", "PReLU")]
    ['conv2d', 're_lu', 'lstm', 'max_pooling2d', 'p_re_lu']
    """
    name = re.sub(r"\W+", "", class_name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def class_key(group_key: str) -> tuple[str, int]:
    """
    A group key as class and count.

    >>> class_key("max_pooling2d_3"), class_key("conv2d"), class_key("conv_lstm2d_1")
    (('max_pooling2d', 3), ('conv2d', 0), ('conv_lstm2d', 1))
    """
    match = re.fullmatch(r"(.*?)_(\d+)", group_key)
    return (match[1], int(match[2])) if match else (group_key, 0)
