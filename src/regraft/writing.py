"""The files of a conversion: code, architecture, blueprint and weights; the reports come from ``reporting``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import regraft
from regraft import keras_config
from regraft.back_to_keras import FILE, Revived, back_to_keras, revived
from regraft.blueprint import Blueprint
from regraft.blueprint.toml import to_toml
from regraft.emit.module import Module, emit
from regraft.emit.outputs import Format, pretty_json, weight_files, write_text, write_weights
from regraft.errors import OutputError
from regraft.layers.binding import bind
from regraft.weights import WeightTree

if TYPE_CHECKING:
    from regraft.recover.candidate import Candidate

Progress = Callable[[str, int, int], None]
SELFTEST = "selftest.npz"
TEXT_FILES = ("model.py", "architecture.json", "blueprint.toml", "report.json", "report.html")


def write_files(
    folder: Path,
    blueprint: Blueprint,
    module: Module,
    format: Format,
    *,
    force: bool,
    progress: Progress | None,
    back: Revived | None = None,
) -> None:
    """Write code, architecture, blueprint and weights; each is made before the first is written."""
    texts = {
        "model.py": module.source,
        "architecture.json": pretty_json(keras_config.dump(back.blueprint if back else blueprint, partial=True)),
        "blueprint.toml": to_toml(blueprint),
    }
    if back is not None:
        del texts["model.py"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror}. Choose another folder with -o.") from error
    if back is None and force:
        (folder / SELFTEST).unlink(missing_ok=True)  # it belongs to the code that is replaced
    for name, text in texts.items():
        write_text(folder / name, text, force=force)
    total = sum(len(transfer.parameters) for transfer in module.transfers)
    count = 0

    def done(_: str) -> None:
        nonlocal count
        count += 1
        if progress is not None:
            progress("weights", count, total)

    if back is not None:
        back_to_keras(back, folder / FILE, force=force, done=done)
        return
    metadata = {"converted_by": f"regraft {regraft.__version__}"}
    write_weights(folder, module.transfers, format, force=force, metadata=metadata, done=done)


def text_files(format: Format) -> tuple[str, ...]:
    """The files beside the weights: code only with weights that it can load."""
    return tuple(name for name in TEXT_FILES if name != "model.py" or format != "keras")


def loaded_from(format: Format) -> str:
    """The weights file that the code says it loads."""
    return "model.pth" if format == "keras" else weight_files(format)[0]


def write_candidate(folder: Path, candidate: Candidate, format: Format, *, force: bool) -> None:
    """Code, architecture, blueprint and weights of an architecture that is not the likeliest."""
    binding = bind(candidate.blueprint, candidate.tree)
    module = emit(candidate.blueprint, binding, about(candidate.tree), loaded_from(format))
    back = revived(candidate.blueprint, binding) if format == "keras" else None
    write_files(folder, candidate.blueprint, module, format, force=force, progress=None, back=back)


def about(tree: WeightTree) -> str:
    """The first line of the emitted file."""
    version = f", Keras {tree.keras_version}" if tree.keras_version else ""
    return f"Converted from {Path(tree.file).name}{version}, by regraft {regraft.__version__}."
