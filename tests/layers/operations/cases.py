"""
Every operation with every variant of its parameters: the table that both Keras and the emitted code must agree on.

A row is the names it covers and a function of Keras' ``ops`` and of tensors ``t``: ``x``, ``y`` (2, 4, 5, 6), ``p``
positive, ``u`` between -1 and 1, ``b``, ``c`` booleans, ``i`` integers from 0 to 3, all of that shape; ``s`` (2, 4, 6),
``w`` (2, 6, 7), ``v`` (2, 6). No two axes have the same length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Row = tuple[str, Callable[[Any, Any], Any]]
RNG = np.random.default_rng(3)
ROW = RNG.standard_normal(6).astype("float32")
KERNEL = RNG.standard_normal((3, 2, 6, 4)).astype("float32")
PLANE = RNG.standard_normal((5, 6)).astype("float32")

UNARY: list[Row] = [
    *((name, lambda k, t, n=name: getattr(k, n)(t.x)) for name in (
        "abs absolute ceil floor trunc cos sin tan cosh sinh tanh arctan arcsinh exp exp2 expm1 negative square sign erf "
        "erfc isnan isfinite isinf isposinf isneginf logical_not reciprocal deg2rad rad2deg ones_like zeros_like relu relu6 "
        "sigmoid softsign silu stop_gradient nan_to_num sinc cbrt signbit size round copy log_sigmoid hard_sigmoid hard_silu "
        "softplus selu sparse_plus sparse_sigmoid squareplus tanh_shrink hard_tanh soft_shrink hard_shrink elu celu gelu "
        "leaky_relu log_softmax softmax"
    ).split()),
    *((name, lambda k, t, n=name: getattr(k, n)(t.p)) for name in "log log10 log1p log2 sqrt rsqrt".split()),
    *((name, lambda k, t, n=name: getattr(k, n)(t.u)) for name in "arcsin arccos arctanh erfinv".split()),
    ("arccosh", lambda k, t: k.arccosh(t.p + 1)),
    ("round", lambda k, t: k.round(t.x * 10, 1)),
    ("logical_not", lambda k, t: k.logical_not(t.b)),
    ("negative", lambda k, t: -t.i),
    ("sqrt", lambda k, t: k.sqrt(t.i)),
    ("gelu", lambda k, t: k.gelu(t.x, approximate=False)),
    ("leaky_relu", lambda k, t: k.leaky_relu(t.x, 0.1)),
    ("elu", lambda k, t: k.elu(t.x, 0.5)),
    ("celu", lambda k, t: k.celu(t.x, 0.5)),
    ("threshold", lambda k, t: k.threshold(t.x, 0.25, -3.0)),
    ("soft_shrink", lambda k, t: k.soft_shrink(t.x, 0.25)),
    ("nan_to_num", lambda k, t: k.nan_to_num(t.x / (t.y - t.y), nan=2.0, posinf=3.0, neginf=-4.0)),
    ("zeros_like", lambda k, t: k.zeros_like(t.i)),
]  # fmt: skip

BINARY: list[Row] = [
    *((name, lambda k, t, n=name: getattr(k, n)(t.x, t.y)) for name in (
        "add subtract multiply divide true_divide maximum minimum arctan2 mod floor_divide greater greater_equal less "
        "less_equal equal not_equal logaddexp hypot divide_no_nan"
    ).split()),
    *((name, lambda k, t, n=name: getattr(k, n)(t.x, 0.75)) for name in (
        "add subtract multiply divide maximum minimum mod floor_divide greater less_equal equal not_equal divide_no_nan "
        "arctan2 logaddexp"
    ).split()),
    *((name, lambda k, t, n=name: getattr(k, n)(-0.75, t.x)) for name in (
        "add subtract multiply divide maximum minimum mod floor_divide greater less_equal arctan2"
    ).split()),
    *((name, lambda k, t, n=name: getattr(k, n)(t.b, t.c)) for name in "logical_and logical_or logical_xor equal".split()),
    *((name, lambda k, t, n=name: getattr(k, n)(t.i, t.j)) for name in (
        "add subtract multiply divide floor_divide mod maximum equal greater true_divide"
    ).split()),
    ("divide_no_nan", lambda k, t: k.divide_no_nan(t.x, k.relu(t.y))),
    ("power", lambda k, t: k.power(t.p, t.y)),
    ("power", lambda k, t: t.x**2),
    ("power", lambda k, t: 2.0**t.x),
    ("add", lambda k, t: t.x + t.s[:, :, None]),
    ("add", lambda k, t: t.v[:, None, None] + t.x),
    ("multiply", lambda k, t: t.x * k.mean(t.x, axis=(1, 2), keepdims=True)),
    ("multiply", lambda k, t: t.x * k.mean(t.x, axis=-1, keepdims=True)),
    ("add", lambda k, t: t.x + ROW),
    ("subtract", lambda k, t: k.subtract(PLANE, t.x)),
    ("multiply", lambda k, t: k.multiply(t.x, np.arange(6))),
    ("add", lambda k, t: t.i + 0.5),
    ("add", lambda k, t: t.i + ROW),
    ("multiply", lambda k, t: t.x * k.cast(t.b, "float32")),
    ("clip", lambda k, t: k.clip(t.x, -0.5, 0.75)),
    ("clip", lambda k, t: k.clip(t.i, 1, 2)),
    ("where", lambda k, t: k.where(t.b, t.x, t.y)),
    ("where", lambda k, t: k.where(t.x > 0, t.x, -1.5)),
    ("where", lambda k, t: k.where(t.x > 0, 1.0, t.y)),
    ("where", lambda k, t: k.where(t.i, t.x, t.y)),
    ("where", lambda k, t: k.where(t.v[:, None, None] > 0, t.x, t.y)),
    ("logical_and", lambda k, t: k.logical_and(t.x > 0, t.y > 0)),
    ("add", lambda k, t: k.add(t.x, t.b)),
]  # fmt: skip

AXES: list[Any] = [None, 1, -1, (1, 2), (2, -1), 0]
REDUCTIONS: list[Row] = [
    *(
        (name, lambda k, t, n=name, a=axis, d=keep: getattr(k, n)(t.x, axis=a, keepdims=d))
        for name in "mean sum max min amax amin var std logsumexp prod".split()
        for axis in AXES
        for keep in (False, True)
    ),
    *(
        (name, lambda k, t, n=name, a=axis, d=keep: getattr(k, n)(t.x > 0.5, axis=a, keepdims=d))
        for name in "any all".split()
        for axis in AXES
        for keep in (False, True)
    ),
    *(
        ("median", lambda k, t, a=axis, d=keep: k.median(t.x, axis=a, keepdims=d))
        for axis in (None, 1, -1, (1, 3), (2, 3))
        for keep in (False, True)
    ),
    *(
        ("quantile", lambda k, t, a=axis, d=keep: k.quantile(t.x, 0.3, axis=a, keepdims=d))
        for axis in (None, 2, (1, 2))
        for keep in (False, True)
    ),
    *(
        (name, lambda k, t, n=name, a=axis, d=keep: getattr(k, n)(t.x, axis=a, keepdims=d))
        for name in ("argmax", "argmin")
        for axis in (None, 1, -1)
        for keep in (False, True)
    ),
    *(("count_nonzero", lambda k, t, a=axis: k.count_nonzero(t.i, axis=a)) for axis in (None, 1, (1, 2))),
    *(
        ("norm", lambda k, t, a=axis, o=order, d=keep: k.norm(t.x, ord=o, axis=a, keepdims=d))
        for axis, order in ((-1, None), (1, 1), (2, 3.0), ((1, 2), None))
        for keep in (False, True)
    ),
    *(
        ("moments", lambda k, t, a=axes, d=keep, i=i: k.moments(t.x, axes=a, keepdims=d)[i])
        for axes in ([1, 2], [-1])
        for keep in (False, True)
        for i in (0, 1)
    ),
    ("norm", lambda k, t: k.norm(t.v)),
    ("mean", lambda k, t: k.mean(t.i, axis=1)),
    ("var", lambda k, t: k.var(t.i, axis=-1)),
    ("sum", lambda k, t: k.sum(t.b, axis=(1, 2))),
    ("mean", lambda k, t: k.mean(t.b, axis=-1)),
    ("max", lambda k, t: k.max(t.x, axis=1, initial=0.5)),
    ("any", lambda k, t: k.any(t.x, axis=1)),
]

ALONG: list[Row] = [
    *(
        (name, lambda k, t, n=name, a=axis: getattr(k, n)(t.x, axis=a))
        for name in "softmax log_softmax cumsum cumprod sort argsort flip normalize sparsemax glu".split()
        for axis in ((1, 3, -1) if name == "glu" else (1, 2, -1))
    ),
    ("cumsum", lambda k, t: k.cumsum(t.x)),
    ("flip", lambda k, t: k.flip(t.x)),
    ("flip", lambda k, t: k.flip(t.x, axis=(1, 3))),
    ("normalize", lambda k, t: k.normalize(t.x, axis=1, order=3)),
    ("normalize", lambda k, t: k.normalize(t.x, axis=-1, epsilon=4.0)),
    ("roll", lambda k, t: k.roll(t.x, 2, 1)),
    ("roll", lambda k, t: k.roll(t.x, (1, -2), (2, 3))),
    ("roll", lambda k, t: k.roll(t.x, 7)),
    *(("top_k", lambda k, t, i=i: k.top_k(t.x, 3)[i]) for i in (0, 1)),
    ("one_hot", lambda k, t: k.one_hot(t.i, 4)),
    ("one_hot", lambda k, t: k.one_hot(t.i - 1, 3, axis=1)),
    ("one_hot", lambda k, t: k.one_hot(t.i, 4, dtype="int32")),
    ("digitize", lambda k, t: k.digitize(t.x, np.array([-1.0, 0.0, 1.0], "float32"))),
    ("digitize", lambda k, t: k.digitize(t.i, np.array([1, 2]))),
    ("searchsorted", lambda k, t: k.searchsorted(k.cast(np.array([-1.0, 0.0, 0.5]), t.v.dtype), t.v[0])),
    ("searchsorted", lambda k, t: k.searchsorted(np.array([0, 1, 3], "int32"), t.i[0, 0, 0], side="right")),
]

SHAPES: list[Row] = [
    ("reshape", lambda k, t: k.reshape(t.x, (-1, 20, 6))),
    ("reshape", lambda k, t: k.reshape(t.x, (-1, 120))),
    ("reshape", lambda k, t: k.reshape(t.x, (-1, 4, 30))),
    ("reshape", lambda k, t: k.reshape(t.x, (2, -1))),
    ("reshape", lambda k, t: k.reshape(t.x, (-1, 2, 3))),
    ("reshape", lambda k, t: k.reshape(t.x, (-1, 2, 10, 3, 2))),
    ("ravel", lambda k, t: k.ravel(t.x)),
    *(
        ("transpose", lambda k, t, a=axes: k.transpose(t.x, a))
        for axes in ((0, 2, 1, 3), (0, 3, 1, 2), (0, 2, 3, 1), (0, 1, 3, 2), (3, 0, 2, 1), None)
    ),
    ("transpose", lambda k, t: k.transpose(t.s, (0, 2, 1))),
    ("swapaxes", lambda k, t: k.swapaxes(t.x, 1, -1)),
    ("moveaxis", lambda k, t: k.moveaxis(t.x, 1, 3)),
    ("moveaxis", lambda k, t: k.moveaxis(t.x, (1, 2), (-1, 1))),
    *(("expand_dims", lambda k, t, a=axis: k.expand_dims(t.x, a)) for axis in (0, 1, 2, -1, (1, 3))),
    ("expand_dims", lambda k, t: k.expand_dims(t.v, 1)),
    ("squeeze", lambda k, t: k.squeeze(t.x[:, :1], 1)),
    ("squeeze", lambda k, t: k.squeeze(t.x[:, :1, :, 2:3])),
    ("squeeze", lambda k, t: k.squeeze(t.x[:, :1, :, 2:3], (1, 3))),
    ("tile", lambda k, t: k.tile(t.x, (1, 2, 1, 3))),
    ("tile", lambda k, t: k.tile(t.x, (2, 3))),
    ("tile", lambda k, t: k.tile(t.v, (2, 1, 3))),
    *(("repeat", lambda k, t, a=axis: k.repeat(t.x, 3, axis=a)) for axis in (1, -1, None)),
    ("repeat", lambda k, t: k.repeat(t.x, [1, 2, 0, 3], axis=1)),
    ("broadcast_to", lambda k, t: k.broadcast_to(t.x[:1, :1], (2, 4, 5, 6))),
    *(
        ("pad", lambda k, t, m=mode, w=width: k.pad(t.x, w, mode=m))
        for mode in ("constant", "reflect", "symmetric")
        for width in (
            ((0, 0), (1, 2), (2, 0), (0, 0)),
            ((0, 0), (0, 1), (0, 0), (3, 2)),
            ((1, 0), (0, 0), (0, 0), (0, 1)),
        )
    ),
    ("pad", lambda k, t: k.pad(t.x, ((0, 0), (1, 2), (2, 0), (0, 3)), constant_values=1.5)),
    ("pad", lambda k, t: k.pad(t.x, ((1, 1),) * 4)),
    ("pad", lambda k, t: k.pad(t.s, ((0, 0), (1, 2), (0, 3)), mode="reflect")),
    *((("rearrange", lambda k, t: k.rearrange(t.s, "a b c -> a (c b)")),)),
]

JOINS: list[Row] = [
    *(("concatenate", lambda k, t, a=axis: k.concatenate([t.x, t.y], axis=a)) for axis in (0, 1, 2, -1)),
    ("concatenate", lambda k, t: k.concatenate([t.x, t.y[:, :, :, :2], t.x], axis=-1)),
    ("concatenate", lambda k, t: k.concatenate([t.v, np.ones((2, 3), "float32")], axis=-1)),
    *(("stack", lambda k, t, a=axis: k.stack([t.x, t.y], axis=a)) for axis in (0, 1, 2, -1)),
    ("hstack", lambda k, t: k.hstack([t.x, t.y])),
    ("vstack", lambda k, t: k.vstack([t.x, t.y])),
    *(("split", lambda k, t, i=i: k.split(t.x, 2, axis=1)[i]) for i in (0, 1)),
    *(("split", lambda k, t, i=i: k.split(t.x, [1, 3], axis=-1)[i]) for i in (0, 1, 2)),
    *(("unstack", lambda k, t, i=i: k.unstack(t.x, axis=1)[i]) for i in (0, 3)),
    ("unstack", lambda k, t: k.unstack(t.x, axis=-1)[2]),
    ("unstack", lambda k, t: k.unstack(t.x, num=5, axis=2)[4]),
]

INDEXING: list[Row] = [
    *(("get_item", lambda k, t, f=f: f(t.x)) for f in (
        lambda x: x[:, 1:, ::2],
        lambda x: x[..., 0],
        lambda x: x[:, 1],
        lambda x: x[:, -1, 2],
        lambda x: x[..., :3],
        lambda x: x[:, None, :, 1:3],
        lambda x: x[..., None],
        lambda x: x[0],
        lambda x: x[:, :, 1:-1, -2:],
        lambda x: x[None, :, 1],
        lambda x: x[1:, :, :, 3],
        lambda x: x[:, ::-1],
        lambda x: x[:, 1, ::-1, None, 2:],
    )),
    ("slice", lambda k, t: k.slice(t.x, (0, 1, 0, 2), (2, 2, 5, 3))),
    ("take", lambda k, t: k.take(t.x, [0, 2], axis=1)),
    ("take", lambda k, t: k.take(t.x, [0, -1, 2, 2], axis=-1)),
    ("take", lambda k, t: k.take(t.x, 2, axis=2)),
    ("take", lambda k, t: k.take(t.x, [[0, 2], [1, 1]], axis=1)),
    ("take", lambda k, t: k.take(t.x, [3, 50])),
    ("take", lambda k, t: k.take(t.x, t.i[0, 0, 0], axis=1)),
    ("take_along_axis", lambda k, t: k.take_along_axis(t.x, t.i[:, :2], axis=1)),
    ("take_along_axis", lambda k, t: k.take_along_axis(t.x, t.i[:, :, :, :2], axis=-1)),
    ("segment_sum", lambda k, t: k.segment_sum(t.x, np.array([1, 1]), num_segments=3)),
]  # fmt: skip

ALGEBRA: list[Row] = [
    ("matmul", lambda k, t: k.matmul(t.s, t.w)),
    ("matmul", lambda k, t: t.x @ k.transpose(t.y, (0, 1, 3, 2))),
    ("matmul", lambda k, t: k.matmul(t.x, np.ones((6, 3), "float32"))),
    ("matmul", lambda k, t: k.matmul(t.x, t.w[:, None])),
    ("dot", lambda k, t: k.dot(t.x, t.w[0])),
    ("dot", lambda k, t: k.dot(t.s, t.v[0])),
    ("dot", lambda k, t: k.dot(t.s, t.w)),
    ("tensordot", lambda k, t: k.tensordot(t.s, t.w[0], axes=1)),
    ("tensordot", lambda k, t: k.tensordot(t.x, t.s[0], axes=[[1, 3], [0, 1]])),
    ("einsum", lambda k, t: k.einsum("abc,acd->abd", t.s, t.w)),
    ("einsum", lambda k, t: k.einsum("bhwc,bhwd->bcd", t.x, t.y)),
    ("einsum", lambda k, t: k.einsum("bhwc,bc->bwh", t.x, t.v)),
    ("einsum", lambda k, t: k.einsum("bhwc->bch", t.x)),
    ("outer", lambda k, t: k.outer(t.v[0], t.s[0, 0])),
    ("outer", lambda k, t: k.outer(t.s, t.v)),
    ("tril", lambda k, t: k.tril(t.x)),
    ("triu", lambda k, t: k.triu(t.x, 2)),
    ("diagonal", lambda k, t: k.diagonal(t.x, axis1=1, axis2=2)),
    ("diagonal", lambda k, t: k.diagonal(t.x, offset=1, axis1=1, axis2=3)),
    ("trace", lambda k, t: k.trace(t.x, axis1=1, axis2=2)),
    ("dot_product_attention", lambda k, t: k.dot_product_attention(t.x, t.y, t.y)),
    ("dot_product_attention", lambda k, t: k.dot_product_attention(t.x, t.y, t.y, scale=0.5, is_causal=True)),
    ("dot_product_attention", lambda k, t: k.dot_product_attention(t.x, t.y, t.y, mask=t.b[:, :1, :4, :4])),
]

CASTS: list[Row] = [
    ("cast", lambda k, t: k.cast(t.x * 3, "int32")),
    ("cast", lambda k, t: k.cast(t.x, "bool")),
    ("cast", lambda k, t: k.cast(t.i, "float32") / 3),
    ("cast", lambda k, t: k.cast(t.b, "int64")),
    ("cast", lambda k, t: k.cast(t.x, "float16")),
    ("cast", lambda k, t: k.cast(k.argmax(t.x, -1), "float32") * 0.3),
]

IMAGES: list[Row] = [
    *(("depth_to_space", lambda k, t, d=d: k.depth_to_space(t.q, 2, data_format=d)) for d in ("channels_last",)),
    ("space_to_depth", lambda k, t: k.space_to_depth(t.x[:, :, :4], 2)),
    ("depth_to_space", lambda k, t: k.depth_to_space(k.tile(t.x, (1, 2, 1, 1)), 2, "channels_first")),
    ("space_to_depth", lambda k, t: k.space_to_depth(t.x[:, :, :4], 2, data_format="channels_first")),
    *(
        (f"{kind}_pool", lambda k, t, n=kind, a=args: getattr(k, f"{n}_pool")(t.x, *a, data_format="channels_last"))
        for kind in ("max", "average")
        for args in ((2,), ((3, 2), 1, "same"), (2, (2, 3), "same"), ((1, 3), None, "valid"))
    ),
    ("rgb_to_grayscale", lambda k, t: k.image.rgb_to_grayscale(t.x[..., :3], data_format="channels_last")),
    *(
        ("resize", lambda k, t, m=m, s=s: k.image.resize(t.x, s, interpolation=m, data_format="channels_last"))
        for m in ("bilinear", "nearest", "bicubic", "lanczos3")
        for s in ((8, 11), (3, 4))
    ),
    ("conv", lambda k, t: k.conv(t.x, k.cast(KERNEL, t.x.dtype), strides=2, padding="same", data_format="channels_last")),
    ("conv", lambda k, t: k.conv(t.x, k.cast(KERNEL[:2], t.x.dtype), dilation_rate=2, data_format="channels_last")),
]  # fmt: skip

FAMILIES: dict[str, list[Row]] = {
    "unary": UNARY, "binary": BINARY, "reductions": REDUCTIONS, "along": ALONG, "shapes": SHAPES, "joins": JOINS,
    "indexing": INDEXING, "algebra": ALGEBRA, "casts": CASTS, "images": IMAGES,
}  # fmt: skip

#: The names that were verified one by one when the semantics of Keras' operations were written down.
NAMES = (
    "abs absolute add all amax amin any arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argsort "
    "broadcast_to cast cbrt ceil clip concatenate copy cos cosh count_nonzero cumprod cumsum deg2rad depth_to_space "
    "diagonal digitize divide divide_no_nan dot dot_product_attention einsum elu equal erf erfc erfinv exp exp2 "
    "expand_dims expm1 flip floor floor_divide gelu get_item greater greater_equal hard_sigmoid hstack hypot isfinite "
    "isinf isnan leaky_relu less less_equal log log10 log1p log2 log_sigmoid log_softmax logaddexp logical_and "
    "logical_not logsumexp matmul max maximum mean median min minimum mod moments moveaxis multiply nan_to_num negative "
    "norm normalize not_equal one_hot ones_like outer pad power prod quantile ravel rearrange reciprocal relu relu6 "
    "repeat reshape rgb_to_grayscale roll round rsqrt searchsorted segment_sum sigmoid sign signbit silu sin sinc sinh "
    "size slice softmax softplus softsign sort space_to_depth split sqrt square squeeze stack std stop_gradient "
    "subtract sum swapaxes take take_along_axis tan tanh tensordot tile top_k trace transpose tril triu true_divide "
    "trunc unstack var vstack where zeros_like"
).split()

#: Largest error relative to the largest value, where Keras computes with a constant in float32 even in float64.
TOLERANCES = {"unary": 1e-8, "binary": 1e-7, "reductions": 2e-7, "algebra": 1e-7, "casts": 1e-7, "images": 1e-6}
