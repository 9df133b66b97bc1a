"""
The layers of DTLN (speech enhancement, https://github.com/breizhn/DTLN) that are not Keras' own, in PyTorch.

    python examples/dtln/architecture.py > dtln.json
    regraft convert model.h5 --architecture dtln.json --custom examples/dtln/dtln_layers.py --input-shape 2048

A normalisation of each frame by itself, and Fourier transforms that are Lambda layers, known by their names.
``keras_objects`` is only for the check against Keras; without it everything in front of these layers is checked.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from regraft.layers import Form, Layer, Site, Weight

FRAME, STEP = 512, 128


class InstantLayerNormalization(Layer):
    """Mean 0 and variance 1 along the last axis, frame by frame: that is LayerNorm."""

    weights = (Weight("gamma", "bin -> bin", torch="weight"), Weight("beta", "bin -> bin", torch="bias"))
    axis_order = "keras"

    def torch(self, site: Site) -> Form:
        """The size is that of gamma."""
        return Form(("%self(%0)",), module=f"nn.LayerNorm({site.stored['gamma'][0]}, eps=1e-7)")


class Spectrum(Layer):
    """Samples ``(batch, time)`` to magnitude and phase ``(batch, frame, bin)``."""

    lambda_layers = ("lambda",)
    axis_order = "keras"

    def shape(self, inputs: Any) -> Any:
        """Two tensors of the same shape."""
        time = inputs[0][1]
        return ((None, None if time is None else 1 + (time - FRAME) // STEP, FRAME // 2 + 1),) * 2

    def output_count(self) -> int:
        """Magnitude and phase."""
        return 2

    def torch(self, site: Site) -> Form:
        """The transform of overlapping frames, without a window."""
        before = (f"%spectrum = torch.fft.rfft(%0.unfold(-1, {FRAME}, {STEP}))",)
        return Form(("%spectrum.abs()", "%spectrum.angle()"), before=before)


class Frames(Layer):
    """Magnitude and phase, or a mask before them, to frames of samples."""

    lambda_layers = ("lambda_1",)
    axis_order = "keras"

    def shape(self, inputs: Any) -> Any:
        """As many frames, each of all its samples."""
        return (*inputs[0][:-1], FRAME)

    def torch(self, site: Site) -> Form:
        """Back from the spectrum."""
        magnitude, phase = ("%0 * %1", "%2") if len(site.inputs) == 3 else ("%0", "%1")
        return Form((f"torch.fft.irfft(torch.polar({magnitude}, {phase}))",))


class Samples(Layer):
    """Overlapping frames added up: ``(batch, frame, sample)`` to ``(batch, time)``."""

    lambda_layers = ("lambda_2",)
    axis_order = "keras"

    def shape(self, inputs: Any) -> Any:
        """A step for each frame but the last, which counts in full."""
        frames = inputs[0][1]
        return (None, None if frames is None else (frames - 1) * STEP + FRAME)

    def torch(self, site: Site) -> Form:
        """``overlap_add`` below is copied into model.py."""
        return Form(("overlap_add(%0)",))


class Plus(Layer):
    """Added so that the logarithm never meets zero."""

    lambda_layers = ("tf_op_layer_AddV2",)

    def torch(self, site: Site) -> Form:
        """Elementwise."""
        return Form(("%0 + 1e-7",))


class Log(Layer):
    """The natural logarithm."""

    lambda_layers = ("tf_op_layer_Log",)

    def torch(self, site: Site) -> Form:
        """Elementwise."""
        return Form(("torch.log(%0)",))


def overlap_add(frames: Tensor) -> Tensor:
    """Frames ``(batch, frame, sample)``, each a step after the one before, added up to ``(batch, time)``."""
    length = (frames.shape[1] - 1) * STEP + FRAME
    return F.fold(frames.transpose(1, 2), (1, length), (1, FRAME), stride=(1, STEP)).flatten(1)


def keras_objects(keras: Any) -> dict[str, Any]:
    """The same in TensorFlow: a class by its name, the functions by the names of their Lambda layers."""
    import tensorflow as tf

    class InstantLayerNormalization(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones", name="gamma")
            self.beta = self.add_weight(shape=(shape[-1],), initializer="zeros", name="beta")

        def call(self, x: Any) -> Any:
            x = x - tf.reduce_mean(x, -1, keepdims=True)
            return x / tf.sqrt(tf.reduce_mean(x * x, -1, keepdims=True) + 1e-7) * self.gamma + self.beta

    def spectrum(x: Any) -> list[Any]:
        found = tf.signal.rfft(tf.signal.frame(x, FRAME, STEP))
        return [tf.abs(found), tf.math.angle(found)]

    def frames(x: Any) -> Any:
        *magnitude, phase = x
        product = magnitude[0] * magnitude[1] if len(magnitude) == 2 else magnitude[0]
        return tf.signal.irfft(tf.complex(product * tf.cos(phase), product * tf.sin(phase)))

    return {
        "InstantLayerNormalization": InstantLayerNormalization,
        "lambda": spectrum,
        "lambda_1": frames,
        "lambda_2": lambda x: tf.signal.overlap_and_add(x, STEP),
        "tf_op_layer_AddV2": lambda x: x + 1e-7,
        "tf_op_layer_Log": tf.math.log,
    }
