"""From the weights of real Keras models, architecture dropped, to their edges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regraft.blueprint import Blueprint, all_refs
from regraft.keras_config import parse
from regraft.layers.binding import bind
from regraft.recover.draft import Hints
from regraft.recover.grouping import group
from regraft.recover.wiring import wire
from regraft.weights import read


def edges(blueprint: Blueprint) -> dict[str, tuple[str, ...]]:
    """What every layer takes; the terms of a sum in any order."""
    sums = {"Add", "Multiply", "Average"}
    return {
        call.layer: tuple(sorted(names) if blueprint.by_name[call.layer].type in sums else names)
        for call in blueprint.calls
        for names in [[ref.layer for ref in call.inputs]]
    }


def chain(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(6, 3)(x)
    x = layers.MaxPooling2D()(x)
    return layers.Dense(5)(layers.Flatten()(x))


def residual(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(8, 3, padding="same")(x)
    for _ in range(2):
        y = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(x))
        y = layers.Conv2D(8, 3, padding="same")(layers.ReLU()(y))
        x = layers.Add()([x, y])
    return layers.Dense(4)(layers.GlobalAveragePooling2D()(x))


def projected(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(8, 3, padding="same")(x)
    shortcut = layers.BatchNormalization()(layers.Conv2D(16, 1, strides=2)(x))
    y = layers.SeparableConv2D(16, 3, padding="same")(x)
    y = layers.MaxPooling2D(3, strides=2, padding="same")(layers.BatchNormalization()(y))
    return layers.Dense(3)(layers.GlobalAveragePooling2D()(layers.Add()([y, shortcut])))


def u_net(layers: Any, x: Any) -> Any:
    down = layers.Conv2D(7, 3, padding="same")(x)
    deep = layers.Conv2D(14, 3, padding="same")(layers.MaxPooling2D()(down))
    up = layers.Conv2D(9, 3, padding="same")(layers.UpSampling2D()(deep))
    return layers.Conv2D(2, 1)(layers.Concatenate()([down, up]))


def squeezed(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(12, 3, padding="same")(x)
    gate = layers.GlobalAveragePooling2D()(x)
    gate = layers.Reshape((1, 1, 12))(gate)
    gate = layers.Dense(3)(gate)
    gate = layers.Dense(12)(gate)
    x = layers.Multiply()([x, gate])
    return layers.Conv2D(5, 1)(x)


def preactivated(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(8, 3, padding="same")(x)
    for _ in range(3):
        y = layers.ReLU()(layers.BatchNormalization()(x))
        y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(y)))
        x = layers.Add()([x, layers.Conv2D(8, 3, padding="same")(y)])
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return layers.Dense(4)(layers.GlobalAveragePooling2D()(x))


def dense_block(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(12, 3, padding="same")(x)
    for _ in range(3):
        y = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Concatenate()([x, layers.Conv2D(6, 3, padding="same")(y)])
    return layers.Dense(4)(layers.GlobalAveragePooling2D()(x))


def inception(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(12, 3, padding="same")(x)
    for widths in ((8, 10, 14, 4, 6, 5), (9, 11, 15, 3, 7, 4)):
        one = layers.Conv2D(widths[0], 1)(x)
        three = layers.Conv2D(widths[2], 3, padding="same")(layers.Conv2D(widths[1], 1)(x))
        five = layers.Conv2D(widths[4], 5, padding="same")(layers.Conv2D(widths[3], 1)(x))
        pool = layers.Conv2D(widths[5], 1)(layers.MaxPooling2D(3, strides=1, padding="same")(x))
        x = layers.MaxPooling2D()(layers.Concatenate()([one, three, five, pool]))
    return layers.Dense(4)(layers.GlobalAveragePooling2D()(x))


def denoiser(layers: Any, x: Any) -> Any:
    y = layers.Conv2D(12, 3, padding="same")(x)
    for _ in range(2):
        y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(12, 3, padding="same")(y)))
    return layers.Subtract()([x, layers.Conv2D(3, 3, padding="same")(y)])


MODELS = (chain, residual, projected, u_net, squeezed, preactivated, dense_block, inception, denoiser)


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", [".h5", ".weights.h5"])
def test_functional_models(suffix: str, tmp_path: Path) -> None:
    import keras

    wrong: list[str] = []
    for body in MODELS:
        keras.backend.clear_session()
        x = keras.Input((16, 16, 3))
        model = keras.Model(x, body(keras.layers, x))
        file = tmp_path / f"{body.__name__}{suffix}"
        model.save_weights(file) if suffix == ".weights.h5" else model.save(file)
        (seen,) = group(replace(read(file), config=None))
        drafts = wire(seen, Hints(((16, 16, 3),)))
        bind(drafts[0].blueprint, seen.tree)
        truth = edges(parse(model.to_json()))
        found = edges(drafts[0].blueprint)
        # Files of Keras 3 count layers by class, so names may differ there: the order of the layers is the same.
        names = dict(zip([s.name for s in drafts[0].blueprint.layers], [la.name for la in model.layers], strict=True))
        renamed = {names[layer]: tuple(names[source] for source in taken) for layer, taken in found.items()}
        if renamed != truth:
            wrong.append(f"{body.__name__}: {set(renamed.items()) ^ set(truth.items())}")
    assert not wrong, "\n".join(wrong)


def translator(keras: Any) -> Any:
    """The last states of one recurrent layer are the first of another."""
    source, target = keras.Input((9, 11)), keras.Input((7, 13))
    _, h, c = keras.layers.LSTM(6, return_state=True, name="encoder")(source)
    y = keras.layers.LSTM(6, return_sequences=True, name="decoder")(target, initial_state=[h, c])
    return keras.Model([source, target], keras.layers.Dense(13)(y))


def given_states(keras: Any) -> Any:
    """States that enter the model."""
    x, state = keras.Input((5, 3)), keras.Input((4,))
    return keras.Model([x, state], keras.layers.GRU(4)(x, initial_state=state))


def twins(keras: Any) -> Any:
    """Two inputs through one model, compared."""
    inside = keras.Input((8,))
    encoder = keras.Model(inside, keras.layers.Dense(5)(keras.layers.Dense(7)(inside)), name="encoder")
    left, right = keras.Input((8,)), keras.Input((8,))
    apart = keras.layers.Subtract()([encoder(left), encoder(right)])
    return keras.Model([left, right], keras.layers.Dense(1)(apart))


@pytest.mark.oracle
def test_several_inputs(tmp_path: Path) -> None:
    import keras

    wrong: list[str] = []
    for build in (translator, given_states, twins):
        keras.backend.clear_session()
        model = build(keras)
        file = tmp_path / f"{build.__name__}.h5"
        model.save(file)
        (seen,) = group(replace(read(file), config=None))
        draft = wire(seen, Hints(tuple(tensor.shape[1:] for tensor in model.inputs)))[0]
        bind(draft.blueprint, seen.tree)
        truth, found = parse(model.to_json()), draft.blueprint
        ours, theirs = (
            sorted((call.layer, call.call, [(r.layer, r.call, r.index) for r in all_refs(call)]) for call in b.calls)
            for b in (found, truth)
        )
        if ours != theirs:
            wrong.append(f"{build.__name__}: {ours} instead of {theirs}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.oracle
def test_a_sequential_file_is_a_chain(tmp_path: Path) -> None:
    import keras

    layers = [keras.Input((9,)), keras.layers.Dense(7), keras.layers.ReLU(), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.save_weights(tmp_path / "chain.weights.h5")
    (seen,) = group(read(tmp_path / "chain.weights.h5"))
    (draft,) = wire(seen, Hints(((9,),)))
    assert draft.blueprint.sequential
    assert [spec.type for spec in draft.blueprint.layers] == ["InputLayer", "Dense", "ReLU", "Dense"]
    assert draft.blueprint.layers[0].config["batch_shape"] == (None, 9)
    bind(draft.blueprint, seen.tree)
