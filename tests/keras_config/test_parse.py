from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regraft.blueprint import Blueprint
from regraft.errors import ConfigError
from regraft.keras_config import parse


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3", "expected an object with class_name and config, found 3"),
        ("null", "found None"),
        ('"\\"3\\""', "found 3"),
        ("{}", "no class_name"),
        ('{"char_dropout": 0.5}', "no class_name among its keys ['char_dropout']"),
        ('{"class_name": "Dense", "config": {"units": 3}}', "one Dense layer"),
        ('{"class_name": "MyNet", "config": {"width": 3}}', "Python code, not data"),
        ('{"class_name": "Model", "config": {"name": "x"}}', "Python code, not data"),
        ('{"class_name": ["Model"], "config": {}}', "class_name: expected a name"),
        ("[]", "without layers"),
    ],
)
def test_what_is_no_architecture(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text, source="m.json")
    assert words in str(raised.value)
    assert str(raised.value).startswith("m.json: ")


@pytest.mark.parametrize(
    ("own", "given", "expected", "chosen"),
    [
        ("1.2.2", "", "1.2.2", 0),
        ("1.2.2", "2.1.3", "2.1.3", 0),
        (None, "", "2.3.1", 1),
        (7, "", "2.3.1", 1),
        ("x", "", "2.3.1", 1),
    ],
)
def test_version(own: Any, given: str, expected: str, chosen: int) -> None:
    dense = {"class_name": "Dense", "config": {"name": "d", "units": 3, "batch_input_shape": [None, 4]}}
    text = json.dumps({"class_name": "Sequential", "config": [dense], "keras_version": own})
    model = parse(text, keras_version=given)
    assert model.keras_version == expected
    assert [choice.subject for choice in model.choices] == ["keras_version"] * chosen


NAMES = st.sampled_from(["a", "b", "", "m", "\ud800"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-2, 5), st.floats(0, 9), NAMES)
TRIPLES = st.tuples(NAMES, st.integers(-1, 2), st.integers(-1, 2)).map(list)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
CLASSES = st.sampled_from(["Dense", "InputLayer", "Add", "Lambda", "Merge", "Flatten", "TFOpLambda", "Nothing"])
KEYS = st.sampled_from(
    [
        "units",
        "activation",
        "batch_input_shape",
        "function",
        "mode",
        "name",
        "layers",
        "axis",
        "build_config",
        "trainable",
    ]
)
NODES = st.one_of(
    st.lists(TRIPLES, max_size=2),
    TRIPLES,
    JSON,
    st.fixed_dictionaries({"args": JSON, "kwargs": JSON}),
    st.fixed_dictionaries(
        {
            "args": st.lists(
                st.builds(lambda t: {"class_name": "__keras_tensor__", "config": {"keras_history": t}}, TRIPLES)
            )
        }
    ),
)
LAYERS = st.fixed_dictionaries(
    {"class_name": st.one_of(CLASSES, JSON), "config": st.one_of(st.dictionaries(KEYS, JSON, max_size=4), JSON)},
    optional={
        "name": NAMES,
        "inbound_nodes": st.one_of(st.lists(NODES, max_size=2), JSON),
        "module": JSON,
        "build_config": JSON,
    },
)
MODELS = st.recursive(
    LAYERS,
    lambda inner: st.fixed_dictionaries(
        {
            "class_name": st.sampled_from(["Sequential", "Model", "Functional", "Own"]),
            "config": st.one_of(
                st.lists(inner, max_size=3),
                st.fixed_dictionaries(
                    {"layers": st.one_of(st.lists(inner, max_size=3), JSON)},
                    optional={
                        "name": JSON,
                        "input_layers": st.one_of(TRIPLES, st.lists(TRIPLES, max_size=2), JSON),
                        "output_layers": st.one_of(TRIPLES, st.lists(TRIPLES, max_size=2), JSON),
                        "build_input_shape": JSON,
                    },
                ),
            ),
        },
        optional={"name": NAMES, "inbound_nodes": st.lists(NODES, max_size=2), "keras_version": JSON},
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(MODELS, JSON))
def test_nothing_but_blueprints_and_config_errors(value: Any) -> None:
    try:
        model = parse(json.dumps(value))
    except ConfigError:
        return
    assert isinstance(model, Blueprint)
    model.check()


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text)
