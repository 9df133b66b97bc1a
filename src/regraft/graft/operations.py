"""The operations of PyTorch by the names of their arguments: what a traced call does, and with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONV = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
TRANSPOSED = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
RNN = (*("input", "hx", "weights", "has_biases", "num_layers", "dropout", "train", "bidirectional", "batch_first"),)
#: The same for a packed sequence, whose second argument is a tensor.
PACKED = ("input", "batch_sizes", "hx", "weights", "has_biases", "num_layers", "dropout", "train", "bidirectional")
CELL = ("input", "hx", "weight_ih", "weight_hh", "bias_ih", "bias_hh")
MAX_POOL = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
AVG_POOL = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")


@dataclass(frozen=True)
class Operation:
    """
    One operation of PyTorch.

    Attributes:
        kind: What it is in this project: ``conv``, ``linear``, ``batch_norm``, ``relu`` ...
        arguments: Names of its positional arguments.
        defaults: Of the settings that change what it computes.
        axes: Of each parameter, by argument name, the names of its axes.
    """

    kind: str
    arguments: tuple[str, ...] = ("input",)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    axes: Mapping[str, str] = field(default_factory=dict)


def conv(rank: int) -> Operation:
    """A convolution over that many axes (``torch.nn.functional.conv2d``)."""
    spatial = " ".join(("kd", "kh", "kw")[-rank:])
    return Operation(
        "conv",
        CONV,
        {"stride": 1, "padding": 0, "dilation": 1, "groups": 1},
        {"weight": f"cout cin {spatial}", "bias": "cout"},
    )


def transposed(rank: int) -> Operation:
    """A transposed convolution (``torch.nn.functional.conv_transpose2d``)."""
    spatial = " ".join(("kd", "kh", "kw")[-rank:])
    return Operation(
        "conv_transpose",
        TRANSPOSED,
        {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1},
        {"weight": f"cin cout {spatial}", "bias": "cout"},
    )


VECTORS = {"running_mean": "channel", "running_var": "channel", "weight": "channel", "bias": "channel"}
POOLED = {"stride": None, "padding": 0, "ceil_mode": False}
#: By the name of the function; two functions of one name differ in their arguments (see ``operation_of``).
OPERATIONS: dict[str, Operation] = {
    "conv1d": conv(1),
    "conv2d": conv(2),
    "conv3d": conv(3),
    "conv_transpose1d": transposed(1),
    "conv_transpose2d": transposed(2),
    "conv_transpose3d": transposed(3),
    "linear": Operation("linear", ("input", "weight", "bias"), {}, {"weight": "cout cin", "bias": "cout"}),
    "addmm": Operation("linear", ("bias", "input", "weight"), {}, {"weight": "cin cout", "bias": "cout"}),
    "matmul": Operation("linear", ("input", "weight"), {}, {"weight": "cin cout"}),
    "batch_norm": Operation(
        "batch_norm",
        ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
        {"momentum": 0.1, "eps": 1e-5},
        VECTORS,
    ),
    "layer_norm": Operation(
        "layer_norm", ("input", "normalized_shape", "weight", "bias", "eps"), {"eps": 1e-5}, VECTORS
    ),
    "group_norm": Operation(
        "group_norm", ("input", "num_groups", "weight", "bias", "eps"), {"num_groups": 1, "eps": 1e-5}, VECTORS
    ),
    "instance_norm": Operation(
        "instance_norm",
        ("input", "running_mean", "running_var", "weight", "bias", "use_input_stats", "momentum", "eps"),
        {"eps": 1e-5},
        VECTORS,
    ),
    "rms_norm": Operation("rms_norm", ("input", "normalized_shape", "weight", "eps"), {"eps": None}, VECTORS),
    "embedding": Operation("embedding", ("input", "weight"), {}, {"weight": "vocabulary embed"}),
    "prelu": Operation("prelu", ("input", "weight"), {}, {"weight": "channel"}),
    "lstm": Operation("lstm", RNN, {"num_layers": 1, "bidirectional": False, "batch_first": False}),
    "gru": Operation("gru", RNN, {"num_layers": 1, "bidirectional": False, "batch_first": False}),
    "rnn_tanh": Operation("rnn_tanh", RNN, {"num_layers": 1, "bidirectional": False, "batch_first": False}),
    "rnn_relu": Operation("rnn_relu", RNN, {"num_layers": 1, "bidirectional": False, "batch_first": False}),
    "lstm_cell": Operation("lstm_cell", CELL),
    "gru_cell": Operation("gru_cell", CELL),
    "rnn_tanh_cell": Operation("rnn_tanh_cell", CELL),
    "rnn_relu_cell": Operation("rnn_relu_cell", CELL),
    "multi_head_attention_forward": Operation(
        "attention",
        (
            *("query", "key", "value", "embed_dim_to_check", "num_heads", "in_proj_weight", "in_proj_bias"),
            *("bias_k", "bias_v", "add_zero_attn", "dropout_p", "out_proj_weight", "out_proj_bias"),
        ),
        {"num_heads": 1},
        {"in_proj_weight": "cout cin", "in_proj_bias": "cout", "out_proj_weight": "cout cin", "out_proj_bias": "cout"},
    ),
    "max_pool1d": Operation("max_pool", MAX_POOL, {**POOLED, "kernel_size": None, "dilation": 1}),
    "max_pool2d": Operation("max_pool", MAX_POOL, {**POOLED, "kernel_size": None, "dilation": 1}),
    "max_pool3d": Operation("max_pool", MAX_POOL, {**POOLED, "kernel_size": None, "dilation": 1}),
    "avg_pool1d": Operation("avg_pool", AVG_POOL, {**POOLED, "kernel_size": None, "count_include_pad": True}),
    "avg_pool2d": Operation("avg_pool", AVG_POOL, {**POOLED, "kernel_size": None, "count_include_pad": True}),
    "avg_pool3d": Operation("avg_pool", AVG_POOL, {**POOLED, "kernel_size": None, "count_include_pad": True}),
    "pad": Operation("pad", ("input", "pad", "mode", "value"), {"pad": (), "mode": "constant", "value": None}),
    "leaky_relu": Operation("leaky_relu", ("input", "negative_slope"), {"negative_slope": 0.01}),
    "elu": Operation("elu", ("input", "alpha"), {"alpha": 1.0}),
    "gelu": Operation("gelu", ("input", "approximate"), {"approximate": "none"}),
    "hardtanh": Operation("clamp", ("input", "min_val", "max_val"), {"min_val": -1.0, "max_val": 1.0}),
    "clamp": Operation("clamp", ("input", "min", "max"), {"min": None, "max": None}),
    "relu6": Operation("relu6"),
    "dropout": Operation("dropout", ("input", "p", "training")),
    "softmax": Operation("softmax", ("input", "dim"), {"dim": None}),
    "log_softmax": Operation("log_softmax", ("input", "dim"), {"dim": None}),
    "interpolate": Operation(
        "resize",
        ("input", "size", "scale_factor", "mode", "align_corners"),
        {"size": None, "scale_factor": None, "mode": "nearest", "align_corners": None},
    ),
    "flatten": Operation("flatten", ("input", "start_dim", "end_dim"), {"start_dim": 0, "end_dim": -1}),
    "cat": Operation("cat", ("tensors", "dim"), {"dim": 0}),
}
for _name in "relu silu sigmoid tanh hardswish hardsigmoid softplus softsign mish selu celu exp logsigmoid".split():
    OPERATIONS[_name] = Operation(_name)
for _name in "add sub mul div mean sum amax max min permute transpose reshape view squeeze unsqueeze".split():
    OPERATIONS[_name] = Operation(_name, ("input", "other"))

#: Other spellings of the same.
SPELLINGS = {
    "__add__": "add",
    "__radd__": "add",
    "__iadd__": "add",
    "__sub__": "sub",
    "__mul__": "mul",
    "__rmul__": "mul",
    "__imul__": "mul",
    "__truediv__": "div",
    "__matmul__": "matmul",
    "mm": "matmul",
    "concat": "cat",
    "concatenate": "cat",
    "hardtanh_": "hardtanh",
    "multiply": "mul",
    "upsample": "interpolate",
    "swish": "silu",
    "t": "transpose",
}
#: What gives its input back as it is when a network is used.
IDENTITIES = frozenset(
    "dropout alpha_dropout feature_dropout dropout1d dropout2d dropout3d contiguous clone detach to float double long int type_as "
    "requires_grad_ stochastic_depth identity".split()
)
#: Calls that make no tensor of the network.
IGNORED = frozenset(
    "dim size numel stride is_floating_point is_complex is_contiguous element_size __get__ __len__ __bool__ item "
    "data_ptr get_device storage_offset has_names backward __set__ _set_grad_enabled __hash__ __repr__ __eq__ __ne__ "
    "__iter__ is_sparse is_nested is_inference".split()
)
#: Builtins whose arguments stand in another order than those of the function of the same name in ``nn.functional``.
BUILTIN_ORDER = {
    "batch_norm": ("input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps"),
    "embedding": ("weight", "input"),
    "group_norm": ("input", "num_groups", "weight", "bias", "eps"),
    "instance_norm": (
        *("input", "weight", "bias", "running_mean", "running_var", "use_input_stats", "momentum", "eps"),
    ),
}


def name_of(function: Any) -> str:
    """
    The plain name of a function or method: in-place forms lose their underscore.

    >>> import operator
    >>> name_of(operator.matmul)
    'matmul'
    """
    name = getattr(function, "__name__", "") or str(function)
    if name in SPELLINGS:
        return SPELLINGS[name]
    plain = name[:-1] if name.endswith("_") and not name.endswith("__") else name
    return SPELLINGS.get(plain, plain)


def operation_of(function: Any) -> Operation:
    """The operation behind a function; of an unknown one its name alone."""
    name = name_of(function)
    known = OPERATIONS.get(name)
    if known is None:
        return Operation(name)
    module = getattr(function, "__module__", "") or ""
    if name in BUILTIN_ORDER and module != "torch.nn.functional":
        return Operation(known.kind, BUILTIN_ORDER[name], known.defaults, known.axes)
    return known
