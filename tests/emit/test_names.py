"""Layer names become identifiers, whatever they hold."""

from __future__ import annotations

import ast
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from regraft.emit.names import class_name, comment, identifier, identifiers


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv2d_1", "conv2d_1"),
        ("block1/conv-2", "block1_conv_2"),
        ("1x1", "layer_1x1"),
        ("class", "class_"),
        ("match", "match_"),
        ("forward", "forward_"),
        ("x", "x_"),
        ("torch", "torch_"),
        ("", "layer"),
        ("__class__", "class_"),
        ('x"); import os; os.system("id")  #', "x_import_os_os_system_id"),
        ("conv\nimport os", "conv_import_os"),
        ("größe", "gr_e"),
        ("a" * 100, "a" * 64),
    ],
)
def test_identifier(name: str, expected: str) -> None:
    assert identifier(name) == expected


@given(st.text())
def test_an_identifier_is_always_one_and_never_a_module_attribute(name: str) -> None:
    found = identifier(name)
    assert found.isidentifier()
    assert found.isascii()
    assert not keyword.iskeyword(found)
    assert not hasattr(nn.Module(), found)


@given(st.lists(st.text(max_size=6), unique=True, max_size=12))
def test_different_names_get_different_identifiers(names: list[str]) -> None:
    assert len(set(identifiers(names).values())) == len(names)


@given(st.text())
def test_a_comment_stays_a_comment(text: str) -> None:
    tree = ast.parse(f'value = 1  # {comment(text)}\n"""{comment(text)}"""\n')
    assert len(tree.body) == 2


def test_class_name() -> None:
    assert class_name("mobilenetv2_1.00_96") == "Mobilenetv2_1_00_96"
