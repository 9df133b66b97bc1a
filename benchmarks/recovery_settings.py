"""Settings by subject, ``conv2d_3.strides``, also inside nested models and wrapped layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from regraft.blueprint import Blueprint, LayerSpec, Setting

MISSING = object()


def parted(subject: str, layers: Iterable[str]) -> tuple[str, str]:
    """Layer and setting of ``conv2d_3.strides``; layer names may hold dots. An empty layer if no layer is meant."""
    found = max((name for name in layers if subject.startswith(f"{name}.")), key=len, default="")
    return found, subject[len(found) + 1 :] if found else ""


def spec_at(blueprint: Blueprint, path: str) -> LayerSpec | None:
    """The layer at a path, ``encoder/conv2d``."""
    if path in blueprint.by_name:
        return blueprint.by_name[path]
    for spec in blueprint.layers:
        inner = spec.config.get("blueprint")
        if isinstance(inner, Blueprint) and path.startswith(f"{spec.name}/"):
            return spec_at(inner, path.removeprefix(f"{spec.name}/"))
    return None


def setting_at(spec: LayerSpec | None, key: str) -> Setting | object:
    """A setting, also of a wrapped layer (``layer.units``); ``MISSING`` if there is none."""
    value: object = spec
    for step in key.split("."):
        if not isinstance(value, LayerSpec):
            return MISSING
        if step == "type" and step not in value.config:
            return value.type
        value = value.config.get(step, MISSING)
    return value


def with_setting(blueprint: Blueprint, path: str, key: str, value: Setting) -> Blueprint:
    """The blueprint with one other setting, at any depth."""

    def changed(spec: LayerSpec, steps: list[str]) -> LayerSpec:
        if len(steps) == 1:
            return replace(spec, config={**spec.config, steps[0]: value})
        wrapped = spec.config[steps[0]]
        assert isinstance(wrapped, LayerSpec)
        return replace(spec, config={**spec.config, steps[0]: changed(wrapped, steps[1:])})

    def visited(spec: LayerSpec) -> LayerSpec:
        if spec.name == path:
            return changed(spec, key.split("."))
        inner = spec.config.get("blueprint")
        if isinstance(inner, Blueprint) and path.startswith(f"{spec.name}/"):
            below = with_setting(inner, path.removeprefix(f"{spec.name}/"), key, value)
            return replace(spec, config={**spec.config, "blueprint": below})
        return spec

    return replace(blueprint, layers=tuple(map(visited, blueprint.layers)))
