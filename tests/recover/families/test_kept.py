from __future__ import annotations

from dataclasses import replace

from tests.recover.families.files import tree_of
from tests.recover.families.models import dense, followed, model, plain
from tests.recover.families.test_recognition import drafts

from regraft.blueprint import Choice
from regraft.recover.draft import Draft, edited
from regraft.recover.families.kept import kept
from regraft.recover.question import Option, Question


def recognised() -> Draft:
    truth = followed(model("VGG16", top=False), plain("pool", "GlobalAveragePooling2D"), dense("own", 512, 3))
    return drafts(tree_of(truth.blueprint, truth.shapes, "named"))[0]


def test_published_layers_stay_and_own_ones_may_change() -> None:
    before = recognised()
    changed = edited(before.blueprint, {("block1_conv1", "padding"): "valid", ("own", "activation"): "softmax"})
    after = kept(replace(before, blueprint=changed), before)
    assert after.blueprint.by_name["block1_conv1"] == before.blueprint.by_name["block1_conv1"]
    assert after.blueprint.by_name["own"].config["activation"] == "softmax"
    assert after.family == before.family


def test_questions_about_published_layers_are_dropped() -> None:
    before = recognised()
    published = Question(
        (Option(0, {("block1_conv1", "strides"): (1, 1)}), Option(2, {("block1_conv1", "strides"): (2, 2)})), "assumed"
    )
    mixed = Question(
        (
            Option(0, {("block1_conv1", "strides"): (1, 1), ("own", "activation"): "softmax"}),
            Option(1, {("block1_conv1", "strides"): (2, 2), ("own", "activation"): "softmax"}),
            Option(2, {("block1_conv1", "strides"): (2, 2), ("own", "activation"): "sigmoid"}),
        ),
        "assumed",
    )
    after = kept(before.add(published, mixed), before)
    (question,) = after.questions
    assert [(o.cost, dict(o.edits)) for o in question.options] == [
        (0, {("own", "activation"): "softmax"}),
        (2, {("own", "activation"): "sigmoid"}),
    ]


def test_choices_of_others_about_published_layers_are_dropped() -> None:
    before = recognised()
    said = [Choice(f"{layer}.strides", "1, 1", (), "assumed", "") for layer in ("block1_conv1", "own")]
    after = kept(replace(before, choices=(*before.choices, *said)), before)
    assert after.choices == (*before.choices, said[1])


def test_a_draft_of_no_family_is_left_alone() -> None:
    before = replace(recognised(), known=frozenset())
    assert kept(before, before) is before
