"""Text, time-series and attention models of the zoo."""

from __future__ import annotations

from typing import Any

VOCABULARY = 500


def text_cnn(k: Any) -> Any:
    """The imdb_cnn example."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input((40,), dtype="int32"),
            layers.Embedding(VOCABULARY, 24),
            layers.Dropout(0.2),
            layers.Conv1D(32, 3, padding="valid", activation="relu", strides=1),
            layers.GlobalMaxPooling1D(),
            layers.Dense(24),
            layers.Dropout(0.2),
            layers.Activation("relu"),
            layers.Dense(1),
            layers.Activation("sigmoid"),
        ]
    )


def text_cnn_widths(k: Any) -> Any:
    """Kim 2014: filters of three widths side by side."""
    layers = k.layers
    words = k.Input((40,), dtype="int32", name="words")
    x = layers.Embedding(VOCABULARY, 20)(words)
    pooled = []
    for width in (3, 4, 5):
        y = layers.Conv1D(16, width, activation="relu")(x)
        pooled.append(layers.GlobalMaxPooling1D()(y))
    x = layers.Concatenate()(pooled)
    x = layers.Dropout(0.5)(x)
    return k.Model(words, layers.Dense(1, activation="sigmoid")(x))


def lstm_classifier(k: Any) -> Any:
    """The imdb_lstm example."""
    layers = k.layers
    model = k.Sequential()
    model.add(k.Input((40,), dtype="int32"))
    model.add(layers.Embedding(VOCABULARY, 24))
    model.add(layers.LSTM(20, dropout=0.2))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


def bidirectional_classifier(k: Any) -> Any:
    """TensorFlow's text tutorial: masked zeros, two stacked Bidirectional LSTMs, logits."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input((40,), dtype="int32"),
            layers.Embedding(VOCABULARY, 24, mask_zero=True),
            layers.Bidirectional(layers.LSTM(16, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(12)),
            layers.Dense(20, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )


def tagger(k: Any) -> Any:
    """A tag for every word."""
    layers = k.layers
    words = k.Input((24,), dtype="int32")
    x = layers.Embedding(VOCABULARY, 20)(words)
    x = layers.SpatialDropout1D(0.1)(x)
    x = layers.Bidirectional(layers.LSTM(14, return_sequences=True))(x)
    return k.Model(words, layers.TimeDistributed(layers.Dense(7, activation="softmax"))(x))


def gru_series(k: Any) -> Any:
    """Stacked GRUs on a series of any length."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input((None, 3)),
            layers.GRU(20, return_sequences=True),
            layers.GRU(12),
            layers.Dense(4, activation="softmax"),
        ]
    )


def lstm_forecast(k: Any) -> Any:
    """Stacked LSTMs with dropout between them, one number out: the stock-price tutorials."""
    layers = k.layers
    model = k.Sequential()
    model.add(k.Input((30, 1)))
    model.add(layers.LSTM(units=20, return_sequences=True))
    model.add(layers.Dropout(0.2))
    model.add(layers.LSTM(units=20, return_sequences=True))
    model.add(layers.Dropout(0.2))
    model.add(layers.LSTM(units=20))
    model.add(layers.Dropout(0.2))
    model.add(layers.Dense(units=1))
    return model


def activity_cnn(k: Any) -> Any:
    """Human activity recognition: Conv1D pairs, a pool, Flatten."""
    layers = k.layers
    model = k.Sequential()
    model.add(k.Input((64, 9)))
    model.add(layers.Conv1D(filters=24, kernel_size=3, activation="relu"))
    model.add(layers.Conv1D(filters=24, kernel_size=3, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.MaxPooling1D(pool_size=2))
    model.add(layers.Flatten())
    model.add(layers.Dense(50, activation="relu"))
    model.add(layers.Dense(6, activation="softmax"))
    return model


def conv_lstm(k: Any) -> Any:
    """Convolution and pooling before a recurrent layer."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input((64, 3)),
            layers.Conv1D(16, 5, padding="causal", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling1D(4),
            layers.LSTM(16),
            layers.Dense(5, activation="softmax"),
        ]
    )


