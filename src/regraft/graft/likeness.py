"""How alike two names are, word by word."""

from __future__ import annotations

import re
from functools import cache

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
#: Words of the two worlds that mean the same.
MEANING: dict[str, str] = {
    "batchnorm": "bn",
    "batchnormalization": "bn",
    "norm": "bn",
    "normalization": "bn",
    "dense": "linear",
    "fc": "linear",
    "logits": "linear",
    "predictions": "linear",
    "classifier": "linear",
    "conv2d": "conv",
    "downsample": "shortcut",
}


@cache
def words(name: str) -> tuple[str, ...]:
    """
    The words of a name, in lower case, numbers apart.

    >>> words("layer1.0.conv2d_3")
    ('layer', '1', '0', 'conv', '2', 'd', '3')
    """
    lower = [str(word).lower() for word in _WORDS.findall(name)]
    return tuple(MEANING.get(word, word) for word in lower)


def likeness(first: str, second: str) -> float:
    """
    The share of words that two names have in common, 0 to 1.

    >>> likeness("encoder.conv1", "conv1") > likeness("encoder.conv1", "conv2")
    True
    """
    ours, theirs = set(words(first)), set(words(second))
    return len(ours & theirs) / max(1, len(ours | theirs))
