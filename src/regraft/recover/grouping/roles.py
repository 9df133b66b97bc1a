"""What the name of an array says: which layer it belongs to, and its role there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from regraft.recover.grouping.held import FOREIGN

_NEW = ("kernel", "recurrent_kernel", "bias")
#: Keras 1 stored every gate of a recurrent layer apart.
GATES = {f"{old}_{gate}": f"{new}_{gate}" for old, new in zip("WUb", _NEW, strict=True) for gate in "icfozrh"}
#: Today's name of every role, by the names that Keras versions gave it.
ROLES = {
    "kernel": "kernel",
    "bias": "bias",
    "recurrent_kernel": "recurrent_kernel",
    "depthwise_kernel": "depthwise_kernel",
    "pointwise_kernel": "pointwise_kernel",
    "embeddings": "embeddings",
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "moving_mean",
    "moving_variance": "moving_variance",
    "moving_stddev": "moving_stddev",
    "renorm_mean": "renorm_mean",
    "renorm_stddev": "renorm_stddev",
    "scale": "scale",
    "alpha": "alpha",
    "mean": "mean",
    "variance": "variance",
    "count": "count",
    # Keras 1
    "W": "kernel",
    "U": "recurrent_kernel",
    "b": "bias",
    "running_mean": "moving_mean",
    "running_std": "moving_variance",
    "alphas": "alpha",
    **GATES,
}
KERAS_1 = (
    "W",
    "U",
    "b",
    "gamma",
    "beta",
    "running_mean",
    "running_std",
    "alphas",
    "depthwise_kernel",
    "pointwise_kernel",
)
#: A name as Keras 1 made it, ``lstm_1_W_i``; TensorFlow may have added a count at the end.
OLD = re.compile(rf"(.*?)_({'|'.join((*GATES, *KERAS_1))})(?:_\d+)?", re.DOTALL)
COUNTED = re.compile(r"(.*?)_\d+", re.DOTALL)
#: Names of scopes that belong to a layer with several parts, and what the part is called here.
PARTS = (
    (re.compile(r"forward_.+"), "forward"),
    (re.compile(r"backward_.+"), "backward"),
    (re.compile(r"(.*_)?cell(_\d+)?|cells"), ""),
    (re.compile(r"_?(query|key|value)(_dense)?"), r"\1"),
    (re.compile(r"_?(attention_output|output_dense|attention_output_dense)"), "attention_output"),
)
ATTENTION = frozenset({"query", "key", "value"})


@dataclass(frozen=True)
class ArrayName:
    """
    The name of an array, taken apart.

    Attributes:
        owner: Path of the layer it belongs to, as far as the name tells; empty if it does not.
        part: ``forward``, ``backward``, ``query`` ..., or empty.
        role: Today's name of its role, ``?`` for a role of the author's own, empty if the name tells nothing.
    """

    owner: str
    part: str
    role: str

    @property
    def full(self) -> str:
        """Role with the part in front: ``forward/kernel``."""
        return f"{self.part}/{self.role}" if self.part and self.role else self.role


def array_name(name: str) -> ArrayName:
    """
    Take the name of an array of an older file apart.

    >>> array_name("bidirectional/forward_lstm/lstm_cell/kernel:0")
    ArrayName(owner='bidirectional', part='forward', role='kernel')
    >>> array_name("conv1_W_1:0"), array_name("param_0").role, array_name("net/dense_1_W:0").owner
    (ArrayName(owner='conv1', part='', role='kernel'), '', 'net/dense_1')
    """
    name = re.sub(r":\d+$", "", name)
    scope, _, last = name.rpartition("/")
    if re.fullmatch(r"param_\d+|\d*", last):
        return ArrayName(scope, "", "")
    role = ROLES.get(last) or ROLES.get(COUNTED.sub(r"\1", last) if COUNTED.fullmatch(last) else last)
    if role is None:
        old = OLD.fullmatch(last)
        if old is None:
            return _without_parts(scope, FOREIGN)
        scope, role = f"{scope}/{old[1]}" if scope else old[1], ROLES[old[2]]
    return _without_parts(scope, role)


def _without_parts(scope: str, role: str) -> ArrayName:
    """The owner without the scopes inside it: those of wrapped layers, cells and attention heads."""
    steps = scope.split("/") if scope else []
    part = ""
    while steps:
        last = steps[-1]
        found = next(((match, name) for pattern, name in PARTS if (match := pattern.fullmatch(last))), None)
        if found is None:
            break
        part = found[0].expand(found[1]) or part
        steps.pop()
    return ArrayName("/".join(steps), part, role)
