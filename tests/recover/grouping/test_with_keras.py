"""Grouping against the real Keras: every layer family, saved in every dialect that an installed Keras writes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from regraft.blueprint import Blueprint, LayerSpec
from regraft.layers.binding import bind
from regraft.layers.matching import group_keys
from regraft.recover.grouping import group, part_spec, version_of
from regraft.recover.grouping.defaults import NOT_RECOVERED
from regraft.recover.part import Part
from regraft.stated import read_blueprint
from regraft.weights import WeightTree, read

pytestmark = pytest.mark.oracle

#: Types that the same arrays mean where the author chose a meaningless name, and that compute the same or nearly so.
AS_GOOD = {
    ("Dense", "TimeDistributed"), ("Conv2D", "TimeDistributed"), ("GRU", "RNN"), ("LayerNormalization", "GroupNormalization"),
    ("Dense", "EinsumDense"), ("Dense", "Functional"),
}  # fmt: skip
FACTS = ("units", "filters", "kernel_size", "use_bias", "reset_after", "data_format")


def network(keras: Any, chosen: bool) -> Any:
    """A model with all families; with ``chosen`` names that say nothing."""
    layers = keras.layers
    count = iter(range(999))

    def named(**settings: Any) -> dict[str, Any]:
        return {**settings, "name": f"x{next(count)}"} if chosen else settings

    def make(kind: str, *arguments: Any, **settings: Any) -> Any:
        return getattr(layers, kind)(*arguments, **named(**settings))

    image = keras.Input((24, 20, 3), **named())
    x = make("ReLU")(make("BatchNormalization")(make("Conv2D", 8, 3)(image)))
    x = make("SeparableConv2D", 12, 3)(make("DepthwiseConv2D", 3, depth_multiplier=2)(x))
    x = make("PReLU", shared_axes=[1, 2])(make("BatchNormalization", scale=False)(x))
    x = make("LayerNormalization")(make("Conv2DTranspose", 6, 3)(x))
    x = make("UpSampling2D")(make("MaxPooling2D")(x))
    x = make("Add")([x, make("Conv2D", 6, 1, use_bias=False)(x)])
    x = make("BatchNormalization", center=False, scale=False)(make("GroupNormalization", groups=2)(x))
    x = make("Dropout", 0.2)(make("Dense", 5)(make("Flatten")(x)))
    words = keras.Input((7,), **named())
    w = make("Conv1D", 9, 3, padding="same")(make("Embedding", 100, 10)(words))
    w = make("GRU", 5, return_sequences=True)(make("LSTM", 4, return_sequences=True)(w))
    w = make("GRU", 5, return_sequences=True, reset_after=False)(w)
    w = make("Bidirectional", layers.LSTM(3, return_sequences=True))(w)
    w = make("Bidirectional", layers.GRU(2, return_sequences=True))(w)
    w = make("TimeDistributed", layers.Dense(6))(make("SimpleRNN", 4, return_sequences=True)(w))
    w = make("RNN", [layers.LSTMCell(5), layers.GRUCell(4)], return_sequences=True)(w)
    w = make("RNN", layers.GRUCell(4), return_sequences=True)(w)
    w = make("MultiHeadAttention", 2, 3)(w, w)
    w = make("EinsumDense", "abc,cd->abd", output_shape=(None, 6), bias_axes="d")(w)
    w = make("LSTM", 3, use_bias=False)(make("LayerNormalization", center=False)(w))
    inner = [keras.Input((3,)), layers.Dense(6, activation="relu"), layers.BatchNormalization(), layers.Dense(4)]
    w = keras.Sequential(inner, **named())(w)
    entry = keras.Input((4,))
    other = layers.Dense(4)(entry)
    w = keras.Model(entry, layers.Add()([other, layers.LeakyReLU()(other)]), **named())(w)
    film = keras.Input((5, 6, 6, 2), **named())
    f = make("GlobalAveragePooling2D")(make("ConvLSTM2D", 3, 2)(film))
    t = make("TimeDistributed", layers.Flatten())(make("TimeDistributed", layers.Conv2D(4, 2))(film))
    t = make("DepthwiseConv1D", 2)(make("SeparableConv1D", 4, 2)(make("Conv1DTranspose", 3, 2)(t)))
    cube = keras.Input((6, 6, 6, 2), **named())
    c = make("GlobalMaxPooling3D")(make("Conv3DTranspose", 2, 2)(make("Conv3D", 3, 2)(cube)))
    table = keras.Input((11,), **named())
    n = make("Dense", 3, use_bias=False)(make("Normalization")(table))
    n = make("PReLU")(make("Activation", "tanh")(n))
    return keras.Model([image, words, film, cube, table], make("Concatenate")([x, w, f, make("Flatten")(t), c, n]))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files, written once."""
    import keras
    import tf_keras

    folder = tmp_path_factory.mktemp("saved")
    for module, chosen in ((keras, False), (keras, True), (tf_keras, False)):
        model = network(module, chosen)
        stem = f"{module.__name__}_{'chosen' if chosen else 'default'}"
        (folder / f"{stem}.json").write_text(model.to_json())
        model.save_weights(folder / f"{stem}.weights.h5")
        if module is keras:
            model.save(folder / f"{stem}.h5")
        else:
            model.save_weights(folder / f"{stem}.h5")
    return folder


