from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regraft.blueprint import Blueprint, Call, Choice, LayerSpec, TensorRef, from_toml, to_toml
from regraft.errors import BlueprintError

T = TensorRef

INNER = Blueprint(
    "inner",
    (LayerSpec("i", "InputLayer", {"batch_shape": (None, 4)}), LayerSpec("x", "Dense", {"units": 3})),
    (Call("x", (T("i"),)),),
    (T("i"),),
    (T("x"),),
    sequential=True,
)
MODEL = Blueprint(
    name="model",
    layers=(
        LayerSpec("a", "InputLayer", {"batch_shape": (None, 28, None, 3), "dtype": "float32"}),
        LayerSpec("conv", "Conv2D", {"filters": 8, "kernel_size": (3, 5), "activation": None, "epsilon": 1e-07}, False),
        LayerSpec("odd", "Lambda", {}, unknown="its function is Python code"),
        LayerSpec("wrap", "TimeDistributed", {"layer": LayerSpec("d", "Dense", {"units": 4, "name": "none"})}),
        LayerSpec("inner", "Functional", {"blueprint": INNER, "inputs": 3, "kind": "x"}),
    ),
    calls=(
        Call("conv", (T("a"),)),
        Call("odd", (T("conv"),), 0, {"mask": T("conv"), "axis": (1, 2.5, None), "map": {"kind": "y", "n": None}}),
        Call("wrap", (T("odd", 0, 1),), 0),
        Call("wrap", (T("conv"), T("odd")), 1),
    ),
    inputs=(T("a"),),
    outputs=(T("wrap", 1), T("inner")),
    keras_version="2.3.1",
    choices=(Choice("conv.strides", "(2, 2)", ("(2, 2)", "(1, 1)"), "supported", "shapes of the next layer"),),
    notes=("one note",),
)


def test_round_trip() -> None:
    assert from_toml(to_toml(MODEL)) == MODEL


def test_reads_well() -> None:
    lines = to_toml(MODEL).splitlines()
    for line in (
        'name = "model"',
        'keras_version = "2.3.1"',
        'outputs = ["wrap:1.0", "inner"]',
        "[[choice]]",
        "[[layer]]",
        'name = "conv"',
        "trainable = false",
        'inputs = ["a"]',
        'batch_shape = ["none", 28, "none", 3]',
        "kernel_size = [3, 5]",
        'activation = "none"',
        "[layer.layer]",
        "[layer.blueprint]",
        "[[layer.blueprint.layer]]",
    ):
        assert line in lines


def test_calls_out_of_the_layers_order() -> None:
    layers = (LayerSpec("a", "Dense", {}), LayerSpec("b", "Dense", {}))
    calls = (Call("a", (T("x"),)), Call("b", (T("a"),)), Call("a", (T("b"),), 1))
    model = Blueprint("m", layers, calls, (), ())
    assert from_toml(to_toml(model)) == model
    assert to_toml(model).count("[[call]]") == 3


