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


def open_sizes() -> Any:
    """Images of any size: what "same" means for a stride is known only when they come."""
    from keras import Input, Model, layers

    image = x = Input((None, None, 3), name="image")
    for filters in (6, 8):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", name=f"narrow_{filters}")(x)
        x = layers.DepthwiseConv2D(5, strides=2, padding="same", name=f"mix_{filters}")(x)
        x = layers.LayerNormalization(name=f"norm_{filters}")(x)
        x = layers.Activation("gelu", name=f"act_{filters}")(x)
    x = layers.AveragePooling2D(3, 2, padding="same", name="mean")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="largest")(x)
    x = layers.GlobalAveragePooling2D(name="all")(x)
    return Model(image, layers.Dense(5, name="kind")(x), name="open_sizes")


def speech() -> Any:
    """Padded frames through recurrent layers that PyTorch has, and through those that it has not."""
    from keras import Input, Model, layers

    frames = Input((None, 13), name="frames")
    x = layers.Masking(name="padded")(frames)
    x = layers.GRU(8, return_sequences=True, reset_after=False, name="old_gru")(x)
    x = layers.Bidirectional(layers.GRU(6, return_sequences=True), merge_mode="sum", name="both")(x)
    x, h, c = layers.LSTM(5, return_sequences=True, return_state=True, name="first")(x)
    x = layers.LSTM(5, recurrent_activation="hard_sigmoid", name="second")(x, initial_state=[h, c])
    return Model(frames, layers.Dense(4, activation="softmax", name="word")(x), name="speech")


def translator() -> Any:
    """Attention to oneself, to what came before, and to the other sentence."""
    from keras import Input, Model, layers

    def block(x: Any, seen: Any, name: str, *, causal: bool) -> Any:
        attended = layers.MultiHeadAttention(4, 4, name=f"{name}_self")(x, x, use_causal_mask=causal)
        x = layers.LayerNormalization(name=f"{name}_norm_1")(layers.Add(name=f"{name}_add_1")([x, attended]))
        if seen is not None:
            attended = layers.MultiHeadAttention(4, 4, name=f"{name}_other")(x, seen)
            x = layers.LayerNormalization(name=f"{name}_norm_2")(layers.Add(name=f"{name}_add_2")([x, attended]))
        wide = layers.Dense(32, activation="gelu", name=f"{name}_wide")(x)
        added = layers.Add(name=f"{name}_add_3")([x, layers.Dense(16, name=f"{name}_narrow")(wide)])
        return layers.LayerNormalization(name=f"{name}_norm_3")(added)

    source, target = Input((None,), dtype="int32", name="source"), Input((None,), dtype="int32", name="target")
    seen = block(layers.Embedding(40, 16, name="source_words")(source), None, "encoder", causal=False)
    x = block(layers.Embedding(50, 16, name="target_words")(target), seen, "decoder", causal=True)
    return Model([source, target], layers.Dense(50, activation="softmax", name="next")(x), name="translator")


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
    case.__name__: case
    for case in (
        resnet50,
        mobilenet_v2,
        densenet121,
        unet,
        open_sizes,
        tagger,
        speech,
        translator,
        transformer,
        frames,
        two_towers,
    )
}
