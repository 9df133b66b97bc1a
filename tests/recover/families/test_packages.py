"""Siblings from other packages: which one it is, and when nothing is said."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from tests.recover.families.files import canonical, tree_of
from tests.recover.families.models import Model, model, renamed_layers, with_settings
from tests.recover.families.test_recognition import drafts

from regraft.recover.families.library import published
from regraft.weights import Group, Variable


def test_old_names_tell_the_old_resnet() -> None:
    old = model("ResNet50", package="keras-applications")
    assert "res2a_branch2a" in old.shapes
    found = drafts(tree_of(old.blueprint, old.shapes, "named"))
    assert found[0].family == "ResNet50 (keras-applications 1.0.8)"
    assert found[0].blueprint.by_name["bn2a_branch2a"].config["epsilon"] == 1e-3


def test_without_names_both_mobilenets_are_offered() -> None:
    old = model("MobileNet", package="keras-applications")
    found = drafts(tree_of(old.blueprint, old.shapes, "ordered"))
    assert [d.family for d in found] == ["MobileNet (keras.applications 3.15)", "MobileNet (keras-applications 1.0.8)"]
    assert 0 < found[1].cost < 3
    assert found[0].choices[0].candidates == tuple(d.family for d in found)


def test_the_order_of_branches_tells_the_old_resnet_without_names() -> None:
    old = model("ResNet50", package="keras-applications")
    (found,) = drafts(tree_of(old.blueprint, old.shapes, "ordered"))
    assert found.family == "ResNet50 (keras-applications 1.0.8)"


def test_layers_without_variables_tell_the_old_mobilenet() -> None:
    old = model("MobileNet", package="keras-applications")
    found = drafts(tree_of(old.blueprint, old.shapes, "named"))
    assert found[0].family == "MobileNet (keras-applications 1.0.8)"
    assert found[0].blueprint.by_name["conv1_pad"].type == "ZeroPadding2D"


@pytest.mark.parametrize("level", ["named", "classed", "ordered"])
def test_a_unet_over_a_backbone_with_other_classes(level: str) -> None:
    truth = model("Unet over resnet34", package="segmentation-models")
    truth = with_settings(truth, {"final_conv": {"filters": 4}}, {"final_conv": [(3, 3, 16, 4), (4,)]})
    found = drafts(tree_of(truth.blueprint, truth.shapes, level))
    assert found[0].family == "Unet over resnet34 (segmentation-models 1.0.1)"
    assert canonical(found[0].blueprint) == canonical(truth.blueprint)


def test_plain_unets_need_their_names() -> None:
    truth = model("unet_2d", package="keras-unet-collection")
    assert drafts(tree_of(truth.blueprint, truth.shapes, "named"))
    other = renamed_layers(truth, {n: f"mine_{i}" for i, n in enumerate(truth.shapes)})
    assert not drafts(tree_of(other.blueprint, other.shapes, "named"))
    assert not drafts(tree_of(truth.blueprint, truth.shapes, "ordered"))


def test_several_outputs_stay() -> None:
    truth = model("StarDist2D", "grid 2", "stardist")
    found = drafts(tree_of(truth.blueprint, truth.shapes, "named"))
    assert len(found[0].blueprint.outputs) == 2
    assert canonical(found[0].blueprint) == canonical(truth.blueprint)


@pytest.mark.parametrize(
    ("mean", "variance", "form"),
    [
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "EfficientNetB0, pretrained"),
        ((0, 0, 0), (1, 1, 1), "EfficientNetB0"),
    ],
)
def test_the_stored_normalisation_tells_a_second_scaling(mean: tuple, variance: tuple, form: str) -> None:
    truth = model("EfficientNetB0")
    tree = tree_of(truth.blueprint, truth.shapes, "ordered")
    first, second, *rest = tree.own
    own = (holding(first, mean), holding(second, variance), *rest)
    found = drafts(replace(tree, own=own))
    assert found[0].family == f"{form} (keras.applications 3.15)"
    scalings = [s.config["scale"] for s in found[0].blueprint.layers if s.type == "Rescaling"]
    assert len(scalings) == (2 if "pretrained" in form else 1)


def holding(variable: Variable, values: tuple) -> Variable:
    return replace(variable, loader=partial(np.array, values, "float32"))


def test_images_are_spoken_of() -> None:
    truth = model("VGG16")
    (found, *_) = drafts(tree_of(truth.blueprint, truth.shapes, "named"))
    (note,) = (n for n in found.blueprint.notes if "preprocessing" in n)
    assert "BGR" in note
    assert "103.939" in note
    assert "published for 224 x 224" in note


def test_lambdas_that_scale_are_layers_of_keras() -> None:
    truth: Model = model("InceptionResNetV1", "128 numbers a face", "keras-facenet")
    types = [spec.type for spec in published(truth.member).blueprint.layers]
    assert types.count("Rescaling") > 10
    assert types[-1] == "UnitNormalization"
    assert not any(spec.unknown for spec in truth.blueprint.layers)


def test_groups_without_variables_do_no_harm() -> None:
    truth = model("VGG16")
    tree = tree_of(truth.blueprint, truth.shapes, "named")
    odd = Group("empty", "empty", "/empty")
    assert drafts(replace(tree, layers=(*tree.layers, odd)))
