"""Which operations are known: every name that was verified is in the tables or refused with a reason."""

from __future__ import annotations

import dataclasses

import pytest
from tests.layers.operations.cases import FAMILIES, NAMES
from tests.layers.operations.tensorflow_cases import FUNCTIONS, NODES, SINGLE, TWENTY

from regraft.layers import CATALOGUE
from regraft.layers.operations import REFUSED, TENSORFLOW_ONLY, Operation
from regraft.layers.operations.signature import Signature

OPERATIONS = {cls.keras_class: cls for cls in CATALOGUE.values() if issubclass(cls, Operation)}
ROWS = [row for rows in FAMILIES.values() for row in rows]
#: Keras' functions whose class has another name than theirs in camel case.
CLASSES = {"abs": "Absolute", "rgb_to_grayscale": "RGBToGrayscale", "searchsorted": "SearchSorted"}


def class_of(name: str) -> str:
    return CLASSES.get(name, "".join(part.capitalize() for part in name.split("_")).replace("Topk", "TopK"))


def test_there_are_as_many_names_as_were_verified() -> None:
    assert (len(NAMES), len(set(NAMES))) == (151, 151)
    assert (len(TWENTY), len(set(TWENTY))) == (20, 20)


@pytest.mark.parametrize("name", NAMES)
def test_a_verified_operation_is_converted_and_compared(name: str) -> None:
    assert class_of(name) in OPERATIONS or REFUSED.get(class_of(name))
    assert name in {row for row, _ in ROWS}


@pytest.mark.parametrize("name", TWENTY)
def test_a_verified_function_is_compared(name: str) -> None:
    assert name in {row for row, _ in [*FUNCTIONS, *SINGLE]}


def test_every_operation_of_keras_has_a_row() -> None:
    """What is declared is compared with Keras, or with TensorFlow where Keras does not have it."""
    compared = {class_of(name) for name, _ in ROWS}
    missing = {n for n, cls in OPERATIONS.items() if cls.keras_module != TENSORFLOW_ONLY} - compared
    # Other names of the same classes, and what only changes bookkeeping.
    assert missing == {"Abs", "Amax", "Amin"} - compared | ALIASED


#: Declared with the class of a compared operation, under a second name.
ALIASED = {"Abs", "Fabs", "ConvertToTensor", "SaturateCast", "Dstack", "Logaddexp2"}


def test_every_node_of_the_table_is_known() -> None:
    known = {Signature.parse(text).function for cls in OPERATIONS.values() for text in cls.nodes}
    assert {name for name, _ in NODES} <= known


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_says_what_it_is(name: str) -> None:
    cls = OPERATIONS[name]
    text = cls.__doc__ or ""
    assert "Keras: ``" in text
    assert "PyTorch: ``" in text
    settings = {key for f in dataclasses.fields(cls) for key in (f.name, *f.metadata.get("old", ()))}
    for text in (*cls.functions, *cls.nodes):
        for parameter in Signature.parse(text).parameters:
            assert parameter.allowed or name == "GetItem" or parameter.target in {*settings, *cls.call_arguments}, text


def test_nothing_is_both_known_and_refused() -> None:
    assert not {
        name for name in REFUSED if f"{name}Operation" in CATALOGUE and OPERATIONS[name].keras_module != TENSORFLOW_ONLY
    }
    assert all(REFUSED.values())


@pytest.mark.oracle
def test_names_are_those_of_keras() -> None:
    """Every class is where we say it is, and takes the settings that we write."""
    import importlib
    import inspect

    for name, cls in OPERATIONS.items():
        if cls.keras_module == TENSORFLOW_ONLY:
            continue
        theirs = getattr(importlib.import_module(cls.keras_module), name)
        ours = {
            f.metadata.get("old", ())[:1] or (f.name,) for f in dataclasses.fields(cls) if f.metadata.get("keras", True)
        }
        signature = set(inspect.signature(theirs.__init__).parameters) - {"self", "name"}
        assert {key for (key,) in ours} <= signature | {"side", "keepdims"}, name
