"""The models whose emitted code is kept under review: one of each kind, built with the real Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def resnet50() -> Any:
    """Bottleneck blocks, projected and identity shortcuts."""
    import keras

    return keras.applications.ResNet50(weights=None, input_shape=(64, 96, 3), classes=13)


def mobilenet_v2() -> Any:
    """Inverted residuals with depthwise convolutions, padded by hand before a stride."""
    import keras

    return keras.applications.MobileNetV2(weights=None, input_shape=(64, 96, 3), classes=13)


def densenet121() -> Any:
    """Blocks that concatenate, every one with another number of channels."""
    import keras

    return keras.applications.DenseNet121(weights=None, input_shape=(64, 96, 3), classes=13)


def unet() -> Any:
    """Skips over several levels, transposed convolutions, a map as the result."""
    from keras import Input, Model, layers

    def double(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.Activation("relu")(layers.BatchNormalization()(x))
        return x

    image = Input((None, None, 2), name="image")
    skips, x = [], image
    for filters in (4, 6, 8):
        x = double(x, filters)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = double(x, 10)
    for filters in (8, 6, 4):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = double(layers.Concatenate()([x, skips.pop()]), filters)
    return Model(image, layers.Conv2D(3, 1, activation="softmax", name="classes")(x), name="unet")


def tagger() -> Any:
    """Masked embeddings, a bidirectional LSTM, a decision for each word."""
    from keras import Sequential, layers

    return Sequential(
        [
            layers.Input((None,), dtype="int32", name="words"),
            layers.Embedding(50, 7, mask_zero=True, name="embedding"),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True), name="context"),
            layers.Dropout(0.3, name="dropout"),
            layers.TimeDistributed(layers.Dense(4, activation="softmax"), name="tags"),
        ],
        name="tagger",
    )


def two_towers() -> Any:
    """A shared encoder called twice, two inputs, two outputs, a flattened map."""
    from keras import Input, Model, layers

    encoder_in = Input((12, 10, 1), name="picture")
    x = layers.Conv2D(5, 3, activation="relu", name="edges")(encoder_in)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Flatten(name="flat")(x)
    encoder = Model(encoder_in, layers.Dense(6, name="code")(x), name="encoder")
    left, right = Input((12, 10, 1), name="left"), Input((12, 10, 1), name="right")
    a, b = encoder(left), encoder(right)
    both = layers.Concatenate(name="both")([a, b])
    same = layers.Dense(1, activation="sigmoid", name="same")(both)
    return Model([left, right], [same, layers.Dense(3, name="kind")(a)], name="two_towers")


def transformer() -> Any:
    """Padded tokens with positions, two blocks that attend to each other's steps, one of them causal; scores of all words."""
    from keras import Input, Model, layers

    tokens, places = Input((12,), dtype="int32", name="tokens"), Input((12,), dtype="int32", name="places")
    words = layers.ReversibleEmbedding(50, 16, mask_zero=True, name="words")
    x = layers.Add(name="embedded")([words(tokens), layers.Embedding(12, 16, name="positions")(places)])
    for i, (heads, causal) in enumerate(((3, True), (4, False))):
        attended = layers.MultiHeadAttention(heads, 4, name=f"attention_{i}")(x, x, use_causal_mask=causal)
        x = layers.LayerNormalization(name=f"norm_{i}a")(layers.Add(name=f"sum_{i}a")([x, attended]))
        wide = layers.Dense(32, activation="gelu", name=f"wide_{i}")(x)
        changed = layers.Add(name=f"sum_{i}b")([x, layers.Dense(16, name=f"narrow_{i}")(wide)])
        x = layers.LayerNormalization(name=f"norm_{i}b")(changed)
    return Model([tokens, places], words(x, reverse=True), name="transformer")


def frames() -> Any:
    """The next frame from the last ones: convolutions that remember, maps channels first from end to end."""
    from keras import Sequential, layers

    return Sequential(
        [
            layers.Input((5, 16, 12, 1), name="film"),
            layers.ConvLSTM2D(6, 3, padding="same", return_sequences=True, name="look"),
            layers.BatchNormalization(name="norm"),
            layers.ConvLSTM2D(4, (2, 3), padding="same", name="remember"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="next"),
        ],
        name="frames",
    )


CASES: dict[str, Callable[[], Any]] = {
    case.__name__: case for case in (resnet50, mobilenet_v2, densenet121, unet, tagger, two_towers, transformer, frames)
}
