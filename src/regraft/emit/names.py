"""Python identifiers for Keras layer names; a name from a file never becomes code any other way."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

#: Attributes of ``torch.nn.Module`` and names that emitted files use: a layer may not hide them.
RESERVED = frozenset(
    """T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
    extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia
    named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory
    state_dict to to_empty train training type xpu zero_grad self torch nn F Tensor math x mask super Model""".split()
)
LONGEST = 64


def identifier(name: str) -> str:
    """
    A Python identifier that resembles a layer name.

    >>> identifier("block1/conv-2"), identifier("1x1"), identifier("class"), identifier("Conv1")
    ('block1_conv_2', 'layer_1x1', 'class_', 'Conv1')
    """
    text = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:LONGEST].rstrip("_") or "layer"
    if text[0].isdigit():
        text = f"layer_{text}"
    return f"{text}_" if keyword.iskeyword(text) or keyword.issoftkeyword(text) or text in RESERVED else text


def identifiers(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """A different identifier for every name: two names that look alike get numbers."""
    used = set(taken)
    found: dict[str, str] = {}
    for name in names:
        base = candidate = identifier(name)
        number = 2
        while candidate in used:
            candidate = f"{base}_{number}"
            number += 1
        used.add(candidate)
        found[name] = candidate
    return found


def class_name(name: str) -> str:
    """
    A class name that resembles a layer name.

    >>> class_name("mobilenetv2_1.00_96"), class_name("encoder")
    ('Mobilenetv2_1_00_96', 'Encoder')
    """
    text = identifier(name).rstrip("_")
    return text[0].upper() + text[1:]


def comment(text: str) -> str:
    """Text from a file, fit to stand in a comment or docstring: ASCII, printable, one line, at most 200 characters."""
    shown = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)[:200]
    return shown.replace("\\", "/").replace('"', "'")
