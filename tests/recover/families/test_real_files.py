"""Files that real Keras wrote: found without their architecture, and the same function."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.recover.families.files import canonical
from tests.twin import randomise, relative_error, run

from regraft import keras_config
from regraft.emit.module import emit
from regraft.layers.binding import bind
from regraft.recover import grouping
from regraft.recover.draft import Draft, Hints
from regraft.recover.families import match
from regraft.recover.part import Grouping
from regraft.weights import read

SIZE = (64, 64, 3)


def own_head(body: Any) -> Any:
    import keras

    x = keras.layers.GlobalAveragePooling2D()(body.output)
    x = keras.layers.Dropout(0.3)(x)
    return keras.Model(body.input, keras.layers.Dense(5)(x))


def as_a_layer(body: Any) -> Any:
    import keras

    return keras.Sequential([keras.Input(SIZE), body, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(5)])


def frozen(body: Any) -> Any:
    body.trainable = False
    return as_a_layer(body)


def partly_frozen(body: Any) -> Any:
    for layer in body.layers[:50]:
        layer.trainable = False
    return as_a_layer(body)


BUILD = {"own head": own_head, "as a layer": as_a_layer, "frozen": frozen, "partly frozen": partly_frozen}


def found(file: Path) -> list[Draft]:
    tree = read(file)
    assert tree.config is None
    seen = Grouping(tree, (), complete=False) if tree.dialect == "arrays" else grouping.group(tree)[0]
    return match(seen, Hints((SIZE,)))


@pytest.mark.oracle
@pytest.mark.parametrize("form", BUILD)
def test_the_function_of_a_fine_tuned_mobilenet(form: str, tmp_path: Path) -> None:
    import keras

    keras.backend.clear_session()
    body = keras.applications.MobileNet(weights=None, include_top=False, input_shape=SIZE, alpha=0.25)
    model = BUILD[form](body)
    randomise(model)
    truth = keras_config.parse(model.to_json())
    image = np.random.default_rng(3).uniform(-1, 1, (2, *SIZE)).astype("float32")
    expected = np.asarray(model(image, training=False))
    files = [tmp_path / "m.weights.h5", tmp_path / "m.h5", tmp_path / "m.npz"]
    model.save_weights(files[0])
    legacy_weights(model, files[1])
    np.savez(files[2], *model.get_weights())
    for file in files:
        drafts = found(file)
        assert drafts, (form, file.name)
        draft = drafts[0]
        assert draft.family == "MobileNet, alpha 0.25 (keras.applications 3.15)"
        if file.suffix == ".h5":
            assert canonical(without_dropout(draft.blueprint)) == canonical(without_dropout(truth)), file.name
        binding = bind(draft.blueprint, draft.grouping.tree)
        (output,) = run(emit(draft.blueprint, binding, "a test"), [image], "float32")
        assert relative_error(output, expected) < 1e-4, (form, file.name)


def legacy_weights(model: Any, file: Path) -> None:
    """What ``save_weights("m.h5")`` of Keras 2 writes."""
    import h5py
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    with h5py.File(file, "w") as out:
        save_weights_to_hdf5_group(out, model)


def without_dropout(blueprint: Any) -> Any:
    """Dropout leaves no variables; its rate is not in any weights file."""
    layers = tuple(replace(s, config={}) if s.type == "Dropout" else s for s in blueprint.layers)
    return replace(blueprint, layers=layers)
