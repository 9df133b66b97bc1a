"""The helper classes and functions that emitted files may contain, as text."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from regraft.errors import UnknownLayerError, quote
from regraft.layers.custom import current, names_in

#: The file in the folder of snippets that is the end of an emitted file.
SELFTEST = "selftest.py"
#: What the head of an emitted file imports by itself.
ALWAYS = frozenset({"torch", "nn", "F", "Tensor", "math"})


@cache
def library() -> dict[str, str]:
    """Source text of every top-level class and function of the snippet files, by name, in file order."""
    found: dict[str, str] = {}
    folder = files("regraft.emit") / "snippets"
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".py") or entry.name == SELFTEST:
            continue
        text = entry.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found[node.name] = ast.get_source_segment(text, node, padded=True) or ""
    return found


def selftest(weights: str) -> list[str]:
    """
    The lines at the end of an emitted file that check it on another machine; none where the user's file has their names.

    Args:
        weights: Name of the file that holds the parameters.
    """
    text = (files("regraft.emit") / "snippets" / SELFTEST).read_text(encoding="utf-8")
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    custom = current()
    if custom is not None and {node.name for node in functions} & {*custom.sources, *custom.imports}:
        return []
    if weights.endswith(".safetensors"):
        text = text.replace('torch.load(folder / "model.pth", weights_only=True)', f'load_file(folder / "{weights}")')
        path = "    from pathlib import Path\n"
        text = text.replace(path, f"{path}\n    from safetensors.torch import load_file\n")
    return text.splitlines()[functions[0].lineno - 1 :]


def needed(names: Iterable[str]) -> dict[str, str]:
    """The snippets of these names and those they use themselves, in an order in which they can be defined."""
    custom = current()
    texts = {**library(), **(custom.sources if custom else {})}
    wanted: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in wanted:
            continue
        if name not in texts:
            where = f"{custom.path} nor in " if custom else ""
            raise UnknownLayerError(f"helper {quote(name)}, which a form names, is neither in {where}regraft")
        wanted.add(name)
        used = {node.id for node in ast.walk(ast.parse(texts[name])) if isinstance(node, ast.Name)}
        todo += [other for other in texts if other in used and other != name]
    once = {texts[name]: name for name in reversed(texts) if name in wanted}  # a statement may bind several names
    return {name: texts[name] for name in texts if once.get(texts[name]) == name}


def named_by_user(code: str) -> set[str]:
    """The helpers of the user's file that the code of a form mentions, so that a form need not list them."""
    custom = current()
    return names_in(code) & custom.sources.keys() if custom else set()


def imported_by_user(texts: Iterable[str]) -> list[str]:
    """The import lines of the user's file that the code of the module needs, without those that every module has."""
    custom = current()
    if custom is None:
        return []
    used = {name for text in texts for name in names_in(text)} & custom.imports.keys()
    return sorted({custom.imports[name] for name in used - ALWAYS})
