from __future__ import annotations

import numpy as np
import pytest
from tests.moments.blueprints import chain, network
from tests.moments.forward import batch_norm, conv2d, max_pool, measured

from regraft.blueprint import Blueprint, LayerSpec
from regraft.moments.moment import Moments
from regraft.moments.prediction import Prediction
from regraft.moments.propagate import predictions

RNG = np.random.default_rng(11)
BN = "BatchNormalization"
RELU = {"activation": "relu"}
CONV = {"filters": 5, "kernel_size": (3, 3), "padding": "same", "use_bias": False}


def arrays_of(channels: int, mean: float = 0.3) -> dict[str, np.ndarray]:
    """A trained BatchNorm of made-up statistics."""
    return {
        "gamma": RNG.uniform(0.5, 1.5, channels),
        "beta": RNG.normal(size=channels),
        "moving_mean": RNG.normal(mean, 0.2, channels),
        "moving_variance": RNG.uniform(0.5, 1.5, channels),
    }


def only(found: tuple[Prediction, ...], name: str) -> Prediction:
    (prediction,) = [p for p in found if p.layer == name]
    return prediction


@pytest.fixture(scope="module")
def trained() -> tuple[Blueprint, dict[str, dict[str, np.ndarray]]]:
    """A small residual network, run on random inputs so that its statistics are true."""
    rng = np.random.default_rng(5)

    def scales(c: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.uniform(0.6, 1.4, c), rng.normal(0.0, 0.7, c)

    kernels = {n: rng.normal(size=s) / np.sqrt(np.prod(s[:3])) for n, s in
               {"c1": (3, 3, 2, 5), "c2": (3, 3, 5, 5), "c3": (3, 3, 5, 5), "c4": (1, 1, 5, 7)}.items()}  # fmt: skip
    arrays: dict[str, dict[str, np.ndarray]] = {n: {"kernel": k} for n, k in kernels.items()}
    same = ((1, 1), (1, 1))
    x = conv2d(rng.normal(size=(60, 16, 12, 2)), kernels["c1"], pad=same)
    y, arrays["n1"] = batch_norm(x, *scales(5))
    z, arrays["n2"] = batch_norm(conv2d(np.maximum(y, 0), kernels["c2"], pad=same), *scales(5))
    s = y + z
    t, arrays["n3"] = batch_norm(np.maximum(conv2d(s, kernels["c3"]), 0), *scales(5))
    u = max_pool(t, 2)
    _, arrays["n4"] = batch_norm(conv2d(u, kernels["c4"]), *scales(7))
    valid = {**CONV, "padding": "valid"}
    net = network(
        (16, 12, 2),
        ("c1", "Conv2D", CONV, ("input",)),
        ("n1", BN, {}, ("c1",)),
        ("relu", "Activation", RELU, ("n1",)),
        ("c2", "Conv2D", CONV, ("relu",)),
        ("n2", BN, {}, ("c2",)),
        ("add", "Add", {}, ("n1", "n2")),
        ("c3", "Conv2D", {**valid, **RELU}, ("add",)),
        ("n3", BN, {}, ("c3",)),
        ("pool", "MaxPooling2D", {}, ("n3",)),
        ("drop", "Dropout", {"rate": 0.3}, ("pool",)),
        ("c4", "Conv2D", {**valid, "filters": 7, "kernel_size": (1, 1)}, ("drop",)),
        ("n4", BN, {}, ("c4",)),
    )
    return net, arrays


def test_a_network_predicts_its_own_statistics(trained) -> None:
    found = predictions(*trained)
    assert [p.layer for p in found] == ["n1", "n2", "n3", "n4"]
    assert not found[0].known
    assert "input is an input" in found[0].reason
    assert only(found, "n2").misfit < 0.06
    assert only(found, "n3").misfit < 0.12
    assert only(found, "n4").misfit < 0.12


def test_a_prediction_says_where_it_comes_from(trained) -> None:
    found = predictions(*trained)
    assert only(found, "n2").sources == ("n1",)
    assert only(found, "n2").through == ("relu", "c2")
    assert only(found, "n2").rough == ()
    assert set(only(found, "n3").sources) == {"n1", "n2"}
    assert only(found, "n3").through == ("add", "c3")
    assert "no BatchNorm in front" in only(found, "n3").rough[0]
    assert "maximum" in only(found, "n4").rough[0]
    assert only(found, "n4").channels == 7


@pytest.mark.parametrize(
    ("layer", "change"),
    [("relu", {"activation": "linear"}), ("relu", {"activation": "tanh"}), ("c3", {"activation": "linear"}),
     ("c3", {"activation": "sigmoid"})],
)  # fmt: skip
def test_a_wrong_activation_shows(trained, layer: str, change: dict) -> None:
    net, arrays = trained
    specs = tuple(LayerSpec(s.name, s.type, {**s.config, **change}) if s.name == layer else s for s in net.layers)
    wrong = Blueprint(net.name, specs, net.calls, net.inputs, net.outputs)
    right = {p.layer: p.misfit for p in predictions(net, arrays) if p.known}
    assert any(p.misfit > 3 * right[p.layer] for p in predictions(wrong, arrays) if p.known)


def test_borders_show(trained) -> None:
    net, arrays = trained
    specs = tuple(
        LayerSpec(s.name, s.type, {**s.config, "padding": "valid"}) if s.name == "c2" else s for s in net.layers
    )
    from regraft.layers.walk import model_shapes

    wrong = Blueprint(net.name, specs, net.calls, net.inputs, net.outputs)
    shapes = model_shapes(net)
    assert only(predictions(wrong, arrays, shapes), "n2").misfit > 1.5 * only(predictions(net, arrays), "n2").misfit


def test_known_inputs_reach_the_first_norm(trained) -> None:
    net, arrays = trained
    found = predictions(net, arrays, inputs={"input": Moments(np.zeros(2), np.ones(2))})
    assert found[0].misfit < 0.04


def exact(net: Blueprint, arrays: dict, expected: np.ndarray, **settings) -> Prediction:
    """The prediction of the norm ``after``, which must have this mean."""
    prediction = only(predictions(net, arrays, **settings), "after")
    assert prediction.mean is not None, prediction.reason
    np.testing.assert_allclose(prediction.mean, expected, atol=1e-9)
    return prediction


def between(shape: tuple, *layers: tuple, channels: int, out: int, axis: int = -1, out_axis: int = -1):
    """``before`` - the layers - ``after``."""
    net = chain(shape, ("before", BN, {"axis": axis}), *layers, ("after", BN, {"axis": out_axis}))
    return net, {"before": arrays_of(channels), "after": arrays_of(out)}


@pytest.mark.parametrize(
    "layer",
    [
        ("x", "Dropout", {"rate": 0.5}),
        ("x", "SpatialDropout2D", {"rate": 0.5}),
        ("x", "AveragePooling2D", {}),
        ("x", "GlobalAveragePooling2D", {}),
        ("x", "UpSampling2D", {}),
        ("x", "Cropping2D", {"cropping": ((1, 1), (0, 2))}),
        ("x", "Activation", {"activation": "linear"}),
        ("x", "Reshape", {"target_shape": (72, 3)}),
    ],
    ids=lambda layer: layer[1],
)
def test_layers_that_keep_the_mean(layer) -> None:
    net, arrays = between((8, 9, 3), layer, channels=3, out=3)
    exact(net, arrays, arrays["before"]["beta"])


def test_channels_first() -> None:
    conv = ("x", "Conv2D", {**CONV, "padding": "valid", "data_format": "channels_first"})
    net, arrays = between((3, 8, 9), conv, channels=3, out=5, axis=1, out_axis=1)
    kernel = RNG.normal(size=(3, 3, 3, 5))
    exact(net, arrays | {"x": {"kernel": kernel}}, arrays["before"]["beta"] @ kernel.sum((0, 1)))


def test_a_norm_over_another_axis_says_so() -> None:
    net, arrays = between((8, 9, 3), channels=3, out=8, out_axis=1)
    prediction = only(predictions(net, arrays), "after")
    assert not prediction.known
    assert "another axis" in prediction.reason


@pytest.mark.parametrize(("rank", "shape"), [(1, (8,)), (2, (8, 9)), (3, (8, 9, 5))])
def test_convolutions_of_every_rank_with_borders(rank: int, shape: tuple[int, ...]) -> None:
    settings = {"filters": 5, "kernel_size": (3,) * rank, "padding": "same", "use_bias": True}
    net, arrays = between((*shape, 3), ("x", f"Conv{rank}D", settings), channels=3, out=5)
    kernel, bias = RNG.normal(size=(*(3,) * rank, 3, 5)), RNG.normal(size=5)
    shares = 1.0
    for axis, n in enumerate(shape):
        ends = np.array([1 - 1 / n, 1, 1 - 1 / n]).reshape(-1, *(1,) * (rank - 1 - axis), 1, 1)
        shares = shares * ends
    expected = arrays["before"]["beta"] @ (kernel * shares).sum(tuple(range(rank))) + bias
    exact(net, arrays | {"x": {"kernel": kernel, "bias": bias}}, expected)


def test_zeros_of_a_padding_layer_are_borders() -> None:
    layers = (
        ("pad", "ZeroPadding2D", {"padding": ((1, 1), (1, 1))}),
        ("x", "Conv2D", {**CONV, "padding": "valid"}),
    )
    net, arrays = between((8, 9, 3), *layers, channels=3, out=5)
    same, _ = between((8, 9, 3), ("x", "Conv2D", CONV), channels=3, out=5)
    arrays |= {"x": {"kernel": RNG.normal(size=(3, 3, 3, 5))}}
    expected = only(predictions(same, arrays), "after").mean
    assert expected is not None
    exact(net, arrays, expected)


def test_zeros_that_no_kernel_reads_lower_the_mean() -> None:
    net, arrays = between((8, 9, 3), ("pad", "ZeroPadding2D", {"padding": ((1, 1), (0, 1))}), channels=3, out=3)
    exact(net, arrays, arrays["before"]["beta"] * (8 * 9) / (10 * 10))


@pytest.mark.parametrize("sizes", [(8, 9), (None, None)], ids=["known", "unknown"])
@pytest.mark.parametrize("first", [False, True], ids=["last", "first"])
def test_flatten_then_dense(sizes: tuple, first: bool) -> None:
    shape = (3, *sizes) if first else (*sizes, 3)
    layers = (("flat", "Flatten", {}), ("x", "Dense", {"units": 5, "use_bias": False}))
    net, arrays = between(shape, *layers, channels=3, out=5, axis=1 if first else -1)
    kernel = RNG.normal(size=(216, 5))
    rows = kernel.reshape(3, 72, 5).sum(1) if first else kernel.reshape(72, 3, 5).sum(0)
    prediction = exact(net, arrays | {"x": {"kernel": kernel}}, arrays["before"]["beta"] @ rows)
    assert "flattened" in prediction.rough[0]


def test_a_dense_vector_becomes_a_map() -> None:
    net, arrays = between((24,), ("map", "Reshape", {"target_shape": (2, 4, 3)}), channels=24, out=3)
    exact(net, arrays, arrays["before"]["beta"].reshape(8, 3).mean(0))


def test_a_permuted_map_keeps_its_channels() -> None:
    net, arrays = between((8, 9, 3), ("x", "Permute", {"dims": (3, 1, 2)}), channels=3, out=3, out_axis=1)
    exact(net, arrays, arrays["before"]["beta"])


def test_a_dense_only_network() -> None:
    layers = (("act", "Activation", {"activation": "sigmoid"}), ("x", "Dense", {"units": 5}))
    net, arrays = between((4,), *layers, channels=4, out=5)
    arrays["before"]["beta"][:] = 0.0
    kernel, bias = RNG.normal(size=(4, 5)), RNG.normal(size=5)
    exact(net, arrays | {"x": {"kernel": kernel, "bias": bias}}, 0.5 * kernel.sum(0) + bias)


@pytest.mark.parametrize(
    ("kind", "merge"),
    [
        ("Add", lambda a, b: a + b),
        ("Subtract", lambda a, b: a - b),
        ("Multiply", lambda a, b: a * b),
        ("Average", lambda a, b: (a + b) / 2),
        ("Concatenate", lambda a, b: np.concatenate([a, b])),
    ],
)
def test_merges(kind: str, merge) -> None:
    net = network(
        (8, 9, 3),
        ("left", BN, {}, ("input",)),
        ("right", BN, {}, ("input",)),
        ("merge", kind, {}, ("left", "right")),
        ("after", BN, {}, ("merge",)),
    )
    arrays = {"left": arrays_of(3), "right": arrays_of(3), "after": arrays_of(6 if kind == "Concatenate" else 3)}
    prediction = exact(net, arrays, merge(arrays["left"]["beta"], arrays["right"]["beta"]))
    assert prediction.sources == ("left", "right")


def test_channels_are_scaled_by_gates_that_broadcast() -> None:
    net = network(
        (8, 9, 3),
        ("left", BN, {}, ("input",)),
        ("pool", "GlobalAveragePooling2D", {"keepdims": True}, ("left",)),
        ("merge", "Multiply", {}, ("left", "pool")),
        ("after", BN, {}, ("merge",)),
    )
    arrays = {"left": arrays_of(3), "after": arrays_of(3)}
    exact(net, arrays, arrays["left"]["beta"] ** 2)


def test_a_maximum_lies_between_equal_and_independent_neighbours() -> None:
    net, arrays = between((8, 9, 3), ("x", "MaxPooling2D", {}), channels=3, out=3)
    beta, gamma = arrays["before"]["beta"], arrays["before"]["gamma"]
    for share in (0.0, 0.5, 1.0):
        # The largest of four independent logistic variables of variance 1 has mean (1 + 1/2 + 1/3) sqrt(3) / pi.
        arrays["after"]["moving_mean"] = beta + share * gamma * (11 / 6) * np.sqrt(3) / np.pi
        assert only(predictions(net, arrays), "after").misfit < 0.02
    arrays["after"]["moving_mean"] = beta - gamma
    assert only(predictions(net, arrays), "after").misfit > 0.5


def test_a_stream_is_known_where_a_norm_reads_it() -> None:
    # What enters `before` is unknown, but its stored statistics are those of the stream that `add` continues.
    net = network(
        (8, 9, 3),
        ("stem", "Conv2D", {**CONV, "filters": 3}, ("input",)),
        ("before", BN, {}, ("stem",)),
        ("conv", "Conv2D", {**CONV, "filters": 3, "padding": "valid", "kernel_size": (1, 1)}, ("before",)),
        ("add", "Add", {}, ("stem", "conv")),
        ("after", BN, {}, ("add",)),
    )
    arrays = {"before": arrays_of(3), "after": arrays_of(3), "stem": {"kernel": RNG.normal(size=(3, 3, 3, 3))},
              "conv": {"kernel": RNG.normal(size=(1, 1, 3, 3))}}  # fmt: skip
    before = arrays["before"]
    exact(net, arrays, before["moving_mean"] + before["beta"] @ arrays["conv"]["kernel"][0, 0])


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (("x", "LSTM", {"units": 3, "return_sequences": True}), "recurrent"),
        (("x", "LayerNormalization", {}), "nothing is known"),
        (("x", "Softmax", {}), "nothing is known"),
        (("x", "Activation", {"activation": "softmax"}), "mixes elements"),
    ],
)
def test_where_nothing_is_known_it_is_said(layer, reason: str) -> None:
    net, arrays = between((8, 3), layer, channels=3, out=3)
    prediction = only(predictions(net, arrays), "after")
    assert prediction.mean is None
    assert reason in prediction.reason


