from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.layers.reading import layer
from tests.twin import agree

from regraft.errors import BlueprintError, UnknownLayerError
from regraft.layers import Arrival, AxisOrder, Site
from regraft.layers.regrouping import blocks, regrouped

RNG = np.random.default_rng(0)


def images(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


@pytest.mark.oracle
def test_reshape(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, vector, sequence, row = (
        keras.Input((4, 6, 10)),
        keras.Input((24,)),
        keras.Input((6, 8)),
        keras.Input((1, 5, 7)),
    )
    held, steps, line = layers.Conv2D(10, 1)(image), layers.Conv1D(8, 1)(sequence), layers.Conv2D(7, 1)(row)
    targets: list[Any] = [
        (24, 10),
        (-1, 10),
        (4, 60),
        (4, 6, 2, 5),
        (2, 2, 6, 10),
        (240,),
        (-1,),
        (6, 4, 10),
        (8, 3, 10),
        (4, 2, 3, 10),
        (240, 1),
    ]
    outputs = [layers.Reshape(target)(x) for target in targets for x in (image, held)]
    outputs += [layers.Reshape(target)(vector) for target in ((2, 3, 4), (1, 1, 24), (24, 1), (-1, 2), (1, 24), (24,))]
    outputs += [
        layers.Reshape(target)(x)
        for target in ((2, 3, 8), (48,), (6, 1, 8), (1, 6, 8), (6, 2, 4), (3, 16))
        for x in (sequence, steps)
    ]
    outputs += [
        layers.Reshape(target)(x) for target in ((5, 7), (35,), (5, 1, 7), (5, 7, 1), (1, 35)) for x in (row, line)
    ]
    inputs = [images(2, 4, 6, 10), images(2, 24), images(2, 6, 8), images(2, 1, 5, 7)]
    agree(keras.Model([image, vector, sequence, row], outputs), inputs, tmp_path, tolerance=1e-12)


@pytest.mark.oracle
def test_sizes_that_vary(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, sequence = keras.Input((None, None, 6)), keras.Input((None, 1, 12))
    held = layers.Conv2D(6, 1)(image)
    outputs = [layers.Reshape(target)(x) for target in ((-1, 6), (-1, 3), (-1, 2, 3)) for x in (image, held)]
    outputs += [layers.Reshape(target)(sequence) for target in ((-1, 12), (-1, 4, 3), (-1, 1, 1, 12))]
    outputs += [layers.Permute((2, 1, 3))(held)]
    agree(keras.Model([image, sequence], outputs), [images(2, 4, 5, 6), images(2, 7, 1, 12)], tmp_path, tolerance=1e-12)


@pytest.mark.oracle
def test_reshape_on_the_way_to_other_layers(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, code = keras.Input((4, 6, 3)), keras.Input((5,))
    held = layers.Conv2D(10, 3, padding="same")(image)
    decoder = layers.Conv2D(3, 2)(layers.Reshape((3, 4, 7))(layers.Dense(84)(code)))
    gate = layers.Reshape((1, 1, 10))(layers.GlobalAveragePooling2D()(held))
    gated = layers.Multiply()([held, layers.Conv2D(10, 1, activation="sigmoid")(gate)])
    tokens = layers.Dense(4)(layers.Reshape((24, 10))(held))
    columns = layers.GRU(3)(layers.Reshape((6, 40))(layers.Permute((2, 1, 3))(held)))
    back = layers.Conv2D(2, 3)(layers.Reshape((4, 6, 4))(tokens))
    classes = layers.Dense(5)(layers.Reshape((240,))(held))
    repeated = layers.GRU(3)(layers.RepeatVector(4)(code))
    model = keras.Model([image, code], [decoder, gated, tokens, columns, back, classes, repeated])
    module = agree(model, [images(2, 4, 6, 3), images(2, 5)], tmp_path)
    assert "[:, :, None, None]" in module.source
    assert ".flatten(2)  # (batch, 10, 24)" in module.source, (
        "tokens stay where they lie until a layer wants them elsewhere"
    )


@pytest.mark.oracle
def test_flatten(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, sequence, solid, vector = (keras.Input(shape) for shape in ((4, 5, 3), (6, 5), (2, 3, 4, 5), (7,)))
    held, steps, filled = layers.Conv2D(6, 2)(image), layers.Conv1D(4, 2)(sequence), layers.Conv3D(3, 2)(solid)
    dense = [layers.Dense(4)(layers.Flatten()(x)) for x in (image, held, sequence, steps, solid, filled, vector)]
    shared = layers.Flatten()(held)
    dense += [
        layers.Dense(3)(shared),
        layers.Concatenate()([shared, layers.Flatten()(image)]),
        layers.Activation("glu")(layers.Flatten()(held)),
    ]
    dense += [
        layers.Flatten()(layers.Conv2D(1, 1)(image)),
        layers.Dense(2)(layers.Flatten()(layers.GlobalMaxPooling2D(keepdims=True)(held))),
    ]
    dense += [layers.Dense(4)(layers.Flatten(data_format="channels_first")(x)) for x in (image, held, sequence)]
    inputs = [images(2, *shape) for shape in ((4, 5, 3), (6, 5), (2, 3, 4, 5), (7,))]
    agree(keras.Model([image, sequence, solid, vector], dense), inputs, tmp_path)


@pytest.mark.oracle
def test_flatten_before_dense_moves_no_activation(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    stack = [keras.Input((5, 6, 3)), layers.Conv2D(4, 2), layers.Flatten(), layers.Dropout(0.3), layers.Dense(7)]
    module = agree(keras.Sequential(stack), [images(2, 5, 6, 3)], tmp_path)
    assert ".flatten(1)" in module.source
    assert "permute" not in module.source


@pytest.mark.oracle
def test_channels_first_is_flattened_as_it_lies(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    stack = [
        keras.Input((3, 5, 6)),
        layers.BatchNormalization(axis=1),
        layers.Flatten(data_format="channels_first"),
        layers.Dense(7),
    ]
    module = agree(keras.Sequential(stack), [images(2, 3, 5, 6)], tmp_path)
    assert "permute" not in module.source
    assert "movedim" not in module.source


@pytest.mark.oracle
def test_permute(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, sequence = keras.Input((4, 5, 3)), keras.Input((6, 5))
    held = layers.Conv2D(7, 2)(image)
    outputs = [layers.Permute(dims)(x) for dims in itertools.permutations((1, 2, 3)) for x in (image, held)]
    outputs += [layers.LSTM(3)(layers.Permute((2, 1))(sequence)), layers.Dense(4)(layers.Permute((3, 1, 2))(held))]
    outputs += [
        layers.Conv2D(2, 2)(layers.Permute((2, 1, 3))(held)),
        layers.Dense(4)(layers.Flatten()(layers.Permute((3, 2, 1))(held))),
    ]
    outputs += [layers.Add()([layers.Permute((2, 1, 3))(layers.Permute((2, 1, 3))(held)), held])]
    module = agree(keras.Model([image, sequence], outputs), [images(2, 4, 5, 3), images(2, 6, 5)], tmp_path)
    assert module.output_orders[-1] == AxisOrder.channels_first(4)


LENGTHS = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """A shape, a target with as many elements, and an order of the input, batch included."""
    shape = draw(LENGTHS)
    left, target = math.prod(shape), []
    while left > 1:
        part = draw(st.sampled_from([n for n in range(2, left + 1) if left % n == 0]))
        target.append(part)
        left //= part
    for _ in range(draw(st.integers(0, 2))):
        target.insert(draw(st.integers(0, len(target))), 1)
    order = (0, *draw(st.permutations(range(1, len(shape) + 1))))
    return (2, *shape), (2, *(target or [1])), order


@given(reshapes())
def test_reshapes_in_any_order_agree_with_numpy(case: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]) -> None:
    import torch

    shape, target, axes = case
    numbers = np.arange(math.prod(shape)).reshape(shape)
    found = regrouped(shape, target, AxisOrder(axes))
    if found is None:
        assert axes != tuple(range(len(shape))), "in Keras order every reshape is possible"
        return
    x = torch.from_numpy(np.ascontiguousarray(numbers.transpose(axes)))
    result = eval(found.text.replace("%0", "x"), {"x": x}).numpy()  # noqa: S307 - our own text
    np.testing.assert_array_equal(result, numbers.reshape(target).transpose(found.order.axes))


@given(LENGTHS, LENGTHS)
def test_blocks_hold_all_axes_once(source: list[int], target: list[int]) -> None:
    found = blocks(source, target)
    assert [axis for block, _ in found for axis in block] == list(range(len(source)))
    assert [axis for _, block in found for axis in block] == list(range(len(target)))


FIRST = AxisOrder.channels_first


@pytest.mark.parametrize(
    ("shape", "order", "target", "text", "result"),
    [
        ((None, 7, 5, 3), FIRST(4), (None, 35, 3), "%0.flatten(2)", FIRST(3)),
        ((None, 35, 3), FIRST(3), (None, 7, 5, 3), "%0.unflatten(2, (7, 5))", FIRST(4)),
        ((None, None, None, 3), FIRST(4), (None, None, 3), "%0.flatten(2)", FIRST(3)),
        ((None, 512), AxisOrder.keras(2), (None, 1, 1, 512), "%0[:, :, None, None]", FIRST(4)),
        ((None, 512), AxisOrder.keras(2), (None, 1, 512), "%0[:, None, :]", AxisOrder.keras(3)),
        ((None, 1, 9, 5), FIRST(4), (None, 9, 5), "%0[:, :, 0, :]", FIRST(3)),
        ((None, 6272), AxisOrder.keras(2), (None, 7, 7, 128), "%0.unflatten(1, (7, 7, 128))", AxisOrder.keras(4)),
        ((None, 7, 5, 3), AxisOrder.keras(4), (None, 5, 7, 3), "%0.reshape(-1, 5, 7, 3)", AxisOrder.keras(4)),
        ((None, None, 4, 6), AxisOrder.keras(4), (None, None, 3), "%0.reshape(%0.shape[0], -1, 3)", AxisOrder.keras(3)),
        ((None, 7, 5, 3), FIRST(4), (None, 7, 5, 3), "%0", FIRST(4)),
    ],
)
def test_reshape_as_a_person_writes_it(shape: Any, order: AxisOrder, target: Any, text: str, result: AxisOrder) -> None:
    found = regrouped(shape, target, order)
    assert found is not None
    assert (found.text, found.order) == (text, result)


def test_a_reshape_across_rows_and_channels_needs_keras_order() -> None:
    assert regrouped((None, 7, 5, 3), (None, 7, 15), FIRST(4)) is None
    found = layer("Reshape", {"target_shape": [7, 15]}).arrange(Arrival(((None, 7, 5, 3),), (FIRST(4),)))
    assert (found.inputs, found.outputs) == ((AxisOrder.keras(4),), (AxisOrder.keras(3),))


@pytest.mark.parametrize(
    ("target", "shape", "expected"),
    [
        ([-1, 3], (None, 4, 6), (None, 8, 3)),
        ([-1, 3], (None, None, 6), (None, None, 3)),
        ([4, 6], (None, 24), (None, 4, 6)),
        ([4, -1], None, (None, 4, None)),
        ([1, 1, -1], (8, 5), (8, 1, 1, 5)),
    ],
)
def test_shape_of_reshape(target: list[int], shape: Any, expected: Any) -> None:
    assert layer("Reshape", {"target_shape": target}).shape((shape,)) == expected


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(BlueprintError, match="24 elements"):
        layer("Reshape", {"target_shape": [5, 5]}).shape(((None, 24),))
    with pytest.raises(BlueprintError, match="24 elements"):
        layer("Reshape", {"target_shape": [-1, 5]}).shape(((None, 24),))
    with pytest.raises(BlueprintError, match="3 axes"):
        layer("Permute", {"dims": [3, 1, 2]}).shape(((None, 4, 5),))


@pytest.mark.parametrize(
    ("name", "config"),
    [("Reshape", {"target_shape": [-1, -1]}), ("Reshape", {"target_shape": [None, 3]}), ("Reshape", {"target_shape": [0]}),
     ("Permute", {"dims": [1, 1]}), ("Permute", {"dims": [0, 1]}), ("Permute", {"dims": 2}), ("RepeatVector", {"n": 0})],
)  # fmt: skip
def test_settings_that_are_refused(name: str, config: dict[str, Any]) -> None:
    with pytest.raises(UnknownLayerError):
        layer(name, config)


@pytest.mark.parametrize(
    ("version", "config", "expected"),
    [
        ("1.2.2", {"dim_ordering": "th"}, "channels_last"),
        ("1.2.2", {}, "channels_last"),
        ("2.1.0", {}, "channels_last"),
        ("2.3.1", {"data_format": "channels_first"}, "channels_first"),
        ("3.0.0", {"data_format": "channels_last"}, "channels_last"),
    ],
)
def test_format_of_flatten(version: str, config: dict[str, Any], expected: str) -> None:
    assert layer("Flatten", config, version).config["data_format"] == expected


def test_flatten_behind_an_unknown_rank() -> None:
    keras = AxisOrder(())
    unknown = Site("f", (None,), (None,), (keras,), (AxisOrder.keras(2),), (False,), {})
    assert layer("Flatten", {}).torch(unknown).outputs == ("%0.flatten(1)",)
    assert layer("Flatten", {"data_format": "channels_first"}).torch(unknown).outputs == (
        "%0.movedim(1, -1).flatten(1)",
    )
    assert layer("Reshape", {"target_shape": [2, 3]}).torch(unknown).outputs == ("%0.reshape(%0.shape[0], 2, 3)",)
