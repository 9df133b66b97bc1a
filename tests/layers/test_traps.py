"""Every trap on the way from Keras to PyTorch: the obvious translation is measurably wrong, ours is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the idiom of PyTorch
from tests.layers.traps import CONSTANT, RECORD, SINGLE, Traps, Weights, conv_kernel, first, last, noise
from torch import Tensor, nn

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traps]:
    """One list for all of them, in float64."""
    import keras
    import tf_keras

    found = Traps(tmp_path_factory.mktemp("traps"))
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    tf_keras.backend.set_floatx("float64")
    yield found
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    tf_keras.backend.set_floatx("float32")
    found.close()


@pytest.fixture
def layers() -> Any:
    from keras import layers

    return layers


def model(entry: Any, *chain: Any) -> Any:
    """A model of layers in a row."""
    import keras

    x = entry
    for layer in chain:
        x = layer(x)
    return keras.Model(entry, x)


def image(*shape: int) -> Any:
    import keras

    return keras.Input(shape)


def filled(module: nn.Module, **arrays: Tensor) -> Any:
    """A stock module with parameters, in float64."""
    module.load_state_dict({**module.state_dict(), **arrays})
    return module.double().eval()


# ---- convolutions and pools


def test_trap_depth_to_space(traps: Traps) -> None:
    import keras

    entry = image(4, 5, 12)
    net = keras.Model(entry, keras.ops.depth_to_space(entry, 2))

    def naive(_: Weights, x: Tensor) -> Tensor:
        return last(F.pixel_shuffle(first(x), 2))

    traps.check("depth_to_space as plain PixelShuffle", net, [noise(2, 4, 5, 12)], naive, above=1.0)


def test_trap_same_padding_of_an_even_map_with_stride_2(traps: Traps, layers: Any) -> None:
    def naive(w: Weights, x: Tensor) -> Tensor:
        return last(F.conv2d(first(x), conv_kernel(w["kernel"]), w["bias"], stride=2, padding=1))

    net = model(image(10, 12, 4), layers.Conv2D(6, 3, strides=2, padding="same"))
    traps.check('Conv2D(3, strides=2, padding="same") as padding=1', net, [noise(2, 10, 12, 4)], naive, above=0.5)


def test_trap_depthwise_kernel_by_multiplier(traps: Traps, layers: Any) -> None:
    def naive(w: Weights, x: Tensor) -> Tensor:
        kernel = w["kernel"].permute(3, 2, 0, 1).reshape(16, 1, 3, 3)
        return last(F.conv2d(first(x), kernel, w["bias"], groups=8))

    net = model(image(5, 6, 8), layers.DepthwiseConv2D(3, depth_multiplier=2))
    traps.check("the kernel of DepthwiseConv2D, multiplier first", net, [noise(2, 5, 6, 8)], naive, above=0.3)


def test_trap_transposed_convolution_same(traps: Traps, layers: Any) -> None:
    def naive(w: Weights, x: Tensor) -> Tensor:
        kernel = conv_kernel(w["kernel"])
        return last(F.conv_transpose2d(first(x), kernel, w["bias"], stride=2, padding=1, output_padding=1))

    net = model(image(5, 6, 3), layers.Conv2DTranspose(7, 3, strides=2, padding="same"))
    words = 'Conv2DTranspose(3, strides=2, padding="same") as padding=1, output_padding=1'
    traps.check(words, net, [noise(2, 5, 6, 3)], naive, above=0.3)


def test_trap_average_pool_that_counts_its_padding(traps: Traps, layers: Any) -> None:
    net = model(image(9, 7, 3), layers.AveragePooling2D(3, 1, padding="same"))
    words = 'AveragePooling2D(3, 1, padding="same") with count_include_pad'
    traps.check(words, net, [noise(2, 9, 7, 3)], lambda _, x: last(F.avg_pool2d(first(x), 3, 1, 1)), above=0.2)


# ---- flattened maps and resized ones


def test_trap_flatten_before_dense(traps: Traps, layers: Any) -> None:
    def naive(w: Weights, x: Tensor) -> Tensor:
        return F.linear(first(x).flatten(1), w["kernel_1"].T, w["bias_1"])

    # The convolution by the identity only makes the map run channels first.
    same = layers.Conv2D(4, 1)
    net = model(image(5, 6, 4), same, layers.Flatten(), layers.Dense(6))
    randomised(net)
    same.set_weights([np.eye(4)[None, None], np.zeros(4)])
    words = "Flatten and Dense with the kernel transposed only"
    traps.check(words, net, [noise(2, 5, 6, 4)], naive, above=0.3, filled=True)


def randomised(net: Any) -> None:
    from tests.twin import randomise

    randomise(net, 3)


def test_trap_nearest_resizing(traps: Traps, layers: Any) -> None:
    net = model(image(9, 11, 3), layers.Resizing(5, 7, interpolation="nearest"))

    def naive(_: Weights, x: Tensor) -> Tensor:
        return last(F.interpolate(first(x), (5, 7), mode="nearest"))

    traps.check('Resizing(interpolation="nearest") as mode="nearest"', net, [noise(2, 9, 11, 3)], naive, above=0.5)


def test_trap_bicubic_upsampling(traps: Traps, layers: Any) -> None:
    net = model(image(9, 7, 3), layers.UpSampling2D(2, interpolation="bicubic"))

    def naive(_: Weights, x: Tensor) -> Tensor:
        return last(F.interpolate(first(x), scale_factor=2, mode="bicubic", align_corners=False))

    words = 'bicubic UpSampling2D as mode="bicubic"'
    traps.check(words, net, [noise(2, 9, 7, 3)], naive, above=0.02, ours=SINGLE)


def test_trap_aligned_corners(traps: Traps, layers: Any) -> None:
    net = model(image(9, 7, 3), layers.UpSampling2D(2, interpolation="bilinear"))

    def naive(_: Weights, x: Tensor) -> Tensor:
        return last(F.interpolate(first(x), scale_factor=2, mode="bilinear", align_corners=True))

    words = "bilinear UpSampling2D with align_corners"
    traps.check(words, net, [noise(2, 9, 7, 3)], naive, above=0.1, ours=SINGLE)


def test_trap_bilinear_upsampling_of_stand_alone_keras(traps: Traps) -> None:
    """Keras 2.2 to 2.3 called ``tf.image.resize_bilinear``, whose pixels have their centres at their corners."""
    import tensorflow as tf
    from tests.layers.maps import old_file
    from tests.twin import converted, relative_error, run

    config = {"name": "up", "size": [2, 2], "interpolation": "bilinear", "data_format": "channels_last"}
    file = old_file(traps.folder / "old.h5", (9, 7, 3), [("UpSampling2D", config, {})], version="2.3.1")
    x = noise(2, 9, 7, 3)
    expected = np.asarray(tf.compat.v1.image.resize_bilinear(x, (18, 14)))
    (found,) = run(converted(file), [x])
    naive = last(F.interpolate(first(torch.from_numpy(x)), scale_factor=2, mode="bilinear")).numpy()
    errors = relative_error(naive, expected), relative_error(found, expected)
    traps.measured("bilinear UpSampling2D of Keras 2.3 with half pixels", *errors, 0.3, SINGLE)


# ---- normalisation


def batch_norm(w: Weights, x: Tensor, *, weight: str = "gamma", bias: str = "beta", eps: float = 1e-3) -> Tensor:
    statistics = (w["moving_mean"], w["moving_variance"])
    return last(F.batch_norm(first(x), *statistics, w[weight], w[bias], eps=eps))


def test_trap_gamma_and_beta_swapped(traps: Traps, layers: Any) -> None:
    net = model(image(5, 6, 4), layers.BatchNormalization())

    def naive(w: Weights, x: Tensor) -> Tensor:
        return batch_norm(w, x, weight="beta", bias="gamma")

    traps.check("BatchNormalization, gamma and beta swapped", net, [noise(2, 5, 6, 4)], naive, above=0.5)


def test_trap_epsilon_of_batch_normalization(traps: Traps, layers: Any) -> None:
    net = model(image(5, 6, 4), layers.BatchNormalization())

    def naive(w: Weights, x: Tensor) -> Tensor:
        return batch_norm(w, x, eps=1e-5)

    traps.check("BatchNormalization with PyTorch's eps 1e-5", net, [noise(2, 5, 6, 4)], naive, above=1e-4)


def test_trap_epsilon_of_layer_normalization(traps: Traps, layers: Any) -> None:
    net = model(image(7, 6), layers.LayerNormalization())

    def naive(w: Weights, x: Tensor) -> Tensor:
        return F.layer_norm(x, (6,), w["gamma"], w["beta"], eps=1e-5)

    words = "LayerNormalization of small numbers with PyTorch's eps 1e-5"
    traps.check(words, net, [noise(2, 7, 6, scale=0.05)], naive, above=0.1)


def test_trap_layer_normalization_over_a_map(traps: Traps, layers: Any) -> None:
    def naive(w: Weights, x: Tensor) -> Tensor:
        gamma, beta = (w[name].reshape(6, 5, 4) for name in ("gamma", "beta"))
        return last(F.layer_norm(first(x), (6, 5, 4), gamma, beta, eps=1e-3))

    net = model(image(5, 4, 6), layers.LayerNormalization(axis=(1, 2, 3)))
    words = "LayerNormalization over a map, gamma reshaped"
    traps.check(words, net, [noise(2, 5, 4, 6)], naive, above=0.1)


# ---- activations


def test_trap_slope_of_leaky_relu(traps: Traps, layers: Any) -> None:
    net = model(image(8), layers.LeakyReLU())
    words = "LeakyReLU with PyTorch's slope 0.01"
    traps.check(words, net, [noise(6, 8, scale=2)], lambda _, x: F.leaky_relu(x), above=0.1, ours=CONSTANT)


def test_trap_gelu(traps: Traps, layers: Any) -> None:
    net = model(image(8), layers.Activation("gelu"))

    def naive(_: Weights, x: Tensor) -> Tensor:
        return F.gelu(x, approximate="tanh")

    traps.check("gelu as the approximation by tanh", net, [noise(6, 8, scale=2)], naive, above=5e-5, ours=CONSTANT)


def test_trap_hard_sigmoid_of_keras_2(traps: Traps) -> None:
    import tf_keras

    entry = tf_keras.Input((8,), dtype="float64")
    net = tf_keras.Model(entry, tf_keras.layers.Activation("hard_sigmoid")(entry))
    words = "hard_sigmoid of Keras 2 as F.hardsigmoid"
    # TensorFlow has its 0.2 in float32.
    traps.check(words, net, [noise(6, 8, scale=2)], lambda _, x: F.hardsigmoid(x), above=0.03, ours=CONSTANT)


def test_trap_sparsemax(traps: Traps, layers: Any) -> None:
    """Keras sums the cumulative sums over the support, which is not what the paper says."""

    def naive(_: Weights, x: Tensor) -> Tensor:
        ranks = torch.arange(1, 9)
        threshold = (x.sort(-1, descending=True).values.cumsum(-1) - 1) / ranks
        return (x - threshold.amax(-1, keepdim=True)).clamp(min=0)

    net = model(image(8), layers.Activation("sparsemax"))
    traps.check("sparsemax as in the paper", net, [noise(6, 8, scale=2)], naive, above=0.3)


# ---- sequences


def gru(w: Weights, x: Tensor, order: tuple[int, ...]) -> Tensor:
    """``nn.GRU`` with the gates in an order of Keras' columns z, r, h; the last output."""

    def gates(array: Tensor) -> Tensor:
        return torch.cat([array.chunk(3, -1)[place] for place in order], -1)

    kernel, recurrent, bias = (gates(w[name]) for name in ("kernel", "recurrent_kernel", "bias"))
    both = bias if bias.dim() == 2 else torch.stack([bias, torch.zeros_like(bias)])
    names = {"weight_ih_l0": kernel.T, "weight_hh_l0": recurrent.T, "bias_ih_l0": both[0], "bias_hh_l0": both[1]}
    return filled(nn.GRU(kernel.shape[0], recurrent.shape[0], batch_first=True), **names)(x)[0][:, -1]


