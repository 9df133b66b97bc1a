from __future__ import annotations

from tests.recover.grouping.trees import group as g
from tests.recover.grouping.trees import newer

from regraft.recover.grouping import group
from regraft.weights import WeightTree
from regraft.weights.saving_lib import SUBCLASSED


def types(tree: WeightTree) -> list[str]:
    return [part.type for part in group(tree)[0].parts]


def test_classes_in_keys() -> None:
    cell = g("cell", (6, 9), (3, 9), (2, 9), path="/layers/gru")
    tree = newer(
        g("input_layer", name="img"),
        g("conv2d", (3, 3, 1, 8), (8,), name="stem"),
        g("conv2d_1", (3, 3, 8, 8), (8,), name="conv2d"),
        g("activation", name="stem_relu"),
        g("max_pooling2d", name="max_pooling2d_7"),
        g("gru", name="gru_2", below=[cell]),
        g("my_layer", (4, 4), name="odd"),
        g("dense", (4, 5, 6), name="dense_3"),
    )
    (found,) = group(tree)
    assert [part.type for part in found.parts] == [
        "InputLayer", "Conv2D", "Conv2D", "Activation", "MaxPooling2D", "GRU", "", "Conv1D",
    ]  # fmt: skip
    assert [part.label for part in found.parts] == ["proved"] * 6 + ["open", "assumed"]
    assert [part.name for part in found.parts[:4]] == ["img", "stem", "conv2d", "stem_relu"]
    assert [part.counter for part in found.parts] == [None, None, 0, None, 7, 2, None, 3]
    assert found.parts[3].settings == {"activation": "relu"}
    assert found.parts[5].settings["reset_after"] is True
    assert "by its name a Dense" in found.notes[0]
    assert (found.ordered, found.complete) == (True, True)


def test_wrappers() -> None:
    lstm = ((6, 12), (3, 12), (12,))
    cells = {
        p: g(p, path="/layers/b", below=[g("cell", *lstm, path=f"/layers/b/{p}")])
        for p in ("forward_layer", "backward_layer")
    }
    empty_twin = g("layer", path="/layers/b", below=[g("cell", path="/layers/b/layer")])
    heads = [
        g(key, shape, shape[1:] if key != "output_dense" else (7,), path="/layers/m")
        for key, shape in (
            ("value_dense", (7, 2, 5)),
            ("output_dense", (2, 5, 7)),
            ("query_dense", (7, 2, 3)),
            ("key_dense", (7, 2, 3)),
        )
    ]
    tree = newer(
        g("bidirectional", below=[cells["backward_layer"], empty_twin, cells["forward_layer"]]),
        g("multi_head_attention", below=heads),
        g("time_distributed", below=[g("layer", (3, 4), (4,), path="/layers/t")]),
        g("rnn", below=[g("cell", path="/layers/r", below=[g("cells", path="/layers/r/cell", below=[
            g("lstm_cell", *lstm, path="/x"), g("gru_cell", (3, 15), (5, 15), (2, 15), path="/x"),
        ])])]),
    )  # fmt: skip
    parts = group(tree)[0].parts
    assert [part.type for part in parts] == ["Bidirectional", "MultiHeadAttention", "TimeDistributed", "RNN"]
    assert {part.label for part in parts} == {"proved"}
    assert parts[1].settings == {"num_heads": 2, "key_dim": 3, "value_dim": 5, "use_bias": True}
    assert parts[2].settings["layer"].config["units"] == 4  # type: ignore[union-attr]


def test_older_layout_counts_by_twos() -> None:
    tree = newer(
        g("conv2d", (3, 3, 1, 8), (8,)), g("re_lu"), g("conv2d_2", (3, 3, 8, 4), (4,)), dialect="checkpoint-h5"
    )
    assert types(tree) == ["Conv2D", "ReLU", "Conv2D"]


def test_models_inside() -> None:
    inner = g("layers", path="/layers/functional", below=[g("input_layer"), g("dense", (4, 6), (6,)), g("re_lu")])
    tree = newer(g("functional", name="encoder", below=[inner]), g("sequential"))
    found = group(tree)[0]
    assert [(part.type, part.label, part.name) for part in found.parts] == [
        ("Functional", "proved", "encoder"),
        ("Functional", "proved", "sequential"),
    ]
    inside = found.parts[0].inner
    assert inside is not None
    assert [part.type for part in inside.parts] == ["InputLayer", "Dense", "ReLU"]
    assert (inside.ordered, inside.complete) == (True, True)


def test_order_and_completeness() -> None:
    dense = [g("dense", (4, 6), (6,)), g("dense_1", (6, 2), (2,))]
    assert group(newer(*dense, source="alphabetical"))[0].ordered is False
    assert group(newer(*dense, source="weight_map"))[0].complete is False
    assert group(newer(*dense, g("re_lu"), source="weight_map"))[0].complete is True
    assert group(newer(*dense))[0].complete is True


def test_names_become_distinct() -> None:
    tree = newer(g("dense", (4, 6), name="dense_1"), g("dense_1", (6, 2)), g("dense_2", (2, 2), name="dense_1"))
    found = group(tree)[0]
    names = [part.name for part in found.parts]
    assert len(set(names)) == 3
    assert [layer.name or layer.key for layer in found.tree.layers] == names


def test_a_subclassed_model() -> None:
    tree = newer(
        g("act", path=""),
        g("bn", (4,), (4,), (4,), (4,), path=""),
        g("blocks", path="", below=[
            g("dense", (4, 6), (6,), path="/blocks"), g("dropout", path="/blocks"), g("dense_1", (6, 4), (4,), path="/blocks"),
        ]),
        g("head", (4, 3), (3,), path="", name="fc"),
        g("layers", path="", below=[g("conv2d", (3, 3, 1, 4), (4,), path="/layers", name="user_conv")]),
        source="alphabetical",
        notes=(SUBCLASSED,),
    )  # fmt: skip
    (found,) = group(tree)
    assert [(part.type, part.name, part.group.key) for part in found.parts] == [
        ("Activation", "act", "activation"),
        ("BatchNormalization", "bn", "batch_normalization"),
        ("Dense", "blocks_dense", "dense"),
        ("Dropout", "blocks_dropout", "dropout"),
        ("Dense", "blocks_dense_1", "dense_1"),
        ("Dense", "fc", "dense_2"),
        ("Conv2D", "user_conv", "conv2d"),
    ]
    assert found.parts[1].label == "supported"
    assert found.parts[2].label == "proved"
    assert not found.ordered
    assert SUBCLASSED in found.notes
    assert [layer.key for layer in found.tree.layers] == [part.group.key for part in found.parts]
