"""Layers that act while a model is trained: at inference every one of them is the identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.layers.activation_layers import number
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, plain, setting
from regraft.layers.spatial import data_format
from regraft.layers.version import KerasVersion


def noise_shape(value: Any, _: Reading) -> tuple[int | None, ...] | None:
    """Axes of length 1 along which one decision holds for all; None where every element has its own."""
    shape = plain(value)
    return shape if isinstance(shape, tuple) and any(axis is not None for axis in shape) else None


class Stochastic(Layer, abstract=True):
    """A layer with a rate; without one it does nothing."""

    flat: ClassVar = "pass"

    rate: float

    def module(self, site: Site) -> tuple[str, tuple[str, ...]]:
        """The constructor and its snippets; empty where only the inference of Keras is kept."""
        raise NotImplementedError

    def torch(self, site: Site) -> Form:
        module, snippets = self.module(site) if self.rate > 0 else ("", ())
        return Form(("%self(%0)",), module=module, snippets=snippets) if module else Form(("%0",))


@dataclass(frozen=True, kw_only=True)
class Dropout(Stochastic):
    """
    Zero with probability ``rate`` in training. With a ``noise_shape`` only its inference is kept, the identity.

    Keras: ``keras/src/layers/regularization/dropout.py``; PyTorch: ``torch.nn.Dropout``.
    """

    rate: float = setting(old=("p",), parse=number)
    noise_shape: tuple[int | None, ...] | None = setting(None, parse=noise_shape)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {"rate": self.rate, "noise_shape": None if self.noise_shape is None else list(self.noise_shape)}

    def module(self, site: Site) -> tuple[str, tuple[str, ...]]:
        return ("" if self.noise_shape else f"nn.Dropout({self.rate!r})"), ()


class SpatialDropout(Stochastic, abstract=True):
    """Zero whole channels in training: PyTorch's form where the channels come second, else a module of our own."""

    takes_trainable: ClassVar = False

    def module(self, site: Site) -> tuple[str, tuple[str, ...]]:
        first = getattr(self, "data_format", "channels_last") == "channels_first"
        dim = site.orders[0].dim(1 if first else -1)
        if dim == 1:
            return f"nn.Dropout{self.rank}d({self.rate!r})", ()
        return f"SpatialDropout({self.rate!r}, dim={dim})", ("SpatialDropout",)


@dataclass(frozen=True, kw_only=True)
class SpatialDropout1D(SpatialDropout):
    """
    Zero whole channels of ``(batch, time, c)`` in training.

    Keras: ``keras/src/layers/regularization/spatial_dropout.py``; PyTorch: ``torch.nn.Dropout1d``.
    """

    rank: ClassVar = 1

    rate: float = setting(old=("p",), parse=number)


@dataclass(frozen=True, kw_only=True)
class SpatialDropout2D(SpatialDropout):
    """
    Zero whole channels of ``(batch, h, w, c)`` in training.

    Keras: ``keras/src/layers/regularization/spatial_dropout.py``; PyTorch: ``torch.nn.Dropout2d``.
    """

    rank: ClassVar = 2

    rate: float = setting(old=("p",), parse=number)
    data_format: str = setting("channels_last", old=("dim_ordering",), parse=data_format)


@dataclass(frozen=True, kw_only=True)
class SpatialDropout3D(SpatialDropout):
    """
    Zero whole channels of ``(batch, d, h, w, c)`` in training.

    Keras: ``keras/src/layers/regularization/spatial_dropout.py``; PyTorch: ``torch.nn.Dropout3d``.
    """

    rank: ClassVar = 3

    rate: float = setting(old=("p",), parse=number)
    data_format: str = setting("channels_last", old=("dim_ordering",), parse=data_format)


@dataclass(frozen=True, kw_only=True)
class AlphaDropout(Stochastic):
    """
    Dropout that keeps mean and variance, for SELU networks.

    Keras: ``keras/src/layers/regularization/alpha_dropout.py``; PyTorch: ``torch.nn.AlphaDropout``.
    """

    rate: float = setting(parse=number)
    noise_shape: tuple[int | None, ...] | None = setting(None, parse=noise_shape)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {"rate": self.rate, "noise_shape": None if self.noise_shape is None else list(self.noise_shape)}

    def module(self, site: Site) -> tuple[str, tuple[str, ...]]:
        return ("" if self.noise_shape else f"nn.AlphaDropout({self.rate!r})"), ()


@dataclass(frozen=True, kw_only=True)
class GaussianDropout(Stochastic):
    """
    Times normal noise of mean 1 and variance ``rate / (1 - rate)`` in training.

    Keras: ``keras/src/layers/regularization/gaussian_dropout.py``; PyTorch: ``torch.randn_like``.
    """

    rate: float = setting(old=("p",), parse=number)

    def module(self, site: Site) -> tuple[str, tuple[str, ...]]:
        return f"GaussianDropout({self.rate!r})", ("GaussianDropout",)


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(Layer):
    """
    Plus normal noise of mean 0 and standard deviation ``stddev`` in training.

    Keras: ``keras/src/layers/regularization/gaussian_noise.py``; PyTorch: ``torch.randn_like``.
    """

    flat: ClassVar = "pass"

    stddev: float = setting(old=("sigma",), parse=number)

    def torch(self, site: Site) -> Form:
        if not self.stddev:
            return Form(("%0",))
        return Form(("%self(%0)",), module=f"GaussianNoise({self.stddev!r})", snippets=("GaussianNoise",))


@dataclass(frozen=True, kw_only=True)
class ActivityRegularization(Layer):
    """
    The identity; it adds a term to the loss in training.

    Keras: ``keras/src/layers/regularization/activity_regularization.py``; PyTorch: nothing.
    """

    flat: ClassVar = "pass"

    l1: float = setting(0.0, parse=number)
    l2: float = setting(0.0, parse=number)

    def torch(self, site: Site) -> Form:
        return Form(("%0",))
