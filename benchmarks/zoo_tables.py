"""Models of the zoo on tables, and those with several inputs or outputs."""

from __future__ import annotations

from typing import Any


def mlp_dropout(k: Any) -> Any:
    """The mnist_mlp example."""
    layers = k.layers
    model = k.Sequential()
    model.add(k.Input((64,)))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dropout(0.2))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dropout(0.2))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def mlp_norm(k: Any) -> Any:
    """BatchNorm between the linear map and its activation."""
    layers = k.layers
    model = k.Sequential([k.Input((64,))])
    for units in (48, 32, 24):
        model.add(layers.Dense(units, use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.Activation("relu"))
        model.add(layers.Dropout(0.3))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def mlp_norm_behind(k: Any) -> Any:
    """BatchNorm behind the activation, and of the inputs."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input((30,)),
            layers.BatchNormalization(),
            layers.Dense(32, activation="tanh"),
            layers.BatchNormalization(),
            layers.Dense(16, activation="tanh"),
            layers.BatchNormalization(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def mlp_tanh_regression(k: Any) -> Any:
    """Two tanh layers, one number out."""
    layers = k.layers
    inputs = k.Input((10,), name="patient")
    x = layers.Dense(24, activation="tanh", name="hidden_a")(inputs)
    x = layers.Dense(12, activation="tanh", name="hidden_b")(x)
    return k.Model(inputs, layers.Dense(1, name="progression")(x), name="diabetes")


def mlp_selu(k: Any) -> Any:
    """Self-normalising (Klambauer et al. 2017)."""
    layers = k.layers
    model = k.Sequential([k.Input((30,))])
    for units in (40, 20, 10):
        model.add(layers.Dense(units, activation="selu", kernel_initializer="lecun_normal"))
        model.add(layers.AlphaDropout(0.1))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


def autoencoder_deep(k: Any) -> Any:
    """A deep autoencoder of Dense layers."""
    layers = k.layers
    image = k.Input((64,))
    x = layers.Dense(48, activation="relu")(image)
    x = layers.Dense(24, activation="relu")(x)
    code = layers.Dense(8, activation="relu")(x)
    x = layers.Dense(24, activation="relu")(code)
    x = layers.Dense(48, activation="relu")(x)
    return k.Model(image, layers.Dense(64, activation="sigmoid")(x))


def actor_critic(k: Any) -> Any:
    """One trunk, a policy and a value."""
    layers = k.layers
    state = k.Input((13,))
    common = layers.Dense(24, activation="relu")(state)
    common = layers.Dense(24, activation="relu")(common)
    action = layers.Dense(3, activation="softmax")(common)
    critic = layers.Dense(1)(common)
    return k.Model(state, [action, critic])


def siamese(k: Any) -> Any:
    """Two images through one encoder, their difference judged."""
    layers = k.layers
    encoder = k.Sequential(
        [
            k.Input((16, 16, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(20),
        ],
        name="encoder",
    )
    left, right = k.Input((16, 16, 1), name="left"), k.Input((16, 16, 1), name="right")
    difference = layers.Subtract()([encoder(left), encoder(right)])
    x = layers.Dense(16, activation="relu")(difference)
    return k.Model([left, right], layers.Dense(1, activation="sigmoid")(x), name="siamese")


def two_in_two_out(k: Any) -> Any:
    """An image and a table row give a class and a number."""
    layers = k.layers
    image, row = k.Input((16, 16, 1), name="picture"), k.Input((6,), name="facts")
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    x = layers.Conv2D(12, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Flatten()(x)
    y = layers.Dense(10, activation="relu")(row)
    z = layers.Concatenate()([x, y])
    z = layers.Dense(32, activation="relu")(z)
    label = layers.Dense(10, activation="softmax", name="label")(z)
    size = layers.Dense(1, name="size")(z)
    return k.Model([image, row], [label, size])


def recommender(k: Any) -> Any:
    """Matrix factorisation with biases, as in the collaborative-filtering tutorials."""
    layers = k.layers
    user, item = k.Input((1,), dtype="int32", name="user"), k.Input((1,), dtype="int32", name="item")
    u = layers.Flatten()(layers.Embedding(60, 8, name="user_embedding")(user))
    v = layers.Flatten()(layers.Embedding(40, 8, name="item_embedding")(item))
    product = layers.Dot(axes=1)([u, v])
    both = layers.Concatenate()([u, v, product])
    x = layers.Dense(16, activation="relu")(both)
    return k.Model([user, item], layers.Dense(1)(x))


def ddpg_critic(k: Any) -> Any:
    """The critic of the keras.io DDPG example: state and action meet behind their own layers."""
    layers = k.layers
    state, action = k.Input((8,)), k.Input((2,))
    s = layers.Dense(16, activation="relu")(state)
    s = layers.Dense(32, activation="relu")(s)
    a = layers.Dense(32, activation="relu")(action)
    x = layers.Concatenate()([s, a])
    x = layers.Dense(40, activation="relu")(x)
    x = layers.Dense(40, activation="relu")(x)
    return k.Model([state, action], layers.Dense(1)(x))
