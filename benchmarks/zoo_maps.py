"""Models of the zoo that give maps: segmentation, autoencoders, generative networks."""

from __future__ import annotations

from typing import Any


def unet(k: Any) -> Any:
    """U-Net with transposed convolutions and dropout at the bottom (Ronneberger et al. 2015)."""
    layers = k.layers

    def double(x: Any, filters: int) -> Any:
        x = layers.Conv2D(filters, 3, activation="relu", padding="same", kernel_initializer="he_normal")(x)
        return layers.Conv2D(filters, 3, activation="relu", padding="same", kernel_initializer="he_normal")(x)

    inputs = k.Input((32, 32, 1))
    c1 = double(inputs, 8)
    c2 = double(layers.MaxPooling2D((2, 2))(c1), 16)
    c3 = double(layers.MaxPooling2D((2, 2))(c2), 32)
    x = layers.Dropout(0.2)(c3)
    x = layers.Conv2DTranspose(16, (2, 2), strides=(2, 2), padding="same")(x)
    x = double(layers.concatenate([x, c2]), 16)
    x = layers.Conv2DTranspose(8, (2, 2), strides=(2, 2), padding="same")(x)
    x = double(layers.concatenate([x, c1], axis=3), 8)
    return k.Model(inputs=[inputs], outputs=[layers.Conv2D(1, (1, 1), activation="sigmoid")(x)])


def unet_norm(k: Any) -> Any:
    """U-Net with BatchNorm and upsampling."""
    layers = k.layers

    def conv(x: Any, filters: int) -> Any:
        x = layers.Conv2D(filters, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        return layers.Activation("relu")(x)

    inputs = k.Input((32, 32, 3))
    skips, x = [], inputs
    for filters in (8, 12, 16):
        x = conv(conv(x, filters), filters)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = conv(x, 24)
    for filters, skip in zip((16, 12, 8), reversed(skips), strict=True):
        x = layers.UpSampling2D(2)(x)
        x = layers.Concatenate()([skip, x])
        x = conv(conv(x, filters), filters)
    return k.Model(inputs, layers.Conv2D(2, 1, activation="softmax")(x), name="unet")


def autoencoder(k: Any) -> Any:
    """The convolutional autoencoder of the Keras blog: pools down, upsampling up, one valid convolution."""
    layers = k.layers
    image = k.Input((28, 28, 1))
    x = layers.Conv2D(16, (3, 3), activation="relu", padding="same")(image)
    x = layers.MaxPooling2D((2, 2), padding="same")(x)
    x = layers.Conv2D(8, (3, 3), activation="relu", padding="same")(x)
    x = layers.MaxPooling2D((2, 2), padding="same")(x)
    x = layers.Conv2D(8, (3, 3), activation="relu", padding="same")(x)
    encoded = layers.MaxPooling2D((2, 2), padding="same")(x)
    x = layers.Conv2D(8, (3, 3), activation="relu", padding="same")(encoded)
    x = layers.UpSampling2D((2, 2))(x)
    x = layers.Conv2D(8, (3, 3), activation="relu", padding="same")(x)
    x = layers.UpSampling2D((2, 2))(x)
    x = layers.Conv2D(16, (3, 3), activation="relu")(x)
    x = layers.UpSampling2D((2, 2))(x)
    return k.Model(image, layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x))


def autoencoder_dense(k: Any) -> Any:
    """Strided convolutions to a code of 16 numbers, transposed ones back."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input((16, 16, 1)),
            layers.Conv2D(12, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(24, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(16, name="code"),
            layers.Dense(4 * 4 * 24, activation="relu"),
            layers.Reshape((4, 4, 24)),
            layers.Conv2DTranspose(24, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(12, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid"),
        ]
    )


def dcgan_generator(k: Any) -> Any:
    """TensorFlow's DCGAN tutorial: no biases, LeakyReLU, tanh at the end."""
    layers = k.layers
    model = k.Sequential()
    model.add(k.Input((32,)))
    model.add(layers.Dense(7 * 7 * 24, use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Reshape((7, 7, 24)))
    model.add(layers.Conv2DTranspose(16, (5, 5), strides=(1, 1), padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Conv2DTranspose(8, (5, 5), strides=(2, 2), padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Conv2DTranspose(1, (5, 5), strides=(2, 2), padding="same", use_bias=False, activation="tanh"))
    return model


def dcgan_discriminator(k: Any) -> Any:
    """Keras-GAN's discriminator: LeakyReLU(0.2), an odd zero padding, BatchNorm with momentum 0.8."""
    layers = k.layers
    slope = {"negative_slope" if k.__name__ == "keras" else "alpha": 0.2}
    model = k.Sequential()
    model.add(k.Input((28, 28, 1)))
    model.add(layers.Conv2D(16, kernel_size=3, strides=2, padding="same"))
    model.add(layers.LeakyReLU(**slope))
    model.add(layers.Dropout(0.25))
    model.add(layers.Conv2D(24, kernel_size=3, strides=2, padding="same"))
    model.add(layers.ZeroPadding2D(padding=((0, 1), (0, 1))))
    model.add(layers.BatchNormalization(momentum=0.8))
    model.add(layers.LeakyReLU(**slope))
    model.add(layers.Dropout(0.25))
    model.add(layers.Conv2D(32, kernel_size=3, strides=2, padding="same"))
    model.add(layers.BatchNormalization(momentum=0.8))
    model.add(layers.LeakyReLU(**slope))
    model.add(layers.Dropout(0.25))
    model.add(layers.Conv2D(40, kernel_size=3, strides=1, padding="same"))
    model.add(layers.BatchNormalization(momentum=0.8))
    model.add(layers.LeakyReLU(**slope))
    model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


def denoiser(k: Any) -> Any:
    """DnCNN: a chain of padded convolutions that predicts the noise, subtracted at the end; any image size."""
    layers = k.layers
    noisy = k.Input((None, None, 1))
    x = layers.Conv2D(12, 3, padding="same", activation="relu")(noisy)
    for _ in range(4):
        x = layers.Conv2D(12, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("relu")(x)
    x = layers.Conv2D(1, 3, padding="same")(x)
    return k.Model(noisy, layers.Subtract()([noisy, x]), name="dncnn")