def test_an_unknown_layer_hides_what_comes_before() -> None:
    net, arrays = between((8, 3), ("x", "Mystery", {}), channels=3, out=3)
    specs = tuple(LayerSpec(s.name, s.type, unknown="never heard of") if s.name == "x" else s for s in net.layers)
    net = Blueprint(net.name, specs, net.calls, net.inputs, net.outputs)
    assert "Mystery is not known" in only(predictions(net, arrays), "after").reason


def test_a_norm_that_was_never_trained_passes_on_what_comes() -> None:
    net, arrays = between((4,), ("middle", BN, {"epsilon": 0.0}), channels=4, out=4)
    zeros, ones = np.zeros(4), np.ones(4)
    arrays["middle"] = {"gamma": 2 * ones, "beta": ones, "moving_mean": zeros, "moving_variance": ones}
    prediction = exact(net, arrays, 2 * arrays["before"]["beta"] + 1)
    assert prediction.sources == ("before",)
    assert "never trained" in only(predictions(net, arrays), "middle").reason


def test_time_distributed_layers_see_steps() -> None:
    dense = LayerSpec("d", "Dense", {"units": 5, "use_bias": False})
    net, arrays = between((8, 3), ("x", "TimeDistributed", {"layer": dense}), channels=3, out=5)
    kernel = RNG.normal(size=(3, 5))
    exact(net, arrays | {"x": {"kernel": kernel}}, arrays["before"]["beta"] @ kernel)


