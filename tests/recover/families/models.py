"""Models of the library with other classes, channels and heads: what a user may have trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.recover.families.library import Member, index, published
from regraft.recover.families.part_of import upto
from regraft.recover.families.refit import default_config, refitted, with_input

Shapes = dict[str, list[tuple[int, ...]]]


@dataclass(frozen=True)
class Model:
    """A true architecture with the shapes of its variables."""

    blueprint: Blueprint
    shapes: Shapes
    member: Member

    @property
    def end(self) -> TensorRef:
        return self.blueprint.outputs[0]


def member(family: str, variant: str = "", package: str = "keras.applications") -> Member:
    (found,) = (
        m for m in index().members
        if (m.family, m.variant) == (family, variant) and m.package.split(" ")[0] == package
    )  # fmt: skip
    return found


def model(family: str, variant: str = "", package: str = "keras.applications", *, top: bool = True) -> Model:
    """As published, or without its top."""
    found = member(family, variant, package)
    source = published(found)
    shapes = {name: list(index().keys[key]) for name, key in zip(found.names, found.keys, strict=True)}
    blueprint = source.blueprint
    if not top:
        assert source.cut is not None
        blueprint = upto(blueprint, source.cut)
    return Model(blueprint, {n: s for n, s in shapes.items() if n in blueprint.by_name}, found)


def with_settings(given: Model, changes: Mapping[str, Mapping[str, Any]], shapes: Shapes) -> Model:
    layers = tuple(replace(s, config={**s.config, **changes.get(s.name, {})}) for s in given.blueprint.layers)
    return replace(given, blueprint=replace(given.blueprint, layers=layers), shapes={**given.shapes, **shapes})


def with_classes(given: Model, count: int) -> Model:
    """The same model with another number of classes in its last layer."""
    name = [n for n in given.member.names if n in given.blueprint.by_name][-1]
    shapes = [(*shape[:-1], count) for shape in given.shapes[name]]
    key = "units" if given.blueprint.by_name[name].type == "Dense" else "filters"
    return with_settings(given, {name: {key: count}}, {name: shapes})


def with_channels(given: Model, count: int) -> Model:
    """The same model for images of another depth."""
    first = min(given.member.free)
    name = given.member.names[first]
    kernel, *rest = given.shapes[name]
    made = with_settings(given, {}, {name: [(*kernel[:-2], count, kernel[-1]), *rest]})
    entry = made.blueprint.by_name[made.blueprint.inputs[0].layer].config["batch_shape"]
    assert isinstance(entry, tuple)
    return replace(made, blueprint=with_input(made.blueprint, (*entry[1:-1], count)))  # type: ignore[arg-type]


def at_size(given: Model, *shape: int) -> Model:
    """The same model at another input size, its paddings as Keras would choose them."""
    blueprint, _ = refitted(given.blueprint, with_input(given.blueprint, shape), published(given.member).pads)
    return replace(given, blueprint=blueprint)


def followed(given: Model, *layers: tuple[str, str, dict[str, Any], list[tuple[int, ...]]]) -> Model:
    """With own layers behind it: name, type, settings and shapes of each."""
    specs, calls, shapes = [], [], {}
    end = given.end
    for name, kind, settings, own in layers:
        specs.append(LayerSpec(name, kind, default_config(kind, settings)))
        calls.append(Call(name, (end,)))
        shapes[name] = own
        end = TensorRef(name)
    blueprint = replace(
        given.blueprint,
        layers=(*given.blueprint.layers, *specs),
        calls=(*given.blueprint.calls, *calls),
        outputs=(end,),
    )
    return replace(given, blueprint=blueprint, shapes={**given.shapes, **shapes})


def dense(name: str, rows: int, units: int) -> tuple[str, str, dict[str, Any], list[tuple[int, ...]]]:
    return name, "Dense", {"units": units}, [(rows, units), (units,)]


def plain(name: str, kind: str, **settings: Any) -> tuple[str, str, dict[str, Any], list[tuple[int, ...]]]:
    return name, kind, settings, []


def renamed_layers(given: Model, names: Mapping[str, str]) -> Model:
    """Under other names."""
    from regraft.recover.families.naming import renamed

    return replace(
        given,
        blueprint=renamed(given.blueprint, names),
        shapes={names.get(name, name): shapes for name, shapes in given.shapes.items()},
    )
