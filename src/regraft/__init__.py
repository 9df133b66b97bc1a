"""
regraft: a Keras weights file becomes a PyTorch model that you can read, load, train and trust.

    inspect(file)        what a file is and holds: an ``Inspection``
    read(file)           its variables by layer: a ``WeightTree``
    convert(file, out)   the whole pipeline, as on the command line: a ``Conversion`` with its ``Report``
    graft(file, module)  its weights onto a module of yours: a ``Graft``
    compare(file, module, samples)  where a module with weights of its own parts from it, and why: a ``ComparisonReport``
    recover(tree)        architectures for a file that has none, likeliest first: a list of ``Candidate``
    verify(conversion)   its result against the real Keras, layer by layer; or a folder, against a model you name

Arrays and shapes that come from a file are in Keras order (``kh kw cin cout``, ``batch h w c``); the emitted module is
channels first. What goes wrong is a ``RegraftError``; ``regraft.errors`` draws the tree. Importing this package is
quick: each name brings its modules when it is first used.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from regraft.errors import (
    BlueprintError,
    ConfigError,
    FileError,
    NoArchitectureError,
    NotKerasError,
    OracleError,
    OutputError,
    RegraftError,
    ShapeMismatchError,
    UnknownLayerError,
    UnsafeFileError,
)

if TYPE_CHECKING:
    from regraft.comparing import compare
    from regraft.convert import Conversion, convert
    from regraft.grafting import Graft, graft
    from regraft.inspection import inspect
    from regraft.recover.candidate import Candidate
    from regraft.recovery import recover
    from regraft.report import Report
    from regraft.report.compared import ComparisonReport
    from regraft.report.inspection import Inspection
    from regraft.verifying import verify
    from regraft.weights import WeightTree, read

__version__ = "0.1.0"

__all__ = [
    "BlueprintError",
    "Candidate",
    "ComparisonReport",
    "ConfigError",
    "Conversion",
    "FileError",
    "Graft",
    "Inspection",
    "NoArchitectureError",
    "NotKerasError",
    "OracleError",
    "OutputError",
    "RegraftError",
    "Report",
    "ShapeMismatchError",
    "UnknownLayerError",
    "UnsafeFileError",
    "WeightTree",
    "compare",
    "convert",
    "graft",
    "inspect",
    "read",
    "recover",
    "verify",
]


def __getattr__(name: str) -> object:
    """Import what is asked for, once."""
    match name:
        case "compare":
            from regraft.comparing import compare as value
        case "ComparisonReport":
            from regraft.report.compared import ComparisonReport as value  # noqa: N813
        case "convert":
            from regraft.convert import convert as value
        case "Conversion":
            from regraft.convert import Conversion as value  # noqa: N813
        case "graft":
            from regraft.grafting import graft as value
        case "Graft":
            from regraft.grafting import Graft as value  # noqa: N813
        case "inspect":
            from regraft.inspection import inspect as value
        case "Inspection":
            from regraft.report.inspection import Inspection as value  # noqa: N813
        case "read":
            from regraft.weights import read as value
        case "WeightTree":
            from regraft.weights import WeightTree as value  # noqa: N813
        case "recover":
            from regraft.recovery import recover as value
        case "Candidate":
            from regraft.recover.candidate import Candidate as value  # noqa: N813
        case "Report":
            from regraft.report import Report as value  # noqa: N813
        case "verify":
            from regraft.verifying import verify as value
        case _:
            raise AttributeError(f"module 'regraft' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Also the names that are not imported yet."""
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """
    Keeps ``regraft.convert``, ``regraft.graft``, ``regraft.recover`` and ``regraft.verify`` the functions.

    Modules of the same names exist, and importing one would put it in the function's place.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
