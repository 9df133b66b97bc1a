"""
Layers of the user: a Python file that declares them as the catalogue declares its own, for one conversion.

The file is imported only because the user named it. Its layers lie over the catalogue while ``active`` is open, and
are gone afterwards; its other classes and functions are what the emitted module may need, and are copied as text.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib.util
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, overload

from regraft.errors import FileError, quote
from regraft.layers.activations import EXPRESSIONS
from regraft.layers.base import ALIASES, CATALOGUE, Layer

#: The function of the file that gives Keras its side: classes and functions by name.
KERAS_OBJECTS = "keras_objects"
#: The table of the file with activation functions: name to expression, ``{x}`` the input.
ACTIVATIONS = "ACTIVATIONS"


@dataclass(frozen=True)
class Custom:
    """
    What a file of the user declares.

    Attributes:
        path: The file.
        sha256: Of its text, for the report.
        layers: Layer types by name.
        aliases: Type name by every class name.
        lambdas: Type name by the name of the Lambda layer whose form it is.
        activations: PyTorch expression by the name of an activation function.
        sources: Its other top-level statements that bind a name, as text, in order: helpers of the emitted module.
        imports: Its import lines by the name they bind.
        keras: Whether it has ``keras_objects``, so that Keras can build its layers.
    """

    path: Path
    sha256: str
    layers: Mapping[str, type[Layer]]
    aliases: Mapping[str, str]
    lambdas: Mapping[str, str]
    activations: Mapping[str, str]
    sources: Mapping[str, str]
    imports: Mapping[str, str]
    keras: bool
    module: ModuleType = field(repr=False, compare=False)

    def keras_objects(self, keras: Any) -> dict[str, Any]:
        """What Keras needs to build the layers, from the file: called in the process that holds Keras."""
        found = getattr(self.module, KERAS_OBJECTS, None)
        with beside(self.path):
            return dict(found(keras)) if found is not None else {}


_CURRENT: ContextVar[Custom | None] = ContextVar("custom", default=None)


def current() -> Custom | None:
    """The file whose layers hold now."""
    return _CURRENT.get()


@contextmanager
def active(custom: Custom | None) -> Generator[None]:
    """While it is open, the layers of the file are in the catalogue, before those of the same name there."""
    if custom is None:
        yield
        return
    token = _CURRENT.set(custom)
    try:
        with (
            CATALOGUE.laid_over(dict(custom.layers)),
            ALIASES.laid_over(dict(custom.aliases)),
            EXPRESSIONS.laid_over(dict(custom.activations)),
        ):
            yield
    finally:
        _CURRENT.reset(token)


Source = str | os.PathLike[str] | Custom


@overload
def load(source: Source) -> Custom: ...
@overload
def load(source: Source | None) -> Custom | None: ...
def load(source: Source | None) -> Custom | None:
    """
    Import a file of the user and gather what it declares; what is loaded already, or nothing, comes back as it is.

    Raises:
        FileError: It is missing, cannot be imported, or declares nothing.
    """
    if source is None or isinstance(source, Custom):
        return source
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(path, f"cannot be read: {error}", hint="--custom takes a Python file.") from error
    layers: dict[str, type[Layer]] = {}
    aliases: dict[str, str] = {}
    with CATALOGUE.laid_over(layers), ALIASES.laid_over(aliases):
        module = imported(path, hashlib.sha256(text.encode()).hexdigest())
    lambdas: dict[str, str] = {}
    for name, cls in layers.items():
        if not any("masks" in part.__dict__ for part in cls.__mro__ if part is not Layer):
            cls.masks = "drop"  # as a layer of Keras that does not say supports_masking
        for layer in cls.lambda_layers:
            if layer in lambdas:
                reason = f"{lambdas[layer]} and {name} are both the form of the Lambda layer {quote(layer)}"
                raise FileError(path, reason)
            lambdas[layer] = name
    activations = getattr(module, ACTIVATIONS, {})
    if not layers and not activations:
        hint = "See docs/custom-layers.md for the ten lines that do."
        raise FileError(path, "declares no layer: no class in it is a regraft.layers.Layer.", hint=hint)
    sources, imports = statements(text, layers)
    return Custom(
        path,
        hashlib.sha256(text.encode()).hexdigest(),
        layers,
        aliases,
        lambdas,
        dict(activations),
        sources,
        imports,
        hasattr(module, KERAS_OBJECTS),
        module,
    )


def imported(path: Path, digest: str) -> ModuleType:
    """The file as a module under a name of its own, which is free again afterwards."""
    name = f"regraft_custom_{digest[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileError(path, "is no Python file.", hint="--custom takes one that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        with beside(path):
            spec.loader.exec_module(module)
    except Exception as error:
        raise FileError(path, f"cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.modules.pop(name, None)
    return module


@contextmanager
def beside(path: Path) -> Generator[None]:
    """Let a file import the modules that lie beside it."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def statements(text: str, layers: Mapping[str, object]) -> tuple[dict[str, str], dict[str, str]]:
    """Top-level classes, functions and constants as text, and import lines, each by the names they bind."""
    sources: dict[str, str] = {}
    imports: dict[str, str] = {}
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound = {(alias.asname or alias.name).split(".")[0]: alias for alias in node.names}
            imports |= {name: import_line(node, alias) for name, alias in bound.items()}
            continue
        names: list[str] = []
        first = node.lineno
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names = [node.name]
            first = min([first, *(d.lineno for d in node.decorator_list)])
        elif isinstance(node, ast.Assign):
            names = [n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        kept = [name for name in names if name not in layers and name not in (KERAS_OBJECTS, ACTIVATIONS)]
        sources |= dict.fromkeys(kept, "\n".join(lines[first - 1 : node.end_lineno]) + "\n")
    return sources, imports


def import_line(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    """One name of an import statement as a statement of its own."""
    renamed = f" as {alias.asname}" if alias.asname else ""
    if isinstance(node, ast.ImportFrom):
        return f"from {'.' * node.level}{node.module or ''} import {alias.name}{renamed}"
    return f"import {alias.name}{renamed}"


def names_in(text: str) -> set[str]:
    """The names that a piece of Python, or a form with tokens, mentions."""
    try:
        tree = ast.parse(text.replace("%", "_token_"))
    except SyntaxError:
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(dir(builtins))


__all__ = ["Custom", "active", "current", "load", "names_in"]
