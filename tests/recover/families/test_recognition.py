"""What comes back for published networks, changed ones, and what is none. Truth and file are made of the library."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.recover.families.files import canonical, classed, tree_of
from tests.recover.families.models import (
    Model,
    at_size,
    dense,
    followed,
    model,
    plain,
    renamed_layers,
    with_channels,
    with_classes,
)

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.layers import build
from regraft.layers.binding import bind
from regraft.recover import grouping
from regraft.recover.draft import Draft, Hints
from regraft.recover.families import match
from regraft.recover.families.library import index
from regraft.recover.families.refit import default_config
from regraft.recover.part import Grouping
from regraft.weights import Group, WeightTree

IN_ORDER = ("named", "classed", "ordered")


def drafts(tree: WeightTree, hints: Hints | None = None) -> list[Draft]:
    return match(seen(tree), hints or Hints())


def seen(tree: WeightTree) -> Grouping:
    """The file as layers; of a list of arrays, which takes long to read as layers, only the arrays."""
    return Grouping(tree, (), complete=False) if tree.dialect == "arrays" else grouping.group(tree)[0]


def best(truth: Model, level: str, hints: Hints | None = None) -> Draft:
    found = drafts(tree_of(truth.blueprint, truth.shapes, level), hints)
    assert found, "no family was found"
    return found[0]


def assert_is(draft: Draft, truth: Model, family: str) -> None:
    assert draft.family.startswith(family), draft.family
    assert canonical(draft.blueprint) == canonical(truth.blueprint)
    bound = bind(draft.blueprint, draft.grouping.tree)
    assert not bound.unused


CHANGES: dict[str, Callable[[str], Model]] = {
    "published": model,
    "7 classes": lambda name: with_classes(model(name), 7),
    "4 channels": lambda name: with_channels(model(name), 4),
    "1 channel": lambda name: with_channels(model(name), 1),
    "no top": lambda name: model(name, top=False),
}


@pytest.mark.parametrize("level", IN_ORDER)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["VGG16", "ResNet50", "Xception", "DenseNet121", "MobileNetV2", "InceptionV3"])
def test_a_published_network_and_its_usual_changes(name: str, change: str, level: str) -> None:
    truth = CHANGES[change](name)
    draft = best(truth, level)
    assert_is(draft, truth, name)
    assert draft.cost == 0


@pytest.mark.parametrize("name", ["ResNet50", "ResNet50V2", "ResNet101", "VGG16", "VGG19", "DenseNet121", "DenseNet169",
                                  "MobileNet", "EfficientNetB0", "EfficientNetV2B0", "NASNetMobile"])  # fmt: skip
def test_a_shuffled_list_is_recognised_and_its_assignment_is_called_open(name: str) -> None:
    truth = model(name)
    draft = best(truth, "shuffled")
    assert_is(draft, truth, name)
    (assignment,) = (c for c in draft.choices if c.subject == "assignment")
    assert assignment.label == "open"


def test_siblings_are_not_confused() -> None:
    wrong = []
    for member in index().members:
        if member.variant or not member.package.startswith("keras.applications "):
            continue
        truth = model(member.family)
        found = drafts(tree_of(truth.blueprint, truth.shapes, "ordered"))
        if not found or found[0].family != member.title or any(d.family.split(",")[0].split(" (")[0] != member.family
                                                               for d in found if "keras.applications" in d.family):  # fmt: skip
            wrong.append((member.title, [d.family for d in found]))
    assert not wrong


# ---- own heads


HEADS = {
    "pooled": [plain("pool", "GlobalAveragePooling2D"), dense("own", 2048, 7)],
    "pooled, deep": [plain("pool", "GlobalAveragePooling2D"), dense("one", 2048, 256), dense("two", 256, 7)],
}


@pytest.mark.parametrize("level", IN_ORDER)
@pytest.mark.parametrize("head", HEADS)
def test_a_backbone_with_an_own_head(head: str, level: str) -> None:
    truth = followed(model("ResNet50", top=False), *HEADS[head])
    draft = best(truth, level)
    assert draft.family == "ResNet50 (keras.applications 3.15)"
    types = [s.type for s in draft.blueprint.layers][-len(HEADS[head]) :]
    assert types == [s.type for s in truth.blueprint.layers][-len(HEADS[head]) :]
    own = [s.name for s in draft.blueprint.layers if s.type == "Dense"]
    assert not set(own) & draft.known, "settings of the own head are not published"
    assert "conv2_block1_1_conv" in draft.known
    bind(draft.blueprint, draft.grouping.tree)


@pytest.mark.parametrize("level", IN_ORDER)
def test_an_own_layer_in_front_that_makes_three_channels_of_one(level: str) -> None:
    truth = preceded(with_classes(model("Xception"), 4), "grey", (1, 1, 1, 3))
    draft = best(truth, level)
    assert draft.family == "Xception (keras.applications 3.15)"
    shape = draft.blueprint.by_name[draft.blueprint.inputs[0].layer].config["batch_shape"]
    assert isinstance(shape, tuple)
    assert shape[-1] == 1
    (own,) = (s for s in draft.blueprint.layers if s.type == "Conv2D" and s.config["filters"] == 3)
    assert own.name not in draft.known
    bound = bind(draft.blueprint, draft.grouping.tree)
    assert bound.layers[own.name]["kernel"].shape == (1, 1, 1, 3)


def preceded(given: Model, name: str, kernel: tuple[int, ...]) -> Model:
    """With a convolution between the input and the model."""
    entry = given.blueprint.inputs[0]
    conv = LayerSpec(name, "Conv2D", default_config("Conv2D", {"filters": kernel[-1], "kernel_size": kernel[:-2]}))
    first, *rest = given.blueprint.layers
    shape = first.config["batch_shape"]
    assert isinstance(shape, tuple)
    first = replace(first, config={**first.config, "batch_shape": (*shape[:-1], kernel[-2])})
    calls = (
        replace(c, inputs=tuple(TensorRef(name) if r == entry else r for r in c.inputs)) for c in given.blueprint.calls
    )
    blueprint = replace(given.blueprint, layers=(first, conv, *rest), calls=(Call(name, (entry,)), *calls))
    return replace(given, blueprint=blueprint, shapes={**given.shapes, name: [kernel, kernel[-1:]]})


def test_names_in_the_file_decide_on_the_layers_of_a_head() -> None:
    head = [plain("my_pool", "GlobalMaxPooling2D"), plain("dropout", "Dropout", rate=0.5), dense("own", 512, 3)]
    truth = followed(model("VGG16", top=False), *head)
    truth = renamed_layers(truth, {"my_pool": "global_max_pooling2d_1"})
    draft = best(truth, "named")
    assert [s.name for s in draft.blueprint.layers[-3:]] == ["global_max_pooling2d_1", "dropout", "own"]
    assert draft.blueprint.layers[-3].type == "GlobalMaxPooling2D"


@pytest.mark.parametrize(("side", "size"), [(7, 224), (4, 128), (3, 96)])
def test_a_flattened_map_tells_the_input_size(side: int, size: int) -> None:
    body = at_size(model("VGG16", top=False), size, size, 3)
    truth = followed(body, plain("flat", "Flatten"), dense("own", side * side * 512, 5))
    draft = best(truth, "ordered")
    assert canonical(draft.blueprint) == canonical(truth.blueprint)
    assert draft.blueprint.layers[0].config["batch_shape"] == (None, size, size, 3)
    (choice,) = (c for c in draft.choices if c.subject.endswith("batch_shape"))
    assert str(side * side) in choice.evidence


def test_the_users_input_shape_sets_the_paddings() -> None:
    truth = at_size(model("MobileNetV2"), 96, 129, 3)
    assert canonical(truth.blueprint) != canonical(model("MobileNetV2").blueprint), "the paddings differ"
    draft = best(truth, "ordered", Hints(((96, 129, 3),)))
    assert canonical(draft.blueprint) == canonical(truth.blueprint)


def test_an_input_shape_of_other_channels_is_no_match() -> None:
    truth = model("MobileNetV2")
    assert not drafts(tree_of(truth.blueprint, truth.shapes, "ordered"), Hints(((96, 96, 1),)))


# ---- names, versions, widths


def test_other_names_are_kept_and_cost_something() -> None:
    truth = model("ResNet50")
    names = {spec.name: f"my_{i}" for i, spec in enumerate(truth.blueprint.layers)}
    other = renamed_layers(truth, names)
    draft = best(other, "named")
    assert_is(draft, truth, "ResNet50")
    assert [s.name for s in draft.blueprint.layers] == [s.name for s in other.blueprint.layers]


def test_layers_in_another_order_are_found_by_their_names() -> None:
    truth = model("ResNet50")
    layers = truth.blueprint.layers
    order = (*layers[:40], *layers[90:120], *layers[40:90], *layers[120:])
    moved = replace(truth, blueprint=replace(truth.blueprint, layers=order))
    draft = best(moved, "named")
    assert_is(draft, truth, "ResNet50")
    assert "names" in draft.choices[0].evidence


def test_newer_files_without_names_are_read_by_class_and_count() -> None:
    truth = model("EfficientNetB0")
    draft = drafts(classed(truth.blueprint, truth.shapes, names=False))[0]
    assert canonical(draft.blueprint) == canonical(truth.blueprint)


@pytest.mark.parametrize("alpha", ["0.35", "0.5", "0.75", "1.3", "1.4"])
def test_published_widths(alpha: str) -> None:
    truth = model("MobileNetV2", f"alpha {alpha}")
    assert_is(best(truth, "ordered"), truth, f"MobileNetV2, alpha {alpha}")


def test_a_width_that_was_never_published() -> None:
    truth = model("MobileNet")
    shapes = {n: [tuple(narrow(size) if i >= len(s) - 2 else size for i, size in enumerate(s)) for s in own]
              for n, own in truth.shapes.items()}  # fmt: skip
    shapes["conv1"] = [(3, 3, 3, narrow(32))]
    shapes["conv_preds"] = [(1, 1, narrow(1024), 1000), (1000,)]
    draft = best(replace(truth, shapes=shapes), "ordered")
    assert draft.family.startswith("MobileNet (")
    assert draft.blueprint.by_name["conv_pw_3"].config["filters"] == narrow(128)
    assert "same kind of layer" in draft.choices[0].evidence


def narrow(size: int) -> int:
    """Seven eighths; ones stay ones."""
    return size if size == 1 else size * 7 // 8


def test_a_nearly_published_network_is_not_taken_for_it() -> None:
    truth = model("ResNet50")
    names = list(truth.shapes)
    shapes = {n: truth.shapes[n] for n in names if "conv4_block6" not in n}
    layers = tuple(s for s in truth.blueprint.layers if "conv4_block6" not in s.name)
    short = replace(truth, blueprint=replace(truth.blueprint, layers=layers), shapes=shapes)
    assert not drafts(tree_of(short.blueprint, short.shapes, "ordered"))


@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_a_few_dense_layers_are_no_family(count: int) -> None:
    specs = [LayerSpec("x", "InputLayer", {"batch_shape": (None, 9), "dtype": "float32"})]
    calls, shapes = [], {}
    for i in range(count):
        calls.append(Call(f"dense_{i}", (TensorRef(specs[-1].name),)))
        specs.append(LayerSpec(f"dense_{i}", "Dense", default_config("Dense", {"units": 9})))
        shapes[f"dense_{i}"] = [(9, 9), (9,)]
    small = Blueprint("small", tuple(specs), tuple(calls), (TensorRef("x"),), (TensorRef(specs[-1].name),))
    for level in (*IN_ORDER, "shuffled"):
        assert not drafts(tree_of(small, shapes, level))


# ---- nested


@pytest.mark.parametrize("level", ["named", "classed"])
def test_a_backbone_used_as_a_layer(level: str) -> None:
    truth = nested("MobileNetV2", dense("own", 1280, 4))
    draft = best(truth, level)
    assert draft.family.startswith("MobileNetV2")
    assert canonical(draft.blueprint) == canonical(truth.blueprint)
    assert draft.blueprint.layers[1].name in draft.known


def test_a_frozen_backbone_stores_its_arrays_layer_by_layer() -> None:
    truth = nested("MobileNetV2", dense("own", 1280, 4))
    tree = tree_of(truth.blueprint, truth.shapes, "named")
    draft = drafts(frozen(tree, truth))[0]
    inner = draft.blueprint.layers[1].config["blueprint"]
    assert not any(spec.trainable for spec in inner.layers if spec.type == "BatchNormalization")  # type: ignore[union-attr]
    bound = bind(draft.blueprint, draft.grouping.tree).layers[draft.blueprint.layers[1].name]
    assert bound["bn_Conv1/moving_mean"].sources[0].name == "bn_Conv1/moving_mean:0"


def nested(family: str, *head: tuple) -> Model:
    body = model(family, top=False)
    outer = LayerSpec(family.lower(), "Functional", {"blueprint": body.blueprint})
    entry = replace(body.blueprint.layers[0], name="image")
    weights = sorted(build(outer).variables(), key=lambda w: not w.trainable)
    left = {name: iter(own) for name, own in body.shapes.items()}
    made = [tuple(next(left[weight.name.split("/")[0]])) for weight in weights]
    blueprint = Blueprint("outer", (entry, outer), (Call(outer.name, (TensorRef("image"),)),), (TensorRef("image"),),
                          (TensorRef(outer.name),), keras_version="3.15")  # fmt: skip
    return followed(replace(body, blueprint=blueprint, shapes={outer.name: made}),
                    plain("pool", "GlobalAveragePooling2D"), *head)  # fmt: skip


def frozen(tree: WeightTree, truth: Model) -> WeightTree:
    """The file that Keras writes when the backbone is not trainable: all arrays of a layer together."""

    def together(group: Group) -> Group:
        owners = list(dict.fromkeys(v.name.split("/")[0] for v in group.variables))
        return replace(
            group, variables=tuple(sorted(group.variables, key=lambda v: owners.index(v.name.split("/")[0])))
        )

    name = truth.blueprint.layers[1].name
    return replace(tree, layers=tuple(together(g) if g.key == name else g for g in tree.layers))


# ---- limits


def test_five_hundred_layers_take_less_than_two_seconds() -> None:
    truth = model("EfficientNetB4")
    file = seen(tree_of(truth.blueprint, truth.shapes, "classed"))
    begun = time.perf_counter()
    assert match(file, Hints())
    assert time.perf_counter() - begun < 6, "three times the aim, for a slow machine"
