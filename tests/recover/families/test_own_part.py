"""The user's own layers around a published network, taken out and put back."""

from __future__ import annotations

from dataclasses import replace

from tests.recover.families.files import canonical
from tests.recover.families.models import dense, followed, model, plain
from tests.recover.families.test_recognition import best, preceded

from regraft.blueprint import Call, Choice, LayerSpec, TensorRef
from regraft.layers.walk import model_shapes
from regraft.recover.draft import Draft, edited
from regraft.recover.families.own_part import own_part
from regraft.recover.question import Option, Question

HEAD = (plain("pool", "GlobalAveragePooling2D"), dense("own", 512, 3))


def headed() -> Draft:
    return best(followed(model("VGG16", top=False), *HEAD), "named")


def test_a_network_as_published_has_none() -> None:
    assert own_part(best(model("VGG16"), "ordered")) is None


def test_a_head_stands_behind_the_map_that_enters_it() -> None:
    part = own_part(headed())
    assert part is not None
    blueprint = part.draft.blueprint
    assert [spec.type for spec in blueprint.layers] == ["InputLayer", "GlobalAveragePooling2D", "Dense"]
    assert part.hints.input_shapes == ((7, 7, 512),)
    assert model_shapes(blueprint)[blueprint.outputs[0]] == (None, 3)
    assert [p.name for p in part.draft.grouping.parts] == ["pool", "own"]


def test_a_layer_in_front_and_a_head_are_one_part() -> None:
    truth = followed(
        preceded(model("Xception", top=False), "grey", (1, 1, 1, 3)),
        plain("global_max_pooling2d", "GlobalMaxPooling2D"),
    )
    draft = best(truth, "named")
    part = own_part(draft)
    assert part is not None
    assert part.hints.input_shapes == ((299, 299, 1), (10, 10, 2048))
    assert [ref.layer for ref in part.draft.blueprint.outputs] == ["global_max_pooling2d", "grey"]
    assert canonical(part.joined(part.draft, 1.5).blueprint) == canonical(draft.blueprint)


def test_what_a_stage_says_of_it_goes_back() -> None:
    draft = headed()
    part = own_part(draft)
    assert part is not None
    changed = edited(part.draft.blueprint, {("own", "activation"): "softmax"})
    asked = Question((Option(0, {("own", "use_bias"): True}), Option(1, {("own", "use_bias"): False})), "assumed")
    said = Choice("own.activation", "softmax", ("softmax",), "assumed", "")
    back = part.joined(replace(part.draft, blueprint=changed, questions=(asked,), choices=(said,)), 4.0)
    assert back.blueprint.by_name["own"].config["activation"] == "softmax"
    assert (back.cost, back.questions, back.choices) == (4.0, (asked,), (*draft.choices, said))
    assert [spec for spec in back.blueprint.layers if spec.name != "own"] == [
        spec for spec in draft.blueprint.layers if spec.name != "own"
    ]


def test_a_layer_that_is_put_in_gets_a_name_of_its_own() -> None:
    draft = headed()
    part = own_part(draft)
    assert part is not None
    blueprint = part.draft.blueprint
    new = LayerSpec("block1_pool", "Activation", {"activation": "relu"})
    changed = replace(
        blueprint,
        layers=(*blueprint.layers, new),
        calls=(*blueprint.calls, Call(new.name, blueprint.outputs)),
        outputs=(TensorRef(new.name),),
    )
    asked = Question((Option(0, {(new.name, "activation"): "relu"}), Option(1, {})), "assumed")
    said = Choice("block1_pool.activation", "relu", (), "assumed", "")
    back = part.joined(replace(part.draft, blueprint=changed, questions=(asked,), choices=(said,)), 0.0)
    back.blueprint.check()
    (output,) = back.blueprint.outputs
    assert output.layer == "block1_pool_1"
    assert back.blueprint.by_name["block1_pool"].type == "MaxPooling2D"
    assert back.questions[0].options[0].edits == {("block1_pool_1", "activation"): "relu"}
    assert back.choices[-1].subject == "block1_pool_1.activation"
