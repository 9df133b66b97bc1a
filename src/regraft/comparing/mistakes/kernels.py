"""What goes wrong with kernels and biases on their way: not moved, transposed, turned, left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from regraft.comparing.mistakes.mistake import Mistake, Place

Edit = Callable[[np.ndarray], np.ndarray]
KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")
TRANSPOSED = "weight transposed"


def mistakes(place: Place) -> Iterator[Mistake]:
    """Mistakes in the arrays of a dense or convolutional layer."""
    for name in KERNELS:
        array = place.variable(name)
        if array is None or place.spec.type in ("LSTM", "GRU", "SimpleRNN"):
            continue
        for what, words, change, edit in ways(array, place):
            yield place.edit_all(what, words, change, {name: edit})
    bias = place.variable("bias")
    if bias is not None and bias.ndim == 1 and bias.any() and place.spec.type not in ("LSTM", "GRU", "SimpleRNN"):
        yield place.edit(
            "missing bias", "adds no bias, or one of zeros; Keras adds one", "bias=True in {module}, and load its bias",
            bias=np.zeros_like,
        )  # fmt: skip
        yield place.edit("bias", "takes the bias off; Keras adds it", "add the bias in {module}", bias=np.negative)


def ways(array: np.ndarray, place: Place) -> Iterator[tuple[str, str, str, Edit]]:
    """What else may have become of a kernel, in words, with the change and the array."""
    right = axes_of(place.spec.type, array.ndim)
    change = f"weight = torch.from_numpy(kernel.transpose({', '.join(map(str, right))}).copy()) for {{module}}"
    if array.ndim == 2:
        change = "weight = torch.from_numpy(kernel.T.copy()) for {module}"
        if array.shape[0] == array.shape[1]:
            yield TRANSPOSED, "the weight is the kernel of Keras as it is, not transposed", change, np.transpose
    else:
        spatial = array.ndim - 2
        last = array.ndim - 1
        if spatial == 2 and array.shape[0] == array.shape[1]:
            yield TRANSPOSED, "height and width of the kernel are exchanged", change, lambda a: a.swapaxes(0, 1)
        if array.shape[-1] == array.shape[-2]:
            yield TRANSPOSED, "in and out channels of the kernel are exchanged", change, lambda a: a.swapaxes(-1, -2)
            if spatial == 2 and array.shape[0] == array.shape[1]:
                yield (
                    TRANSPOSED, "both pairs of axes of the kernel are exchanged", change,
                    lambda a: a.swapaxes(0, 1).swapaxes(-1, -2),
                )  # fmt: skip
        flip = tuple(range(spatial))
        yield (
            "kernel flipped", "the kernel is turned by 180 degrees: convolution instead of correlation",
            "weight without flip for {module}", lambda a: np.flip(a, flip),
        )  # fmt: skip
        for axis in flip if spatial > 1 else ():
            yield (
                "kernel flipped",
                f"the kernel is turned along axis {axis}",
                change,
                lambda a, axis=axis: np.flip(a, axis),
            )
        if array.shape[-2] > 1 and last == spatial + 1:
            yield (
                "channel order", "its input channels stand in reverse order: BGR for RGB",
                "x = x.flip(1) in front of {module}, or none where there is one", lambda a: np.flip(a, -2),
            )  # fmt: skip

    def reread(a: np.ndarray) -> np.ndarray:
        """The numbers read in the shape that PyTorch wants, without moving an axis."""
        return a.reshape([a.shape[i] for i in right]).transpose(np.argsort(right))

    def raw(a: np.ndarray) -> np.ndarray:
        """The array as PyTorch's, where the shapes allow it."""
        return a.transpose(np.argsort(right))

    yield TRANSPOSED, "the kernel was reshaped to PyTorch's shape, not permuted", change, reread
    if tuple(array.shape[i] for i in right) == array.shape:
        yield TRANSPOSED, "the kernel was taken as it is: its axes were not moved", change, raw


def axes_of(kind: str, ndim: int) -> tuple[int, ...]:
    """How a kernel of Keras becomes one of PyTorch."""
    if ndim == 2:
        return 1, 0
    spatial = tuple(range(ndim - 2))
    if kind.startswith("Depthwise"):
        return ndim - 2, ndim - 1, *spatial
    return ndim - 1, ndim - 2, *spatial