def test_trap_gates_of_gru(traps: Traps, layers: Any) -> None:
    net = model(image(7, 5), layers.GRU(4))
    words = "GRU with the gates as they are stored"
    traps.check(words, net, [noise(3, 7, 5)], lambda w, x: gru(w, x, (0, 1, 2)), above=0.1)


def test_trap_gru_with_reset_before(traps: Traps, layers: Any) -> None:
    net = model(image(7, 5), layers.GRU(4, reset_after=False))
    words = "GRU(reset_after=False) as nn.GRU"
    traps.check(words, net, [noise(3, 7, 5)], lambda w, x: gru(w, x, (1, 0, 2)), above=0.01)


def lstm(w: Weights, suffix: str = "", parameters: str = "") -> dict[str, Tensor]:
    """The parameters of one direction of ``nn.LSTM``."""
    kernel, recurrent, bias = (w[f"{name}{suffix}"] for name in ("kernel", "recurrent_kernel", "bias"))
    found = {"weight_ih": kernel.T, "weight_hh": recurrent.T, "bias_ih": bias, "bias_hh": torch.zeros_like(bias)}
    return {f"{name}_l0{parameters}": array for name, array in found.items()}


def test_trap_last_output_of_bidirectional(traps: Traps, layers: Any) -> None:
    def naive(w: Weights, x: Tensor) -> Tensor:
        both = filled(nn.LSTM(5, 4, batch_first=True, bidirectional=True), **lstm(w), **lstm(w, "_1", "_reverse"))
        return both(x)[0][:, -1]

    net = model(image(7, 5), layers.Bidirectional(layers.LSTM(4)))
    traps.check("the end of a Bidirectional as out[:, -1]", net, [noise(3, 7, 5)], naive, above=0.3)


