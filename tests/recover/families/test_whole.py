"""The whole of recovery on published networks: nothing is lost on the way, nothing is asked, and little time is taken."""

from __future__ import annotations

import time

import pytest
from tests.recover.families.files import LEVELS, canonical, tree_of
from tests.recover.families.models import at_size, dense, followed, model, plain, with_classes

from regraft.recover.draft import Hints
from regraft.recover.recover import recover


@pytest.mark.parametrize("values", ["fresh", "trained"])
@pytest.mark.parametrize("level", LEVELS)
def test_a_published_network_comes_out_as_it_was_published(level: str, values: str) -> None:
    truth = model("DenseNet121")
    begun = time.process_time()
    first, *others = recover(tree_of(truth.blueprint, truth.shapes, level, values=values), Hints())
    assert time.process_time() - begun < 8
    assert canonical(first.blueprint) == canonical(truth.blueprint)
    assert not others
    assert first.share == 1
    assert "preprocessing: images RGB 0..255 are scaled to [0, 1]" in " ".join(first.blueprint.notes)
    labels = {choice.subject: choice.label for choice in first.blueprint.choices}
    assert labels.pop("assignment", "open") == "open"
    assert labels == {"architecture": "supported", "input_layer.batch_shape": "assumed"}


@pytest.mark.parametrize("level", LEVELS)
def test_only_the_head_of_ones_own_is_asked_about(level: str) -> None:
    truth = followed(
        model("ResNet50", top=False), plain("pool", "GlobalAveragePooling2D"), dense("a", 2048, 64), dense("b", 64, 5)
    )
    found = recover(tree_of(truth.blueprint, truth.shapes, level, values="fresh"), Hints())
    assert found[0].family == "ResNet50 (keras.applications 3.15)"
    own = [spec.name for spec in found[0].blueprint.layers if spec.type == "Dense"]
    pools = [spec.name for spec in found[0].blueprint.layers if spec.type == "GlobalAveragePooling2D"]
    asked = {c.subject.rpartition(".")[0] for c in found[0].blueprint.choices if c.subject.endswith(".activation")}
    assert asked == set(own)
    about = {c.subject.rpartition(".")[0] for c in found[0].blueprint.choices} - {"", "input_layer"}
    assert about <= {*own, *pools}
    assert found[0].blueprint.by_name[own[0]].config["activation"] == "relu"
    assert found[0].blueprint.by_name[own[1]].config["activation"] == "softmax"
    assert found[0].share > found[1].share


def test_the_input_shape_of_the_user() -> None:
    truth = at_size(with_classes(model("MobileNetV2"), 7), 96, 129, 3)
    found = recover(tree_of(truth.blueprint, truth.shapes, "ordered", values="fresh"), Hints(((96, 129, 3),)))
    assert canonical(found[0].blueprint) == canonical(truth.blueprint)


def test_an_answer_of_the_user_about_a_published_layer() -> None:
    truth = model("VGG16")
    tree = tree_of(truth.blueprint, truth.shapes, "named", values="fresh")
    (first,) = recover(tree, Hints(settings={"block1_conv1.activation": "tanh"}))
    assert first.blueprint.by_name["block1_conv1"].config["activation"] == "tanh"
