"""Image classifiers and regressors of the zoo, as people write them; ``k`` is ``keras`` or ``tf_keras``."""

from __future__ import annotations

from typing import Any


def lenet(k: Any) -> Any:
    """LeNet-5: tanh, average pooling, no padding."""
    layers = k.layers
    model = k.Sequential(name="lenet5")
    model.add(k.Input((28, 28, 1)))
    model.add(layers.Conv2D(6, (5, 5), activation="tanh", padding="same"))
    model.add(layers.AveragePooling2D())
    model.add(layers.Conv2D(16, (5, 5), activation="tanh"))
    model.add(layers.AveragePooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(120, activation="tanh"))
    model.add(layers.Dense(84, activation="tanh"))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def mnist_cnn(k: Any) -> Any:
    """The MNIST example of Keras' early days."""
    layers = k.layers
    model = k.Sequential()
    model.add(k.Input((28, 28, 1)))
    model.add(layers.Conv2D(32, kernel_size=(3, 3), activation="relu"))
    model.add(layers.Conv2D(64, (3, 3), activation="relu"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def vgg_flatten(k: Any) -> Any:
    """Pairs of padded convolutions, activations as layers of their own: the CIFAR-10 example."""
    layers = k.layers
    model = k.Sequential([k.Input((16, 16, 3))])
    for filters in (16, 32):
        model.add(layers.Conv2D(filters, (3, 3), padding="same"))
        model.add(layers.Activation("relu"))
        model.add(layers.Conv2D(filters, (3, 3)))
        model.add(layers.Activation("relu"))
        model.add(layers.MaxPooling2D(pool_size=(2, 2)))
        model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(64))
    model.add(layers.Activation("relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10))
    model.add(layers.Activation("softmax"))
    return model


def vgg_global(k: Any) -> Any:
    """VGG-like with BatchNorm and global average pooling."""
    layers = k.layers
    model = k.Sequential([k.Input((16, 16, 1))])
    for filters in (16, 24, 32):
        for _ in range(2):
            model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
            model.add(layers.BatchNormalization())
            model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(10, activation="softmax"))
    return model


def tutorial_cnn(k: Any) -> Any:
    """TensorFlow's image classification tutorial: rescaling inside, logits at the end."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input((32, 32, 3)),
            layers.Rescaling(1.0 / 255),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, name="outputs"),
        ]
    )


def strided_regression(k: Any) -> Any:
    """A driving network: strided convolutions with ELU, one number out."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input((48, 64, 3)),
            layers.Conv2D(12, 5, strides=2, activation="elu"),
            layers.Conv2D(18, 5, strides=2, activation="elu"),
            layers.Conv2D(24, 3, activation="elu"),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(50, activation="elu"),
            layers.Dense(10, activation="elu"),
            layers.Dense(1),
        ],
        name="pilot",
    )