def test_models_inside_the_model() -> None:
    inner = chain((3,), ("d", "Dense", {"units": 5, "use_bias": False}), ("n", BN, {}))
    net = chain((3,), ("before", BN, {}), ("model", "Functional", {"blueprint": inner}), ("after", BN, {}))
    kernel, n = RNG.normal(size=(3, 5)), arrays_of(5)
    before, after = arrays_of(3), arrays_of(5)
    arrays = {"before": before, "after": after, "model": {"d/kernel": kernel, **{f"n/{k}": v for k, v in n.items()}}}
    found = predictions(net, arrays)
    assert [p.layer for p in found] == ["before", "model/n", "after"]
    np.testing.assert_allclose(found[1].mean, before["beta"] @ kernel)
    assert found[2].sources == ("model/n",)
    exact(net, arrays, n["beta"])


def test_a_shared_norm_stores_its_calls_together() -> None:
    net = network(
        (3,),
        ("left", BN, {}, ("input",)),
        ("right", BN, {}, ("input",)),
        ("after", BN, {}, ("left",)),
    )
    from regraft.blueprint import Call, TensorRef

    net = Blueprint("net", net.layers, (*net.calls, Call("after", (TensorRef("right"),), 1)), net.inputs, net.outputs)
    arrays = {"left": arrays_of(3), "right": arrays_of(3), "after": arrays_of(3)}
    exact(net, arrays, (arrays["left"]["beta"] + arrays["right"]["beta"]) / 2)


def test_transposed_convolutions() -> None:
    settings = {"filters": 5, "kernel_size": (3, 3), "strides": (2, 2), "padding": "same", "use_bias": False}
    net, arrays = between((5, 5, 3), ("x", "Conv2DTranspose", settings), channels=3, out=5)
    kernel = RNG.normal(size=(3, 3, 5, 3))
    share = np.multiply.outer([0.5, 0.5, 0.4], [0.5, 0.5, 0.4])
    exact(net, arrays | {"x": {"kernel": kernel}}, np.einsum("hwoi,hw,i->o", kernel, share, arrays["before"]["beta"]))


def test_measured_moments_are_those_of_the_forward_pass() -> None:
    x = RNG.normal(size=(50, 8, 9, 3))
    mean, variance = measured(x)
    np.testing.assert_allclose(mean, x.reshape(-1, 3).mean(0))
    np.testing.assert_allclose(variance, x.reshape(-1, 3).var(0))
