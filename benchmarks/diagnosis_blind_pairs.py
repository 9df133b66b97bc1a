"""The Keras side of the pairs in ``benchmarks/blind``, and seeded inputs in the order of Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def convnet(keras: Any) -> Any:
    """A residual network for images."""
    k = keras.layers
    i = k.Input((30, 26, 3))
    x = k.Rescaling(1 / 127.5, offset=-1.0, name="scale")(i)
    x = k.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = k.ReLU(6.0, name="stem_relu")(k.BatchNormalization(name="stem_bn")(x))
    x = k.DepthwiseConv2D(3, depth_multiplier=2, padding="same", use_bias=False, name="depth")(x)
    x = k.ReLU(6.0, name="depth_relu")(k.BatchNormalization(name="depth_bn")(x))
    x = k.LeakyReLU(name="leaky")(k.Conv2D(12, 1, name="point")(x))
    x = k.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    x = k.Conv2D(12, (3, 5), padding="same", dilation_rate=2, activation="elu", name="wide")(x)
    y = k.Conv2D(12, 3, padding="same", activation="relu", name="res1")(x)
    y = k.Conv2D(12, 3, strides=2, padding="same", name="res2")(y)
    y = k.Rescaling(0.5, name="half")(y)
    x = k.Add(name="add")([k.Conv2D(12, 1, strides=2, name="short")(x), y])
    x = k.Activation("relu", name="add_relu")(x)
    x = k.AveragePooling2D(3, 1, padding="same", name="avg")(x)
    x = k.Flatten(name="flat")(k.MaxPooling2D(2, name="pool2")(x))
    x = k.Dropout(0.3, name="drop")(k.Dense(24, activation="selu", name="fc1")(x))
    x = k.Dense(24, activation="tanh", name="fc2")(x)
    return keras.Model(i, k.Dense(7, activation="softmax", name="out")(x))


def unet(keras: Any) -> Any:
    """Down and up again with joined maps."""
    k = keras.layers

    def block(x: Any, n: int, groups: int, name: str) -> Any:
        x = k.Conv2D(n, 3, padding="same", name=name)(x)
        return k.Activation("silu", name=name + "_act")(k.GroupNormalization(groups, name=name + "_norm")(x))

    i = k.Input((24, 20, 2))
    a = block(i, 8, 4, "down1")
    b = block(k.MaxPooling2D(2, name="pool1")(a), 12, 3, "down2")
    c = k.Conv2D(12, 3, padding="same", name="mid")(k.AveragePooling2D(2, name="pool2")(b))
    c = k.Activation("mish", name="mish")(k.LayerNormalization(epsilon=1e-5, name="ln")(c))
    u = k.Conv2DTranspose(8, 4, strides=2, padding="same", name="up1")(c)
    u = block(k.Concatenate(name="join1")([u, b]), 8, 2, "up_conv")
    u = k.UpSampling2D(2, interpolation="bilinear", name="up2")(u)
    u = k.SeparableConv2D(8, 3, padding="same", name="sep")(u)
    u = k.PReLU(shared_axes=[1, 2], name="prelu")(u)
    u = k.Concatenate(name="join2")([a, u])
    return keras.Model(i, k.Conv2D(1, 1, activation="sigmoid", name="head")(u))


def speech(keras: Any) -> Any:
    """Recurrent layers of every kind."""
    k = keras.layers
    i = k.Input((13, 5))
    x = k.Conv1D(8, 3, padding="causal", dilation_rate=2, name="conv")(i)
    x = k.ReLU(name="relu")(k.BatchNormalization(name="bn")(x))
    x = k.Bidirectional(k.LSTM(6, return_sequences=True, name="lstm"), name="bi")(x)
    x = k.GRU(10, return_sequences=True, name="gru")(x)
    x = k.Dense(10, activation="softsign", name="td")(x)
    last = k.GRU(7, reset_after=False, recurrent_activation="hard_sigmoid", name="old")(x)
    x = k.Concatenate(name="join")([last, k.GlobalMaxPooling1D(name="peak")(x)])
    return keras.Model(i, k.Dense(4, activation="log_softmax", name="out")(x))


def words(keras: Any) -> Any:
    """Token sequences with padding."""
    k = keras.layers
    i = k.Input((11,))
    x = k.LSTM(8, name="lstm")(k.Embedding(30, 6, mask_zero=True, name="emb")(i))
    return keras.Model(i, k.Dense(1, activation="sigmoid", name="out")(k.Dense(8, activation="relu", name="fc")(x)))


def encoder(keras: Any) -> Any:
    """A transformer with a mask as its second input."""
    k = keras.layers
    ids, valid = k.Input((9,), name="ids"), k.Input((9,), name="valid")
    x = k.Rescaling(12**0.5, name="scale")(k.Embedding(40, 12, name="tok")(ids))
    mask = k.Reshape((1, 9), name="mask")(valid)
    a = k.MultiHeadAttention(3, 4, name="att")(x, x, attention_mask=mask)
    x = k.LayerNormalization(epsilon=1e-6, name="ln1")(k.Add(name="add1")([x, a]))
    f = k.Dense(12, name="ff2")(k.Dense(20, activation="gelu", name="ff1")(x))
    x = k.LayerNormalization(epsilon=1e-6, name="ln2")(k.Add(name="add2")([x, f]))
    a = k.MultiHeadAttention(2, 6, name="causal")(x, x, use_causal_mask=True)
    x = k.LayerNormalization(name="ln3")(k.Add(name="add3")([x, a]))
    return keras.Model([ids, valid], k.Dense(5, name="out")(k.GlobalAveragePooling1D(name="mean")(x)))


def siamese(keras: Any) -> Any:
    """One encoder for two pictures."""
    k = keras.layers
    i = k.Input((21, 17, 3))
    x = k.MaxPooling2D(2, padding="same", name="c1_pool")(
        k.Conv2D(6, 5, padding="same", activation="relu", name="c1")(i)
    )
    x = k.BatchNormalization(name="c2_bn")(k.Conv2D(6, 3, name="c2")(x))
    x = k.Conv2D(9, 3, strides=2, padding="same", name="c3")(k.Activation("hard_silu", name="c2_act")(x))
    x = k.Concatenate(name="pools")([k.GlobalAveragePooling2D(name="gap")(x), k.GlobalMaxPooling2D(name="gmp")(x)])
    shared = keras.Model(i, x, name="encoder")
    mean = k.Normalization(mean=[103.9, 116.8, 123.7], variance=[2500.0] * 3, name="mean")
    left, right = k.Input((21, 17, 3), name="left"), k.Input((21, 17, 3), name="right")
    a, b = shared(mean(left)), shared(mean(right))
    x = k.Concatenate(name="join")([k.Subtract(name="minus")([a, b]), k.Multiply(name="times")([a, b])])
    x = k.Dense(9, activation="softplus", name="joint")(x)
    return keras.Model([left, right], k.Dense(1, activation="sigmoid", name="out")(x))


def nhwc(keras: Any) -> Any:
    """Blocks with large depthwise kernels."""
    k = keras.layers
    i = k.Input((14, 10, 3))
    x = k.Conv2D(8, 2, strides=2, name="patch")(i)
    for n in range(2):
        y = k.DepthwiseConv2D(7, padding="same", name=f"b{n}_dw")(x)
        y = k.Dense(16, name=f"b{n}_pw1")(k.LayerNormalization(epsilon=1e-6, name=f"b{n}_ln")(y))
        y = k.Activation("gelu", name=f"b{n}_gelu")(y)
        y = k.Rescaling(0.3, name=f"b{n}_scale")(k.Dense(8, name=f"b{n}_pw2")(y))
        x = k.Add(name=f"b{n}_add")([x, y])
    s = k.Dense(4, activation="silu", name="se1")(k.GlobalAveragePooling2D(name="squeeze")(x))
    s = k.Reshape((1, 1, 8), name="se_shape")(k.Dense(8, activation="hard_sigmoid", name="se2")(s))
    x = k.Conv2D(12, 3, padding="same", groups=2, name="grouped")(k.Multiply(name="excite")([x, s]))
    x = k.Reshape((35, 12), name="tokens")(k.UnitNormalization(name="unit")(x))
    return keras.Model(i, k.Dense(6, activation="softmax", name="head")(x))


def series(keras: Any) -> Any:
    """A masked LSTM."""
    k = keras.layers
    i = k.Input((8, 4))
    x = k.LSTM(6, return_sequences=True, name="lstm")(k.Masking(-1.0, name="masking")(i))
    x = k.Dense(6, activation="silu", name="fc")(k.GlobalAveragePooling1D(name="mean")(x))
    return keras.Model(i, k.Dense(3, activation="softmax", name="out")(x))


KERAS: Mapping[str, Callable[[Any], Any]] = {
    f.__name__: f for f in (convnet, unet, speech, words, encoder, siamese, nhwc, series)
}


def samples(name: str) -> list[np.ndarray]:
    """Inputs in Keras order, batch first."""
    rng = np.random.default_rng(11)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    if name == "convnet":
        return [rng.integers(0, 256, (3, 30, 26, 3)).astype(np.float32)]
    if name == "siamese":
        return [rng.integers(0, 256, (3, 21, 17, 3)).astype(np.float32) for _ in range(2)]
    if name == "words":
        ids = rng.integers(1, 30, (4, 11))
        ids[0, 7:] = ids[1, 4:] = ids[2, 9:] = 0
        return [ids]
    if name == "encoder":
        valid = np.ones((4, 9), np.float32)
        valid[0, 6:] = valid[1, 4:] = valid[3, 8:] = 0
        return [rng.integers(0, 40, (4, 9)), valid]
    if name == "series":
        x = normal(4, 8, 4)
        x[0, 5:] = x[2, 3:] = -1.0
        return [x]
    return [normal(*{"unet": (3, 24, 20, 2), "speech": (3, 13, 5), "nhwc": (3, 14, 10, 3)}[name])]