def dqn(k: Any) -> Any:
    """The network of Mnih et al. 2015, narrower."""
    layers = k.layers
    model = k.Sequential()
    model.add(k.Input((84, 84, 4)))
    model.add(layers.Conv2D(16, (8, 8), strides=(4, 4), activation="relu"))
    model.add(layers.Conv2D(32, (4, 4), strides=(2, 2), activation="relu"))
    model.add(layers.Conv2D(32, (3, 3), strides=(1, 1), activation="relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dense(4, activation="linear"))
    return model


def resnet(k: Any) -> Any:
    """Residual blocks with projections where the map shrinks (He et al. 2015), the CIFAR form."""
    layers = k.layers

    def block(x: Any, filters: int, stride: int) -> Any:
        shortcut = x
        x = layers.Conv2D(filters, 3, strides=stride, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = layers.Conv2D(filters, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        if stride != 1:
            shortcut = layers.Conv2D(filters, 1, strides=stride, padding="same")(shortcut)
            shortcut = layers.BatchNormalization()(shortcut)
        x = layers.add([x, shortcut])
        return layers.Activation("relu")(x)

    inputs = k.Input((16, 16, 1))
    x = layers.Conv2D(16, 3, padding="same")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    for filters, stride in ((16, 1), (16, 1), (24, 2), (24, 1), (32, 2), (32, 1)):
        x = block(x, filters, stride)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return k.Model(inputs, outputs, name="resnet14")


def resnet_preactivation(k: Any) -> Any:
    """Bottlenecks with BatchNorm and ReLU before each convolution (He et al. 2016)."""
    layers = k.layers

    def block(x: Any, filters: int, stride: int, project: bool) -> Any:
        before = layers.ReLU()(layers.BatchNormalization()(x))
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride)(before) if project else x
        x = layers.Conv2D(filters, 1, use_bias=False)(before)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(4 * filters, 1)(x)
        return layers.Add()([shortcut, x])

    inputs = k.Input((24, 24, 3))
    x = layers.ZeroPadding2D(1)(inputs)
    x = layers.Conv2D(12, 3, strides=2)(x)
    x = block(x, 6, 1, True)
    x = block(x, 6, 1, False)
    x = block(x, 10, 2, True)
    x = block(x, 10, 1, False)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return k.Model(inputs, layers.Dense(10, activation="softmax", name="predictions")(x))


def inception(k: Any) -> Any:
    """Two Inception modules: 1x1, 3x3, 5x5 and pooled branches side by side."""
    layers = k.layers

    def module(x: Any, a: int, b: int, c: int, d: int) -> Any:
        one = layers.Conv2D(a, 1, padding="same", activation="relu")(x)
        three = layers.Conv2D(b, 1, padding="same", activation="relu")(x)
        three = layers.Conv2D(b + 4, 3, padding="same", activation="relu")(three)
        five = layers.Conv2D(c, 1, padding="same", activation="relu")(x)
        five = layers.Conv2D(c + 2, 5, padding="same", activation="relu")(five)
        pool = layers.MaxPooling2D(3, strides=1, padding="same")(x)
        pool = layers.Conv2D(d, 1, padding="same", activation="relu")(pool)
        return layers.concatenate([one, three, five, pool], axis=-1)

    image = k.Input((16, 16, 3), name="image")
    x = layers.Conv2D(12, 3, padding="same", activation="relu")(image)
    x = module(x, 8, 10, 4, 6)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = module(x, 12, 14, 6, 7)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.3)(x)
    return k.Model(image, layers.Dense(10, activation="softmax")(x), name="small_inception")


def squeeze_excite(k: Any) -> Any:
    """Convolutions whose channels are weighted by a small network (Hu et al. 2018)."""
    layers = k.layers

    def excite(x: Any, channels: int) -> Any:
        s = layers.GlobalAveragePooling2D()(x)
        s = layers.Reshape((1, 1, channels))(s)
        s = layers.Dense(channels // 4, activation="relu", use_bias=False)(s)
        s = layers.Dense(channels, activation="sigmoid", use_bias=False)(s)
        return layers.Multiply()([x, s])

    inputs = k.Input((16, 16, 1))
    x = inputs
    for channels in (16, 24):
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = excite(x, channels)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    return k.Model(inputs, layers.Dense(10, activation="softmax")(x))


def densenet(k: Any) -> Any:
    """Two dense blocks and a transition between them (Huang et al. 2017)."""
    layers = k.layers

    def normal(x: Any) -> Any:
        return layers.Activation("relu")(layers.BatchNormalization(epsilon=1.1e-5)(x))

    def block(x: Any, count: int, growth: int) -> Any:
        for _ in range(count):
            y = layers.Conv2D(4 * growth, 1, use_bias=False)(normal(x))
            y = layers.Conv2D(growth, 3, padding="same", use_bias=False)(normal(y))
            x = layers.Concatenate()([x, y])
        return x

    inputs = k.Input((16, 16, 1))
    x = layers.Conv2D(12, 3, padding="same", use_bias=False)(inputs)
    x = block(x, 3, 6)
    x = layers.Conv2D(15, 1, use_bias=False)(normal(x))
    x = layers.AveragePooling2D(2, strides=2)(x)
    x = block(x, 3, 6)
    x = layers.GlobalAveragePooling2D()(normal(x))
    return k.Model(inputs, layers.Dense(10, activation="softmax")(x), name="densenet")


def mobilenet(k: Any) -> Any:
    """Depthwise and pointwise convolutions with ReLU6 (Howard et al. 2017)."""
    layers = k.layers
    inputs = k.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(6.0)(x)
    for filters, stride in ((16, 1), (24, 2), (24, 1), (32, 2)):
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU(6.0)(x)
        x = layers.Conv2D(filters, 1, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU(6.0)(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(1e-3)(x)
    return k.Model(inputs, layers.Dense(10, activation="softmax")(x))


def inverted_residual(k: Any) -> Any:
    """Widen, filter, narrow, add (Sandler et al. 2018), with swish as in EfficientNet."""
    layers = k.layers

    def block(x: Any, filters: int, stride: int, expand: int) -> Any:
        entering = x.shape[-1]
        y = layers.Conv2D(expand * entering, 1, use_bias=False)(x)
        y = layers.Activation("swish")(layers.BatchNormalization()(y))
        y = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(y)
        y = layers.Activation("swish")(layers.BatchNormalization()(y))
        y = layers.Conv2D(filters, 1, use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        return layers.Add()([x, y]) if stride == 1 and filters == entering else y

    inputs = k.Input((24, 24, 1))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.Activation("swish")(layers.BatchNormalization()(x))
    for filters, stride in ((8, 1), (12, 2), (12, 1), (12, 1)):
        x = block(x, filters, stride, 4)
    x = layers.GlobalAveragePooling2D()(x)
    return k.Model(inputs, layers.Dense(10, activation="softmax")(x))


def separable(k: Any) -> Any:
    """Separable convolutions with pooled and projected shortcuts, like a small Xception."""
    layers = k.layers
    image = k.Input((32, 32, 1))
    x = layers.Conv2D(8, (3, 3), strides=(1, 1), use_bias=False)(image)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    for filters in (16, 24, 32):
        residual = layers.Conv2D(filters, (1, 1), strides=(2, 2), padding="same", use_bias=False)(x)
        residual = layers.BatchNormalization()(residual)
        x = layers.SeparableConv2D(filters, (3, 3), padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
        x = layers.SeparableConv2D(filters, (3, 3), padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D((3, 3), strides=(2, 2), padding="same")(x)
        x = layers.add([x, residual])
    x = layers.Conv2D(10, (3, 3), padding="same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return k.Model(image, layers.Activation("softmax", name="predictions")(x))


def channels_first(k: Any) -> Any:
    """A small network whose maps have their channels in front."""
    k.backend.set_image_data_format("channels_first")
    try:
        return small_network(k, (1, 16, 16), 1)
    finally:
        k.backend.set_image_data_format("channels_last")


def channels_last(k: Any) -> Any:
    """The same with the channels at the end, which can be trained on a CPU; Flatten has the same order in both."""
    return small_network(k, (16, 16, 1), -1)


def small_network(k: Any, shape: tuple[int, ...], axis: int) -> Any:
    """Two convolutions and a Dense layer; ``axis`` is that of the channels."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input(shape),
            layers.Conv2D(12, 3, padding="same", use_bias=False),
            layers.BatchNormalization(axis=axis),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(20, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def prelu_heads(k: Any) -> Any:
    """A face-detector-like net: PReLU with shared axes, two heads from one trunk."""
    layers = k.layers
    inputs = k.Input((24, 24, 3))
    x = layers.Conv2D(14, (3, 3), strides=1, padding="valid", name="conv1")(inputs)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu1")(x)
    x = layers.MaxPooling2D(pool_size=3, strides=2, padding="same")(x)
    x = layers.Conv2D(24, (3, 3), strides=1, padding="valid", name="conv2")(x)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu2")(x)
    x = layers.MaxPooling2D(pool_size=3, strides=2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(48, name="conv3")(x)
    x = layers.PReLU(name="prelu3")(x)
    classifier = layers.Dense(10, activation="softmax", name="classifier")(x)
    box = layers.Dense(4, name="bbox_regress")(x)
    return k.Model(inputs, [classifier, box])
