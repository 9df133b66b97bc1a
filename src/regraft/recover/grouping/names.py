"""What the name of a layer says: a default name states its class and a count, a chosen one has words in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from regraft.keras_classes import MODELS, class_of, stem_of
from regraft.layers import ALIASES
from regraft.layers.naming import snake_case
from regraft.recover.grouping.words import FUNCTIONS, RANK, WORDS, Word

#: Longest class name in words, ``contrast_limited_adaptive_histogram_equalization`` aside.
LONGEST = 4
#: A name with more words than this is not read to its beginning.
MOST_WORDS = 24
MOST_LETTERS = 400
#: Names that TensorFlow gives to single operations.
OPERATIONS = ("tf.", "tf_op_layer_")


@dataclass(frozen=True)
class DefaultName:
    """
    A name that Keras made itself.

    Attributes:
        class_name: The class, as some version of Keras calls it: ``Convolution2D``.
        counter: Its count; 0 where the name ends without one.
    """

    class_name: str
    counter: int

    @property
    def type(self) -> str:
        """The type in the catalogue, or the class name where the catalogue lacks it."""
        return type_of(self.class_name)


def type_of(class_name: str) -> str:
    """
    The catalogue's type for a class name.

    >>> type_of("Convolution2D"), type_of("Highway")
    ('Conv2D', 'Highway')
    """
    return ALIASES.get(class_name, class_name)


def default_name(name: str, *, keras_1: bool = False) -> DefaultName | None:
    """
    A name as Keras makes it, or None; Keras 1 wrote class names in small letters, later versions in snake case.

    >>> default_name("max_pooling2d_3")
    DefaultName(class_name='MaxPooling2D', counter=3)
    >>> default_name("maxpooling2d_3"), default_name("maxpooling2d_3", keras_1=True)
    (None, DefaultName(class_name='MaxPooling2D', counter=3))
    """
    stem = stem_of(name)
    found = class_of(stem)
    if not found or stem not in ("input", found.lower() if keras_1 else snake_case(found)):
        return None
    return DefaultName(found, int(name[len(stem) + 1 :][:9] or 0))


@dataclass(frozen=True)
class Hint:
    """
    What one word in a name means.

    Attributes:
        word: As it stands in the name.
        meaning: The types, and how far to trust it.
    """

    word: str
    meaning: Word

    def types(self, rank: int) -> tuple[str, ...]:
        """Its types for maps with so many spatial axes."""
        return tuple(t.replace(RANK, str(rank)) for t in self.meaning.types)


@lru_cache(maxsize=20_000)
def hints(name: str) -> tuple[Hint, ...]:
    """
    The words of a name that mean layer types, last first: authors put the type at the end.

    >>> [(hint.word, hint.types(2)[0]) for hint in hints("block1_conv1_relu")]
    [('relu', 'Activation'), ('conv', 'Conv2D')]
    """
    return tuple(_hints(name))


def _hints(name: str) -> Iterator[Hint]:
    words = split(name)
    end = len(words)
    while end > 0:
        for length in range(min(LONGEST, end), 0, -1):
            hint = _meaning(words[end - length : end])
            if hint is not None:
                yield hint
                end -= length
                break
        else:
            end -= 1


def split(name: str) -> list[str]:
    """
    The words of a name.

    >>> split("PReLU1"), split("Conv2d_1a_3x3_BN"), split("maxPool")
    (['p', 're', 'lu1'], ['conv2d', '1a', '3x3', 'bn'], ['max', 'pool'])
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name[-MOST_LETTERS:])
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    return re.findall(r"[a-z0-9]+", name)[-MOST_WORDS:]


def _meaning(words: list[str]) -> Hint | None:
    before = "".join(words[:-1])
    spellings = (before + words[-1], before + without_count(words[-1]))
    for word in spellings:
        if word in WORDS:
            return Hint(word, WORDS[word])
    for word in spellings:
        found = class_of(word)
        if found and found not in MODELS:
            return Hint(word, Word((type_of(found),), "supported"))
    return None


def without_count(word: str) -> str:
    """
    A word without the number behind it; ``2d`` belongs to the word.

    >>> [without_count(w) for w in ("bn2a", "fc1000", "conv2d3", "conv3x3")]
    ['bn', 'fc', 'conv2d', 'conv']
    """
    match = re.match(r"[a-z]+(?:[123]d(?![a-z]))?", word)
    return match[0] if match else ""


def function_in(name: str) -> str:
    """
    The activation function that a name speaks of, or empty.

    >>> function_in("conv1_relu"), function_in("re_lu_3"), function_in("softmax_out"), function_in("pool1")
    ('relu', 'relu', 'softmax', '')
    """
    return next((FUNCTIONS[hint.word] for hint in hints(name) if hint.word in FUNCTIONS), "")


def is_operation(name: str) -> bool:
    """
    Whether a name is one that TensorFlow gives to a single operation on tensors.

    >>> is_operation("tf.__operators__.add_1"), is_operation("tf_op_layer_AddV2"), is_operation("transfer")
    (True, True, False)
    """
    return name.startswith(OPERATIONS)


__all__ = ["DefaultName", "Hint", "default_name", "function_in", "hints", "is_operation", "split", "type_of"]