def test_trap_mask_of_a_recurrent_layer(traps: Traps, layers: Any) -> None:
    x = noise(3, 7, 5)
    x[1, 4:] = x[2, 2:] = 0

    def naive(w: Weights, x: Tensor) -> Tensor:
        return filled(nn.LSTM(5, 4, batch_first=True), **lstm(w))(x)[0][:, -1]

    net = model(image(7, 5), layers.Masking(), layers.LSTM(4))
    traps.check("an LSTM behind Masking without the mask", net, [x], naive, above=0.2)


def test_trap_padding_index_of_embedding(traps: Traps, layers: Any) -> None:
    import keras

    def naive(w: Weights, ids: Tensor) -> Tensor:
        table = w["embeddings"].clone()
        table[0] = 0
        return F.embedding(ids, table, padding_idx=0)

    net = model(keras.Input((4,), dtype="int32"), layers.Embedding(5, 3, mask_zero=True))
    ids = np.array([[1, 0, 2, 0], [4, 3, 0, 0]], "int32")
    traps.check("Embedding(mask_zero=True) as padding_idx=0", net, [ids], naive, above=0.5)


# ---- attention


def test_trap_polarity_of_masks(traps: Traps, layers: Any) -> None:
    import keras

    def naive(w: Weights, x: Tensor, mask: Tensor) -> Tensor:
        names = ["weight", "bias"]
        packed = [
            torch.cat([w[f"{n}{i}"].reshape(*shape) for i in ("", "_1", "_2")], -1) for n, shape in PACKED.items()
        ]
        arrays = dict(zip([f"in_proj_{n}" for n in names], [packed[0].T, packed[1].flatten()], strict=True))
        arrays |= {"out_proj.weight": w["kernel_3"].reshape(8, 8).T, "out_proj.bias": w["bias_3"]}
        attention = filled(nn.MultiheadAttention(8, 2, batch_first=True), **arrays)
        return attention(x, x, x, attn_mask=mask.repeat_interleave(2, 0), need_weights=False)[0]

    x, mask = keras.Input((6, 8)), keras.Input((6, 6), dtype="bool")
    net = keras.Model([x, mask], layers.MultiHeadAttention(2, 4)(x, x, attention_mask=mask))
    allowed = np.random.default_rng(1).random((2, 6, 6)) > 0.4
    allowed[:, :, 0], allowed[:, :, 1] = True, False
    words = "attention_mask of MultiHeadAttention as attn_mask of nn.MultiheadAttention"
    traps.check(words, net, [noise(2, 6, 8), allowed], naive, above=0.3)


PACKED = {"kernel": (8, 8), "bias": (1, 8)}


def test_trap_scale_of_attention(traps: Traps, layers: Any) -> None:
    import keras

    query, value = keras.Input((6, 8)), keras.Input((5, 8))
    net = keras.Model([query, value], layers.Attention()([query, value]))

    def naive(_: Weights, q: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, v, v)

    words = "Attention as scaled_dot_product_attention with its own scale"
    traps.check(words, net, [noise(2, 6, 8), noise(2, 5, 8)[::-1].copy()], naive, above=0.1)


def test_the_record_is_complete(traps: Traps) -> None:
    """``REGRAFT_TRAPS=write python -m pytest tests/layers/test_traps.py`` writes it."""
    recorded = {row["trap"] for row in json.loads(RECORD.read_text(encoding="utf-8"))} if RECORD.exists() else set()
    assert recorded >= {row["trap"] for row in traps.rows}
