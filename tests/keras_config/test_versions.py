from __future__ import annotations

from typing import Any

import pytest

from regraft.keras_config.versions import infer_version

NODE_3 = {"inbound_nodes": [{"args": [], "kwargs": {}}]}
NODE_2 = {"inbound_nodes": [[["a", 0, 0, {}]]]}


@pytest.mark.parametrize(
    ("value", "version"),
    [
        ({"module": "keras", "config": {"batch_shape": [None, 3]}, **NODE_3}, "3.0.0"),
        ({"module": "keras", "config": {"layers": []}}, "3.0.0"),
        ({"class_name": "Functional", **NODE_3}, "3.0.0"),
        ({"module": "keras", "config": {"batch_input_shape": [None, 3]}}, "2.13.0"),
        ({"module": "keras", "registered_name": None, **NODE_2}, "2.13.0"),
        ({"class_name": "Functional", **NODE_2}, "2.11.0"),
        ({"class_name": "Model", "config": [{"class_name": "TFOpLambda"}]}, "2.11.0"),
        (
            {"class_name": "Sequential", "config": [{"class_name": "Convolution2D", "config": {"nb_filter": 3}}]},
            "1.2.2",
        ),
        ({"class_name": "Sequential", "config": [{"class_name": "Merge", "config": {}}]}, "1.2.2"),
        ({"class_name": "Sequential", "config": [{"class_name": "Embedding", "config": {"output_dim": 3}}]}, "2.3.1"),
        ({"class_name": "Model", **NODE_2}, "2.3.1"),
    ],
)
def test_version_from_form(value: Any, version: str) -> None:
    found, choice = infer_version(value)
    assert found == version
    assert choice.value == version
    assert choice.evidence
