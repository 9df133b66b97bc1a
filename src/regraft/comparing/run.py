"""The whole command: a Keras file and a module that is named, with weights of its own, become a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from regraft.comparing.models import PATIENCE, TOLERANCE, compare_models
from regraft.errors import FileError, OutputError, RegraftError, ShapeMismatchError
from regraft.graft.filling import tensor_of
from regraft.graft.loading import load_into
from regraft.graft.target import load_target
from regraft.grafting.example import example_for
from regraft.grafting.files import checked
from regraft.grafting.source import Converted, File, converted, orders
from regraft.grafting.unrunnable import unrunnable
from regraft.layers.custom import Source as CustomFile
from regraft.layers.custom import active
from regraft.layers.custom import load as load_custom
from regraft.report.compared import NOT_VERIFIED, ComparisonReport
from regraft.verify.inputs import total_elements
from regraft.verify.origin import resolved
from regraft.weights import WeightTree, check_checksums, read

#: Elements of all tensors together from which on a batch of one has to do.
LARGE = 2**25
Progress = Callable[[str, int, int], None]
Samples = Sequence[Any]
NO_WEIGHTS = "no --weights were given: the module was compared with the parameters that it makes itself"
LAST = "the module takes its inputs in the axis order of Keras"


def compare(
    file: File | WeightTree,
    module: Any,
    samples: Any = None,
    *,
    architecture: File | None = None,
    tolerance: float = TOLERANCE,
    custom: CustomFile | None = None,
    seconds: float = PATIENCE,
) -> ComparisonReport:
    """
    Compare a Keras model with a PyTorch module that has weights of its own; neither is changed.

    Args:
        file: The Keras file, or what ``read`` gave.
        module: A ``torch.nn.Module``. If it is in evaluation mode, its parts run in the mode in which they are.
        samples: What both run on, in Keras order, batch first: an array, or one for each input. Seeded numbers without any.
        architecture: The architecture JSON, for a file that has none.
        tolerance: Relative difference up to which two tensors are equal.
        custom: A Python file of yours that declares layers; it is imported.
        seconds: How long to look for causes.

    Raises:
        RegraftError: The file cannot be used, or the module cannot be run.
    """
    tree = file if isinstance(file, WeightTree) else read(file)
    arrays = [] if samples is None else list(samples) if isinstance(samples, list | tuple) else [samples]
    with active(load_custom(custom)):
        source = converted(tree, architecture)
        return compared(source, module, [np.asarray(a) for a in arrays], tolerance=tolerance, seconds=seconds)


def compare_files(
    keras: File,
    target: str,
    *,
    weights: File | None = None,
    samples: Sequence[File] = (),
    shapes: Sequence[tuple[int | None, ...]] = (),
    architecture: File | None = None,
    config: File | None = None,
    tolerance: float = TOLERANCE,
    seconds: float = PATIENCE,
    verify: bool = True,
    progress: Progress | None = None,
) -> ComparisonReport:
    """
    The same for files and a module that is named.

    Args:
        keras: A Keras file, the folder of a SavedModel, or ``my_model.py:build``: a function of the user's that returns a Keras
            model, imported in the process that runs Keras because the user names it.
        target: ``my_net.py:Net``, ``my_net.py:build(num_classes=7)``, ``torchvision:resnet50``, or a ``model.py`` that regraft
            wrote; a ``.py`` file is imported because the user names it.
        weights: The module's state dict, ``.pth`` or ``.safetensors``; by default the ``model.pth`` beside a ``model.py``.
        samples: Files ``.npy``, one for each input, in Keras order.
        shapes: Of each input as the module takes it, batch first.
        architecture: The architecture JSON, for a file that has none.
        config: The ``config.json`` of a model of transformers.
        tolerance: Relative difference up to which two tensors are equal.
        seconds: How long to look for causes.
        verify: Check the Keras side against the real Keras, where that is installed.
        progress: Called with a word for the step, how much is done, and of how much (0 if that is not known).
    """
    say = progress or (lambda *_: None)
    say("read the file and make the module", 0, 0)
    module = load_target(target, None if config is None else Path(config)).eval()
    notes: list[str] = []
    state = Path(weights) if weights is not None else beside(target)
    if state is not None:
        notes += load_into(module, state)
    else:
        notes.append(NO_WEIGHTS)
    with resolved(keras, architecture) as origin:
        if origin.file is None:
            raise OutputError(
                f"{keras} is a SavedModel that holds a graph and no layers: save the model as .keras, or name the function that "
                "builds it, my_model.py:build"
            )
        check_checksums(origin.file)
        source = converted(read(origin.file), origin.architecture, shapes)
        say("run both models", 0, 0)
        arrays = [loaded(Path(path)) for path in samples]
        row = NOT_VERIFIED
        if verify and source.stated and not unrunnable(source):
            row, _ = checked(source, origin.architecture, progress)
        return compared(
            source, module, arrays, shapes=shapes, keras=str(keras), torch=target, tolerance=tolerance, seconds=seconds,
            notes=(*origin.notes, *notes), verification=row,
        )  # fmt: skip


def compared(
    source: Converted,
    module: Any,
    arrays: Sequence[np.ndarray],
    *,
    shapes: Sequence[tuple[int | None, ...]] = (),
    notes: Sequence[str] = (),
    **more: Any,
) -> ComparisonReport:
    """
    A comparison on samples, or on seeded numbers; channels first, or as Keras has them if the module takes nothing else.

    Raises:
        OutputError: The module takes neither.
    """
    if unrunnable(source):
        return compare_models(source, module, (), notes=notes, **more)
    first = tensors(source, arrays, shapes) if arrays else drawn(source, shapes)
    try:
        return compare_models(source, module, first, notes=notes, **more)
    except OutputError:
        last = as_in_keras(source, first)
        if shapes or last is None:
            raise
        try:
            return compare_models(source, module, last, notes=(*notes, LAST), **more)
        except RegraftError:
            pass
        raise


def drawn(source: Converted, shapes: Sequence[tuple[int | None, ...]]) -> list[Any]:
    """Seeded numbers; a batch of one for a large model, whose tensors are all kept."""
    found = list(example_for(source, shapes))
    if shapes:
        return found
    keras = tuple(tuple(tensor.shape) for tensor in as_in_keras(source, found) or found)
    elements = total_elements(source.blueprint, keras)
    return [tensor[:1] for tensor in found] if elements is not None and elements > LARGE else found


def tensors(source: Converted, arrays: Sequence[np.ndarray], shapes: Sequence[tuple[int | None, ...]]) -> list[Any]:
    """
    Samples in Keras order as the module takes them: channels first, or in the order of the shapes that the user gave.

    Raises:
        ShapeMismatchError: Another number of them than the model has inputs, or other shapes.
    """
    wanted = source.module.input_orders
    if len(arrays) != len(wanted):
        raise ShapeMismatchError(
            f"the Keras model takes {len(wanted)} inputs, {len(arrays)} samples are given: one --samples for each, in Keras order"
        )
    found: list[Any] = []
    for number, (array, order) in enumerate(zip(arrays, wanted, strict=True)):
        own = (
            array.astype(np.float32)
            if array.dtype.kind == "f"
            else array.astype(np.int64)
            if array.dtype.kind in "ui"
            else array
        )
        moved = own.transpose(order.axes) if order.axes and len(order.axes) == own.ndim else own
        if number < len(shapes):
            axes = next(orders(shapes[number], own.shape), None)
            if axes is None:
                raise ShapeMismatchError(
                    f"samples of shape {own.shape} in Keras order are none of {shapes[number]} in any order"
                )
            moved = own.transpose(axes)
        found.append(tensor_of(np.ascontiguousarray(moved)))
    return found


def as_in_keras(source: Converted, inputs: Sequence[Any]) -> list[Any] | None:
    """Inputs that stand channels first, channels last; None if that is the same."""
    found = [
        tensor.permute(tuple(int(i) for i in np.argsort(order.axes))).contiguous() if order.axes else tensor
        for tensor, order in zip(inputs, source.module.input_orders, strict=True)
    ]
    return found if any(a.shape != b.shape for a, b in zip(found, inputs, strict=True)) else None


def loaded(path: Path) -> np.ndarray:
    """
    An array from a ``.npy`` file; nothing in it is executed.

    Raises:
        FileError: It is none.
    """
    try:
        array: Any = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise FileError(
            path, f"cannot be read as an array: {error}", hint="Write it with np.save(path, array)."
        ) from error
    if not isinstance(array, np.ndarray):
        raise FileError(path, "holds several arrays.", hint="Write one .npy for each input.")
    return array


def beside(target: str) -> Path | None:
    """The state dict that regraft wrote beside a ``model.py``."""
    place = Path(target.rpartition(":")[0] if not target.endswith(".py") else target)
    found = [place.with_suffix(ending) for ending in (".pth", ".safetensors")] if place.name == "model.py" else []
    return next((path for path in found if path.is_file()), None)
