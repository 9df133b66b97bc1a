"""A name with plain arguments, as a user types it on the command line: ``build(num_classes=7)``."""

from __future__ import annotations

import ast
from typing import Any

from regraft.errors import OutputError, quote


def split_call(text: str, expected: str) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """
    A name with arguments that are plain values.

    Args:
        text: What the user typed.
        expected: What it should have been, for the message.

    >>> split_call("build(num_classes=7)", "")
    ('build', (), {'num_classes': 7})

    Raises:
        OutputError: It is something else.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, (), {}
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
            named = {word.arg: ast.literal_eval(word.value) for word in tree.keywords if word.arg is not None}
            if len(named) == len(tree.keywords):
                return tree.func.id, tuple(ast.literal_eval(value) for value in tree.args), named
    except (SyntaxError, ValueError):
        pass
    raise OutputError(f"{quote(text)} is no name with plain arguments: {expected}")
