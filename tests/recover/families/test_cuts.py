"""Published networks cut off in their middle, as people take features from them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.recover.families.files import canonical, tree_of
from tests.recover.families.models import Model, dense, followed, member, model, plain
from tests.recover.families.test_recognition import IN_ORDER, best, drafts

from regraft.blueprint import TensorRef
from regraft.recover.families.cuts import bottlenecks
from regraft.recover.families.part_of import upto

CUTS = [
    ("VGG16", "block3_pool", 256),
    ("ResNet50", "conv4_block6_out", 1024),
    ("MobileNetV2", "block_13_expand_relu", 576),
    ("DenseNet121", "pool3_relu", 512),
    ("InceptionV3", "mixed7", 768),
]


def cut(name: str, end: str) -> Model:
    whole = model(name)
    blueprint = upto(whole.blueprint, TensorRef(end))
    return replace(whole, blueprint=blueprint, shapes={n: s for n, s in whole.shapes.items() if n in blueprint.by_name})


@pytest.mark.parametrize("level", IN_ORDER)
@pytest.mark.parametrize(("name", "end", "channels"), CUTS)
def test_a_feature_extractor(name: str, end: str, channels: int, level: str) -> None:
    truth = cut(name, end)
    draft = best(truth, level)
    assert draft.family == f"{name} (keras.applications 3.15) up to {end}"
    assert canonical(draft.blueprint) == canonical(truth.blueprint)
    headed = followed(truth, plain("pool", "GlobalAveragePooling2D"), dense("own", channels, 5))
    draft = best(headed, level)
    assert draft.family == f"{name} (keras.applications 3.15) up to {end}"
    assert canonical(draft.blueprint) == canonical(headed.blueprint)


def test_layers_that_the_file_lists_tell_where_it_ends() -> None:
    truth = cut("VGG16", "block3_conv3")
    assert canonical(best(truth, "named").blueprint) == canonical(truth.blueprint)
    ends = [draft.family.split(" ")[-1] for draft in drafts(tree_of(truth.blueprint, truth.shapes, "ordered"))]
    assert ends == ["block3_pool", "block3_conv3"], "of a pool arrays tell nothing"


def test_too_little_of_a_network_is_none() -> None:
    truth = cut("ResNet50", "pool1_pool")
    assert not drafts(tree_of(truth.blueprint, truth.shapes, "ordered"))


def test_a_branch_is_no_end() -> None:
    single = {ref.layer for ref, _ in bottlenecks(member("ResNet50"))}
    assert {"conv2_block1_out", "conv2_block1_add", "conv5_block3_out"} <= single
    assert not {"conv2_block1_1_relu", "conv2_block1_0_bn", "conv1_pad"} & single
