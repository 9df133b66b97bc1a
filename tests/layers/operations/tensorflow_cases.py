"""Functions of TensorFlow in models of tf.keras (``TFOpLambda``, ``SlicingOpLambda``): the table for real tf-keras."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.layers.operations.cases import KERNEL, ROW, Row

#: The twenty functions that were verified one by one, as rows of the table name them.
TWENTY = (
    "nn.bias_add math.squared_difference image.resize/bilinear v1.resize_bilinear v1.resize_nearest image.resize/nearest "
    "nn.conv2d pad/reflect nn.depth_to_space nn.lrn linalg.l2_normalize nn.top_k gather/batch_dims math.reduce_variance "
    "split cumsum/exclusive math.floormod cast nn.crelu nn.swish"
).split()

OPERATORS: list[Row] = [
    ("add", lambda tf, t: t.x + t.y),
    ("sub", lambda tf, t: 1 - t.x),
    ("sub", lambda tf, t: t.x - 0.5),
    ("mul", lambda tf, t: 2.0 * t.x),
    ("truediv", lambda tf, t: t.x / t.p),
    ("truediv", lambda tf, t: 1.0 / t.p),
    ("truediv", lambda tf, t: t.i / 3),
    ("pow", lambda tf, t: t.x**2),
    ("neg", lambda tf, t: -t.x),
    ("floordiv", lambda tf, t: t.x // t.p),
    ("mod", lambda tf, t: t.x % t.p),
    ("gt", lambda tf, t: t.x > 0),
    ("le", lambda tf, t: t.x <= t.y),
    ("and", lambda tf, t: (t.x > 0) & (t.y > 0)),
    ("or", lambda tf, t: (t.x > 0) | t.b),
    ("invert", lambda tf, t: ~t.b),
    ("matmul", lambda tf, t: t.s @ t.w),
    ("abs", lambda tf, t: abs(t.x)),
    ("getitem", lambda tf, t: t.x[:, 1:, ::2]),
    ("getitem", lambda tf, t: t.x[..., 0]),
    ("getitem", lambda tf, t: t.x[:, -1, :, 1:3]),
    ("getitem", lambda tf, t: t.v[:, tf.newaxis, tf.newaxis, :] * t.x),
    ("getitem", lambda tf, t: t.x[..., tf.newaxis]),
    ("add", lambda tf, t: t.x + ROW),
    ("add", lambda tf, t: t.x + t.s[:, :, None]),
    ("add", lambda tf, t: t.i + 2),
]

FUNCTIONS: list[Row] = [
    *((name, lambda tf, t, n=name: pick(tf, n)(t.x)) for name in (
        "abs math.exp math.sin math.cos math.tan math.tanh math.sinh math.cosh math.atan math.asinh math.square math.sign "
        "math.floor math.ceil math.round math.negative math.erf math.erfc math.expm1 math.sigmoid math.softplus "
        "math.reciprocal math.is_nan math.is_inf math.is_finite math.log_sigmoid nn.relu nn.relu6 nn.elu nn.selu nn.gelu "
        "nn.silu nn.swish nn.leaky_relu nn.softsign nn.sigmoid nn.tanh nn.softmax nn.log_softmax nn.crelu identity "
        "stop_gradient zeros_like ones_like size"
    ).split()),
    *((name, lambda tf, t, n=name: pick(tf, n)(t.p)) for name in "math.log math.log1p math.sqrt math.rsqrt".split()),
    *((name, lambda tf, t, n=name: pick(tf, n)(t.u)) for name in "math.asin math.acos math.atanh".split()),
    ("math.acosh", lambda tf, t: tf.math.acosh(t.p + 1)),
    *((name, lambda tf, t, n=name: pick(tf, n)(t.x, t.y)) for name in (
        "add subtract multiply divide maximum minimum math.add math.divide_no_nan math.squared_difference math.floormod "
        "math.floordiv math.atan2 equal not_equal greater greater_equal less less_equal truediv"
    ).split()),
    ("maximum", lambda tf, t: tf.maximum(t.x, 0.25)),
    ("math.pow", lambda tf, t: tf.pow(t.p, t.y)),
    *((name, lambda tf, t, n=name: pick(tf, n)(t.b, t.c)) for name in "logical_and logical_or math.logical_xor".split()),
    ("logical_not", lambda tf, t: tf.logical_not(t.b)),
    ("where", lambda tf, t: tf.where(t.b, t.x, t.y)),
    ("where", lambda tf, t: tf.where(t.x > 0, t.x, 0.0)),
    ("clip_by_value", lambda tf, t: tf.clip_by_value(t.x, -0.5, 0.75)),
    ("nn.bias_add", lambda tf, t: tf.nn.bias_add(t.x, tf.cast(ROW, t.x.dtype))),
    ("nn.leaky_relu", lambda tf, t: tf.nn.leaky_relu(t.x, 0.1)),
    ("nn.gelu", lambda tf, t: tf.nn.gelu(t.x, approximate=True)),
    ("nn.softmax", lambda tf, t: tf.nn.softmax(t.x, axis=1)),
    *(
        (name, lambda tf, t, n=name, a=axis, d=keep: pick(tf, f"math.{n}")(t.x, axis=a, keepdims=d))
        for name in "reduce_mean reduce_sum reduce_max reduce_min reduce_prod reduce_logsumexp".split()
        for axis in (None, 1, [1, 2], -1)
        for keep in (False, True)
    ),
    ("math.reduce_variance", lambda tf, t: tf.math.reduce_variance(t.x, [1, 2])),
    ("math.reduce_std", lambda tf, t: tf.math.reduce_std(t.x, -1)),
    ("reduce_any", lambda tf, t: tf.reduce_any(t.b, 1)),
    ("reduce_all", lambda tf, t: tf.reduce_all(t.b, [1, 2], keepdims=True)),
    ("reduce_mean", lambda tf, t: tf.reduce_mean(input_tensor=t.x, axis=1)),
    ("argmax", lambda tf, t: tf.argmax(t.x, axis=-1)),
    ("argmax", lambda tf, t: tf.argmax(t.x, axis=1, output_type=tf.int32)),
    ("argmin", lambda tf, t: tf.math.argmin(t.x, axis=2)),
    ("math.count_nonzero", lambda tf, t: tf.math.count_nonzero(t.i, axis=1)),
    ("norm", lambda tf, t: tf.norm(t.x, axis=-1)),
    ("nn.moments", lambda tf, t: tf.nn.moments(t.x, axes=[1, 2])[1]),
    ("cumsum", lambda tf, t: tf.cumsum(t.x, axis=1)),
    ("cumsum/exclusive", lambda tf, t: tf.cumsum(t.x, 1, exclusive=True, reverse=True)),
    ("cumsum/exclusive", lambda tf, t: tf.cumsum(t.x, 2, exclusive=True)),
    ("cumsum/exclusive", lambda tf, t: tf.cumsum(t.x, -1, reverse=True)),
    ("cumprod", lambda tf, t: tf.math.cumprod(t.x, axis=2)),
    ("sort", lambda tf, t: tf.sort(t.x, axis=1)),
    ("argsort", lambda tf, t: tf.argsort(t.x, axis=-1)),
    ("reverse", lambda tf, t: tf.reverse(t.x, axis=[1])),
    ("roll", lambda tf, t: tf.roll(t.x, shift=2, axis=1)),
    ("linalg.l2_normalize", lambda tf, t: tf.linalg.l2_normalize(t.x, -1)),
    ("linalg.l2_normalize", lambda tf, t: tf.math.l2_normalize(t.x, axis=1, epsilon=4.0)),
    *(("nn.top_k", lambda tf, t, i=i: tf.nn.top_k(t.x, 2)[i]) for i in (0, 1)),
    ("one_hot", lambda tf, t: tf.one_hot(t.i, 4)),
    ("one_hot", lambda tf, t: tf.one_hot(tf.argmax(t.x, -1), 6)),
    ("reshape", lambda tf, t: tf.reshape(t.x, [-1, 20, 6])),
    ("reshape", lambda tf, t: tf.reshape(t.x, [2, -1])),
    ("reshape/computed", lambda tf, t: tf.reshape(t.x, [tf.shape(t.x)[0], 120])),
    ("reshape/computed", lambda tf, t: tf.reshape(t.x, [-1, tf.shape(t.x)[1], 30])),
    ("reshape/computed", lambda tf, t: tf.reshape(t.x, tf.stack([tf.shape(t.x)[0], 20, 6]))),
    ("shape", lambda tf, t: tf.shape(t.x)),
    ("shape", lambda tf, t: tf.cast(tf.shape(t.x)[3], "float32")),
    ("transpose", lambda tf, t: tf.transpose(t.x, [0, 2, 1, 3])),
    ("transpose", lambda tf, t: tf.transpose(t.x, [0, 3, 1, 2])),
    ("transpose", lambda tf, t: tf.compat.v1.transpose(t.x, [0, 1, 3, 2])),
    ("expand_dims", lambda tf, t: tf.expand_dims(t.x, axis=-1)),
    ("expand_dims", lambda tf, t: tf.expand_dims(t.v, 1)),
    ("squeeze", lambda tf, t: tf.squeeze(t.x[:, :1], axis=1)),
    ("squeeze", lambda tf, t: tf.squeeze(t.x[:, :1, :2, 3:4], axis=[1, 3])),
    ("tile", lambda tf, t: tf.tile(t.x, [1, 2, 1, 3])),
    ("repeat", lambda tf, t: tf.repeat(t.x, 3, axis=1)),
    ("pad", lambda tf, t: tf.pad(t.x, [[0, 0], [1, 2], [2, 0], [0, 3]])),
    ("pad", lambda tf, t: tf.pad(t.x, [[0, 0], [1, 2], [0, 0], [0, 0]], constant_values=1.5)),
    ("pad/reflect", lambda tf, t: tf.pad(t.x, [[0, 0], [1, 1], [2, 1], [0, 0]], "REFLECT")),
    ("pad/symmetric", lambda tf, t: tf.pad(t.x, [[0, 0], [1, 1], [2, 1], [0, 0]], mode="SYMMETRIC")),
    ("concat", lambda tf, t: tf.concat([t.x, t.y], axis=-1)),
    ("concat", lambda tf, t: tf.concat([t.x, t.y[:, :2]], 1)),
    ("stack", lambda tf, t: tf.stack([t.x, t.y], axis=1)),
    ("stack", lambda tf, t: tf.stack([t.v, t.v])),
    *(("split", lambda tf, t, i=i: tf.split(t.x, 2, axis=1)[i]) for i in (0, 1)),
    *(("split", lambda tf, t, i=i: tf.split(t.x, [1, 3, 2], axis=-1)[i]) for i in (0, 2)),
    ("unstack", lambda tf, t: tf.unstack(t.x, axis=1)[2]),
    ("gather", lambda tf, t: tf.gather(t.x, [0, 2], axis=1)),
    ("gather", lambda tf, t: tf.gather(t.x, t.i[0, 0, 0], axis=2)),
    ("gather/batch_dims", lambda tf, t: tf.gather(t.x, [[0, 1], [3, 2]], axis=1, batch_dims=1)),
    ("slice", lambda tf, t: tf.slice(t.x, [0, 1, 0, 2], [-1, 2, 5, 3])),
    ("strided_slice", lambda tf, t: tf.strided_slice(t.x, [0, 1], [2, 3])),
    ("matmul", lambda tf, t: tf.matmul(t.s, t.w)),
    ("matmul", lambda tf, t: tf.matmul(t.x, t.y, transpose_b=True)),
    ("matmul", lambda tf, t: tf.linalg.matmul(t.s, t.s, transpose_a=True)),
    ("tensordot", lambda tf, t: tf.tensordot(t.s, t.w[0], axes=1)),
    ("cast", lambda tf, t: tf.cast(t.x * 3, tf.int32)),
    ("cast", lambda tf, t: tf.cast(t.b, "float32")),
    ("broadcast_to", lambda tf, t: tf.broadcast_to(t.x[:1, :1], [2, 4, 5, 6])),
    ("math.unsorted_segment_sum", lambda tf, t: tf.math.unsorted_segment_sum(t.x, [1, 1], 3)),
    ("nn.depth_to_space", lambda tf, t: tf.nn.depth_to_space(t.q, 2)),
    ("nn.space_to_depth", lambda tf, t: tf.nn.space_to_depth(t.x[:, :, :4], 2)),
    ("image.resize/bilinear", lambda tf, t: tf.image.resize(t.x, (8, 11))),
    ("image.resize/nearest", lambda tf, t: tf.image.resize(t.x, [7, 3], method="nearest")),
    ("image.resize/bilinear", lambda tf, t: tf.image.resize(t.x, [7, 3], antialias=True)),
    ("v1.resize_bilinear", lambda tf, t: tf.compat.v1.image.resize_bilinear(t.x, (7, 11), align_corners=True)),
    ("v1.resize_nearest", lambda tf, t: tf.compat.v1.image.resize_nearest_neighbor(t.x, (7, 11))),
    ("nn.conv2d", lambda tf, t: tf.nn.conv2d(t.x, tf.cast(KERNEL, t.x.dtype), 2, "SAME")),
    ("nn.conv2d", lambda tf, t: tf.nn.conv2d(t.x, tf.cast(KERNEL, t.x.dtype), [1, 1, 2, 1], "VALID")),
    ("nn.max_pool", lambda tf, t: tf.nn.max_pool2d(t.x, 2, 2, "SAME")),
    ("nn.max_pool", lambda tf, t: tf.nn.max_pool(t.x, [1, 3, 2, 1], [1, 1, 2, 1], "VALID")),
    ("nn.avg_pool", lambda tf, t: tf.nn.avg_pool2d(t.x, 2, 2, "SAME")),
    ("nn.avg_pool", lambda tf, t: tf.compat.v1.nn.avg_pool(t.x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")),
    ("image.rgb_to_grayscale", lambda tf, t: tf.image.rgb_to_grayscale(t.x[..., :3])),
]  # fmt: skip

#: What has a kernel in float32 only.
SINGLE: list[Row] = [
    ("nn.lrn", lambda tf, t: tf.nn.local_response_normalization(t.x, depth_radius=2, bias=1.0, alpha=1e-4, beta=0.75)),
    ("nn.lrn", lambda tf, t: tf.nn.local_response_normalization(t.x, depth_radius=1, alpha=0.5)),
]


def pick(tf: Any, name: str) -> Any:
    """A function of TensorFlow by its dotted name."""
    for part in name.split("."):
        tf = getattr(tf, part)
    return tf


#: Nodes of TensorFlow's graph with their constants, as ``TensorFlowOpLayer`` of TensorFlow 2.1 to 2.3 holds them.
NODES: list[Row] = [
    ("AddV2", lambda tf, t: tf.raw_ops.AddV2(x=t.x, y=t.y)),
    ("AddV2", lambda tf, t: tf.raw_ops.AddV2(x=t.x, y=2.0)),
    ("Sub", lambda tf, t: tf.raw_ops.Sub(x=1.0, y=t.x)),
    ("Mul", lambda tf, t: tf.raw_ops.Mul(x=t.x, y=np.float32(0.5))),
    ("RealDiv", lambda tf, t: tf.raw_ops.RealDiv(x=t.x, y=t.p)),
    ("Pow", lambda tf, t: tf.raw_ops.Pow(x=t.p, y=2.0)),
    ("Maximum", lambda tf, t: tf.raw_ops.Maximum(x=t.x, y=0.25)),
    ("BiasAdd", lambda tf, t: tf.raw_ops.BiasAdd(value=t.x, bias=ROW)),
    *((name, lambda tf, t, n=name: pick(tf, f"raw_ops.{n}")(x=t.p)) for name in (
        "Abs Neg Square Sqrt Rsqrt Exp Log Log1p Tanh Sigmoid Sin Cos Floor Ceil Round Sign Erf Reciprocal IsNan"
    ).split()),
    *((name, lambda tf, t, n=name: pick(tf, f"raw_ops.{n}")(features=t.x)) for name in (
        "Relu Relu6 Elu Selu Softplus Softsign LeakyRelu"
    ).split()),
    ("LeakyRelu", lambda tf, t: tf.raw_ops.LeakyRelu(features=t.x, alpha=0.25)),
    ("Softmax", lambda tf, t: tf.raw_ops.Softmax(logits=t.x)),
    *((name, lambda tf, t, n=name, d=keep: pick(tf, f"raw_ops.{n}")(input=t.x, axis=[1, 2], keep_dims=d))
      for name in ("Mean", "Sum", "Max", "Min", "Prod") for keep in (False, True)),
    ("Greater", lambda tf, t: tf.raw_ops.Greater(x=t.x, y=0.0)),
    ("SelectV2", lambda tf, t: tf.raw_ops.SelectV2(condition=t.b, t=t.x, e=t.y)),
    ("Cast", lambda tf, t: tf.raw_ops.Cast(x=t.x, DstT=tf.int32)),
    ("Cast", lambda tf, t: tf.raw_ops.Cast(x=t.b, DstT=tf.float32)),
    ("ConcatV2", lambda tf, t: tf.raw_ops.ConcatV2(values=[t.x, t.y], axis=-1)),
    ("Pack", lambda tf, t: tf.raw_ops.Pack(values=[t.x, t.y], axis=1)),
    ("Reshape", lambda tf, t: tf.raw_ops.Reshape(tensor=t.x, shape=[-1, 20, 6])),
    ("Transpose", lambda tf, t: tf.raw_ops.Transpose(x=t.x, perm=[0, 2, 1, 3])),
    ("ExpandDims", lambda tf, t: tf.raw_ops.ExpandDims(input=t.x, axis=-1)),
    ("Squeeze", lambda tf, t: tf.raw_ops.Squeeze(input=t.n, axis=[1])),
    ("StridedSlice", lambda tf, t: tf.raw_ops.StridedSlice(
        input=t.x, begin=[0, 1, 0], end=[0, 3, 1], strides=[1, 1, 1], begin_mask=1, end_mask=1, shrink_axis_mask=4)),
    ("StridedSlice", lambda tf, t: tf.raw_ops.StridedSlice(
        input=t.x, begin=[0, 0], end=[0, 3], strides=[1, 2], ellipsis_mask=1, begin_mask=2)),
    ("Split", lambda tf, t: tf.raw_ops.Split(axis=1, value=t.x, num_split=2)[1]),
    ("Tile", lambda tf, t: tf.raw_ops.Tile(input=t.x, multiples=[1, 2, 1, 1])),
    ("Pad", lambda tf, t: tf.raw_ops.Pad(input=t.x, paddings=[[0, 0], [1, 2], [2, 0], [0, 0]])),
    ("PadV2", lambda tf, t: tf.raw_ops.PadV2(input=t.x, paddings=[[0, 0], [1, 2], [2, 0], [0, 0]], constant_values=1.5)),
    ("MirrorPad", lambda tf, t: tf.raw_ops.MirrorPad(input=t.x, paddings=[[0, 0], [1, 2], [2, 0], [0, 0]], mode="REFLECT")),
    ("GatherV2", lambda tf, t: tf.raw_ops.GatherV2(params=t.x, indices=[0, 2], axis=1)),
    ("ArgMax", lambda tf, t: tf.raw_ops.ArgMax(input=t.x, dimension=-1)),
    ("MatMul", lambda tf, t: tf.raw_ops.MatMul(a=t.v, b=t.v, transpose_b=True)),
    ("BatchMatMulV2", lambda tf, t: tf.raw_ops.BatchMatMulV2(x=t.s, y=t.w)),
    ("BatchMatMulV2", lambda tf, t: tf.raw_ops.BatchMatMulV2(x=t.x, y=t.y, adj_y=True)),
    ("ResizeBilinear", lambda tf, t: tf.raw_ops.ResizeBilinear(images=t.x, size=[7, 11], half_pixel_centers=True)),
    ("ResizeNearestNeighbor", lambda tf, t: tf.raw_ops.ResizeNearestNeighbor(images=t.x, size=[7, 11])),
    ("DepthToSpace", lambda tf, t: tf.raw_ops.DepthToSpace(input=t.q, block_size=2)),
    ("SpaceToDepth", lambda tf, t: tf.raw_ops.SpaceToDepth(input=t.h, block_size=2)),
    ("Conv2D", lambda tf, t: tf.raw_ops.Conv2D(input=t.x, filter=KERNEL, strides=[1, 2, 2, 1], padding="SAME")),
    ("MaxPool", lambda tf, t: tf.raw_ops.MaxPool(input=t.x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")),
    ("AvgPool", lambda tf, t: tf.raw_ops.AvgPool(value=t.x, ksize=[1, 3, 2, 1], strides=[1, 1, 1, 1], padding="SAME")),
    ("LRN", lambda tf, t: tf.raw_ops.LRN(input=t.x, depth_radius=2, alpha=0.5)),
    ("TopKV2", lambda tf, t: tf.raw_ops.TopKV2(input=t.x, k=2)[0]),
    ("OneHot", lambda tf, t: tf.raw_ops.OneHot(indices=t.i, depth=4, on_value=1.0, off_value=0.0, axis=-1)),
    ("Cumsum", lambda tf, t: tf.raw_ops.Cumsum(x=t.x, axis=1)),
    ("Cumsum", lambda tf, t: tf.raw_ops.Cumsum(x=t.x, axis=1, reverse=True)),
    ("Identity", lambda tf, t: tf.raw_ops.Identity(input=t.x)),
    ("SquaredDifference", lambda tf, t: tf.raw_ops.SquaredDifference(x=t.x, y=t.y)),
    ("ReverseV2", lambda tf, t: tf.raw_ops.ReverseV2(tensor=t.x, axis=[1])),
]  # fmt: skip
