"""Layers of other packages that are exactly a layer of Keras, said as that layer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any


def rewritten(text: str) -> str:
    """
    The JSON of a model in which these layers are written as layers of Keras.

    - a Lambda of an Inception-ResNet that adds the second tensor times a number: CustomScaleLayer;
    - in keras-facenet, the Lambda of ``scaling(x, scale)``, a product with a number: Rescaling;
    - there too, the Lambda of ``K.l2_normalize`` along an axis: UnitNormalization;
    - in image-classifiers, the Lambda that makes a 1 x 1 map of a vector: Reshape;
    - the FixedDropout of efficientnet, which differs in how it reads its noise shape: Dropout;
    - the BatchNormalization of keras-resnet, which differs in training only.
    """
    value = json.loads(text)
    for layer in layers_in(value):
        config = layer["config"]
        name = layer["class_name"]
        arguments = config.get("arguments") or {}
        if name == "Lambda" and set(arguments) == {"scale"} and re.fullmatch(r"block(35|17|8)_\d+", config["name"]):
            become(
                layer, "CustomScaleLayer", {"scale": arguments["scale"]}, "keras.src.applications.inception_resnet_v2"
            )
        elif name == "Lambda" and set(arguments) == {"scale"} and str(config["module"]).startswith("keras_facenet."):
            become(layer, "Rescaling", {"scale": arguments["scale"], "offset": 0.0})
        elif name == "Lambda" and set(arguments) == {"axis"} and config["name"] == "normalize":
            become(layer, "UnitNormalization", {"axis": arguments["axis"]})
        elif name == "Lambda" and set(arguments) == {"channels_axis"}:
            become(layer, "Reshape", {"target_shape": [1, 1, layer["build_config"]["input_shape"][-1]]})
        elif name == "FixedDropout":
            become(layer, "Dropout", {"rate": config["rate"], "noise_shape": config.get("noise_shape")})
        elif name == "BatchNormalization" and "freeze" in config:
            become(layer, name, {k: v for k, v in config.items() if k != "freeze"})
    return json.dumps(value)


def become(layer: dict[str, Any], class_name: str, config: dict[str, Any], module: str = "keras.layers") -> None:
    """Write a layer as one of Keras."""
    kept = {k: v for k, v in layer["config"].items() if k in ("name", "trainable", "dtype")}
    layer |= {"class_name": class_name, "module": module, "registered_name": None, "config": {**kept, **config}}


def layers_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every layer of a model and of the models inside."""
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str) and isinstance(value.get("config"), dict):
            yield value
        for item in value.values():
            yield from layers_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from layers_in(item)
