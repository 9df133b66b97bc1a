"""What a layer's own name says about its function. Default names say nothing."""

from __future__ import annotations

import re

from regraft.keras_classes import class_of, stem_of

#: Words that are a function. ``leaky`` and ``prelu`` are layers of their own.
FUNCTION_WORDS = {
    **{
        word: word
        for word in "relu relu6 tanh sigmoid softmax elu selu gelu silu softplus softsign linear mish".split()
    },
    "sigm": "sigmoid",
    "swish": "silu",
    "hswish": "hard_silu",
}
#: Words for what an output means, with the functions that this makes likely, as factors on their shares.
MEANINGS: tuple[tuple[frozenset[str], dict[str, float]], ...] = tuple(
    (frozenset(words.split()), changes)
    for words, changes in (
        (
            "predictions prediction probs prob probabilities classes class cls classifier label labels classification",
            {"softmax": 4.0, "sigmoid": 4.0, "linear": 0.4},
        ),
        ("policy pi action actions", {"softmax": 6.0}),
        ("logits logit", {"linear": 40.0}),
        ("value v critic", {"linear": 2.0, "tanh": 8.0, "softmax": 0.1, "sigmoid": 0.3}),
        (
            "q qvalue qvalues advantage mean mu logvar sigma var regression reg bbox box boxes coords landmarks age price",
            {"linear": 10.0, "softmax": 0.1},
        ),
        ("mask masks seg segmentation", {"sigmoid": 3.0, "softmax": 2.0, "linear": 0.5}),
        ("gate gating attention att se", {"sigmoid": 4.0, "softmax": 2.0}),
    )
)


def words_of(name: str) -> tuple[str, ...]:
    """
    The words of a name that an author chose; none for a default name.

    >>> words_of("block1_conv2_relu6"), words_of("activation_3"), words_of("conv2d"), words_of("z_mean")
    (('block', 'conv', 'relu6', 'relu'), (), (), ('z', 'mean'))
    """
    last = name.rsplit("/", maxsplit=1)[-1]
    if class_of(stem_of(last)) and re.fullmatch(r"[a-z0-9_]+", last):
        return ()
    found: list[str] = []
    for word in re.findall(r"[a-z]+\d*", re.sub(r"([a-z])([A-Z])", r"\1_\2", last).lower()):
        bare = word.rstrip("0123456789")
        found += [word] if word == "relu6" else []
        found.append(bare)
    return tuple(found)


def function_in(name: str) -> str:
    """
    The function that a name states, or empty.

    >>> function_in("conv1_relu"), function_in("dense_1"), function_in("fc_tanh_out"), function_in("leaky_relu_a")
    ('relu', '', 'tanh', '')
    """
    words = words_of(name)
    if {"leaky", "lrelu", "leakyrelu", "prelu", "pre", "crelu"} & set(words):
        return ""
    return next((FUNCTION_WORDS[word] for word in words if word in FUNCTION_WORDS), "")


def factors(name: str) -> dict[str, float]:
    """How many times likelier a name makes each function of an output."""
    words = set(words_of(name))
    found: dict[str, float] = {}
    for meant, changes in MEANINGS:
        if words & meant:
            for function, factor in changes.items():
                found[function] = found.get(function, 1.0) * factor
    return found
