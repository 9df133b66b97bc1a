"""A folder that ``convert`` wrote, as it lies there now: a person may have edited or retrained it."""

from __future__ import annotations

import ast
import json
import os
from dataclasses import dataclass
from pathlib import Path

from regraft.blueprint import Blueprint
from regraft.errors import BlueprintError, FileError, RegraftError
from regraft.stated import read_toml

WEIGHTS = ("model.pth", "model.safetensors")
EXPECTED = "Name the folder that regraft convert wrote, with model.py and model.pth or model.safetensors."


@dataclass(frozen=True)
class Folder:
    """
    What lies there.

    Attributes:
        path: The folder.
        source: Text of ``model.py``.
        weights: Files of parameters; the first is the one that ``model.py`` names.
        blueprint: The architecture of ``blueprint.toml``; None without a readable one.
        file: The Keras file that was converted, as ``report.json`` names it; empty if it does not say.
        recovered: Whether the architecture was recovered.
        orders: Of each input, how its axes stand in the module, in the words of ``report.json``.
        notes: What could not be read.
    """

    path: Path
    source: str
    weights: tuple[Path, ...]
    blueprint: Blueprint | None
    file: str
    recovered: bool
    orders: tuple[str, ...]
    notes: tuple[str, ...]


def read_folder(folder: str | os.PathLike[str]) -> Folder:
    """
    Read the texts of a result; its code is not run.

    Raises:
        FileError: It is no folder, or has no ``model.py`` or no weights.
    """
    path = Path(folder)
    if not path.is_dir():
        what = "is a file, not a folder." if path.exists() else "there is no such folder."
        raise FileError(path, what, hint=EXPECTED)
    weights = tuple(path / name for name in WEIGHTS if (path / name).is_file())
    if not (path / "model.py").is_file():
        keras = (path / "model.keras").is_file()
        reason = "holds model.keras and no model.py." if keras else "has no model.py."
        raise FileError(
            path, reason, hint="A .keras file is compared with Keras' own load_model." if keras else EXPECTED
        )
    if not weights:
        raise FileError(path, f"has no {' and no '.join(WEIGHTS)}.", hint=EXPECTED)
    try:
        source = (path / "model.py").read_text(encoding="utf-8")
        ast.parse(source)
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError) as error:
        raise FileError(path / "model.py", f"cannot be read as Python: {error}") from error
    notes: list[str] = []
    blueprint: Blueprint | None = None
    if (path / "blueprint.toml").is_file():
        try:
            blueprint = read_toml(path / "blueprint.toml")
        except (BlueprintError, RegraftError) as error:
            notes.append(f"blueprint.toml was not used: {error}")
    file, recovered, orders = told(path / "report.json")
    return Folder(path, source, weights, blueprint, file, recovered, orders, tuple(notes))


def told(report: Path) -> tuple[str, bool, tuple[str, ...]]:
    """Which Keras file a report is about, whether its architecture was recovered, and how the inputs' axes stand."""
    try:
        found = json.loads(report.read_text(encoding="utf-8"))
        source = found["source"]
        orders = tuple(str(port["order"]) for port in found["inputs"])
        return str(source["file"]), source["architecture"] == "recovered", orders
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "", False, ()


def same_code(ours: str, theirs: str) -> bool:
    """Whether two files are the same but for comments, docstrings and layout."""
    return ast.dump(bare(ours)) == ast.dump(bare(theirs))


def bare(source: str) -> ast.Module:
    """A syntax tree without docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return tree
