"""The helper classes and functions that emitted files may contain, as text."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from importlib.resources import files


@cache
def library() -> dict[str, str]:
    """Source text of every top-level class and function of the snippet files, by name, in file order."""
    found: dict[str, str] = {}
    folder = files("regraft.emit") / "snippets"
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".py"):
            continue
        text = entry.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found[node.name] = ast.get_source_segment(text, node, padded=True) or ""
    return found


def needed(names: Iterable[str]) -> dict[str, str]:
    """The snippets of these names and those they use themselves, in an order in which they can be defined."""
    texts = library()
    wanted: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in wanted:
            continue
        wanted.add(name)
        used = {node.id for node in ast.walk(ast.parse(texts[name])) if isinstance(node, ast.Name)}
        todo += [other for other in texts if other in used and other != name]
    return {name: texts[name] for name in texts if name in wanted}