def matched(tree: WeightTree, truth: Blueprint, parts: tuple[Part, ...]) -> dict[str, Part]:
    """The part of every layer."""
    if tree.dialect == "keras-3":
        by_key = {part.group.key: part for part in parts}
        return {name: by_key[key] for name, key in group_keys(truth).items()}
    by_name = {part.name: part for part in parts}
    return {spec.name: by_name[spec.name] for spec in truth.layers}


def same_facts(found: LayerSpec, true: LayerSpec) -> bool:
    """Whether the settings that shapes fix are right, in wrapped layers too."""
    for key in FACTS:
        if key in found.config and found.config[key] != true.config[key]:
            return False
    inner, true_inner = found.config.get("layer"), true.config.get("layer")
    if isinstance(inner, LayerSpec) and isinstance(true_inner, LayerSpec):
        return inner.type == true_inner.type and same_facts(inner, true_inner)
    return True


@pytest.mark.parametrize(("writer", "chosen"), [("keras", "default"), ("keras", "chosen"), ("tf_keras", "default")])
@pytest.mark.parametrize("ending", [".h5", ".weights.h5"])
def test_types_and_settings(saved: Path, writer: str, chosen: str, ending: str) -> None:
    stem = f"{writer}_{chosen}"
    tree = read(saved / f"{stem}{ending}")
    truth = read_blueprint(tree, saved / f"{stem}.json", None)
    found = group(dataclasses.replace(tree, config=None))[0]
    assert (found.ordered, found.complete, found.notes) == (True, True, ())
    nameless = ending == ".h5" and chosen == "chosen"
    specs: list[LayerSpec] = []
    wrong: list[str] = []
    for spec in truth.layers:
        part = matched(tree, truth, found.parts)[spec.name]
        if not part.type:
            assert nameless
            assert not part.group.variables, part
        elif part.type != spec.type:
            assert part.label != "proved", part
            if not nameless or (part.type, spec.type) not in AS_GOOD:
                wrong.append(f"{spec.name}: {spec.type}, found {part.type}, {part.label}: {part.evidence}")
        elif spec.type in NOT_RECOVERED:
            if not part.settings.items() <= spec.config.items():
                wrong.append(f"{spec.name}: {part.settings}, expected {spec}")
        elif not spec.unknown and part.type != "Functional":
            mine = part_spec(part, version_of(tree))
            if mine.unknown or not same_facts(mine, spec):
                wrong.append(f"{spec.name}: {mine}, expected {spec}")
            specs.append(dataclasses.replace(mine, name=spec.name))
            continue
        specs.append(spec)
    assert not wrong, "\n".join(wrong)
    bind(dataclasses.replace(truth, layers=tuple(specs)), tree)


@pytest.mark.parametrize("writer", ["keras", "tf_keras"])
@pytest.mark.parametrize("ending", [".h5", ".weights.h5"])
def test_models_inside(saved: Path, writer: str, ending: str) -> None:
    found = group(read(saved / f"{writer}_default{ending}"))[0]
    models = [part.inner for part in found.parts if part.type == "Functional"]
    inside = [[part.type for part in model.parts] for model in models if model is not None]
    if ending == ".h5":
        assert inside == [["Dense", "BatchNormalization", "Dense"], ["Dense"]]
    else:
        assert inside == [["Dense", "BatchNormalization", "Dense"], ["InputLayer", "Dense", "LeakyReLU", "Add"]]
