"""Layers whose settings only turn out not to be convertible when their code is written."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import regraft
from regraft.emit.leaving_out import without
from regraft.keras_config import parse


def causal_maps() -> keras.Model:
    """Attention over two axes that is causal too, which regraft does not do, between layers that it does."""
    maps = keras.Input((4, 5, 6), name="maps")
    x = keras.layers.Dense(6, name="before")(maps)
    x = keras.layers.MultiHeadAttention(2, 3, attention_axes=(1, 2), name="attention")(x, x, use_causal_mask=True)
    return keras.Model(maps, keras.layers.Dense(7, name="after")(x))


@pytest.mark.parametrize("nested", [False, True])
def test_the_layer_is_left_out_and_not_the_model(tmp_path: Path, nested: bool) -> None:
    model = causal_maps()
    if nested:
        model.name = "inner"
        maps = keras.Input((4, 5, 6), name="outer_maps")
        model = keras.Model(maps, keras.layers.Dense(2, name="last")(model(maps)))
    file = tmp_path / "model.keras"
    model.save(file)
    done = regraft.convert(file, tmp_path / "out", verify=False)
    inner = done.blueprint.by_name["inner"].config["blueprint"] if nested else done.blueprint
    assert {spec.name for spec in inner.layers if spec.unknown} == {"attention"}  # type: ignore[union-attr]
    reason = inner.by_name["attention"].unknown  # type: ignore[union-attr]
    assert "causal" in reason
    assert done.report.exit_code == 3
    kept = [key for transfer in done.module.transfers for key in transfer.parameters]
    prefix = "inner." if nested else ""
    assert {f"{prefix}before.weight", f"{prefix}after.weight"} <= set(kept)
    if nested:
        assert len(done.binding.unused) == 8
        assert all(
            "inner/attention (MultiHeadAttention)" in reason.replace("'", "") for _, reason in done.binding.unused
        )
    else:
        assert sum("attention" in name for name in kept) == 8, "its variables are kept under its name"


def test_what_is_not_there_changes_nothing() -> None:
    blueprint = parse(causal_maps().to_json())
    assert without(blueprint, (), "no layer named") == blueprint
    assert without(blueprint, ("nobody",), "no such layer") == blueprint
    assert without(blueprint, ("after",), "as it is").by_name["after"].unknown == "as it is"


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_placeholder_inside_a_model_is_told(tmp_path: Path, wrapped: bool) -> None:
    maps = keras.Input((4, 6), name="maps")
    twice = keras.layers.Lambda(lambda x: 2 * x, output_shape=(4, 6), name="twice")
    model = keras.Model(maps, twice(maps), name="inner")
    entry = keras.Input((5, 4, 6) if wrapped else (4, 6), name="outer_maps")
    used = keras.layers.TimeDistributed(model, name="every")(entry) if wrapped else model(entry)
    keras.Model(entry, keras.layers.Dense(3)(used)).save(tmp_path / "model.keras")
    report = regraft.convert(tmp_path / "model.keras", tmp_path / "out", verify=False).report
    assert [row.name for row in report.placeholders] == ["every/inner/twice" if wrapped else "inner/twice"]
    assert report.exit_code == 3