@pytest.mark.parametrize(
    "name",
    [
        'quo"te',
        "new\nline",
        "back\\slash",
        "tab\t",
        "a:1.0",
        "a:0.0",
        ":1.2",
        "a.b",
        "none",
        "'none'",
        "é漢字🙂",
        "\u202egnp",
        "\x00",
        " ",
        "a]b[",
        "=",
        "#",
        "'''",
        "\x85",
    ],
)
def test_strange_names(name: str) -> None:
    model = Blueprint(
        name,
        (LayerSpec(name, name, {name: name}, unknown=name),),
        (Call(name, (T(name), T(name, 1, 2))),),
        (T(name),),
        (T(name, 3),),
        notes=(name,),
    )
    text = to_toml(model)
    assert from_toml(text) == model
    assert all(line.isprintable() for line in text.split("\n"))
    assert len(text.split("\n")) == len(
        to_toml(
            Blueprint(
                "m",
                (LayerSpec("n", "n", {"n": "n"}, unknown="n"),),
                (Call("n", (T("n"),)),),
                (T("n"),),
                (T("n"),),
                notes=("n",),
            )
        ).split("\n")
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no blueprint"),
        ("name = ", "no TOML"),
        ("format = 2", "format = 1"),
        ("format = 1", "name: is missing"),
        ('format = 1\nname = "m"\nlayers = []', "layers: no such key here; did you mean layer?"),
        ("format = 1\nname = 3", "name: expected text, found 3"),
        ('format = 1\nname = "m"\ninputs = "a"', "inputs: expected a list"),
        ('format = 1\nname = "m"\ninputs = [1]', "inputs[0]: expected text, found 1"),
        ('format = 1\nname = "m"\nsequential = 1', "sequential: expected true or false"),
        ('format = 1\nname = "m"\nlayer = [3]', "layer[0]: expected a table, found 3"),
        ('format = 1\nname = "m"\n[[layer]]\ntype = "D"', "layer[0].name: is missing"),
        ('format = 1\nname = "m"\n[[layer]]\nname = "d"', "layer[0] 'd'.type: is missing"),
        ('format = 1\nname = "m"\n[[layer]]\nname = "d"\ntype = "D"\ntrainable = "no"', "layer[0] 'd'.trainable"),
        (
            'format = 1\nname = "m"\n[[layer]]\nname = "d"\ntype = "D"\nx = 2020-01-01',
            "layer[0] 'd'.x: expected a table",
        ),
        (
            'format = 1\nname = "m"\n[[layer]]\nname = "d"\ntype = "D"\nx = {kind = "z"}',
            "x.kind: expected layer, model",
        ),
        ('format = 1\nname = "m"\n[[layer]]\nname = "d"\ntype = "D"\ninputs = []\ncalls = []', "but not both"),
        ('format = 1\nname = "m"\n[[layer]]\nname = "d"\ntype = "D"\ncalls = [{input = []}]', "did you mean inputs?"),
        ('format = 1\nname = "m"\n[[call]]\nlayer = "d"\ncall = true', "call[0].call: expected a whole number"),
        (
            'format = 1\nname = "m"\n[[choice]]\nsubject = "d"\nvalue = ""\nlabel = "sure"\nevidence = ""',
            "label: expected one of",
        ),
        ("a = " + "[" * 5000, "cannot be read"),
    ],
)
def test_what_is_no_blueprint(text: str, words: str) -> None:
    with pytest.raises(BlueprintError) as raised:
        from_toml(text)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "model",
    [
        Blueprint("\ud800", (), (), (), ()),
        Blueprint("m", (LayerSpec("d", "D", {"x": b"bytes"}),), (), (), ()),  # type: ignore[dict-item]
        Blueprint("m", (LayerSpec("d", "D", {3: 4}),), (), (), ()),  # type: ignore[dict-item]
        Blueprint("m", (), (), (T("a", -1),), ()),
    ],
)
def test_what_cannot_be_written(model: Blueprint) -> None:
    with pytest.raises(BlueprintError):
        to_toml(model)


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8) | st.sampled_from(
    ["none", "'none'", "kind", "of", "name", "inputs", "a:1.2", "type", "settings", "layer", "blueprint"]
)
COUNTS = st.integers(0, 10**9 - 1) | st.integers(0, 2)
REFS = st.builds(TensorRef, TEXT, COUNTS, COUNTS)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT | REFS


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    mappings = st.dictionaries(TEXT, inner, max_size=3)
    specs = st.builds(LayerSpec, TEXT, TEXT, mappings, st.booleans(), TEXT)
    return st.lists(inner, max_size=3).map(tuple) | mappings | specs | blueprints(st.lists(specs, max_size=2), mappings)


def blueprints(
    specs: st.SearchStrategy[list[LayerSpec]], arguments: st.SearchStrategy[Any]
) -> st.SearchStrategy[Blueprint]:
    def with_calls(layers: list[LayerSpec]) -> st.SearchStrategy[Blueprint]:
        names = st.sampled_from([spec.name for spec in layers]) | TEXT if layers else TEXT
        calls = st.builds(Call, names, st.lists(REFS, max_size=2).map(tuple), st.integers(0, 2), arguments)
        one_each = st.just([Call(spec.name, (T("x"),)) for spec in layers])
        refs = st.lists(REFS, max_size=2).map(tuple)
        labels = st.sampled_from(["proved", "supported", "assumed", "open"])
        choices = st.builds(Choice, TEXT, TEXT, st.lists(TEXT, max_size=2).map(tuple), labels, TEXT)
        return st.builds(
            Blueprint,
            TEXT,
            st.just(tuple(layers)),
            (st.lists(calls, max_size=3) | one_each).map(tuple),
            refs,
            refs,
            st.booleans(),
            TEXT,
            st.lists(choices, max_size=2).map(tuple),
            st.lists(TEXT, max_size=2).map(tuple),
        )

    return specs.flatmap(with_calls)


SETTINGS = st.recursive(PLAIN, nested, max_leaves=5)
CONFIGS = st.dictionaries(TEXT, SETTINGS, max_size=3)
BLUEPRINTS = blueprints(st.lists(st.builds(LayerSpec, TEXT, TEXT, CONFIGS, st.booleans(), TEXT), max_size=3), CONFIGS)


@settings(max_examples=300, deadline=None)
@given(BLUEPRINTS)
def test_every_blueprint_survives(model: Blueprint) -> None:
    assert from_toml(to_toml(model)) == model


TABLES = st.recursive(
    st.booleans() | st.integers(0, 2) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["name", "kind", "of", "layer", "call", "inputs", "type", "calls"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["name", "layer", "call", "inputs", "outputs", "choice", "notes"]), TABLES, max_size=5
    )
)
def test_any_table_is_a_blueprint_or_an_error(data: dict[str, Any]) -> None:
    from regraft.blueprint.toml_text import write

    text = "\n".join(write({"format": 1, **data}))
    assert tomllib.loads(text) == {"format": 1, **data}
    try:
        assert isinstance(from_toml(text), Blueprint)
    except BlueprintError:
        return


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text(text: str) -> None:
    with pytest.raises(BlueprintError):
        from_toml(text)
