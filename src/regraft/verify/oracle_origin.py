"""Models that the user names in another way than by a file, made and saved inside the oracle's process."""

from __future__ import annotations

import importlib.util
import json
import sys
from contextlib import chdir
from pathlib import Path
from typing import Any

from regraft.layers.custom import beside, load
from regraft.named_call import split_call
from regraft.verify.allowed import objections, stripped
from regraft.verify.custom_config import for_keras
from regraft.verify.oracle_custom import objects_of
from regraft.verify.oracle_library import Library, library
from regraft.verify.oracle_saved_model import harmless_signature, keras_description, layers_told

ENDINGS = {"keras": "model.keras", "tf_keras": "model.h5"}
NO_GRAPH = "which no file describes: it is a subclass of Model. Return a Sequential or functional model"


def from_function(request: dict[str, Any]) -> dict[str, Any]:
    """Import the user's file, call the function, save what it returns."""
    path = Path(request["file"])
    name, arguments, named = split_call(request["call"], "")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    with beside(path), chdir(request["cwd"]):  # a path in the user's function is relative to where the user is
        spec.loader.exec_module(module)
        function = getattr(module, name, None)
        if not callable(function):
            known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
            raise ValueError(f"{path.name} has no function {name!a:.80}; it has {', '.join(known[:20]) or 'none'}")
        model = function(*arguments, **named)
    return saved(model, Path(request["folder"]), f"{path.name}:{name}")


def saved(model: Any, folder: Path, text: str) -> dict[str, Any]:
    """
    Save a model whole, else as JSON and weights.

    Raises:
        ValueError: It is no model of Keras with a graph, or has no weights yet.
    """
    keras = library_of(model)
    if keras is None:
        raise ValueError(f"{text} gives an object of class {type(model).__name__!a:.80}, which is no Keras model")
    graph = hasattr(model, "_nodes_by_depth") or isinstance(model, keras.module.Sequential)
    if not graph:
        raise ValueError(f"{text} gives a model of class {type(model).__name__!a:.80}, {NO_GRAPH}")
    if not model.built or not model.inputs:
        raise ValueError(f"the model of {text} has no weights yet: give it an Input layer")
    file = folder / ENDINGS[keras.name]
    answer: dict[str, Any] = {"library": keras.name, "notes": []}
    try:
        model.save(file)
    except Exception as error:
        file.unlink(missing_ok=True)
        architecture, weights = folder / "architecture.json", folder / "model.weights.h5"
        architecture.write_text(model.to_json(), encoding="utf-8")
        model.save_weights(weights)
        why = " ".join(str(error).split())[:200]
        note = f"the model was saved as JSON and weights, since it cannot be saved whole: {type(error).__name__}: {why}"
        answer |= {"file": str(weights), "architecture": str(architecture), "notes": [note]}
    else:
        answer |= {"file": str(file)}
    keras.clear()
    return answer


def library_of(model: Any) -> Library | None:
    """The library whose model something is; tf.keras is one of the two."""
    for cls in type(model).__mro__:
        root = cls.__module__.split(".")[0]
        if cls.__name__ == "Model" and root in ENDINGS:
            return library(root)
    return None


def from_saved_model(request: dict[str, Any]) -> dict[str, Any]:
    """
    A SavedModel of tf-keras as a file, made from its description and its checkpoint; of another, whether it may be run.

    The description is Keras' own JSON, so it passes the same gate as that of a file; no class is loaded by its graph.
    """
    folder, out = Path(request["model"]), Path(request["folder"])
    description = keras_description(folder)
    if description is None:
        notes = [
            f"{folder.name} holds a graph and no architecture: its operations are run by TensorFlow",
            layers_told(folder),
        ]
        return {"file": None, "library": "", "notes": [*notes, harmless_signature(folder)]}
    keras = library("tf_keras")
    objects: dict[str, Any] = {}
    config = stripped(description)
    if request.get("custom"):
        objects = objects_of(request["custom"], keras.module, keras.name)
        config = for_keras(config, load(Path(request["custom"])), frozenset(objects))
    if wrong := objections(config, frozenset(objects)):
        raise ValueError(f"its description names what must not reach Keras: {', '.join(wrong[:5])}")
    keras.clear()
    with keras.precision("float32"), keras.knowing(objects):
        model = keras.from_json(json.dumps(config))
        if not model.built:
            raise ValueError("its description does not say the shape of the input")
        status = model.load_weights(str(folder / "variables" / "variables"))
        status.assert_existing_objects_matched()
        status.expect_partial()
    answer = saved(model, out, folder.name)
    note = f"{folder.name} is a SavedModel of tf-keras: its architecture and its checkpoint were read, its graph was not run"
    return {**answer, "notes": [note, *answer["notes"]]}