def dilated_residual(k: Any) -> Any:
    """A 1-D residual network with growing dilation (SpliceAI-like)."""
    layers = k.layers
    inputs = k.Input((96, 4))
    x = layers.Conv1D(16, 1)(inputs)
    skip = layers.Conv1D(16, 1)(x)
    for dilation in (1, 1, 4, 4):
        y = layers.Activation("relu")(layers.BatchNormalization()(x))
        y = layers.Conv1D(16, 7, dilation_rate=dilation, padding="same")(y)
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        y = layers.Conv1D(16, 7, dilation_rate=dilation, padding="same")(y)
        x = layers.add([y, x])
    skip = layers.add([skip, layers.Conv1D(16, 1)(x)])
    return k.Model(inputs, layers.Conv1D(3, 1, activation="softmax")(skip))


def resnet_series(k: Any) -> Any:
    """Time-series classification with global pooling (Wang et al. 2017, the FCN form)."""
    layers = k.layers
    inputs = k.Input((64, 2))
    x = inputs
    for filters, width in ((16, 8), (32, 5), (16, 3)):
        x = layers.Conv1D(filters, width, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
    x = layers.GlobalAveragePooling1D()(x)
    return k.Model(inputs, layers.Dense(5, activation="softmax")(x))


def transformer_series(k: Any) -> Any:
    """The time-series transformer of keras.io: attention and 1x1 convolutions with residual sums."""
    layers = k.layers
    inputs = k.Input((48, 3))
    x = layers.Dense(16)(inputs)
    for _ in range(2):
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        y = layers.MultiHeadAttention(key_dim=8, num_heads=2, dropout=0.1)(y, y)
        y = layers.Dropout(0.1)(y)
        residual = layers.Add()([x, y])
        y = layers.LayerNormalization(epsilon=1e-6)(residual)
        y = layers.Conv1D(filters=24, kernel_size=1, activation="relu")(y)
        y = layers.Dropout(0.1)(y)
        y = layers.Conv1D(filters=16, kernel_size=1)(y)
        x = layers.Add()([residual, y])
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dense(20, activation="relu")(x)
    return k.Model(inputs, layers.Dense(5, activation="softmax")(x))


def transformer_text(k: Any) -> Any:
    """A text encoder with the norm behind each sum."""
    layers = k.layers
    words = k.Input((40,), dtype="int32")
    x = layers.Embedding(VOCABULARY, 24)(words)
    y = layers.MultiHeadAttention(num_heads=3, key_dim=8)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    y = layers.Dense(32, activation="gelu")(x)
    y = layers.Dense(24)(y)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dropout(0.1)(x)
    return k.Model(words, layers.Dense(1, activation="sigmoid")(x))


def crnn(k: Any) -> Any:
    """Text in images: convolutions, columns as time steps, Bidirectional LSTM, classes for each column."""
    layers = k.layers
    image = k.Input((16, 64, 1), name="image")
    x = layers.Conv2D(12, 3, activation="relu", padding="same", name="conv1")(image)
    x = layers.MaxPooling2D((2, 2), name="pool1")(x)
    x = layers.Conv2D(20, 3, activation="relu", padding="same", name="conv2")(x)
    x = layers.MaxPooling2D((2, 2), name="pool2")(x)
    x = layers.Permute((2, 1, 3), name="columns")(x)
    x = layers.Reshape((16, 4 * 20), name="reshape")(x)
    x = layers.Dense(24, activation="relu", name="dense1")(x)
    x = layers.Bidirectional(layers.LSTM(16, return_sequences=True), name="lstm")(x)
    return k.Model(image, layers.Dense(11, activation="softmax", name="out")(x))
